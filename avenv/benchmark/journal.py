"""Finished episodes, written down as they finish, so that an evaluation may stop and go on."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from avenv.core.files import draft_of, read_limited

try:
    import fcntl
except ImportError:  # there is none on Windows, where a file that is written is locked anyway
    fcntl = None  # type: ignore[assignment]

MAX_BYTES = 2**30
"""Size of the largest journal that is read."""


class Journal:
    """A file with one line of JSON for each finished episode, after a line that says what of.

    Args:
        path: of the file; None: nothing is written.
        heading: what the episodes are of, as plain data.
        place: what users call the file; by default its path.

    Raises:
        ValueError: the file is of another evaluation, or no journal.

    Attributes:
        records: of the finished episodes, by number.
    """

    def __init__(self, path: Path | None, heading: Mapping[str, Any], place: str | None = None):
        self.path, self.place = path, place or str(path)
        self.records: dict[int, dict[str, Any]] = {}
        self._heading = json.loads(json.dumps(heading))
        self._length = 0  # bytes of whole lines
        if path is not None and path.exists():
            self._read(path)

    def __enter__(self) -> Self:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
            try:
                _lock(self._file.fileno(), self.path)
                if self._file.seek(0, os.SEEK_END) < self._length:
                    raise ValueError(f"{self.path}: somebody else has cut it off")
                self._file.truncate(self._length)  # of a killed run, half a line may be left
                if self._length == 0:
                    self._write(self._heading)
            except BaseException:
                self._file.close()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.path is not None:
            self._file.close()

    def add(self, number: int, record: Mapping[str, Any]) -> None:
        """Write down a finished episode; from then on it survives whatever happens.

        Raises:
            OSError: the disk is full, or fails; what was there before is whole.
        """
        line = {"number": number, **record}
        if self.path is not None:
            self._write(line)
        self.records[number] = json.loads(json.dumps(line))  # as it will be read again

    def put_in_order(self) -> None:
        """Write the episodes by their numbers, in place of in the order in which they finished."""
        if self.path is None or list(self.records) == sorted(self.records):
            return
        self.records = {number: self.records[number] for number in sorted(self.records)}
        write_journal(self.path, self._heading, self.records.values())

    def _write(self, data: Mapping[str, Any]) -> None:
        content = _line(data)
        descriptor = self._file.fileno()
        try:
            rest = memoryview(content)
            while rest:  # a disk that fills takes a part
                rest = rest[os.write(descriptor, rest) :]
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(descriptor, self._length)
            raise OSError(
                error.errno,
                f"{self.place}: {os.strerror(error.errno or 0)}; the {len(self.records)} episodes "
                "that have finished are kept",
            ) from error
        self._length += len(content)
        with suppress(OSError):  # not every file system can
            os.fsync(descriptor)

    def _read(self, path: Path) -> None:
        heading, records, length = read_journal(path)
        if heading is None or not records:  # nothing that could be lost
            return
        if other := differences(heading, self._heading):
            raise ValueError(
                f"{self.place} has finished episodes of another evaluation, which differs in "
                f"{', '.join(other)}; accepted: the same, another place, or that one deleted"
            )
        self.records = {record["number"]: record for record in records}
        self._length = length


def read_journal(path: Path) -> tuple[dict[str, Any] | None, list[dict[str, Any]], int]:
    """Return the heading of a journal, its records, and the bytes of its whole lines.

    A last line that was written in half counts as none; without a whole line the heading is None.

    Raises:
        ValueError: it is no journal, or has an episode twice.
    """
    try:
        *lines, _ = read_limited(path, MAX_BYTES).split(b"\n")
        if not lines:
            return None, [], 0
        heading, *records = map(json.loads, lines)
        numbers = [record["number"] for record in records]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: is no journal of an evaluation: {error}") from error
    if not isinstance(heading, dict):
        raise ValueError(f"{path}: is no journal of an evaluation: it has no heading")
    if len(set(numbers)) < len(numbers):
        twice = next(n for n in numbers if numbers.count(n) > 1)
        raise ValueError(f"{path}: the episode {twice} is in it twice")
    return heading, records, sum(len(line) + 1 for line in lines)


def write_journal(path: Path, heading: Mapping[str, Any], records: Any) -> None:
    """Write a whole journal; it appears when it is there."""
    with draft_of(path) as draft:
        draft.write_bytes(b"".join(map(_line, (heading, *records))))


def differences(one: Mapping[str, Any], other: Mapping[str, Any], at: str = "") -> list[str]:
    """Return the names of what differs between two mappings, dotted where it is within others."""
    names: list[str] = []
    for name in sorted({*one, *other}):
        mine, its = one.get(name), other.get(name)
        if isinstance(mine, dict) and isinstance(its, dict):
            names += differences(mine, its, f"{at}{name}.")
        elif mine != its:
            names.append(at + name)
    return names


def _line(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode() + b"\n"


def _lock(descriptor: int, path: Path) -> None:
    """Keep others from writing to a file; the lock goes with the process."""
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ValueError(f"{path} is being written by another process") from error
