// One agent of an episode: what it saw, where it was, what it did and thought, at any moment.

import { Plan } from "./plan.js";
import { drawRose } from "./rose.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300, HEIGHT = 44; // of a curve
const words = (name) => name.replaceAll("_", " ");
const short = (value) => (value === null || value === undefined ? "–" : Number(value.toFixed(2)));

function svg(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

export class Pane {
  /** onHear(): its sound is chosen. */
  constructor(template, past, isHeard, isOneOfTwo, onHear) {
    this.past = past;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.find = (selector) => this.element.querySelector(selector);
    this.moments = [];
    this.seen = [];
    this.heard = [];
    this.places = []; // [step, place, address of the plan's picture]
    this.hidden = new Set();
    this.curves = new Map();
    const { success } = past.metrics;
    const outcome = past.error || (success === undefined ? "" : success ? "success" : "no success");
    this.find("h2").textContent = past.agent + (outcome ? `: ${outcome}` : "");
    this.find(".seen").setAttribute("aria-label", `What ${past.agent} saw`);
    this.plan = new Plan(this.find(".map"));
    const hear = this.find(".hear");
    hear.hidden = !isOneOfTwo;
    hear.firstElementChild.checked = isHeard;
    hear.firstElementChild.onchange = onHear;
  }

  add(step, moment) {
    this.moments[step] = moment;
  }

  addPlace(step, place) {
    this.places.push([step, place, null]);
  }

  addPlan(bytes) {
    this.places.at(-1)[2] = bytes;
  }

  async show(step) {
    const last = Math.min(step, this.moments.length - 1);
    const moment = this.moments[last];
    if (!moment) return;
    this.onPlan(last, moment);
    this.find(".said").replaceChildren(...moment.captions.map((line) => Object.assign(document.createElement("div"), { textContent: line })));
    this.numbers(last, moment);
    this.odds(moment);
    this.rose(moment);
    this.drawCurves(last);
    this.element.dataset.step = last;
    const bytes = this.seen[last];
    if (!bytes) return;
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    if (Number(this.element.dataset.step) === last) this.find(".seen").getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
  }

  onPlan(step, moment) {
    const fitting = this.places.findLast(([from, , bytes]) => from <= step && bytes);
    if (!fitting) return;
    if (fitting !== this.fitted) {
      this.plan.fit(fitting[1]);
      this.plan.picture(fitting[2]);
      this.fitted = fitting;
    }
    this.plan.show({ things: [], sources: moment.sources }, "");
    this.plan.way(this.moments.slice(0, step + 1), moment.marks);
    this.plan.stand(moment);
    const names = Object.keys(moment.maps);
    this.layers(names);
    this.plan.overlay(names.filter((name) => !this.hidden.has(name)).map((name) => moment.maps[name]), moment.frame);
  }

  layers(names) {
    const box = this.find(".layers");
    if (!names.length || !box.hidden) return;
    box.hidden = false;
    for (const name of names) {
      const label = document.createElement("label");
      const check = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
      check.onchange = () => {
        this.hidden[check.checked ? "delete" : "add"](name);
        this.show(Number(this.element.dataset.step));
      };
      label.append(check, ` ${words(name)}`);
      box.append(label);
    }
  }

  numbers(step, moment) {
    const told = { action: moment.action ?? "–" };
    if (moment.again) told["asked again it would"] = moment.again;
    told.reward = short(moment.reward);
    for (const [name, value] of Object.entries({ ...moment.numbers, ...moment.metrics })) told[name] = short(value);
    if (moment.answer) told.answer = moment.answer;
    this.find(".numbers").replaceChildren(...Object.entries(told).map(([name, value]) => {
      const pair = document.createElement("div");
      pair.append(document.createElement("dt"), document.createElement("dd"));
      [pair.firstChild.textContent, pair.lastChild.textContent] = [words(name), words(String(value))];
      return pair;
    }));
  }

  odds({ probability, action }) {
    const table = this.find(".odds");
    table.hidden = !probability.length;
    table.tBodies[0].replaceChildren(...probability.map((share, k) => {
      const row = document.createElement("tr");
      const head = Object.assign(document.createElement("th"), { scope: "row", textContent: words(this.past.actions[k]) });
      const cell = document.createElement("td");
      const bar = Object.assign(document.createElement("meter"), { value: share, max: 1 });
      cell.append(bar, ` ${Math.round(100 * share)} %`);
      row.classList.toggle("done", this.past.actions[k] === action);
      row.append(head, cell);
      return row;
    }));
  }

  /** Distributions over directions, straight ahead on top, as petals. */
  rose({ directions }) {
    const [[name, shares] = []] = Object.entries(directions);
    const figure = this.find(".rose");
    figure.hidden = !shares;
    if (shares) drawRose(figure.firstElementChild, shares, `${words(name)}, straight ahead on top`, figure.lastElementChild);
  }

  /** What goes up and down in the episode: the distance to the goal, and the agent's numbers. */
  drawCurves(step) {
    const names = new Set(["distance_to_goal", ...Object.keys(this.moments.at(-1)?.numbers ?? {})]);
    for (const name of names) {
      const values = this.moments.map((moment) => moment?.numbers[name] ?? moment?.metrics[name] ?? null);
      if (values.every((value) => value === null)) continue;
      if (!this.curves.has(name)) this.curves.set(name, this.curve(name));
      const { line, cursor, label, drawn } = this.curves.get(name);
      const x = (k) => (WIDTH * k) / Math.max(this.past.steps, 1);
      if (drawn.count !== values.length) {
        const known = values.filter((value) => value !== null);
        const [low, high] = [Math.min(0, ...known), Math.max(...known, 1e-9)];
        const y = (value) => HEIGHT - 2 - ((HEIGHT - 4) * (value - low)) / (high - low);
        line.setAttribute("points", values.flatMap((value, k) => (value === null ? [] : [`${x(k)},${y(value)}`])).join(" "));
        drawn.count = values.length;
      }
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, x(step));
      label.textContent = `${words(name)}: ${short(values[step])}`;
    }
  }

  curve(name) {
    const figure = document.createElement("figure");
    const label = document.createElement("figcaption");
    const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${words(name)} over the episode` }, figure);
    const line = svg("polyline", { class: "line" }, picture);
    const cursor = svg("line", { class: "cursor", y1: 0, y2: HEIGHT }, picture);
    figure.prepend(label);
    this.find(".curves").append(figure);
    return { line, cursor, label, drawn: { count: 0 } };
  }
}
