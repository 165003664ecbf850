// What agents did in an episode: all moments come in once, and are scrubbed through here.

import { Connection, PICTURE, PLAN, SOUND } from "./connection.js";
import { Pane } from "./pane.js";
import { Sound } from "./sound.js";

const $ = (id) => document.getElementById(id);
const panes = [];
const state = { step: 0, steps: 0, there: 0, playing: false, heard: 0, muted: true, rate: 16000, length: 4000 };
const sound = new Sound((until) => supply(until));

function say(text, isProblem = false) {
  $("status").textContent = text;
  $("status").classList.toggle("problem", isProblem);
}

const receive = {
  past({ pasts }) {
    panes.length = 0;
    $("agents").replaceChildren();
    const [{ episode, scene, task, instruction, rate, step }] = pasts;
    Object.assign(state, { there: 0, rate, length: step, steps: Math.max(...pasts.map((past) => past.steps)) });
    $("name").textContent = document.title = `${task}, episode ${episode}`;
    $("instruction").textContent = instruction;
    $("steps").value = $("scrub").max = state.steps;
    pasts.forEach((past, who) => {
      const pane = new Pane($("agent"), past, who === state.heard, pasts.length > 1, () => hear(who));
      panes.push(pane);
      $("agents").append(pane.element);
    });
    say(`in ${scene}; playing it again …`);
  },
  plan: ({ who, step, ...place }) => panes[who].addPlace(step, place),
  moment({ who, step, ...moment }) {
    panes[who].add(step, moment);
    state.there = Math.max(state.there, step);
  },
  over({ problem }) {
    const left = panes.reduce((sum, pane) => sum + pane.past.left_out, 0);
    say(problem || (left ? `the last ${left} actions are not shown` : "all is here"), Boolean(problem));
    document.body.dataset.over = "yes";
  },
  refused: ({ text }) => say(text, true),
};

new Connection({
  onState: say,
  onMessage: (message) => receive[message.kind]?.(message),
  onFrame(kind, who, step, bytes) {
    const pane = panes[who];
    if (kind === SOUND) pane.heard[step] = bytes;
    else if (kind === PLAN) pane.addPlan(bytes);
    else if (kind === PICTURE) {
      pane.seen[step] = bytes;
      if (step === state.step || step === 0) show(state.step);
    }
  },
});

function show(step) {
  state.step = Math.max(0, Math.min(step, state.there));
  $("scrub").value = $("step").value = state.step;
  $("scrub").setAttribute("aria-valuetext", `${state.step} of ${state.steps} actions`);
  for (const pane of panes) pane.show(state.step);
}

/** Give the sound its next steps; without a device for sound only its clock goes on. */
function supply(until) {
  while (state.playing && sound.end < until) {
    const step = Math.round(sound.end / state.length) + 1;
    const bytes = panes[state.heard]?.heard[step];
    if (!bytes) {
      if (step > state.steps) finish();
      return;
    }
    sound.push(sound.end, bytes.slice(0));
  }
}

/** Show what the body sees at the end of the step that is heard. */
function follow() {
  if (!state.playing) return;
  const step = Math.ceil(Math.max(sound.playing, 1) / state.length);
  if (step !== state.step) show(step);
  requestAnimationFrame(follow);
}

function finish() {
  play(false);
  show(state.steps);
}

function play(is) {
  state.playing = is;
  $("play").textContent = is ? "Pause" : "Play";
  $("play").setAttribute("aria-pressed", is);
  if (!is) return;
  sound.begin(state.rate, (state.step >= state.steps ? 0 : state.step) * state.length);
  follow();
}

function seek(step) {
  show(step);
  if (state.playing) sound.begin(state.rate, state.step * state.length);
}

async function listen() {
  state.muted = !state.muted;
  try {
    if (!sound.context) {
      sound.rate = state.rate;
      await sound.start();
    }
    sound.muted = state.muted;
  } catch (error) {
    state.muted = true;
    say(error.message, true);
  }
  $("listen").textContent = state.muted ? "Listen" : "Mute";
  $("listen").setAttribute("aria-pressed", !state.muted);
}

function hear(who) {
  state.heard = who;
}

$("play").onclick = () => play(!state.playing);
$("listen").onclick = listen;
$("back").onclick = () => seek(state.step - 1);
$("on").onclick = () => seek(state.step + 1);
$("scrub").oninput = (event) => seek(Number(event.target.value));
const KEYS = {
  ArrowLeft: () => seek(state.step - 1), ArrowRight: () => seek(state.step + 1),
  PageUp: () => seek(state.step - 10), PageDown: () => seek(state.step + 10),
  Home: () => seek(0), End: () => seek(state.there),
  Space: () => play(!state.playing), KeyM: listen,
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.code in KEYS)) return;
  if (event.code === "Space" && event.target.matches("button, input")) return;
  event.preventDefault();
  KEYS[event.code]();
});
