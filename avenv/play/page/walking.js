// Keys and fingers that walk, turn and look.

const KEYS = {
  ArrowUp: ["ahead", 1], KeyW: ["ahead", 1], ArrowDown: ["ahead", -1], KeyS: ["ahead", -1],
  ArrowLeft: ["turn", 1], KeyA: ["turn", 1], ArrowRight: ["turn", -1], KeyD: ["turn", -1],
};
const LOOKS = { PageUp: 0.12, PageDown: -0.12, Home: null };
const REACH = 90; // pixels of a finger's way for full speed
const DEAD = 8; // pixels that are no movement
const HIGHEST = 0.9; // radians

/** Whether a key is for what has the focus, as text and lists are. */
function isTaken(event) {
  if (event.defaultPrevented) return true;
  const on = event.target;
  return event.ctrlKey || event.metaKey || event.altKey || on.matches("input, select, textarea");
}

export class Walking {
  /** send(kind, content); actions: more keys, {KeyE: () => …}; onTap(event): a click, no drag. */
  constructor(surface, send, actions, onTap) {
    Object.assign(this, { send, onTap });
    this.held = new Map();
    this.pitch = 0;
    this.told = "0 0";
    addEventListener("keydown", (event) => {
      if (isTaken(event)) return;
      if (event.code in KEYS) this.held.set(event.code, KEYS[event.code]);
      else if (event.code in LOOKS) this.look(LOOKS[event.code]);
      else if (event.code in actions && !event.repeat) actions[event.code]();
      else return;
      event.preventDefault();
      this.tell();
    });
    addEventListener("keyup", (event) => {
      if (this.held.delete(event.code)) this.tell();
    });
    addEventListener("blur", () => this.rest());
    document.addEventListener("visibilitychange", () => this.rest());
    this.drag(surface);
  }

  drag(surface) {
    let from = null, dragged = false;
    surface.addEventListener("pointerdown", (event) => {
      from = [event.clientX, event.clientY];
      dragged = false;
      surface.setPointerCapture(event.pointerId);
    });
    surface.addEventListener("pointermove", (event) => {
      if (!from) return;
      dragged ||= Math.hypot(event.clientX - from[0], event.clientY - from[1]) >= DEAD;
      const share = (way) => (Math.abs(way) < DEAD ? 0 : Math.max(-1, Math.min(1, way / REACH)));
      this.held.set("finger ahead", ["ahead", share(from[1] - event.clientY)]);
      this.held.set("finger turn", ["turn", share(from[0] - event.clientX)]);
      this.tell();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      surface.addEventListener(end, (event) => {
        if (end === "pointerup" && from && !dragged) this.onTap(event);
        from = null;
        this.held.delete("finger ahead");
        this.held.delete("finger turn");
        this.tell();
      });
    }
  }

  look(more) {
    this.pitch = more === null ? 0 : Math.max(-HIGHEST, Math.min(HIGHEST, this.pitch + more));
    this.send("look", { pitch: this.pitch });
  }

  rest() {
    this.held.clear();
    this.tell();
  }

  tell() {
    const way = { ahead: 0, turn: 0 };
    for (const [axis, share] of this.held.values()) way[axis] += share;
    const clipped = (x) => Math.max(-1, Math.min(1, x));
    const [ahead, turn] = [clipped(way.ahead), clipped(way.turn)];
    if (this.told === `${ahead} ${turn}`) return;
    this.told = `${ahead} ${turn}`;
    this.send("walk", { ahead, turn });
  }
}
