// Graphs of a leg's last half minute: five of them, of one or two lines each, in SVG.
import {SILENCE} from "./phone.js";

const SECONDS = 30;
const [WIDTH, HEIGHT] = [120, 40];

// The range is that of a good call at least, so that small changes look small.
const KINDS = [
  {name: "loss", title: "Loss", unit: "%", digits: 1, low: 0, high: 5},
  {name: "jitter", title: "Jitter", unit: "ms", digits: 1, low: 0, high: 20},
  {name: "roundTrip", title: "Round trip", unit: "ms", digits: 1, low: 0, high: 50},
  {name: "mos", title: "MOS", unit: "of 4.5", digits: 1, low: 1, high: 4.5},
  {name: "level", title: "Level", unit: "dB", digits: 0, low: SILENCE, high: 0},
];

const element = (name, attributes = {}) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

function html(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

const shown = (value, digits) => value === null ? "-" : value.toFixed(digits).replace(/^-(0\.?0*)$/, "$1");

class Graph {
  constructor(kind) {
    this.kind = kind;
    this.values = {in: [], out: []};
    this.tile = html("div");
    this.value = html("dd", "", "value");
    const holder = html("dd");
    this.svg = element("svg", {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img"});
    this.svg.append(element("line", {x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT}));
    this.svg.append(this.area = element("path", {class: "area"}));
    this.paths = {};
    for (const way of ["in", "out"]) this.svg.append(this.paths[way] = element("path", {class: way}));
    holder.append(this.svg);
    this.tile.append(html("dt", kind.title), this.value, holder);
  }

  /** One second more; null where it is not known. */
  add(now) {
    for (const way of ["in", "out"]) {
      this.values[way].push(now[way] ?? null);
      this.values[way].splice(0, this.values[way].length - SECONDS);
      this.paths[way].setAttribute("d", this.path(this.values[way]));
    }
    this.area.setAttribute("d", this.path(this.values.in, true));
    this.say(now);
  }

  /** A line through the values, or the area under it. */
  path(values, isArea = false) {
    const {low} = this.kind;
    const high = Math.max(this.kind.high, ...this.values.in, ...this.values.out);
    const points = values.map((value, at) => value === null ? null
      : `${((at + SECONDS - values.length) * WIDTH / (SECONDS - 1)).toFixed(1)} ${
        (HEIGHT - (Math.max(value, low) - low) / (high - low) * HEIGHT).toFixed(1)}`);
    const floor = (point) => `${point.split(" ")[0]} ${HEIGHT}`;
    return points.map((point, at) => {
      if (!point) return "";
      const begin = points[at - 1] ? "L" : isArea ? `M${floor(point)}L` : "M";
      return begin + point + (isArea && !points[at + 1] ? `L${floor(point)}Z` : "");
    }).join("");
  }

  say(now) {
    const {title, unit, digits, name} = this.kind;
    const parts = [["one", now.in], ["two", now.out]].filter(([, value]) => value !== undefined);
    this.value.replaceChildren();
    parts.forEach(([way, value], at) => {
      if (at) this.value.append(html("span", "/", "slash"));
      this.value.append(html("span", shown(value ?? null, digits), parts.length > 1 || way === "two" ? way : ""));
    });
    this.value.append(" ", html("span", unit, "unit"));
    const words = {in: name === "roundTrip" ? "" : "from the endpoint ", out: "to the endpoint "};
    this.svg.setAttribute("aria-label", `${title}: ` + ["in", "out"].filter((way) => now[way] !== undefined)
      .map((way) => words[way] + (now[way] === null ? "not known" : `${shown(now[way], digits)} ${unit}`)).join(", "));
  }
}

/** The graphs of one leg. */
export class Leg {
  before = {};

  constructor(title) {
    this.article = html("article", "", "leg");
    this.facts = html("p");
    const list = html("dl", "", "graphs");
    this.graphs = KINDS.map((kind) => new Graph(kind));
    list.append(...this.graphs.map((graph) => graph.tile));
    this.article.append(html("h3", title), this.facts, list);
  }

  /** Shows a report; `level`: of what the endpoint says and hears as the page has it, in decibels, for where the
   *  relay only passes sound. */
  show(report, level) {
    const {received, sent} = report;
    const values = {
      loss: {in: this.lossOf(received), out: sent?.packets ? sent.lostFraction * 100 : null},
      jitter: {in: received?.jitter ?? null, out: sent?.jitter ?? null},
      roundTrip: {in: report.roundTrip},
      mos: {in: received?.mos ?? null, out: sent?.mos ?? null},
      level: {in: received?.level ?? level.said ?? null, out: sent?.level ?? level.heard ?? null},
    };
    for (const graph of this.graphs) graph.add(values[graph.kind.name]);
    const drops = Object.entries(report.drops).map(([reason, count]) => `${count} ${reason.replaceAll("_", " ")}`);
    this.facts.textContent = [
      report.state, [received?.codec, sent?.codec].find(Boolean), report.suite || "not encrypted",
      received && `${received.packets} packets in, ${sent?.packets ?? 0} out`,
      drops.length ? `dropped: ${drops.join(", ")}` : "nothing dropped",
    ].filter(Boolean).join(" · ");
  }

  /** Of the packets of the last second, in percent. */
  lossOf(received) {
    if (!received?.packets) return null;
    const packets = received.packets - (this.before.packets ?? 0), lost = received.lost - (this.before.lost ?? 0);
    this.before = received;
    return packets + lost > 0 ? Math.max(0, lost / (packets + lost) * 100) : 0;
  }
}
