// The architecture as a live picture: what leads where, and how often.

import { make, draw, keyed } from "./dom.js";

export const title = "Picture";

const BOX = { width: 132, height: 44 };
/** It shrinks with its window to this part of its size; beyond that it scrolls. */
const SMALLEST = 0.8;
const KINDS = { outside: "callers", api: "API", function: "function", topic: "topic", queue: "queue", neighbour: "elsewhere" };
/** How long an edge shines after something went along it, in milliseconds. */
const SHINE = 700;

export function show(root, known) {
  const place = make("div", { class: "scroll" });
  const rows = make("tbody");
  const heads = ["from", "to", "how", "times", "errors"].map((name) => make("th", { scope: "col" }, name));
  const asTable = make("details", {}, make("summary", {}, "As a table"),
    make("div", { class: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, heads)), rows)));
  root.append(make("section", { class: "sheet" },
    make("h2", {}, "Architecture"),
    make("p", { class: "faint" }, "From the template. Numbers are requests, messages and invocations since the start; red ones failed."),
    place, asTable));

  const narrow = window.matchMedia("(max-width: 55rem)");
  let drawn = null;
  const redraw = () => {
    drawn = paint(known, narrow.matches);
    place.replaceChildren(drawn.element);
  };
  narrow.addEventListener("change", redraw);

  const update = ({ hops }) => {
    // Not told yet what there is.
    if (!known.picture.nodes.length) return;
    if (!drawn || drawn.of !== known.picture) redraw();
    for (const edge of drawn.edges) refresh(edge, total(known, edge));
    for (const { node, element, state } of drawn.nodes) describe(known, node, element, state);
    for (const hop of hops) shine(drawn.edges, hop);
    keyed(rows, drawn.edges, ({ key }) => key, ({ from, to, how, label }) => make("tr", {},
      make("td", {}, known.title(from)), make("td", {}, known.title(to)), make("td", {}, label || how),
      make("td", { class: "number" }), make("td", { class: "number" })), (row, edge) => {
      const { all, errors } = total(known, edge);
      row.cells[3].textContent = all;
      row.cells[4].textContent = errors;
    });
  };
  return { update };
}

/** How often an edge was travelled. What PayPal is asked does not say which function asked. */
function total(known, { from, to, how }) {
  const none = { all: 0, errors: 0 };
  return (how === "elsewhere" ? known.totals.get(`functions ${to}`) : known.totals.get(`${from} ${to}`)) ?? none;
}

function paint(known, downwards) {
  const { nodes, edges } = joined(known.picture);
  const layers = layered(nodes, edges);
  const gap = downwards ? { along: 46, across: 10 } : { along: 42, across: 22 };
  const size = downwards ? BOX.height : BOX.width;
  const other = downwards ? BOX.width : BOX.height;
  const most = Math.max(...layers.map((layer) => layer.length), 1);
  const across = most * (other + gap.across);
  const places = new Map();
  layers.forEach((layer, depth) => layer.forEach((id, at) => {
    const along = 10 + depth * (size + gap.along);
    const beside = 10 + (across - layer.length * (other + gap.across)) / 2 + at * (other + gap.across);
    places.set(id, downwards ? { x: beside, y: along } : { x: along, y: beside });
  }));
  const length = 20 + layers.length * (size + gap.along) - gap.along;
  const [width, height] = downwards ? [across + 20, length] : [length, across + 20];
  const element = draw("svg", { class: "picture", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Architecture" });
  element.style.maxWidth = `${width}px`;
  element.style.minWidth = `${Math.round(width * SMALLEST)}px`;
  const drawnEdges = edges.map((edge) => paintEdge(edge, places, downwards));
  const drawnNodes = nodes.map((node) => paintNode(node, places.get(node.id), known));
  element.append(...drawnEdges.map((edge) => edge.element), ...drawnNodes.map((node) => node.element));
  return { element, edges: drawnEdges, nodes: drawnNodes, of: known.picture };
}

/** Neighbours are asked by many functions; one bundle of edges ends in a node that says so. */
function joined({ nodes, edges }) {
  const elsewhere = new Set(nodes.filter(({ kind }) => kind === "neighbour").map(({ id }) => id));
  const asked = ({ to, how }) => how === "calls" && elsewhere.has(to);
  return { nodes, edges: edges.map((edge) => (asked(edge) ? { ...edge, how: "elsewhere" } : edge)) };
}

/** Nodes by how far they are from where events come from; the order in a layer follows the one before it. */
function layered(nodes, edges) {
  const depth = new Map(nodes.map(({ id }) => [id, 0]));
  // As many rounds as there are nodes are enough, also where edges lead in a circle.
  for (let round = 0; round < nodes.length; round += 1) {
    let moved = false;
    for (const { from, to } of edges) {
      const next = Math.min(depth.get(from) + 1, nodes.length - 1);
      if (depth.get(to) < next && round < 24) {
        depth.set(to, next);
        moved = true;
      }
    }
    if (!moved) break;
  }
  // What nothing leads to and what leads nowhere stands at the end.
  const alone = nodes.filter(({ id }) => !edges.some(({ from, to }) => from === id || to === id));
  const deepest = Math.max(...depth.values());
  for (const { id } of alone) depth.set(id, deepest);
  const layers = [];
  for (const { id } of nodes) (layers[depth.get(id)] ??= []).push(id);
  const dense = layers.filter(Boolean);
  const at = new Map();
  dense.forEach((layer) => {
    const weight = (id) => {
      const before = edges.filter((edge) => edge.to === id && at.has(edge.from)).map((edge) => at.get(edge.from));
      return before.length ? before.reduce((sum, each) => sum + each, 0) / before.length : 0;
    };
    layer.sort((one, two) => weight(one) - weight(two));
    layer.forEach((id, index) => at.set(id, index - layer.length / 2));
  });
  return dense;
}

function paintEdge(edge, places, downwards) {
  const [from, to] = [places.get(edge.from), places.get(edge.to)];
  const start = downwards ? [from.x + BOX.width / 2, from.y + BOX.height] : [from.x + BOX.width, from.y + BOX.height / 2];
  const end = downwards ? [to.x + BOX.width / 2, to.y] : [to.x, to.y + BOX.height / 2];
  const bend = downwards ? [0, 24] : [28, 0];
  const path = `M${start} C${start[0] + bend[0]},${start[1] + bend[1]} ${end[0] - bend[0]},${end[1] - bend[1]} ${end}`;
  const count = draw("text", { class: "count", "text-anchor": "middle", x: end[0] - bend[0] * 0.75, y: end[1] - bend[1] * 0.5 - 3 });
  const dashed = edge.how === "gives up to" || edge.how === "elsewhere";
  const element = draw("g", { class: `edge${dashed ? " dashed" : ""}` }, draw("path", { d: path }), count);
  return { ...edge, key: `${edge.from} ${edge.to} ${edge.label}`, element, count };
}

function refresh({ element, count, how }, { all, errors }) {
  element.classList.toggle("used", all > 0);
  // Who asked elsewhere is not known, so that count stands at the node.
  const text = all && how !== "elsewhere" ? [draw("tspan", {}, String(all))] : [];
  if (errors && how !== "elsewhere") text.push(draw("tspan", { class: "errors" }, ` ${errors} failed`));
  count.replaceChildren(...text);
}

function paintNode(node, { x, y }, known) {
  const href = { function: "functions", queue: "queues", topic: "topics" }[node.kind];
  const name = known.title(node.id);
  const shown = name.length > 21 ? `${name.slice(0, 20)}…` : name;
  const state = draw("text", { class: "kind", x: x + 10, y: y + 34 });
  const inside = [
    draw("rect", { class: "box", x, y, width: BOX.width, height: BOX.height, rx: node.kind === "queue" ? 3 : 10 }),
    draw("text", { x: x + 10, y: y + 18 }, shown), state, draw("title", {}, node.name || name)];
  const target = href ? `#/${href}/${encodeURIComponent(node.name)}` : known.neighbours[node.name] ? "#/paypal" : "#/journeys";
  return { node, element: draw("a", { href: target, class: node.kind }, inside), state };
}

function describe(known, node, element, state) {
  const queue = node.kind === "queue" && known.queues.find(({ name }) => name === node.name);
  let text = KINDS[node.kind];
  if (queue) {
    const waiting = queue.visible + queue.delayed;
    element.setAttribute("class", `queue${waiting ? " waiting" : ""}${queue.held ? " held" : ""}`);
    text = `${waiting} waiting, ${queue.in_flight} in work${queue.held ? ", held" : ""}`;
  }
  const asked = known.totals.get(`functions ${node.id}`);
  if (asked) text = `asked ${asked.all} ×${asked.errors ? `, ${asked.errors} failed` : ""}`;
  if (state.textContent !== text) state.textContent = text;
}

function shine(edges, { from, to }) {
  for (const { element } of edges.filter((edge) => edge.from === from && edge.to === to)) {
    element.classList.add("hot");
    clearTimeout(element.shining);
    element.shining = setTimeout(() => element.classList.remove("hot"), SHINE);
  }
}
