// Functions: what they did, what they said, and what they do when they are asked.

import { make, keyed, table, button, form, field, ask, part, clock, duration, pretty } from "./dom.js";
import { openHop } from "./hop.js";
import { latest } from "./queues.js";

export const title = "Functions";

/** So many of the newest invocations are shown. */
const MOST = 100;

export function show(root, known, chosen) {
  const list = make("ul", { class: "list" });
  const detail = make("div");
  root.append(make("div", { class: "panes" },
    make("section", { class: "sheet", "aria-label": "Functions" }, make("h2", {}, "Functions"), list),
    make("section", { class: "sheet", "aria-label": "The chosen function" }, detail)));
  let functions = [];
  let shown = null;

  const paint = () => {
    keyed(list, functions, ({ name }) => name, ({ name }) => make("li", {}, make("a", { href: `#/functions/${part(name)}` })),
      (element, one) => entry(element.firstChild, one, known, one.name === chosen));
    const one = functions.find(({ name }) => name === chosen);
    if (!one) {
      detail.replaceChildren(make("p", { class: "faint" }, "Choose a function."));
      shown = null;
      return;
    }
    if (shown?.name !== one.name) {
      shown = frame(one, known);
      detail.replaceChildren(shown.element);
    }
    shown.update(one);
  };
  const load = latest(async () => {
    functions = await ask("GET", "/api/functions");
    paint();
  });
  return { update: load, open: (next) => (chosen = next) };
}

/** A line of a log: where it is JSON, the message and what it is about. */
function line(text) {
  try {
    const { timestamp, spans, level, message, ...about } = JSON.parse(text);
    if (typeof message !== "string") return text;
    const rest = Object.entries(about).map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`);
    return `${level ?? ""} ${message}  ${rest.join(" ")}`.trim();
  } catch {
    return text;
  }
}

const invocations = (known, name) => known.hops.filter(({ kind, to }) => kind === "invoked" && to === `function:${name}`);

function entry(link, one, known, isChosen) {
  if (isChosen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  const done = invocations(known, one.name);
  const failed = done.filter(({ error }) => error).length;
  const text = `${one.environments} running, ${done.length} invocations`;
  if (link.version === text + failed) return;
  link.version = text + failed;
  link.replaceChildren(known.short(one.name), make("br"), make("small", {}, text, failed > 0 && make("span", { class: "bad" }, `, ${failed} failed`)));
}

function frame(one, known) {
  const path = `/api/functions/${part(one.name)}`;
  const facts = make("p", { class: "faint" });
  const past = table("Invocations, the newest first", [
    { name: "when", fixed: true, cell: ({ at_ms: at }) => clock(at) },
    { name: "from", cell: ({ from }) => known.title(from) },
    { name: "took", number: true, cell: ({ took_ms: took }) => duration(took) },
    { name: "how", cell: ({ label, error }) => [label, error && make("span", { class: "bad" }, `, ${error}`)] },
    { name: "event", cell: (hop) => button("Open", () => openHop(hop.number, known), { name: `Open invocation ${hop.number}` }) },
  ], ({ number }) => number, "Not invoked yet.");
  const log = make("pre", { tabindex: "0", "aria-label": "Log" });
  const readLog = latest(async () => {
    const lines = await ask("GET", `${path}/log`);
    const end = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    log.textContent = lines.map(({ at_ms: at, text }) => `${clock(at)}  ${line(text)}`).join("\n") || "It said nothing yet.";
    if (end) log.scrollTop = log.scrollHeight;
  });
  const answer = make("pre", { hidden: true, tabindex: "0", "aria-label": "The answer" });
  const invoke = form([field("Event, as JSON", "event", { tag: "textarea", spellcheck: "false", required: true }, "{}")], "Invoke",
    async ({ event }) => {
      const { error, body } = await ask("POST", `${path}/invoke`, event);
      answer.hidden = false;
      answer.className = error ? "bad" : "";
      answer.textContent = (error ? `${error}\n` : "") + pretty(body);
    });
  const kill = button("Kill its environments", () => ask("POST", `${path}/kill`).then((count) => `Killed: ${count}`), { kind: "danger" });
  const element = make("div", {}, make("div", { class: "row" }, make("h2", {}, known.short(one.name)), make("span", { class: "end" }, kill)), facts,
    past.element, make("h3", {}, "Log"), log, make("h3", {}, "Invoke it"), invoke, answer);
  const update = ({ memory_mb: memory, timeout_seconds: seconds, environments, reserved_concurrency: reserved }) => {
    facts.textContent = [`${memory} MB`, `${seconds} s at most`, `environments: ${environments}`,
      reserved !== null && `${reserved} at a time`].filter(Boolean).join(", ");
    const done = invocations(known, one.name);
    past.update(done.slice(-MOST).reverse());
    readLog();
  };
  return { element, update, name: one.name };
}
