"""The line to a server: keys, retries, and limits of time and size."""

import json
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

MOST_BYTES = 4_000_000
"""Of one answer; one that is longer has no end."""

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before the second try, doubled before each further one, and the most."""

RETRIED = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""Statuses that may be others the next time."""

HIDDEN = "(key)"
SHORTEST = 8
"""Letters of the shortest key that is one; shorter ones, as ``none``, are words of answers too."""


class ServerError(ValueError):
    """A server cannot be asked; the message says what to change."""


class TooLongError(Exception):
    """An answer has no end."""


class Sent(NamedTuple):
    """What a server answered.

    Attributes:
        answer: as JSON has it; of one without end ``{"cut_off": True}``.
        tries: it took.
        seconds: it took, of the last try.
    """

    answer: dict[str, Any]
    tries: int
    seconds: float


@dataclass
class Line:
    """One server, asked from any number of threads.

    Attributes:
        backend: module of the interface, see ``backends``.
        base_url: of the server; empty: the backend's own.
        key: name of the environment variable with the key; empty: the backend's own.
        timeout: seconds that an answer may take, from the first byte to the last.
        tries: of a question that the server cannot answer now.

    Raises:
        ValueError: the address is none, or has a password in it.
    """

    backend: Any
    base_url: str = ""
    key: str = ""
    timeout: float = 120.0
    tries: int = 6

    def __post_init__(self) -> None:
        try:
            import httpx2
            import openai  # noqa: F401 (what is missing is said before anything is asked)
        except ImportError as error:
            raise ImportError(
                f'{error}; models are asked with: pip install "avenv[omni]"'
            ) from error
        self.base_url = check_url(self.base_url or self.backend.URL)
        if self.key and self.key not in os.environ:
            # Not named: it may be the key itself.
            raise ServerError("key names an environment variable that is not set")
        self.key = self.key or self.backend.KEY
        if not self.secret.isascii() or not self.secret.isprintable():
            raise ServerError(f"the key in {self.key} has letters that no header can carry")
        self._client = httpx2.Client(
            timeout=self.timeout,
            # What is packed may be far larger when it is unpacked.
            headers={"accept-encoding": "identity"},
            event_hooks={"response": [lambda response: _guard(response, self.timeout)]},
        )
        if not self.secret and self.base_url == self.backend.URL:
            raise ServerError(
                f"{self.base_url} wants a key, and {self.key} is not set; accepted: export "
                f"{self.key}=..., or --base-url of a server of your own"
            )

    @property
    def secret(self) -> str:
        """The key, from the environment alone."""
        return os.environ.get(self.key, "").strip()

    def send(self, body: Mapping[str, Any]) -> Sent:
        """Return the answer to a request, tried again where the server cannot answer now.

        Raises:
            ServerError: it cannot be asked, or not after all tries.
        """
        said, wait = "", FIRST_WAIT
        failures: tuple[type[Exception], ...] = (OSError, *_line_errors())
        for attempt in range(1, self.tries + 1):
            began = time.monotonic()
            status, code, retry_after = 0, 0, None
            try:
                response = self.backend.post(self._client, self.base_url, self.secret, body)
                try:
                    response.read()
                finally:
                    response.close()
                status, retry_after = response.status_code, response.headers.get("retry-after")
                answer = self._read(response)
                said = self.hide(_error_of(answer))
                if not said:
                    return Sent(self._hidden(answer), attempt, time.monotonic() - began)
                code = status if status >= 400 else _code_of(answer)
            except TooLongError:
                return Sent({"cut_off": True}, attempt, time.monotonic() - began)
            except failures as error:
                said = self.hide(f"{type(error).__name__}: {error}")
            if code and code not in RETRIED:
                break
            if attempt < self.tries:
                time.sleep(min(_seconds(retry_after) or wait, LONGEST_WAIT))
                wait *= 2
        raise ServerError(self._explained(status, code, said))

    def hide(self, text: str) -> str:
        """Return a text without the key."""
        return text.replace(self.secret, HIDDEN) if len(self.secret) >= SHORTEST else text

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.hide(k): self._hidden(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._hidden(one) for one in value]
        return self.hide(value) if isinstance(value, str) else value

    def _read(self, response: Any) -> dict[str, Any]:
        """Return an answer as JSON has it; what is none, as an error."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        text = response.text
        if 300 <= response.status_code < 400:
            where = response.headers.get("location", "")
            return {"error": {"message": f"moved to {where[:200]!r}", "code": "moved"}}
        if not text.strip():
            return {"error": {"message": "nothing at all", "code": 502}}
        if kind == "text/html" or text.lstrip()[:1] == "<":
            title = re.search(r"<title[^>]*>([^<]{0,200})", text, re.IGNORECASE)
            named = f" called {title[1].strip()!r}" if title else ""
            return {"error": {"message": f"a web page{named} and no JSON", "code": "html"}}
        try:
            if kind == "text/event-stream":
                lines = (line[5:].strip() for line in text.splitlines() if line[:5] == "data:")
                return self.backend.answer([json.loads(x) for x in lines if x and x != "[DONE]"])
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:
            return {"error": {"message": f"no JSON but {text[:80]!r} ({error})", "code": "text"}}
        if not isinstance(answer, dict):
            return {"error": {"message": f"no JSON object but {text[:80]!r}", "code": "text"}}
        if response.status_code >= 400 and not _error_of(answer):
            answer = {"error": {"message": text[:500], "code": response.status_code}}
        return answer

    def _explained(self, status: int, code: int, said: str) -> str:
        """Return what is wrong, and what to change."""
        start = f"{self.base_url} answered" + (f" {status}" if status else "")
        lower, hint = said.lower(), ""
        if not status:
            start, hint = f"{self.base_url} did not answer", f"{self.tries} tries, is it running?"
        if "a web page" in said:
            hint = "a proxy or another service answers there; accepted: the address of the API"
        elif 300 <= status < 400:
            hint = "accepted: the address where it is now"
        elif code in (401, 403):
            hint = f"accepted: the right key in the environment variable {self.key}"
        elif code in (404, 405):
            hint = "accepted: a model it has, and an address that mostly ends in /v1"
        elif 400 <= code < 500 and re.search(r"audio|modalit", lower):
            hint = "if the model takes no sound: --view silent"
        elif 400 <= code < 500 and re.search(r"image|vision", lower):
            hint = "if the model takes no pictures: --view text"
        elif 400 <= code < 500 and "tool" in lower:
            hint = "if the model calls no tools: a view with reply: text"
        elif 400 <= code < 500 and re.search(r"max_(completion_)?tokens|temperature", lower):
            hint = "accepted: a view with answer_limit: max_tokens, or temperature: null"
        elif code in RETRIED:
            hint = f"after {self.tries} tries; the same command goes on later"
        return f"{start}: {said[:500]}" + (f" ({hint})" if hint else "")


def check_url(url: str) -> str:
    """Return the address of a server, without a slash at its end.

    Raises:
        ValueError: it is none, or has a password or a query in it, which would be written down.
    """
    text = str(url).strip()
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or re.search(r"\s", text):
        raise ValueError(f"base_url is {text!r:.80}; accepted: as http://localhost:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            "base_url has a name, a password or a query in it; accepted: the address alone, with "
            "the key in an environment variable"
        )
    return text.rstrip("/")


class _Guarded:
    """The bytes of an answer, as long as there are not too many and it does not take too long."""

    def __init__(self, stream: Any, url: str, timeout: float):
        self._stream, self._url = stream, url
        self._timeout, self._end = timeout, time.monotonic() + timeout

    def __iter__(self) -> Iterator[bytes]:
        import httpx2

        count = 0
        for block in self._stream:
            count += len(block)
            if count > MOST_BYTES:
                raise TooLongError(self._url)
            if time.monotonic() > self._end:
                raise httpx2.ReadTimeout(f"it was not finished after {self._timeout:g} s")
            yield block

    def close(self) -> None:
        """Hang up."""
        self._stream.close()


def _guard(response: Any, timeout: float) -> None:
    import httpx2

    kind = type("GuardedStream", (_Guarded, httpx2.SyncByteStream), {})
    response.stream = kind(response.stream, str(response.url), timeout)


def _line_errors() -> tuple[type[Exception], ...]:
    import httpx2

    return (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL)


def _error_of(answer: Mapping[str, Any]) -> str:
    """Return what an answer says is wrong; empty where it does not."""
    error = answer.get("error")
    if not error:
        return "" if answer.get("type") != "error" else str(answer)
    message = error.get("message") if isinstance(error, Mapping) else None
    return str(message or error)


def _code_of(answer: Mapping[str, Any]) -> int:
    """Return the status that an answer names in its error; 400 where it names none."""
    error = answer.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 400


def _seconds(retry_after: str | None) -> float | None:
    try:
        seconds = float(retry_after or "nan")
    except ValueError:  # or a date
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
