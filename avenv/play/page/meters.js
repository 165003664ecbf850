// How loud it is in each octave, and the spectrogram.

const LOWEST = -90; // dB of full scale at the foot of a bar
const QUIET = -100, LOUD = -25; // dB of a bin of the spectrogram

export function showLevels(table, { octaves }) {
  const [heads, bars] = [table.tHead.rows[0], table.tBodies[0].rows[0]];
  octaves.forEach((level, k) => {
    if (!heads.cells[k]) {
      const hertz = 125 * 2 ** k;
      const head = document.createElement("th");
      head.scope = "col";
      head.textContent = hertz < 1000 ? hertz : `${hertz / 1000}k`;
      heads.append(head);
      bars.insertCell().innerHTML = '<div class="bar"></div><span></span>';
    }
    const [bar, number] = bars.cells[k].children;
    bar.style.height = `${Math.max(0, Math.min(1, 1 - level / LOWEST)) * 5.2}rem`;
    number.textContent = Math.round(level);
  });
}

export class Spectrogram {
  constructor(canvas) {
    this.canvas = canvas;
    this.paint = canvas.getContext("2d", { willReadFrequently: true });
  }

  /** Draw one column more; the others move to the left. */
  draw(analyser) {
    const { width, height } = this.canvas;
    const bins = (this.bins ??= new Float32Array(analyser.frequencyBinCount));
    analyser.getFloatFrequencyData(bins);
    this.paint.drawImage(this.canvas, -1, 0);
    const column = this.paint.createImageData(1, height);
    for (let y = 0; y < height; y++) {
      const from = Math.floor((1 - (y + 1) / height) * bins.length);
      const share = Math.max(0, Math.min(1, (bins[from] - QUIET) / (LOUD - QUIET)));
      column.data.set([255 * Math.min(1, 1.6 * share), 255 * share ** 1.5, 255 * (0.35 * Math.sin(Math.PI * share) + share ** 4 * 0.65), 255], 4 * y);
    }
    this.paint.putImageData(column, width - 1, 0);
  }
}
