// Plays what has come in, sample after sample; what has not come yet is silence, and counted.

const SECONDS = 4;
const TOLD_EVERY = 2; // blocks of 128 samples
const EDGE = 64; // samples over which the sound comes back after it was late

class Ring extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    this.size = SECONDS * sampleRate;
    this.ears = [new Float32Array(this.size), new Float32Array(this.size)];
    this.read = this.write = 0; // samples since the beginning
    this.enough = processorOptions.enough; // samples that must be there before it begins
    this.playing = false;
    this.since = 0;
    this.late = 0;
    this.blocks = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take({ pcm, enough }) {
    if (enough !== undefined) this.enough = enough;
    if (pcm === undefined) return;
    for (let k = 0; k < pcm.length; k += 2, this.write++) {
      const at = this.write % this.size;
      this.ears[0][at] = pcm[k] / 32767;
      this.ears[1][at] = pcm[k + 1] / 32767;
    }
  }

  process(_, [out]) {
    const count = out[0].length;
    const there = this.write - this.read;
    if (!this.playing && there >= this.enough) {
      this.playing = true;
      this.since = 0;
    }
    if (this.playing && there < count) {
      this.playing = false;
      this.late++;
    }
    if (this.playing) {
      for (let k = 0; k < count; k++, this.read++, this.since++) {
        const gain = Math.min(1, this.since / EDGE);
        out[0][k] = gain * this.ears[0][this.read % this.size];
        out[1][k] = gain * this.ears[1][this.read % this.size];
      }
    }
    if (++this.blocks % TOLD_EVERY === 0) {
      this.port.postMessage({ buffered: this.write - this.read, late: this.late });
    }
    return true;
  }
}

registerProcessor("ring", Ring);
