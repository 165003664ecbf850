// The floor, wall or ceiling that was clicked, and of what else it shall be.

import { options } from "./lists.js";

const $ = (id) => document.getElementById(id);
const words = (name) => name.replaceAll("_", " ");

export class Surface {
  /** pick(right, up) asks what is at a point, -1 to 1 from the middle of the picture;
   *  clad(room, part, material) changes it. */
  constructor(view, pick, clad) {
    Object.assign(this, { view, pick, found: null, byKey: false });
    $("clad").onclick = () => clad(this.found.room, this.found.part, $("material").value);
    $("surface-away").onclick = () => this.leave();
    $("surface").addEventListener("keydown", (event) => event.key === "Escape" && this.leave());
  }

  /** What is where the picture was clicked. */
  at(event) {
    const { left, top, width, height } = this.view.getBoundingClientRect();
    this.byKey = false;
    this.pick((2 * (event.clientX - left)) / width - 1, 1 - (2 * (event.clientY - top)) / height);
  }

  /** What is in the middle of the picture. */
  ahead() {
    this.byKey = true;
    this.pick(0, 0);
  }

  get name() {
    const { room, part } = this.found;
    return `${part} of ${words(room)}`;
  }

  show({ room, part, material, materials }) {
    this.found = { room, part, material };
    $("surface").hidden = false;
    $("surface-name").textContent = this.name;
    options($("material"), materials, material);
    // Not after a click: keys that walk would choose in the list.
    if (this.byKey) $("material").focus();
  }

  leave() {
    $("surface").hidden = true;
    this.view.focus();
  }
}
