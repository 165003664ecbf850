"""Finished episodes, written down as they finish, so that an evaluation may stop and go on."""

import hashlib
import inspect
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from avenv.core.cache import cache_folder

MAX_BYTES = 2**30
"""Size of the largest journal that is read."""


class Journal:
    """A file with one line of JSON for each finished episode, after a line that says what of.

    Args:
        path: of the file; None: nothing is written.
        heading: what the episodes are of, as plain data.

    Raises:
        ValueError: the file is of another evaluation, or no journal.

    Attributes:
        records: of the finished episodes, by number.
    """

    def __init__(self, path: Path | None, heading: Mapping[str, Any]):
        self.path = path
        self.records: dict[int, dict[str, Any]] = {}
        self._heading = json.loads(json.dumps(heading, default=str))
        self._length = 0  # bytes of whole lines
        if path is not None and path.exists():
            self._read(path)

    def __enter__(self) -> Self:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab")
            self._file.truncate(self._length)  # of a killed run, the last line may be half written
            if self._length == 0:
                self._write(self._heading)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.path is not None:
            self._file.close()

    def add(self, number: int, record: dict[str, Any]) -> None:
        """Write down a finished episode; from then on it survives whatever happens."""
        record = json.loads(json.dumps(record, default=str))  # as it will be read again
        self.records[number] = record
        if self.path is not None:
            self._write({"number": number, **record})

    def _write(self, data: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(data).encode() + b"\n")
        self._file.flush()
        with suppress(OSError):  # not every file system can
            os.fsync(self._file.fileno())

    def _read(self, path: Path) -> None:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path}: is larger than {MAX_BYTES / 1e6:g} MB, no journal")
        *lines, _ = path.read_bytes().split(b"\n")
        if not lines:
            return
        try:
            heading, *records = map(json.loads, lines)
            self.records = {record.pop("number"): record for record in records}
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ValueError(f"{path}: is no journal of an evaluation: {error}") from error
        if other := _differences(heading, self._heading):
            raise ValueError(
                f"{path} has finished episodes of another evaluation, which differs in "
                f"{', '.join(other)}; accepted: the same, another file, or that file deleted"
            )
        self._length = sum(len(line) + 1 for line in lines)


def _differences(one: Any, other: Any) -> list[str]:
    if not isinstance(one, dict):
        return ["everything"]
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def identity(agent: Callable) -> str:
    """Return what tells an agent from others of its name: a digest of its code or its policy."""
    own = getattr(agent, "fingerprint", None)
    if own is not None:
        return str(own)
    with suppress(OSError, TypeError):
        source = inspect.getsourcefile(inspect.unwrap(agent))
        if source:
            return hashlib.sha256(Path(source).read_bytes()).hexdigest()[:16]
    return ""


def heading(agent: Callable, name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an evaluation is of: two with the same go on with one another."""
    return {
        "avenv": version("avenv"),
        "agent": name,
        "code": identity(agent),
        **{key: settings[key] for key in sorted(settings)},
    }


def default_path(heading: Mapping[str, Any]) -> Path | None:
    """Return where an evaluation that is given no file keeps its journal: in the cache folder."""
    folder = cache_folder()
    text = json.dumps(heading, sort_keys=True, default=str)
    name = f"evaluation-{hashlib.sha256(text.encode()).hexdigest()[:16]}.jsonl"
    return folder / name if folder else None
