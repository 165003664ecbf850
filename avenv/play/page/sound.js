// Continuous sound: asks the server for as much as is about to be played.

const LEAST = 0.06; // seconds that are kept ready; a step of the server adds 0.04 at most
const MOST = 0.5;
const MORE = 0.04; // added when the sound came too late
const CALM = 15000; // ms without that after which a little less is kept

export class Sound {
  /** want(until) asks for sound up to a sample. */
  constructor(want) {
    this.want = want;
    this.ahead = LEAST;
    this.gaps = 0;
    this.late = 0;
    this.buffered = 0;
    this.end = null; // the sample after the last that came
    this.context = null;
    this.calmSince = performance.now();
  }

  /** A connection has begun or come back at a sample of the session's clock. */
  begin(rate, clock) {
    this.rate = rate;
    this.end = clock;
    this.clockAt = clock;
    this.startedAt = performance.now();
    this.ask();
    if (!this.timer) this.timer = setInterval(() => this.context || this.ask(), 20);
  }

  /** Ask for what will be played soon; without a device for sound, as time passes. */
  ask() {
    if (this.end === null || this.turns) return;
    const playing = this.context
      ? this.end - this.buffered
      : this.clockAt + ((performance.now() - this.startedAt) / 1000) * this.rate;
    if (!this.context && playing > this.end + 0.5 * this.rate) {
      this.clockAt = this.end; // the server cannot follow: its time goes more slowly
      this.startedAt = performance.now();
    }
    const until = Math.round(playing + this.ahead * this.rate);
    if (until > this.end) this.want(until);
  }

  /** The sample that is being played. */
  get playing() {
    return this.end === null ? 0 : this.end - (this.context ? this.buffered : 0);
  }

  push(sample, bytes) {
    const pcm = new Int16Array(bytes);
    if (sample !== this.end) this.gaps++;
    this.end = sample + pcm.length / 2;
    if (!this.ring) return;
    this.buffered += pcm.length / 2;
    this.ring.port.postMessage({ pcm }, [pcm.buffer]);
  }

  /** Begin to play; browsers allow that only when a button was pressed. */
  async start() {
    if (!window.AudioContext || !window.AudioWorkletNode) {
      throw new Error("this browser has no Web Audio; all else works without sound");
    }
    const context = new AudioContext({ sampleRate: this.rate, latencyHint: "interactive" });
    await context.audioWorklet.addModule("ring.worklet.js");
    const enough = 0.6 * this.ahead * this.rate;
    this.ring = new AudioWorkletNode(context, "ring", {
      numberOfInputs: 0, outputChannelCount: [2], processorOptions: { enough },
    });
    this.gain = new GainNode(context);
    this.analyser = new AnalyserNode(context, { fftSize: 1024, smoothingTimeConstant: 0 });
    this.ring.connect(this.analyser).connect(this.gain).connect(context.destination);
    this.ring.port.onmessage = ({ data }) => this.heard(data);
    await context.resume();
    this.buffered = 0;
    this.context = context;
    this.ask();
  }

  heard({ buffered, late }) {
    this.buffered = buffered;
    const now = performance.now();
    if (this.turns) this.ahead = LEAST; // silence between two turns is no fault
    else if (late > this.late) {
      this.ahead = Math.min(MOST, this.ahead + MORE);
      this.calmSince = now;
    } else if (now - this.calmSince > CALM) {
      this.ahead = Math.max(LEAST, this.ahead - MORE / 2);
      this.calmSince = now;
    }
    this.late = this.turns ? 0 : late;
    this.ring.port.postMessage({ enough: 0.6 * this.ahead * this.rate });
    this.ask();
  }

  set muted(is) {
    this.gain?.gain.setTargetAtTime(is ? 0 : 1, this.context.currentTime, 0.01);
  }

  /** Seconds from what the body does to what is heard of it; null while nothing is played. */
  get latency() {
    if (!this.context) return null;
    const device = (this.context.baseLatency || 0) + (this.context.outputLatency || 0);
    return this.buffered / this.rate + device;
  }
}
