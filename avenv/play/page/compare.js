// Two ways of hearing what sounds here, equally loud, switched between while they play.

import { options } from "./lists.js";

const $ = (id) => document.getElementById(id);
const FADE = 0.02; // seconds from one to the other
const FIELDS = ["scene", "head", "engine"];
const WHO = ["a", "b"];

export class Compare {
  /** make(a, b) asks for clips; live(is) lets the scene itself be heard, or not. */
  constructor(sound, make, live, onProblem) {
    Object.assign(this, { sound, live, clips: [], chosen: 0, playing: null });
    $("compare-make").onclick = async () => {
      this.stop();
      try {
        if (!sound.context) await sound.start();
      } catch (error) {
        return onProblem(error.message);
      }
      $("compare-state").value = "computing both …";
      make(...WHO.map((who) => Object.fromEntries(FIELDS.map((field) => [field, $(`${who}-${field}`).value]))));
    };
    WHO.forEach((who, k) => ($(`hear-${who}`).onclick = () => this.hear(k)));
    $("compare-stop").onclick = () => this.stop();
  }

  /** What there is to choose from, {scenes, heads, engines}; what was chosen stays so. */
  show({ scenes, heads, engines }) {
    for (const who of WHO) {
      const all = { scene: scenes, head: heads, engine: engines };
      for (const field of FIELDS) {
        const list = $(`${who}-${field}`), chosen = list.value;
        options(list, all[field], all[field].includes(chosen) ? chosen : all[field][0]);
      }
    }
  }

  /** The clips are about to come: gain dB were added to the second. */
  expect({ gain, rate }) {
    Object.assign(this, { gain, rate, clips: [] });
  }

  take(number, bytes) {
    const pcm = new Int16Array(bytes);
    const buffer = new AudioBuffer({ numberOfChannels: 2, length: pcm.length / 2, sampleRate: this.rate });
    for (const ear of [0, 1]) buffer.getChannelData(ear).forEach((_, k, all) => (all[k] = pcm[2 * k + ear] / 32767));
    this.clips[number] = buffer;
    if (this.clips.filter(Boolean).length === 2) this.play();
  }

  play() {
    this.stop();
    const { context } = this.sound;
    const start = context.currentTime + 0.1;
    this.playing = this.clips.map((buffer, k) => {
      const source = new AudioBufferSourceNode(context, { buffer, loop: true });
      const gain = new GainNode(context, { gain: k === 0 ? 1 : 0 });
      source.connect(gain).connect(context.destination);
      source.start(start);
      return { source, gain };
    });
    this.live(false);
    $("compare-playing").hidden = false;
    this.hear(0);
  }

  hear(k) {
    if (!this.playing) return;
    this.chosen = k;
    this.playing.forEach(({ gain }, j) => gain.gain.setTargetAtTime(j === k ? 1 : 0, this.sound.context.currentTime, FADE / 3));
    WHO.forEach((who, j) => $(`hear-${who}`).setAttribute("aria-pressed", j === k));
    const more = this.gain >= 0 ? "louder" : "quieter";
    $("compare-state").value = `you hear ${WHO[k].toUpperCase()}; B was made ${Math.abs(this.gain).toFixed(1)} dB ${more}, to be as loud as A`;
  }

  /** Hear the other one. */
  other() {
    this.hear(1 - this.chosen);
  }

  stop() {
    $("compare-state").value = "";
    $("compare-playing").hidden = true;
    if (!this.playing) return;
    for (const { source, gain } of this.playing) {
      source.stop();
      gain.disconnect();
    }
    this.playing = null;
    this.live(true);
  }
}
