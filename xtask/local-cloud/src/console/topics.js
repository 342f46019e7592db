// Topics with their subscriptions, and the template's alarms.

import { make, keyed, table, form, field, ask, part } from "./dom.js";
import { latest } from "./queues.js";

export const title = "Topics and alarms";

export function show(root, known, chosen) {
  const topics = make("div");
  const alarms = table("What each says now", [
    { name: "alarm", cell: ({ name, description }) => [known.short(name), make("br"), make("small", {}, description || "")] },
    { name: "says", cell: ({ state, reason }) =>
      [make("span", { class: { ALARM: "bad", OK: "good" }[state] ?? "faint" }, state), make("br"), make("small", {}, reason)] },
    { name: "when", cell: ({ watches }) => watches },
  ], ({ name }) => name, "The template has no alarms.");
  root.append(make("section", { class: "sheet" }, make("h2", {}, "Topics"), topics),
    make("section", { class: "sheet" }, make("h2", {}, "Alarms"), alarms.element));
  const update = latest(async () => {
    const all = await ask("GET", "/api/topics");
    keyed(topics, all, ({ name }) => name, (topic) => card(topic, known, topic.name === chosen), (element, topic) => refresh(element, topic, known));
    alarms.update(await ask("GET", "/api/alarms"));
  });
  return { update };
}

function card(topic, known, open) {
  const facts = make("ul");
  const publish = form([
    field("Message", "message", { tag: "textarea", required: true, spellcheck: "false" }),
    topic.name.endsWith(".fifo") && field("Group", "group", { required: true, value: "console" }),
  ].filter(Boolean), "Publish", async (fields) => {
    const { message_id: id } = await ask("POST", `/api/topics/${part(topic.name)}/publish`, fields);
    return `Published: ${id}`;
  });
  const summary = make("summary", {});
  return Object.assign(make("details", { open }, summary, facts, publish), { summary, facts });
}

function refresh({ summary, facts }, { name, subscriptions }, known) {
  const count = [...known.totals].filter(([edge]) => edge.endsWith(` topic:${name}`)).reduce((sum, [, { all }]) => sum + all, 0);
  summary.textContent = `${known.short(name)}: ${count} published, ${subscriptions.length} subscriptions`;
  facts.replaceChildren(...subscriptions.map(({ protocol, endpoint }) => make("li", {}, `${protocol} `, make("span", { class: "id" }, endpoint))));
}
