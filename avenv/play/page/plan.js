// The plan: the server's picture, and on it the body, the sources and the things.

const SVG = "http://www.w3.org/2000/svg";

function draw(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

export class Plan {
  /** onPlace(x, y): a click on the floor; onMove(source, x, y); onUse(thing); onChoose(source) */
  constructor(svg, handlers) {
    this.svg = svg;
    this.handlers = handlers;
    this.image = draw("image", { preserveAspectRatio: "none" }, svg);
    this.things = draw("g", {}, svg);
    this.sources = draw("g", {}, svg);
    this.body = draw("path", { d: "M14 0 L-9 9 L-4 0 L-9 -9 Z", fill: "#0072b2", stroke: "#fff", "stroke-width": 2, visibility: "hidden" }, svg);
    svg.addEventListener("click", (event) => this.place && !this.dragged && handlers.onPlace(...this.world(event)));
  }

  /** Take the place of the world on the picture: width, height, scale, left, top in pixels. */
  fit(place) {
    this.place = place;
    this.svg.setAttribute("viewBox", `0 0 ${place.width} ${place.height}`);
    this.image.setAttribute("width", place.width);
    this.image.setAttribute("height", place.height);
    this.unit = Math.max(place.width, place.height) / 450;
    this.show(this.scene, this.chosen);
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
    draw("title", {}, group).textContent = `${source.name}: ${source.sound}. Drag it elsewhere.`;
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
