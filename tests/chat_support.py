"""A server that speaks a chat interface over a real socket and says what a test wants it to."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

JSON = "application/json"


def calling(*actions, tool="act", **more):
    """Return a chat completion that calls a tool, with 100 and 10 tokens."""
    given = {"actions": list(actions)} if actions or tool == "act" else {}
    arguments = json.dumps(given | more)
    return saying(None, [{"function": {"name": tool, "arguments": arguments}}])


def saying(text, calls=(), finish="stop", **more):
    """Return a chat completion with a text."""
    message = {"role": "assistant", "content": text, "tool_calls": list(calls), **more}
    return {
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    }


class Reply:
    """What a server sends: a status, a kind, and blocks with a wait before each."""

    def __init__(self, content, status=200, kind=JSON, wait=0.0, **headers):
        self.blocks = [content] if isinstance(content, str) else content
        self.status, self.kind, self.wait = status, kind, wait
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def stream_of(completion):
    """Return a completion bit by bit, as server-sent events."""
    message = completion["choices"][0]["message"]
    chunks = []
    for k, call in enumerate(message["tool_calls"]):
        text = call["function"]["arguments"]
        pieces = [text[i : i + 7] for i in range(0, len(text), 7)]
        begun = {"index": k, "id": "1", "function": {"name": "act", "arguments": ""}}
        chunks += [{"tool_calls": [begun]}]
        chunks += [{"tool_calls": [{"index": k, "function": {"arguments": p}}]} for p in pieces]
    events = [{"choices": [{"delta": delta, "finish_reason": None}]} for delta in chunks]
    events += [{"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}]
    events += [{"choices": [], "usage": completion["usage"]}]
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return Reply([*lines, "data: [DONE]\n\n"], kind="text/event-stream")


class ChatServer:
    """Answers by ``script(number, body, headers)``; ``asked`` has all bodies."""

    def __init__(self, script):
        self.script, self.asked, self.paths = script, [], []
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                content = self.rfile.read(int(self.headers["content-length"]))
                with owner._lock:
                    number = len(owner.asked)
                    owner.asked.append(json.loads(content))
                    owner.paths.append(self.path)
                made = owner.script(number, owner.asked[number], self.headers)
                made = made if isinstance(made, Reply) else Reply(json.dumps(made))
                self.send_response(made.status)
                for name, value in {"content-type": made.kind, **made.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    for block in made.blocks:
                        time.sleep(made.wait)
                        self.wfile.write(block.encode())
                        self.wfile.flush()
                except OSError:  # whoever asked has hung up
                    pass

            def log_message(self, format, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def chat_server(script):
    """Serve a script as long as the context lasts."""
    server = ChatServer(script)
    try:
        yield server
    finally:
        server.close()
