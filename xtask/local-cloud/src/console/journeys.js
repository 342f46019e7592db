// Journeys: each event from its request to its end, hop by hop.

import { make, draw, keyed, clock, duration, field } from "./dom.js";
import { openHop } from "./hop.js";

export const title = "Journeys";

/** So many of the newest are listed. */
const MOST = 200;

export function show(root, known, chosen) {
  const list = make("ul", { class: "list" });
  const detail = make("div");
  const empty = make("p", { class: "faint" }, "Nothing has happened yet. Send a request to the HTTP API, or an event from PayPal.");
  const search = field("Find, by event, path or id", "search", { type: "search" });
  root.append(make("div", { class: "panes" },
    make("section", { class: "sheet", "aria-label": "Journeys" }, make("h2", {}, "Journeys"), search, empty, list),
    make("section", { class: "sheet", "aria-label": "The chosen journey" }, detail)));
  const input = search.querySelector("input");
  let shown = null;

  const update = () => {
    const wanted = input.value.toLowerCase();
    const all = [...known.journeys.values()].reverse();
    const fits = all.filter((journey) => !wanted || name(journey, known).toLowerCase().includes(wanted)).slice(0, MOST);
    empty.hidden = all.length > 0;
    keyed(list, fits, ({ number }) => number, ({ number }) => make("li", {}, make("a", { href: `#/journeys/${number}` })),
      (element, journey) => entry(element.firstChild, journey, known, String(journey.number) === chosen));
    const journey = known.journeys.get(Number(chosen));
    if (!journey) {
      detail.replaceChildren(make("p", { class: "faint" }, chosen ? "This journey is not kept any more." : "Choose a journey."));
      shown = null;
    } else {
      if (shown?.number !== journey.number) {
        shown = frame(journey, known);
        detail.replaceChildren(shown.element);
      }
      shown.update(journey);
    }
  };
  input.addEventListener("input", update);
  return { update, open: (next) => (chosen = next) };
}

/** What people call a journey. */
export function name(journey, known) {
  // A request is told when it is answered, after what it brought forth.
  const first = journey.hops.find(({ number }) => number === journey.number) ?? journey.hops[0];
  return journey.about?.title ?? (first?.kind === "request" ? first.label : `${known.title(first.from)} to ${known.title(first.to)}`);
}

function entry(link, journey, known, isChosen) {
  const version = `${journey.hops.length} ${isChosen}`;
  if (link.version === version) return;
  link.version = version;
  if (isChosen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  const { begin, end } = span(journey);
  const failed = journey.hops.filter(({ error }) => error).length;
  const last = ordered(journey).at(-1);
  link.replaceChildren(name(journey, known), make("br"),
    make("small", {}, `${clock(begin)}, ${journey.hops.length} hops in ${duration(end - begin)}, last at ${known.title(last.to)}`,
      failed > 0 && make("span", { class: "bad" }, `, ${failed} failed`)));
}

const began = (hop) => hop.at_ms - (hop.took_ms ?? 0);
const ordered = (journey) => [...journey.hops].sort((one, two) => began(one) - began(two) || one.number - two.number);

function span({ hops }) {
  return { begin: Math.min(...hops.map(began)), end: Math.max(...hops.map(({ at_ms }) => at_ms)) };
}

const WHAT = {
  request: () => "request", published: () => "published", sent: (hop) => hop.label, "given-up": () => "given up",
  invoked: (hop) => `invoked, ${hop.label}`, noted: (hop) => hop.label,
};

function frame(journey, known) {
  const rows = make("tbody");
  const heads = ["after", "what", "from", "to", "took", ""].map((text, at) =>
    make("th", { scope: "col", class: [0, 4].includes(at) && "number" }, text || make("span", { class: "faint" }, "when")));
  const element = make("div", {}, make("h2", {}, name(journey, known)),
    make("p", { class: "faint" }, "Each hop opens with its payload; it can be done again, or saved."),
    make("div", { class: "scroll" }, make("table", { class: "hops stack" }, make("thead", {}, make("tr", {}, heads)), rows)));
  const update = (changed) => {
    const { begin, end } = span(changed);
    keyed(rows, ordered(changed), ({ number }) => number, (hop) => row(hop, known), (line, hop) => {
      const version = `${begin} ${end}`;
      if (line.version === version) return;
      line.version = version;
      line.cells[0].textContent = `+${duration(began(hop) - begin)}`;
      line.cells[5].replaceChildren(bar(hop, begin, end));
    });
  };
  return { element, update, number: journey.number };
}

function row(hop, known) {
  const opener = make("button", { type: "button", onclick: () => openHop(hop.number, known) }, WHAT[hop.kind](hop));
  return make("tr", {},
    make("td", { class: "number", "data-name": "after" }),
    make("td", { "data-name": "what" }, opener, hop.error && make("div", { class: "bad" }, hop.error)),
    make("td", { "data-name": "from" }, known.title(hop.from)),
    make("td", { "data-name": "to" }, hop.kind === "request" ? hop.label : known.title(hop.to)),
    make("td", { class: "number", "data-name": "took" }, duration(hop.took_ms)),
    make("td", { class: "track" }));
}

/** Where a hop lies in its journey's time. */
function bar(hop, begin, end) {
  const whole = Math.max(end - begin, 1);
  const x = ((began(hop) - begin) / whole) * 100;
  const width = Math.max(((hop.took_ms ?? 0) / whole) * 100, 1);
  return draw("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    draw("rect", { x: Math.min(x, 99), y: 2, width: Math.min(width, 100 - Math.min(x, 99)), height: 6, class: hop.error && "failed" }));
}
