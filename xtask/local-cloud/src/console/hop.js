// One hop, opened: what it carried, and what can be done with it.

import { make, ask, button, clock, duration, pretty } from "./dom.js";

const dialog = document.getElementById("hop");

/** Opens a hop over the page. */
export async function openHop(number, known) {
  let found;
  try {
    found = await ask("GET", `/api/hops/${number}`);
  } catch (error) {
    dialog.replaceChildren(heading("Not kept"), make("p", {}, error.message), closer());
    dialog.showModal();
    return;
  }
  const { hop, payload, answer, head, attributes, group } = found;
  const lines = [
    ["when", `${clock(hop.at_ms)}${hop.took_ms === null ? "" : `, took ${duration(hop.took_ms)}`}`],
    ["from", known.title(hop.from)],
    ["to", known.title(hop.to)],
    ["id", hop.message_id],
    ["group", group],
    ["error", hop.error],
    ...Object.entries(attributes).map(([name, value]) => [name, value]),
  ].filter(([, value]) => value);
  const facts = make("table", {}, make("tbody", {}, lines.map(([name, value]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: name === "error" ? "bad" : "id" }, value)))));
  dialog.replaceChildren(heading(hop.kind === "request" ? hop.label : `${hop.kind} ${known.title(hop.to)}`), facts,
    headers(head), ...carried("Payload", payload), ...carried("Answer", answer), actions(hop, payload), closer());
  dialog.showModal();
}

const heading = (text) => make("h2", { id: "hop-title" }, text);
const closer = () => make("p", {}, make("button", { type: "button", class: "main", onclick: () => dialog.close() }, "Close"));

function headers(head) {
  if (!head) return "";
  const rows = head.headers.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: "id" }, value)));
  return make("details", {}, make("summary", {}, `${head.method} ${head.target}, ${rows.length} headers`), make("table", {}, make("tbody", {}, rows)));
}

function carried(title, { text, base64, length }) {
  if (length === 0) return [];
  if (text === null && base64 === null) return [make("h3", {}, title), make("p", {}, `${length} bytes, too long to keep`)];
  const shown = [make("h3", {}, `${title}, ${length} bytes`), make("pre", { tabindex: "0" }, text === null ? base64 : pretty(text))];
  for (const [name, inner] of wrapped(text)) {
    shown.push(make("details", {}, make("summary", {}, `${name}, unwrapped`), make("pre", { tabindex: "0" }, inner)));
  }
  return shown;
}

/** JSON inside of JSON: as text, or as base64. */
function wrapped(text) {
  const found = [];
  const look = (value, path) => {
    if (typeof value === "string" && value.length > 20) {
      const inner = unwrap(value);
      if (inner) found.push([path, inner]);
    } else if (value && typeof value === "object") {
      for (const [name, each] of Object.entries(value)) look(each, path ? `${path}.${name}` : name);
    }
  };
  try {
    look(JSON.parse(text), "");
  } catch {
    return [];
  }
  return found;
}

function unwrap(value) {
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    // It may be base64.
  }
  try {
    const bytes = Uint8Array.from(atob(value), (letter) => letter.charCodeAt(0));
    return JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)), null, 2);
  } catch {
    return null;
  }
}

function actions(hop, payload) {
  if (["noted", "given-up"].includes(hop.kind)) return "";
  const result = make("pre", { hidden: true, tabindex: "0", "aria-label": "What came of it" });
  const tell = (text) => {
    result.hidden = false;
    result.textContent = text;
  };
  const again = (body) => async () => {
    const { status, body: answer, ...rest } = await ask("POST", `/api/hops/${hop.number}/replay`, body());
    tell([status ?? "", Object.keys(rest).length ? JSON.stringify(rest) : "", pretty(answer ?? "")].filter(Boolean).join("\n"));
    return "Done again";
  };
  const edited = make("textarea", { "aria-label": "The payload to send instead", spellcheck: "false" });
  edited.value = payload.text ?? "";
  const change = make("details", {}, make("summary", {}, "Change it first"), edited,
    button("Do it again, changed", again(() => ({ payload: edited.value }))));
  const curl = button("Show as curl", async () => tell(String(await ask("GET", `/api/hops/${hop.number}/curl`))));
  const save = make("a", { href: `/api/hops/${hop.number}/event`, download: `hop-${hop.number}.json` }, "Save the event as a file");
  return make("div", {}, make("h3", {}, "Do it again"),
    make("div", { class: "row" }, button("Do it again", again(() => ({})), { kind: "main" }), curl, save), change, result);
}
