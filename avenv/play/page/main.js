// The page: brings connection, sound, plan and lists together.

import { Compare } from "./compare.js";
import { CLIP, Connection, PICTURE, PLAN, SOUND } from "./connection.js";
import { showFindings } from "./findings.js";
import { options, showSources, showThings } from "./lists.js";
import { Spectrogram, showLevels } from "./meters.js";
import { Plan } from "./plan.js";
import { Film } from "./recording.js";
import { drawRose, mostOf } from "./rose.js";
import { Sound } from "./sound.js";
import { Surface } from "./surface.js";
import { Task } from "./task.js";
import { Walking } from "./walking.js";

const BEFORE = 1.2; // metres before the body where a source is put
const REACH = 2.5; // metres within which a thing before the body is used
const SHOWN = 6000; // ms for which a problem is shown
const CALM_PICTURES = 500; // ms from one picture to the next where less motion is wanted

const $ = (id) => document.getElementById(id);
const state = { scene: null, pose: null, sounds: [], chosen: "", putting: false, muted: false };
const paint = $("view").getContext("2d");
const spectrogram = new Spectrogram($("spectrogram"));
const sound = new Sound((until) => link.send("want", { until }));
const shownAt = []; // ms, of the pictures of the last two seconds
let cleared, latest = null, isPainting = false, pictured = 0;

$("calm").checked = matchMedia("(prefers-reduced-motion: reduce)").matches;

function say(text, isProblem = false) {
  clearTimeout(cleared);
  $("status").textContent = text;
  $("status").classList.toggle("problem", isProblem);
  if (isProblem && !link?.ended) cleared = setTimeout(() => say(hint()), SHOWN);
}

const hint = () => (sound.context ? "" : "press Listen to hear the scene");

/** Show the latest picture that has come, one after another. */
function picture(number, bytes) {
  latest = [number, bytes];
  if (!isPainting) paintLatest();
}

async function paintLatest() {
  isPainting = true;
  while (latest) {
    const wait = $("calm").checked ? pictured + CALM_PICTURES - performance.now() : 0;
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    const [number, bytes] = latest;
    latest = null;
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    const canvas = $("view");
    if (canvas.width !== bitmap.width) [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    paint.drawImage(bitmap, 0, 0);
    bitmap.close();
    pictured = performance.now();
    shownAt.push(pictured);
    canvas.dataset.number = number;
    link.send("seen", { number });
  }
  isPainting = false;
}

const task = new Task((action) => link.send("act", { action }));
const link = new Connection({
  onState: say,
  onMessage(message) {
    receive[message.kind]?.(message);
  },
  onFrame(kind, number, sample, bytes) {
    if (kind === SOUND) sound.push(sample, bytes);
    else if (kind === PICTURE) picture(number, bytes);
    else if (kind === PLAN) plan.picture(bytes);
    else if (kind === CLIP) compare.take(number, bytes);
  },
});

const receive = {
  session: ({ sounds }) => (state.sounds = sounds),
  hello({ rate, clock }) {
    sound.begin(rate, clock);
    say(hint());
    if (state.chosen) link.send("measure", { source: state.chosen });
  },
  scene(scene) {
    state.scene = scene;
    $("name").textContent = document.title = scene.name;
    $("light").value = scene.light;
    const names = scene.sources.map((source) => source.name);
    if (!names.includes(state.chosen)) choose(names[0] ?? "");
    show();
  },
  plan: (place) => plan.fit(place),
  pose(pose) {
    state.pose = pose;
    plan.stand(pose);
  },
  levels(levels) {
    showLevels($("levels"), levels);
    $("total").value = levels.total.toFixed(1);
    $("total").dataset.sample = levels.sample;
    const now = performance.now();
    while (shownAt[0] < now - 2000) shownAt.shift();
    $("pictures").value = Math.round(shownAt.length / 2);
    $("gaps").value = sound.gaps;
    $("late").value = sound.late;
    const { latency } = sound;
    $("latency").value = latency === null ? "–" : Math.round(1000 * latency);
  },
  captions({ lines }) {
    $("captions").replaceChildren(...lines.map((line) => Object.assign(document.createElement("div"), { textContent: line })));
  },
  measures({ source, arrivals, t30, c50, drr }) {
    $("rose").hidden = !arrivals.length;
    if (arrivals.length) drawRose($("rose").firstElementChild, arrivals, `Arrives, straight ahead on top; ${mostOf(arrivals)}`, $("rose").lastElementChild);
    for (const [name, value] of Object.entries({ t30, c50, drr })) $(name).value = value ?? "–";
    $("measured").value = source.replaceAll("_", " ");
  },
  pair: (pair) => compare.expect(pair),
  picked: (found) => surface.show(found),
  done({ what }) {
    if (what === "clad") say(`the ${surface.name}: ${$("material").selectedOptions[0].textContent}`);
  },
  problem({ text }) {
    $("compare-state").value = "";
    say(text, true);
  },
  turn(turn) {
    sound.turns = true;
    task.show(turn);
  },
  end: (end) => task.end(end),
  beside: (score) => task.beside(score),
  file({ findings }) {
    showFindings(findings, plan);
    if (findings.every((finding) => finding.is_warning)) say("the scene is as its file has it");
  },
};

function choose(name) {
  state.chosen = name;
  if (name) link.send("measure", { source: name });
  plan.show(state.scene, name);
}

function before() {
  const { x, y, heading } = state.pose;
  return { x: x + BEFORE * Math.cos(heading), y: y + BEFORE * Math.sin(heading) };
}

function use(thing) {
  link.send("use", { thing });
}

/** Use the nearest thing before the body. */
function useAhead() {
  const { x, y, heading } = state.pose;
  const away = (thing) => Math.hypot(thing.x - x, thing.y - y);
  const isAhead = (thing) => Math.cos(Math.atan2(thing.y - y, thing.x - x) - heading) > 0.5;
  const near = state.scene.things.filter((thing) => away(thing) < REACH && isAhead(thing));
  near.sort((a, b) => away(a) - away(b));
  if (near.length) use(near[0].name);
  else say("nothing to use is before you", true);
}

function put(is) {
  state.putting = is;
  $("add-on-plan").setAttribute("aria-pressed", is);
  $("plan").classList.toggle("putting", is);
  $("plan-hint").textContent = is
    ? "Click where the sound shall come from, or move the cross there with the arrow keys and press Enter."
    : "Click the floor to stand there (by keys: arrows and Enter); drag a source; click a circle to open, close or switch it.";
  if (is) $("plan").focus();
}

function show() {
  const { scene } = state;
  const sounds = [...scene.own_sounds, ...state.sounds];
  options($("sound"), sounds, $("sound").value || "phone");
  plan.show(scene, state.chosen);
  compare.show(scene);
  showThings($("things"), scene, use);
  showSources($("sources"), scene, sounds, state.chosen, {
    choose,
    swap: (source, name) => link.send("swap", { source, sound: name }),
    bring: (source) => link.send("move", { source, ...before() }),
    silence: (source) => link.send("silence", { source }),
  });
}

const plan = new Plan($("plan"), {
  onPlace(x, y) {
    if (!state.putting) return link.send("stand", { x, y });
    link.send("place", { sound: $("sound").value, x, y });
    put(false);
    $("add-on-plan").focus();
  },
  onMove: (source, x, y) => link.send("move", { source, x, y }),
  onUse: use,
  onChoose(name) {
    choose(name);
    show();
  },
});
put(false);

async function listen() {
  if (sound.context) return mute(!state.muted);
  try {
    await sound.start();
    mute(false);
    say("");
  } catch (error) {
    say(error.message, true);
  }
}

function mute(is) {
  state.muted = is;
  sound.muted = is || Boolean(compare.playing);
  $("listen").textContent = is ? "Listen" : "Mute";
  $("listen").setAttribute("aria-pressed", !is);
}

const compare = new Compare(sound, (a, b) => link.send("compare", { a, b }), (is) => (sound.muted = !is || state.muted), (text) => say(text, true));

const film = new Film($("view"), sound, (name) => {
  $("record").textContent = "Record";
  $("record").setAttribute("aria-pressed", false);
  say(`${name} is where your browser saves files`);
});

async function record() {
  if (film.isRunning) return film.end();
  try {
    if (!sound.context) await listen();
    film.begin(state.scene.name);
    $("record").textContent = "End the film";
    $("record").setAttribute("aria-pressed", true);
  } catch (error) {
    say(error.message, true);
  }
}

$("record").onclick = record;
$("listen").onclick = listen;
$("light").onchange = (event) => link.send("light", { light: event.target.value });
$("add").onclick = () => link.send("place", { sound: $("sound").value, ...before() });
$("add-on-plan").onclick = () => put(!state.putting);
$("file").onchange = async (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  try {
    say(`reading ${file.name} …`);
    $("sound").append(new Option(file.name, await link.upload(file)));
    $("sound").value = file.name;
    say(`${file.name} can be put into the scene now`);
  } catch (error) {
    say(error.message, true);
  }
};
const surface = new Surface($("view"), (right, up) => link.send("pick", { right, up }), (room, part, material) => {
  say(`changing the ${surface.name} …`);
  link.send("clad", { room, part, material });
});
const keys = { KeyE: useAhead, KeyM: listen, KeyC: () => surface.ahead(), KeyX: () => compare.other() };
new Walking($("view"), (kind, content) => link.send(kind, content), keys, (event) => surface.at(event));
addEventListener("pagehide", () => link.socket.close(1000));

(function frame() {
  if (sound.analyser && !$("calm").checked) spectrogram.draw(sound.analyser);
  requestAnimationFrame(frame);
})();
