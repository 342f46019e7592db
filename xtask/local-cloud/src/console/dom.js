// How the page is made: elements of text, never of markup, because what is shown comes from outside.

/** An element: `make("a", { href: "#" }, "text", other)`. Handlers begin with "on"; what is null or false is left out. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for pictures. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * Makes the children of `parent` those of `items`, in their order. An item whose key was there keeps its element, and with it
 * focus and what is typed; `refresh` brings it up to date.
 */
export function keyed(parent, items, key, build, refresh = () => {}) {
  const known = (parent.known ??= new Map());
  const wanted = new Set(items.map(key));
  for (const [name, element] of known) {
    if (!wanted.has(name)) {
      element.remove();
      known.delete(name);
    }
  }
  let before = parent.firstChild;
  for (const item of items) {
    let element = known.get(key(item));
    if (!element) {
      element = build(item);
      known.set(key(item), element);
    }
    refresh(element, item);
    if (element === before) before = before.nextSibling;
    else parent.insertBefore(element, before);
  }
}

/** A table; each column is `{ name, cell, number?, fixed? }`. Answers the element and what fills it. */
export function table(caption, columns, key, onempty = "nothing yet") {
  const body = make("tbody");
  const empty = make("p", { class: "faint" }, onempty);
  const head = make("tr", {}, columns.map(({ name, number }) => make("th", { scope: "col", class: number && "number" }, name)));
  const whole = make("table", { class: "stack" }, make("caption", {}, caption), make("thead", {}, head), body);
  const element = make("div", { class: "scroll" }, whole, empty);
  const cells = (item) => columns.map(({ name, cell, number, fixed }) => {
    const content = cell(item);
    return make("td", { class: number ? "number" : fixed && "fixed", "data-name": name }, content ?? "");
  });
  const update = (items) => {
    empty.hidden = items.length > 0;
    whole.hidden = items.length === 0;
    keyed(body, items, key, () => make("tr"), (row, item) => {
      // A row changes only when what it is about does: focus stays on its buttons.
      const version = JSON.stringify(item);
      if (row.version === version) return;
      row.version = version;
      row.replaceChildren(...cells(item));
    });
  };
  update([]);
  return { element, update };
}

/** A button that does something, and says what came of it. */
export function button(label, work, { kind, confirm: question, name } = {}) {
  const element = make("button", { type: "button", class: kind, "aria-label": name });
  element.append(label);
  element.addEventListener("click", async () => {
    if (question && !window.confirm(question)) return;
    element.disabled = true;
    await attempt(work);
    element.disabled = false;
  });
  return element;
}

/** A form whose fields are given to `work` by their names. */
export function form(fields, label, work, { kind = "main" } = {}) {
  const element = make("form", {}, make("div", { class: "fields" }, fields), make("p", {}, make("button", { class: kind }, label)));
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => work(Object.fromEntries(new FormData(element)), element));
  });
  return element;
}

let fieldCount = 0;

/** A labelled field. Without a `tag` it is an input. */
export function field(label, name, attributes = {}, ...options) {
  const { tag = "input", ...rest } = attributes;
  const id = `field-${(fieldCount += 1)}`;
  return make("div", {}, make("label", { for: id }, label), make(tag, { id, name, ...rest }, options));
}

async function attempt(work) {
  try {
    const said = await work();
    if (said) say(said);
  } catch (error) {
    say(error.message, true);
  }
}

let silence;

/** Says something, to eyes and to screen readers. */
export function say(text, failed = false) {
  const element = document.getElementById("said");
  element.className = failed ? "failed" : "";
  element.textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => (element.textContent = ""), failed ? 12_000 : 5_000);
}

/** Asks the console's API; what it refuses is an error with the reason. */
export async function ask(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = typeof body === "string" ? body : JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  const text = await answer.text();
  if (!answer.ok) throw new Error(reason(text) ?? `${method} ${path}: ${answer.status} ${text}`);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function reason(text) {
  try {
    const { error, message, details } = JSON.parse(text);
    return error ?? [message, ...(details ?? []).map((detail) => detail.description)].filter(Boolean).join(" ");
  } catch {
    return null;
  }
}

export const part = (text) => encodeURIComponent(text);

const two = (number, digits = 2) => String(number).padStart(digits, "0");

/** A moment, as the clock on the wall has it. */
export function clock(ms) {
  const date = new Date(ms);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
}

/** How long something took. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Text as JSON with its lines, where it is JSON. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
