"""The reference model behind the chat interface of OpenAI, on a socket of this machine."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from avenv_agents.omni.reference import Reference

MOST_BYTES = 64_000_000
"""Of one request."""

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]


def completion(model: str, arguments: Mapping[str, Any], asked: int) -> dict[str, Any]:
    """Return the answer that calls ``act``, as the interface has it.

    Args:
        model: its name.
        arguments: of the call.
        asked: letters of the request; four count as a token.
    """
    text = json.dumps(arguments)
    call = {"id": "call_0", "type": "function", "function": {"name": "act", "arguments": text}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    used = {"prompt_tokens": asked // 4, "completion_tokens": len(text) // 4}
    return {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": used | {"total_tokens": sum(used.values())},
    }


def answer_of(reference: Reference) -> Answer:
    """Return what answers the body of a request by the reference model."""

    def answer(body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            parts = body["messages"][-1]["content"]
            [sound] = [p["input_audio"]["data"] for p in parts if p["type"] == "input_audio"]
            [picture] = [p["image_url"]["url"] for p in parts if p["type"] == "image_url"]
            schema = body["tools"][0]["function"]["parameters"]
            names = schema["properties"]["actions"]["items"]["enum"]
            text = "\n".join(part["text"] for part in parts if part["type"] == "text")
        except (LookupError, TypeError, ValueError) as error:
            raise ValueError(
                f"one sound, one picture of depth and the tool 'act' are needed ({error!r}); "
                "accepted: --view reference"
            ) from error
        note = re.search(r"^Your note: (\S+)$", text, re.MULTILINE)
        action, left = reference.decide(
            names,
            base64.b64decode(sound),
            base64.b64decode(picture.partition(",")[2]),
            note[1] if note else "",
        )
        return completion(str(body["model"]), {"actions": [action], "note": left}, len(text))

    return answer


def make_server(answer: Answer, port: int = 0) -> ThreadingHTTPServer:
    """Return a server on this machine alone; port 0 is any that is free."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(200, {"object": "list", "data": [{"id": "reference", "object": "model"}]})

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            if not 0 < length <= MOST_BYTES:
                self.close_connection = True
                return self._error(413, f"the request has {length} bytes")
            content = self.rfile.read(length)
            if not self.path.endswith("/chat/completions"):
                return self._error(404, f"there is no {self.path}; accepted: /v1/chat/completions")
            try:
                self._send(200, answer(json.loads(content)))
            except ValueError as error:
                self._error(400, str(error))

        def _error(self, status: int, message: str) -> None:
            self._send(status, {"error": {"message": message, "code": status}})

        def _send(self, status: int, data: Mapping[str, Any]) -> None:
            content = json.dumps(data).encode()
            with suppress(ConnectionError):  # who asked has not waited
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
