// Faults on demand: how likely each is, and the seed that lets a run repeat. And the clock, which can be put forward.

import { make, table, button, form, field, ask } from "./dom.js";

export const title = "Faults and time";

const CLOUD = [
  ["duplicates", "Duplicates", "a message of a standard queue is there twice"],
  ["reordering", "Reordering", "a message of a standard queue comes up to two seconds late"],
  ["throttles", "Throttles", "a function's call, or its invocation, is refused as one too many"],
  ["kills", "Kills", "an environment is killed within 50 ms of getting its event"],
  ["lost-answers", "Lost answers", "the work is done, and the answer is an error all the same"],
];
const RATE = { type: "number", min: 0, max: 1, step: 0.01, value: 0, required: true };
const KINDS = { delay: "answered late", status: "refused", lose_answer: "done, but the connection is cut", reset: "the connection is cut", html: "a gateway's page" };

export function show(root, known) {
  const fields = CLOUD.map(([name, label, why]) => described(field(label, name, RATE), why));
  const cloud = form([...fields, described(field("Seed", "seed", { type: "number", min: 0, step: 1, value: 0, required: true }),
    "the same seed strikes the same messages and calls")], "Apply", async (given) => {
    await ask("PUT", "/api/chaos", Object.fromEntries(Object.entries(given).map(([name, value]) => [name, Number(value)])));
    return "Faults are as you say, from here on";
  });
  const off = button("All off", async () => {
    await ask("PUT", "/api/chaos", {});
    await load();
    return "No faults";
  });
  root.append(make("section", { class: "sheet" }, make("h2", {}, "Faults of the cloud"),
    make("p", { class: "faint" }, "Rates from 0 to 1. FIFO queues keep their promises: no duplicates, no reordering."), cloud, off));
  root.append(time());
  const rest = known.hasPaypal ? paypal(root) : async () => {};
  const load = async () => {
    const rates = await ask("GET", "/api/chaos");
    for (const [name, value] of Object.entries(rates)) cloud.elements[name].value = value;
    await rest();
  };
  load();
  return { update: () => {} };
}

/** The clock: what waits for it need not be waited for. */
function time() {
  const shown = make("p", {});
  const tell = ({ now, ahead_seconds: ahead }) => {
    shown.textContent = `It is ${now}${ahead ? `, ${Math.round(ahead)} s ahead of this machine` : ""}.`;
  };
  const skip = form([field("Seconds", "seconds", { type: "number", min: 1, step: 1, value: 30, required: true })], "Put it forward", async ({ seconds }) => {
    tell(await ask("POST", "/api/clock", { advance_seconds: Number(seconds) }));
    return `Skipped: ${seconds} s`;
  });
  ask("GET", "/api/clock").then(tell);
  return make("section", { class: "sheet" }, make("h2", {}, "The clock"),
    make("p", { class: "faint" }, "Visibility, delays, windows and retries follow it. What becomes due by a skip is due at once."), shown, skip);
}

const described = (element, why) => {
  element.append(make("small", {}, why));
  return element;
};

function paypal(root) {
  const on = table("Faults that are on", [
    { name: "requests", cell: ({ match }) => (match === "*" ? "all" : match) },
    { name: "what", cell: ({ kind, status, delay_ms: delay }) => [KINDS[kind], status && ` with ${status}`, delay > 0 && ` by ${delay} ms`] },
    { name: "how often", cell: ({ probability, times }) => [probability ?? 1, times !== null && `, ${times} times more`] },
  ], (fault) => JSON.stringify(fault), "None.");
  const add = form([
    field("Requests that begin with", "match", { value: "POST /v2/invoicing", required: true }),
    field("What happens", "kind", { tag: "select" }, Object.entries(KINDS).map(([value, text]) => make("option", { value }, text))),
    field("Status, where it is refused", "status", { type: "number", min: 400, max: 599, value: 503 }),
    field("Late by, in milliseconds", "delay_ms", { type: "number", min: 0, value: 2000 }),
    field("How likely", "probability", { ...RATE, value: 1 }),
    field("At most so often", "times", { type: "number", min: 1 }),
    field("Seed", "seed", { type: "number", min: 0, step: 1, value: 0 }),
  ], "Add the fault", async ({ match, kind, status, delay_ms: delay, probability, times, seed }) => {
    await ask("POST", "/paypal/faults", { match, kind, probability: Number(probability), seed: Number(seed),
      ...(["status", "html"].includes(kind) && { status: Number(status) }), ...(kind === "delay" && { delay_ms: Number(delay) }),
      ...(times && { times: Number(times) }) });
    await load();
    return "Added";
  });
  const clear = button("PayPal is well again", async () => {
    await ask("DELETE", "/paypal/faults");
    await ask("PUT", "/paypal/certificates", { expired: 0 });
    await load();
    return "No faults";
  });
  const certificates = form([field("Expired certificates", "expired", RATE), field("Seed", "seed", { type: "number", min: 0, step: 1, value: 0 })],
    "Apply", async ({ expired, seed }) => {
      await ask("PUT", "/paypal/certificates", { expired: Number(expired), seed: Number(seed) });
      return "Certificates expire as you say, from the next webhook on";
    });
  root.append(make("section", { class: "sheet" }, make("h2", {}, "Faults of PayPal"), on.element, add,
    make("h3", {}, "Certificates"), make("p", { class: "faint" }, "How likely a webhook is signed with a certificate that has expired."),
    certificates, clear));
  const load = async () => {
    on.update(await ask("GET", "/paypal/faults"));
    certificates.elements.expired.value = (await ask("GET", "/paypal/certificates")).expired;
  };
  return load;
}
