// The page: which view is shown, and what every view knows. It follows one stream of what happens.

import { make, ask } from "./dom.js";
import * as picture from "./picture.js";
import * as journeys from "./journeys.js";
import * as queues from "./queues.js";
import * as functions from "./functions.js";
import * as topics from "./topics.js";
import * as paypal from "./paypal.js";
import * as faults from "./faults.js";

/** As many hops are known here at most; the cloud keeps more. */
const MOST = 5_000;

const VIEWS = { picture, journeys, queues, functions, topics, paypal, faults };

/** What every view knows. */
const known = {
  picture: { nodes: [], edges: [] },
  neighbours: {},
  api: "",
  totals: new Map(),
  hops: [],
  journeys: new Map(),
  queues: [],
  notice: null,
  hasPaypal: false,
  prefix: "",
  /** A name without what all names begin with. */
  short: (name) => (name.startsWith(known.prefix) ? name.slice(known.prefix.length) : name),
  /** What people call a node. */
  title: (id) => {
    const at = id.indexOf(":");
    if (at < 0) return { outside: "outside", api: "HTTP API", functions: "functions" }[id] ?? id;
    const name = id.slice(at + 1);
    return id.startsWith("neighbour:") ? (known.neighbours[name] ?? name) : known.short(name);
  },
};

const main = document.getElementById("main");
let current = { update: () => {} };

function show() {
  const [name = "picture", ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  if (name === "main") return;
  const chosen = VIEWS[name] ? name : "picture";
  for (const link of document.querySelectorAll("#views a")) {
    if (link.hash === `#/${chosen}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const same = current.name === chosen && current.open;
  if (same) {
    current.open(rest[0]);
  } else {
    main.replaceChildren();
    window.scrollTo(0, 0);
    current = { ...VIEWS[chosen].show(main, known, rest[0]), name: chosen };
    document.title = `${VIEWS[chosen].title} - console`;
  }
  current.update({ hops: [], queues: true });
}

function learn({ hops, queues: changed, totals, ...rest }) {
  Object.assign(known, rest);
  if (changed) known.queues = changed;
  known.totals = new Map(totals.map(([from, to, total]) => [`${from} ${to}`, total]));
  if (rest.picture) known.prefix = commonPrefix(known.picture.nodes);
  const notice = document.getElementById("notice");
  if (notice.textContent !== (known.notice ?? "")) notice.textContent = known.notice ?? "";
  notice.hidden = !known.notice;
  for (const hop of hops) {
    known.hops.push(hop);
    for (const number of hop.journeys) {
      const journey = known.journeys.get(number) ?? { number, hops: [], about: null };
      journey.hops.push(hop);
      if (hop.number === number) journey.about = hop.about;
      known.journeys.set(number, journey);
    }
  }
  while (known.hops.length > MOST) {
    for (const number of known.hops.shift().journeys) {
      const journey = known.journeys.get(number);
      journey?.hops.shift();
      if (!journey?.hops.length) known.journeys.delete(number);
    }
  }
}

/** What all names of the stack begin with, up to a hyphen. */
function commonPrefix(nodes) {
  const names = nodes.filter(({ kind }) => ["function", "queue", "topic"].includes(kind)).map(({ name }) => name);
  if (names.length < 2) return "";
  let prefix = names[0];
  for (const name of names) while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix.slice(0, prefix.lastIndexOf("-") + 1);
}

function follow() {
  const live = document.getElementById("live");
  const say = (text, state) => {
    live.textContent = text;
    live.className = state;
  };
  const stream = new EventSource("/api/stream");
  stream.addEventListener("hello", ({ data }) => {
    // After an interruption everything is told anew.
    known.hops = [];
    known.journeys = new Map();
    learn(JSON.parse(data));
    say("live", "on");
    show();
  });
  stream.addEventListener("news", ({ data }) => {
    const news = JSON.parse(data);
    learn(news);
    if (news.missed) say(`live, ${news.missed} left out: they came too fast`, "on");
    current.update(news);
  });
  stream.addEventListener("error", () => say("not connected: is the cloud still running?", "off"));
}

async function start() {
  known.hasPaypal = await ask("GET", "/paypal/plans").then(Array.isArray, () => false);
  if (!known.hasPaypal) delete VIEWS.paypal;
  const links = Object.entries(VIEWS).map(([name, { title }]) => make("li", {}, make("a", { href: `#/${name}` }, title)));
  document.getElementById("views").replaceChildren(...links);
  window.addEventListener("hashchange", () => {
    show();
    if (!main.contains(document.activeElement)) main.focus();
  });
  follow();
}

start();
