// A film of what is seen and heard, made by the browser itself and saved where it saves files.

const RATE = 25; // pictures a second
const TYPES = ["video/mp4;codecs=avc1,mp4a.40.2", "video/mp4", "video/webm;codecs=vp9,opus", "video/webm"];

export class Film {
  /** onEnd(name): it has been saved. */
  constructor(canvas, sound, onEnd) {
    Object.assign(this, { canvas, sound, onEnd, recorder: null });
  }

  get isRunning() {
    return this.recorder !== null;
  }

  /** Begin. Throws where the browser cannot. */
  begin(title) {
    const type = window.MediaRecorder && TYPES.find((one) => MediaRecorder.isTypeSupported(one));
    if (!type) throw new Error("this browser makes no films; avenv demo does");
    const { context, analyser } = this.sound;
    const stream = this.canvas.captureStream(RATE);
    const heard = context && new MediaStreamAudioDestinationNode(context); // else it is a silent film
    if (heard) analyser.connect(heard);
    for (const track of heard?.stream.getAudioTracks() ?? []) stream.addTrack(track);
    const parts = [];
    this.recorder = new MediaRecorder(stream, { mimeType: type });
    this.recorder.ondataavailable = ({ data }) => parts.push(data);
    this.recorder.onstop = () => {
      if (heard) analyser.disconnect(heard);
      const name = `${title.replace(/[^\w-]+/g, "-")}.${type.startsWith("video/mp4") ? "mp4" : "webm"}`;
      const href = URL.createObjectURL(new Blob(parts, { type }));
      Object.assign(document.createElement("a"), { href, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(href), 10000);
      this.recorder = null;
      this.onEnd(name, parts.reduce((sum, part) => sum + part.size, 0));
    };
    this.recorder.start(1000);
  }

  end() {
    this.recorder?.stop();
  }
}
