"""Every question and answer of an episode, written down, so that nothing is asked twice.

A folder has ``SEED.jsonl`` for each episode, a line for each question, and ``media/`` with the
pictures and sounds, each once, named by its hash.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from avenv.core.files import draft_of, read_limited

MAX_BYTES = 2**30
"""Size of the largest transcript that is read."""

MEDIA = "media"


class TranscriptError(ValueError):
    """What is asked is not what the transcript has, or the transcript has no answer."""


class Entry(NamedTuple):
    """A question that was answered.

    Attributes:
        key: of the request, its hash.
        answer: as the server gave it.
        tokens_in, tokens_out: as it counts them.
        cost: dollars.
        tries: that it took.
    """

    key: str
    answer: dict[str, Any]
    tokens_in: int
    tokens_out: int
    cost: float
    tries: int


class Transcript:
    """The questions of one episode, in their order.

    Args:
        folder: where transcripts are; None: nothing is written down.
        seed: of the episode, or the name of what is asked about.
        is_final: whether there are no more answers than those written down.

    Raises:
        TranscriptError: it is final and there is none, or the file is none.
    """

    def __init__(self, folder: Path | None, seed: int | str, is_final: bool = False):
        self.path = folder / f"{seed}.jsonl" if folder else None
        self._is_final, self._next, self._length = is_final, 0, 0
        self._entries: list[Entry] = []
        if self.path is not None and self.path.exists():
            self._entries, self._length = read_entries(self.path)
        elif is_final:
            raise TranscriptError(f"{self.path}: there is no transcript of this episode to replay")

    def ask(
        self, body: Mapping[str, Any], media: Mapping[str, bytes], fetch: Callable[[], Entry]
    ) -> Entry:
        """Return the answer to the next question: as written down, else as fetched.

        Args:
            body: of the request.
            media: files in it, by names that end as their kind does.
            fetch: asks the server; only called where nothing is written down. What it returns is.

        Raises:
            TranscriptError: another question is written down, or no more are.
        """
        key, number = key_of(body), self._next
        if number < len(self._entries):
            found = self._entries[number]
            if found.key != key:
                raise TranscriptError(
                    f"{self.path}: its question {number} is not the one asked now; accepted: the "
                    "same view, episodes and version, on a machine with the same vector "
                    "instructions; or another --out"
                )
        elif self._is_final:
            raise TranscriptError(f"{self.path}: has {number} answers, and one more is asked for")
        else:
            found = fetch()._replace(key=key)
            self._write(found, body, media)
            self._entries.append(found)
        self._next += 1
        return found

    def _write(self, entry: Entry, body: Mapping[str, Any], media: Mapping[str, bytes]) -> None:
        if self.path is None:
            return
        folder = self.path.parent / MEDIA
        folder.mkdir(parents=True, exist_ok=True)
        names: dict[str, str] = {}
        for name, content in media.items():
            file = hashlib.sha256(content).hexdigest()[:32] + Path(name).suffix
            names[base64.b64encode(content).decode()] = f"{MEDIA}/{file}"
            if not (folder / file).exists():
                with draft_of(folder / file) as draft:
                    draft.write_bytes(content)
        line = json.dumps({**entry._asdict(), "request": _with_names(body, names)}) + "\n"
        with self.path.open("ab") as whole:
            whole.truncate(self._length)  # of a killed run, half a line may be left
            whole.write(line.encode())
        self._length += len(line.encode())


def read_entries(path: Path) -> tuple[list[Entry], int]:
    """Return what a transcript has, and the bytes of its whole lines.

    Raises:
        TranscriptError: it is none.
    """
    try:
        *lines, _ = read_limited(path, MAX_BYTES).split(b"\n")
        read = [json.loads(line) for line in lines]
        entries = [Entry(*(one[name] for name in Entry._fields)) for one in read]
    except (ValueError, KeyError, TypeError) as error:
        raise TranscriptError(f"{path}: is no transcript: {error}") from error
    return entries, sum(len(line) + 1 for line in lines)


def spent_in(folder: Path | None) -> float:
    """Return the dollars that the questions in a folder of transcripts have cost."""
    if folder is None or not folder.is_dir():
        return 0.0
    return sum(e.cost for path in sorted(folder.glob("*.jsonl")) for e in read_entries(path)[0])


def key_of(body: Mapping[str, Any]) -> str:
    """Return the hash of a request, files included."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _with_names(value: Any, names: Mapping[str, str]) -> Any:
    """Return a request with the names of files in place of what is in them."""
    if isinstance(value, Mapping):
        return {k: _with_names(v, names) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_with_names(one, names) for one in value]
    if isinstance(value, str) and len(value) > 100:
        for data, name in names.items():
            value = value.replace(data, name)
    return value
