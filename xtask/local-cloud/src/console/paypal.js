// PayPal, as this machine plays it: plans, subscriptions, invoices, and events of any kind.

import { make, table, button, form, field, ask, part } from "./dom.js";
import { latest } from "./queues.js";

export const title = "PayPal";

const TYPES = [
  "PAYMENT.SALE.COMPLETED", "PAYMENT.SALE.PENDING", "PAYMENT.SALE.DENIED", "PAYMENT.SALE.REFUNDED", "PAYMENT.SALE.REVERSED",
  "BILLING.SUBSCRIPTION.CREATED", "BILLING.SUBSCRIPTION.ACTIVATED", "BILLING.SUBSCRIPTION.UPDATED",
  "BILLING.SUBSCRIPTION.RE-ACTIVATED", "BILLING.SUBSCRIPTION.EXPIRED", "BILLING.SUBSCRIPTION.CANCELLED",
  "BILLING.SUBSCRIPTION.SUSPENDED", "BILLING.SUBSCRIPTION.PAYMENT.FAILED", "BILLING.PLAN.CREATED", "BILLING.PLAN.UPDATED",
  "BILLING.PLAN.PRICING-CHANGE.ACTIVATED", "CATALOG.PRODUCT.CREATED",
];
const WAYS = { plain: "as it is", duplicate: "twice", late: "signed an hour and a half ago", tampered: "changed after it was signed" };
const LATE_SECONDS = 5_400;

export function show(root, known) {
  const plans = table("Plans", [
    { name: "plan", cell: ({ name, id }) => [name, make("br"), make("small", { class: "id" }, id)] },
    { name: "status", cell: ({ status }) => status },
    { name: "price", cell: price },
  ], ({ id }) => id);
  const subscriptions = table("Subscriptions, the newest first", [
    { name: "subscription", cell: ({ id, custom_id: custom }) => [make("span", { class: "id" }, id), custom && make("small", {}, ` ${custom}`)] },
    { name: "status", cell: ({ status }) => make("span", { class: status === "ACTIVE" ? "good" : "" }, status) },
    { name: "do", cell: (one) => make("div", { class: "row" }, changes(one)) },
  ], ({ id }) => id, "None yet.");
  const invoices = table("Invoices, the newest first", [
    { name: "number", cell: ({ document: { detail } }) => make("span", { class: "id" }, detail.invoice_number) },
    { name: "status", cell: ({ document: { status }, history }) =>
      [make("span", { class: status.endsWith("PAID") && !status.startsWith("UN") ? "good" : "" }, status), make("small", {}, ` ${history.join(" → ")}`)] },
    { name: "amount", number: true, cell: ({ document: { amount } }) => `${amount.value} ${amount.currency_code}` },
  ], ({ document: { id } }) => id, "None yet: a completed sale makes one.");

  const choose = field("Plan", "plan_id", { tag: "select", required: true });
  const create = form([
    choose,
    field("Custom id", "custom_id", { value: "buyer-1", required: true }),
    field("Given name", "given_name", { value: "Ann" }),
    field("Surname", "surname", { value: "Lee" }),
    field("E-mail address", "email_address", { type: "email", value: "ann@example.com" }),
  ], "Create a subscription", async (fields) => {
    const wanted = Object.fromEntries(Object.entries(fields).filter(([, value]) => value));
    const { status, body } = await ask("POST", "/api/request", {
      method: "POST", target: "/subscription/create", headers: { "content-type": "application/json" }, body: JSON.stringify(wanted),
    });
    if (status !== 200) throw new Error(`${status}: ${body}`);
    load();
    return `Created: ${JSON.parse(body).subscription_id}`;
  });
  const about = field("About the subscription", "subscription", { tag: "select" });
  const ways = Object.entries(WAYS).map(([value, text]) => make("option", { value }, text));
  const types = make("datalist", { id: "event-types" }, TYPES.map((value) => make("option", { value })));
  const send = form([
    field("Event type", "event_type", { list: "event-types", value: TYPES[0], required: true }),
    about,
    field("How", "way", { tag: "select" }, ways),
  ], "Send the event", async ({ event_type: type, subscription, way }) => {
    const wanted = { event_type: type, ...(subscription && { subscription }), times: way === "duplicate" ? 2 : 1,
      tampered: way === "tampered", late_seconds: way === "late" ? LATE_SECONDS : 0 };
    const { id } = await ask("POST", "/paypal/events", wanted);
    return `On its way, ${WAYS[way]}: ${id}`;
  });
  root.append(
    make("section", { class: "sheet" }, make("h2", {}, "Subscribe"), make("p", { class: "faint" }, "Asks the service, as a shop's page does."), create, plans.element),
    make("section", { class: "sheet" }, make("h2", {}, "Subscriptions"), subscriptions.element),
    make("section", { class: "sheet" }, make("h2", {}, "Invoices"), invoices.element),
    make("section", { class: "sheet" }, make("h2", {}, "Send an event"), send, types));

  const load = latest(async () => {
    const [allPlans, all, made] = await Promise.all(["plans", "subscriptions", "invoices"].map((what) => ask("GET", `/paypal/${what}`)));
    plans.update(allPlans);
    subscriptions.update([...all].reverse());
    invoices.update([...made].reverse());
    const active = allPlans.filter(({ status }) => status === "ACTIVE");
    options(choose, active.map((plan) => [plan.id, `${plan.name}, ${price(plan)}`]));
    options(about, [["", "a new one"], ...[...all].reverse().map(({ id, status }) => [id, `${id} ${status}`])]);
  });
  /** What can be done with a subscription, by its status. */
  const changes = ({ id, status, links }) => {
    const change = (label, word, kind) => button(label, async () => {
      await ask("POST", `/paypal/subscriptions/${part(id)}/${word}`);
      load();
      return `${label}: done`;
    }, { kind, name: `${label} ${id}` });
    if (status === "APPROVAL_PENDING") {
      const link = links?.find(({ rel }) => rel === "approve");
      return [change("Approve", "approve", "main"),
        link && make("a", { href: link.href, target: "_blank", rel: "noreferrer" }, "as the buyer sees it")];
    }
    if (status !== "ACTIVE") return [make("span", { class: "faint" }, "nothing more")];
    return [change("Renew", "renew", "main"), change("Suspend", "suspend"), change("Cancel", "cancel", "danger")];
  };
  return { update: load };
}

function price({ billing_cycles: [cycle] }) {
  const { value, currency_code: currency } = cycle.pricing_scheme.fixed_price;
  return `${value} ${currency} a ${cycle.frequency.interval_unit.toLowerCase()}`;
}

/** Gives a field new choices, and keeps what is chosen. */
function options(holder, choices) {
  const select = holder.querySelector("select");
  const version = JSON.stringify(choices);
  if (select.version === version) return;
  select.version = version;
  const chosen = select.value;
  select.replaceChildren(...choices.map(([value, text]) => make("option", { value }, text)));
  if (choices.some(([value]) => value === chosen)) select.value = chosen;
}
