// An episode of a task: what is asked for, what can be done, and what came of it.

const KEYS = { ArrowUp: "forward", KeyW: "forward", ArrowLeft: "turn_left", KeyA: "turn_left", ArrowRight: "turn_right", KeyD: "turn_right" };
const $ = (id) => document.getElementById(id);

export class Task {
  /** act(number) does something. */
  constructor(act) {
    this.act = act;
    this.actions = [];
    this.mayAct = false;
    // Before the keys for walking freely, which mean nothing here.
    addEventListener("keydown", (event) => {
      if (!this.actions.length || event.ctrlKey || event.metaKey || event.altKey) return;
      const digit = /^Digit(\d)$/.exec(event.code);
      const number = digit ? Number(digit[1]) : this.actions.indexOf(KEYS[event.code]);
      if (!(number in this.actions)) return;
      event.preventDefault();
      this.choose(number);
    });
  }

  choose(number) {
    if (!this.mayAct) return;
    this.mayAct = false;
    this.act(number);
  }

  show({ instruction, answer, actions, steps }) {
    document.body.classList.add("task");
    $("task").hidden = false;
    $("instruction").textContent = instruction;
    $("answer").textContent = answer;
    $("steps").value = steps;
    if (this.actions.join() !== actions.join()) {
      this.actions = actions;
      $("actions").replaceChildren(...actions.map((name, k) => this.button(name, k)));
    }
    this.mayAct = true;
  }

  button(name, number) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${number} ${name.replaceAll("_", " ")}`;
    button.onclick = () => this.choose(number);
    return button;
  }

  end({ metrics, problem }) {
    this.mayAct = false;
    this.actions = [];
    $("actions").replaceChildren();
    $("answer").textContent = problem || "The episode is over.";
    $("metrics").replaceChildren(...Object.entries(metrics).map(([name, value]) => {
      const pair = document.createElement("div");
      pair.append(document.createElement("dt"), document.createElement("dd"));
      pair.firstChild.textContent = name.replaceAll("_", " ");
      pair.lastChild.textContent = Number(value.toFixed(3));
      return pair;
    }));
  }
}
