// One WebSocket to the server, which comes back with the same session when it is lost.

const HEADER = 16; // bytes: kind, number, sample; see avenv/play/protocol.py
const FIRST_WAIT = 500; // ms before the first try to come back; it doubles up to ten times this
export const SOUND = 1, PICTURE = 2, PLAN = 3, CLIP = 4;

export class Connection {
  /** handlers: onMessage(message), onFrame(kind, number, sample, bytes), onState(text, isProblem) */
  constructor(handlers) {
    this.handlers = handlers;
    this.session = "";
    this.wait = FIRST_WAIT;
    this.ended = false;
    this.open();
  }

  open() {
    const address = new URL("live", location.href);
    address.protocol = "ws:";
    if (this.session) address.searchParams.set("session", this.session);
    this.socket = new WebSocket(address);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = (event) => this.receive(event.data);
    this.socket.onclose = (event) => this.lost(event);
  }

  receive(data) {
    if (typeof data === "string") {
      const message = JSON.parse(data);
      if (message.kind === "session") {
        this.session = message.name;
        this.wait = FIRST_WAIT;
      }
      if (message.kind === "refused") this.end(message.text);
      this.handlers.onMessage(message);
      return;
    }
    const view = new DataView(data);
    const sample = Number(view.getBigUint64(8, true));
    this.handlers.onFrame(view.getUint8(0), view.getUint32(4, true), sample, data.slice(HEADER));
  }

  lost(event) {
    if (this.ended) return;
    if (event.code === 1001 || event.code === 1011) {
      this.end(event.reason || "the server has failed; its terminal says why");
      return;
    }
    this.handlers.onState("connection lost, coming back …", true);
    setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(2 * this.wait, 10 * FIRST_WAIT);
  }

  end(text) {
    this.ended = true;
    this.handlers.onState(text, true);
  }

  send(kind, content = {}) {
    if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ kind, ...content }));
    }
  }

  /** Bring a sound along; returns its name. Throws what the server says is wrong with it. */
  async upload(file) {
    const address = new URL("sound", location.href);
    address.searchParams.set("session", this.session);
    address.searchParams.set("name", file.name);
    const answer = await fetch(address, { method: "POST", body: file });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()).name;
  }
}
