// The plan: the server's picture, and on it the body, the sources and the things.

const STEP = 0.25; // metres of the cross at a key
const SVG = "http://www.w3.org/2000/svg";

function draw(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

export class Plan {
  /** onPlace(x, y): a click on the floor; onMove(source, x, y); onUse(thing); onChoose(source).
   *  Without handlers it is only looked at. */
  constructor(svg, handlers = null) {
    this.svg = svg;
    this.handlers = handlers;
    this.image = draw("image", { preserveAspectRatio: "none" }, svg);
    this.below = draw("g", {}, svg);
    this.trail = draw("polyline", { fill: "none", stroke: "#0072b2", "stroke-linejoin": "round" }, svg);
    this.goals = draw("g", {}, svg);
    this.things = draw("g", {}, svg);
    this.sources = draw("g", {}, svg);
    this.notes = draw("g", {}, svg);
    this.findings = [];
    this.body = draw("path", { d: "M14 0 L-9 9 L-4 0 L-9 -9 Z", fill: "#0072b2", stroke: "#fff", "stroke-width": 2, visibility: "hidden" }, svg);
    if (handlers) this.steer();
    if (handlers) svg.addEventListener("click", (event) => this.place && !this.dragged && handlers.onPlace(...this.world(event)));
  }

  /** Arrow keys move a cross from where the body is, Enter is a click there. */
  steer() {
    const ways = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const { svg } = this;
    svg.setAttribute("tabindex", 0);
    this.cross = draw("path", { d: "M-14 0 H14 M0 -14 V14", stroke: "#d55e00", "stroke-width": 4, visibility: "hidden" }, svg);
    const show = (is) => this.cross.setAttribute("visibility", is && this.place ? "visible" : "hidden");
    svg.addEventListener("focus", () => {
      this.at = this.pose && { ...this.pose };
      this.cross.setAttribute("visibility", "hidden");
    });
    svg.addEventListener("blur", () => show(false));
    svg.addEventListener("mousedown", (event) => event.preventDefault()); // a click takes no focus: arrows go on walking
    svg.addEventListener("keydown", (event) => {
      if (!this.place || !this.at || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter") this.handlers.onPlace(this.at.x, this.at.y);
      else if (event.key in ways) {
        const [x, y] = ways[event.key];
        this.at = { x: this.at.x + STEP * x, y: this.at.y + STEP * y };
        this.cross.setAttribute("transform", `translate(${this.pixels(this.at).join(" ")}) scale(${this.unit})`);
        show(true);
      } else return;
      event.preventDefault(); // these keys would walk
    });
  }

  /** Take the place of the world on the picture: width, height, scale, left, top in pixels. */
  fit(place) {
    this.place = place;
    this.svg.setAttribute("viewBox", `0 0 ${place.width} ${place.height}`);
    this.image.setAttribute("width", place.width);
    this.image.setAttribute("height", place.height);
    this.unit = Math.max(place.width, place.height) / 450;
    this.trail.setAttribute("stroke-width", 2.5 * this.unit);
    this.show(this.scene, this.chosen);
    this.note(this.findings, this.onNote);
    if (this.pose) this.stand(this.pose);
  }

  picture(bytes) {
    const address = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    const old = this.image.getAttribute("href");
    this.image.setAttribute("href", address);
    if (old) URL.revokeObjectURL(old);
  }

  pixels({ x, y }) {
    const { scale, left, top } = this.place;
    return [left + scale * x, top - scale * y];
  }

  world(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [(at.x - this.place.left) / this.place.scale, (this.place.top - at.y) / this.place.scale];
  }

  stand(pose) {
    this.pose = pose;
    if (!this.place) return;
    const [x, y] = this.pixels(pose);
    const turn = (-pose.heading * 180) / Math.PI;
    this.body.setAttribute("transform", `translate(${x} ${y}) rotate(${turn}) scale(${this.unit})`);
    this.body.setAttribute("visibility", "visible");
  }

  /** Lay maps over the plan; each has an address of its picture, N × N, ahead to the right and left up
   *  of an origin [x, y, heading], reach metres from there to its edges. */
  overlay(maps, { origin, reach }) {
    this.below.replaceChildren();
    if (!this.place || !maps.length) return;
    const [x, y] = this.pixels({ x: origin[0], y: origin[1] });
    const half = reach * this.place.scale;
    const turn = (-origin[2] * 180) / Math.PI;
    for (const href of maps) {
      draw("image", { href, x: -half, y: -half, width: 2 * half, height: 2 * half, transform: `translate(${x} ${y}) rotate(${turn})` }, this.below);
    }
  }

  /** Mark what was found wrong (round) or odd (square), each with its number, at its place {at: [x, y],
   *  outline: [[x, y], ...]}; what lies beyond the plan is marked at its edge. */
  note(findings, onNote) {
    [this.findings, this.onNote] = [findings, onNote];
    this.notes.replaceChildren();
    if (!this.place) return;
    findings.forEach(({ at, outline, text, is_warning: isWarning }, k) => {
      if (!at) return;
      const pixels = ([x, y]) => this.pixels({ x, y });
      const radius = 9 * this.unit;
      const inside = (value, most) => Math.max(radius, Math.min(most - radius, value));
      const [x, y] = pixels(at);
      const group = draw("g", { class: isWarning ? "finding warning" : "finding", "data-number": k + 1 }, this.notes);
      if (outline.length) draw("polygon", { points: outline.map((point) => pixels(point).join()).join(" ") }, group);
      const spot = draw("g", { transform: `translate(${inside(x, this.place.width)} ${inside(y, this.place.height)}) scale(${this.unit})`, cursor: "pointer" }, group);
      draw(isWarning ? "rect" : "circle", isWarning ? { x: -8, y: -8, width: 16, height: 16 } : { r: 9 }, spot);
      draw("text", { "text-anchor": "middle", y: 4 }, spot).textContent = k + 1;
      draw("title", {}, spot).textContent = text;
      spot.addEventListener("click", (event) => {
        event.stopPropagation();
        onNote(k);
      });
    });
  }

  /** Show one of what was found. */
  pointAt(k) {
    for (const one of this.notes.children) one.classList.toggle("pointed-at", one.dataset.number === String(k + 1));
    this.svg.scrollIntoView({ block: "nearest" });
  }

  /** Draw a way through points {x, y}, and rings about goals. */
  way(points, goals) {
    if (!this.place) return;
    this.trail.setAttribute("points", points.map((point) => this.pixels(point).join()).join(" "));
    this.goals.replaceChildren();
    for (const goal of goals) {
      const [cx, cy] = this.pixels(goal);
      draw("circle", { cx, cy, r: 13 * this.unit, fill: "none", stroke: "#009e73", "stroke-width": 3 * this.unit, "stroke-dasharray": `${5 * this.unit} ${3 * this.unit}` }, this.goals);
    }
  }

  show(scene, chosen) {
    [this.scene, this.chosen] = [scene, chosen];
    if (!scene || !this.place) return;
    this.things.replaceChildren();
    this.sources.replaceChildren();
    for (const thing of scene.things) {
      const [x, y] = this.pixels(thing);
      const open = thing.state === "open" || thing.state === "on";
      const mark = draw("circle", { cx: x, cy: y, r: 5 * this.unit, fill: open ? "#e69f00" : "#fff", stroke: "#222", "stroke-width": 1.5 * this.unit, cursor: "pointer" }, this.things);
      draw("title", {}, mark).textContent = `${thing.name}: ${thing.state}`;
      mark.addEventListener("click", (event) => {
        event.stopPropagation();
        this.handlers.onUse(thing.name);
      });
    }
    for (const source of scene.sources) this.source(source);
  }

  source(source) {
    const [x, y] = this.pixels(source);
    const group = draw("g", { class: source.name === this.chosen ? "source chosen" : "source", transform: `translate(${x} ${y}) scale(${this.unit})` }, this.sources);
    draw("circle", { r: 8, fill: "#d55e00", stroke: "#fff", "stroke-width": 2 }, group);
    for (const r of [12, 16]) draw("path", { d: `M${0.7 * r} ${-0.7 * r} A${r} ${r} 0 0 1 ${0.7 * r} ${0.7 * r}`, fill: "none", stroke: "#d55e00", "stroke-width": 2.5 }, group);
    const more = this.handlers ? `: ${source.sound}. Drag it elsewhere.` : "";
    draw("title", {}, group).textContent = source.name + more;
    if (!this.handlers) return;
    group.addEventListener("click", (event) => event.stopPropagation());
    group.addEventListener("pointerdown", (event) => {
      group.setPointerCapture(event.pointerId);
      this.dragged = false;
      group.onpointermove = (move) => {
        this.dragged = true;
        const [wx, wy] = this.world(move);
        const [px, py] = this.pixels({ x: wx, y: wy });
        group.setAttribute("transform", `translate(${px} ${py}) scale(${this.unit})`);
      };
      group.onpointerup = (up) => {
        group.onpointermove = group.onpointerup = null;
        if (this.dragged) this.handlers.onMove(source.name, ...this.world(up));
        else this.handlers.onChoose(source.name);
        setTimeout(() => (this.dragged = false));
      };
    });
  }
}
