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

  /** The episode is over; the scores of rivals follow. */
  end({ metrics, problem, headline, rivals }) {
    this.mayAct = false;
    this.actions = [];
    $("actions").replaceChildren();
    $("task-keys").hidden = true;
    $("answer").textContent = problem || "The episode is over.";
    const names = [...new Set([...headline, ...Object.keys(metrics)])].filter((name) => name in metrics);
    this.scores = new Scores($("scores"), names, headline, rivals);
    this.scores.add("you", metrics);
  }

  beside({ name, metrics, problem }) {
    this.scores.add(name, metrics, problem);
  }
}

/** A table of metrics, a column for each who has played. */
class Scores {
  constructor(table, names, headline, rivals) {
    this.names = names;
    table.hidden = !names.length;
    const head = document.createElement("tr");
    head.append(document.createElement("th"), ...["you", ...rivals].map((who) => this.head(who.split("/").at(-1), "col")));
    table.tHead.replaceChildren(head);
    this.rows = names.map((name) => {
      const row = document.createElement("tr");
      row.className = headline.includes(name) ? "headline" : "";
      row.append(this.head(name.replaceAll("_", " "), "row"));
      for (const _ of ["you", ...rivals]) row.insertCell().textContent = "…";
      return row;
    });
    table.tBodies[0].replaceChildren(...this.rows);
    this.who = ["you", ...rivals];
  }

  head(text, scope) {
    return Object.assign(document.createElement("th"), { textContent: text, scope });
  }

  add(who, metrics, problem = "") {
    const column = this.who.indexOf(who) + 1;
    this.names.forEach((name, k) => {
      const value = metrics[name], cell = this.rows[k].cells[column];
      cell.textContent = typeof value === "number" ? Number(value.toFixed(2)) : "–";
      cell.title = problem;
    });
    if (problem) $("answer").textContent += ` ${who}: ${problem}`;
  }
}
