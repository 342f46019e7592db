// Queues: what they hold, and what a person does with it.

import { make, keyed, table, button, form, field, ask, part, clock, pretty, say } from "./dom.js";

export const title = "Queues";

export function show(root, known, chosen) {
  const list = make("ul", { class: "list" });
  const detail = make("div");
  root.append(make("div", { class: "panes" },
    make("section", { class: "sheet", "aria-label": "Queues" }, make("h2", {}, "Queues"), list),
    make("section", { class: "sheet", "aria-label": "The chosen queue" }, detail)));
  let shown = null;

  const update = ({ hops, queues }) => {
    keyed(list, known.queues, ({ name }) => name, ({ name }) => make("li", {}, make("a", { href: `#/queues/${part(name)}` })),
      (element, queue) => entry(element.firstChild, queue, known, queue.name === chosen));
    const queue = known.queues.find(({ name }) => name === chosen);
    if (!queue) {
      detail.replaceChildren(make("p", { class: "faint" }, "Choose a queue."));
      shown = null;
      return;
    }
    if (shown?.name !== queue.name) {
      shown = frame(queue, known);
      detail.replaceChildren(shown.element);
      shown.load();
    } else if (queues || hops.some(({ from, to }) => [from, to].includes(`queue:${queue.name}`))) {
      shown.load();
    }
    shown.refresh(queue);
  };
  return { update, open: (next) => (chosen = next) };
}

function entry(link, queue, known, isChosen) {
  if (isChosen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  const text = `${queue.visible} waiting, ${queue.in_flight} in work, ${queue.delayed} delayed${queue.held ? ", held" : ""}`;
  if (link.version === text) return;
  link.version = text;
  link.replaceChildren(known.short(queue.name), make("br"), make("small", { class: queue.visible ? "warn" : "" }, text));
}

function frame(queue, known) {
  const path = `/api/queues/${part(queue.name)}`;
  const facts = make("p", { class: "faint" });
  const held = make("input", { type: "checkbox" });
  held.addEventListener("change", async () => {
    try {
      await ask("POST", `${path}/hold`, { hold: held.checked });
      say(held.checked ? "Held: messages stay until you let them through" : "Released: all messages go on");
    } catch (error) {
      say(error.message, true);
    }
  });
  const messages = table("The oldest messages, none of them received by looking", columns(path, () => held.checked), ({ key }) => key, "It is empty.");
  const load = latest(async () => messages.update((await ask("GET", path)).messages));
  const redrive = button("Try all again", async () => {
    const { went, stay } = await ask("POST", `${path}/redrive`);
    const where = Object.entries(went).map(([to, count]) => `${count} to ${known.short(to)}`);
    return [where.join(", ") || "Nothing to try again", stay ? `${stay} stay: no queue gave them up` : ""].filter(Boolean).join("; ");
  });
  const purge = button("Purge", () => ask("POST", `${path}/purge`).then(() => "All messages are gone"),
    { kind: "danger", confirm: `Delete all messages of ${known.short(queue.name)}?` });
  const send = form([
    field("Message", "body", { tag: "textarea", required: true, spellcheck: "false" }),
    queue.fifo && field("Group", "group", { required: true, value: "console" }),
  ].filter(Boolean), "Send", async (fields) => {
    const { message_id: id } = await ask("POST", `${path}/messages`, fields);
    return `Sent: ${id}`;
  });
  const element = make("div", {}, make("h2", {}, known.short(queue.name)), facts,
    make("div", { class: "row" }, make("label", { class: "inline" }, held, "Hold: let messages through one by one"),
      make("span", { class: "row end" }, redrive, purge)),
    make("h3", {}, "Messages"), messages.element, make("h3", {}, "Send a message"), send);
  const refresh = ({ fifo, held: isHeld, visibility_seconds: seconds, gives_up_to: to }) => {
    held.checked = isHeld;
    facts.textContent = [fifo ? "FIFO" : "standard", `hidden for ${seconds} s when received`,
      to && `gives up to ${known.short(to)}`].filter(Boolean).join(", ");
  };
  return { element, refresh, load, name: queue.name };
}

/** Runs work one at a time; what is asked for meanwhile is done once more at the end. */
export function latest(work) {
  let [running, again] = [false, false];
  return async function run() {
    again = running;
    if (running) return;
    running = true;
    try {
      await work();
    } catch (error) {
      say(error.message, true);
    }
    running = false;
    if (again) run();
  };
}

function columns(path, isHeld) {
  const one = ({ key }) => `${path}/messages/${key}`;
  return [
    { name: "sent", fixed: true, cell: ({ sent_at_ms: at }) => clock(at) },
    { name: "where", cell: (message) => [place(message), make("br"), make("small", {}, `received ${message.receives} times`)] },
    { name: "says", cell: says },
    { name: "do", cell: (message) => make("div", { class: "row" },
      isHeld() && button("Let through", () => ask("POST", `${one(message)}/release`, {}).then(() => "Let through")),
      isHeld() && changed(message, one(message)),
      button("Try again", () => ask("POST", `${one(message)}/redrive`).then(({ to }) => `Sent to ${to}`), { name: `Try message ${message.key} again` }),
      button("Delete", () => ask("DELETE", one(message)).then(() => "Deleted"), { kind: "danger", name: `Delete message ${message.key}` })) },
  ];
}

const place = ({ place: where, seen_in_ms: left }) =>
  ({ waiting: "waiting", delayed: `delayed, ${Math.ceil(left / 1000)} s`, "in-flight": "in work" })[where];

function says({ body, attributes, group, message_id: id }) {
  const marks = [...Object.entries(attributes), ...(group ? [["group", group]] : [])];
  return [marks.map(([name, value]) => make("div", { class: name === "reason" ? "bad" : "faint" }, `${name}: ${value}`)),
    make("details", {}, make("summary", { class: "id" }, id), make("pre", { tabindex: "0" }, pretty(body)))];
}

/** Step mode: the message is looked at, changed, and let through. */
function changed(message, path) {
  const text = make("textarea", { "aria-label": "The message to let through instead", spellcheck: "false" });
  text.value = message.body;
  return make("details", {}, make("summary", {}, "Change"), text,
    button("Let through, changed", () => ask("POST", `${path}/release`, { body: text.value }).then(() => "Let through, changed")));
}
