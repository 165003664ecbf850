"""The tables of PLY files (Turk 1994), binary or text: columns of numbers, and of lists of them."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.scene.meshes.parts import MAX_TRIANGLES, too_many
from avenv.scene.meshes.texts import decode_text, numbers

Values = NDArray[np.float64]
Index = NDArray[np.int64]

_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
    "int32": "i4", "uint32": "u4", "int64": "i8", "uint64": "u8", "float16": "f2", "float32": "f4",
    "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": None, "binary_little_endian": "<", "binary_big_endian": ">"}


class _Property(NamedTuple):
    """A column: its name, its type, and for a list the type of its length."""

    name: str
    type: str
    length: str | None


@dataclass
class _Element:
    """A table: how many rows, and its columns."""

    name: str
    rows: int
    properties: list[_Property] = field(default_factory=list)


class Column(NamedTuple):
    """A column's values, and of a list how many each row has."""

    values: Values
    lengths: Index | None = None


Table = dict[str, Column]


def read_tables(raw: bytes, path: Path) -> tuple[str, dict[str, Table]]:
    """Return the header of a file as text, and its tables by their names.

    Raises:
        SceneError: it is broken, cut off, or too large.
    """
    header, body = _split(raw, path)
    order, elements = _parse_header(header, len(raw), path)
    at: _Cursor = _TextCursor(body, path) if order is None else _BinaryCursor(body, order, path)
    return header, {element.name: at.read(element) for element in elements}


def _split(raw: bytes, path: Path) -> tuple[str, bytes]:
    """Return the header as text, and what is behind it."""
    decode_text(raw[:64], str(path))  # refuses UTF-16
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    end = re.search(rb"^[ \t]*end_header[ \t]*(\r\n|\n|\r)", raw[: 1 << 20], re.MULTILINE)
    if not end and (bare := re.search(rb"\rend_header\r\n?", raw[: 1 << 20])):
        end = bare
    if not raw.startswith(b"ply") or not end:
        raise SceneError(f"{path}: is no PLY file: it has no header from 'ply' to 'end_header'")
    return decode_text(raw[: end.start()], str(path)), raw[end.end() :]


def _parse_header(header: str, size: int, path: Path) -> tuple[str | None, list[_Element]]:
    """Return the order of bytes, None for text, and the tables that follow."""
    order: str | None = ""
    elements: list[_Element] = []
    for line in header.split("\n")[1:]:
        words = line.split()
        try:
            match words:
                case ["format", kind, *_]:
                    order = _ORDERS[kind]
                case ["element", name, rows]:
                    elements.append(_Element(name, int(rows)))
                case ["property", "list", length, kind, name]:
                    elements[-1].properties.append(_Property(name, _TYPES[kind], _TYPES[length]))
                case ["property", kind, name]:
                    elements[-1].properties.append(_Property(name, _TYPES[kind], None))
        except (KeyError, ValueError, IndexError):
            raise SceneError(f"{path}: header: cannot read {line.strip()!r:.80}") from None
    if order == "":
        raise SceneError(f"{path}: header: has no format")
    for element in elements:
        if element.name == "face" and element.rows > MAX_TRIANGLES:
            raise SceneError(f"{path}: {too_many(element.rows)}")
        if not 0 <= element.rows <= size:
            raise SceneError(f"{path}: element {element.name!r:.80}: has {element.rows:,} rows, "
                             "more than the file has bytes")  # fmt: skip
    return order, elements


class _Cursor:
    """Reads one table after another."""

    def read(self, element: _Element) -> Table:
        """Return the next table; ``SceneError`` if the file ends within it."""
        raise NotImplementedError


def _cut_off(path: Path, element: _Element, rows: int) -> SceneError:
    return SceneError(f"{path}: is cut off: element {element.name!r:.80} has {rows:,} of "
                      f"{element.rows:,} rows")  # fmt: skip


class _TextCursor(_Cursor):
    def __init__(self, body: bytes, path: Path) -> None:
        self._path = path
        self._values = numbers(decode_text(body, str(path)), np.float64, str(path))
        self._at = 0

    def read(self, element: _Element) -> Table:
        columns = element.properties
        if not any(column.length for column in columns):
            table = self._rows(element, len(columns))
            return {c.name: Column(table[:, k]) for k, c in enumerate(columns)}
        if len(columns) == 1 and element.rows and (alike := self._lists_alike(element)):
            return {columns[0].name: alike}
        found: dict[str, list[Values]] = {column.name: [] for column in columns}
        for row in range(element.rows):
            for column in columns:
                count = self._next(element, row) if column.length else 1
                if not 0 <= count <= len(self._values) - self._at:
                    raise _cut_off(self._path, element, row)
                found[column.name].append(self._values[self._at : self._at + int(count)])
                self._at += int(count)
        return {c.name: _joined(found[c.name], c) for c in columns}

    def _rows(self, element: _Element, width: int) -> Values:
        end = self._at + element.rows * width
        if end > len(self._values):
            raise _cut_off(self._path, element, (len(self._values) - self._at) // max(width, 1))
        table = self._values[self._at : end].reshape(element.rows, width)
        self._at = end
        return table

    def _lists_alike(self, element: _Element) -> Column | None:
        """Return the only column of a table if all its lists are of one length."""
        width = int(self._next(element, 0)) + 1
        self._at -= 1
        end = self._at + element.rows * width
        table = self._values[self._at : end]
        if width < 1 or len(table) < element.rows * width or (table[::width] != width - 1).any():
            return None
        table = self._rows(element, width)
        return Column(table[:, 1:].ravel(), np.full(element.rows, width - 1))

    def _next(self, element: _Element, row: int) -> float:
        if self._at >= len(self._values):
            raise _cut_off(self._path, element, row)
        self._at += 1
        return float(self._values[self._at - 1])


def _joined(rows: list[Values], column: _Property) -> Column:
    values = np.concatenate(rows) if rows else np.zeros(0)
    lengths = np.array([len(row) for row in rows], np.int64) if column.length else None
    return Column(values, lengths)


class _BinaryCursor(_Cursor):
    def __init__(self, body: bytes, order: str, path: Path) -> None:
        self._body, self._order, self._path, self._at = body, order, path, 0

    def read(self, element: _Element) -> Table:
        lists = [column for column in element.properties if column.length]
        guess = self._first_lengths(element) if element.rows else [0] * len(lists)
        row = self._row(element, guess)
        if guess is None or row.itemsize == 0:
            return self._walk(element)
        end = self._at + element.rows * row.itemsize
        if not lists and end > len(self._body):
            raise _cut_off(self._path, element, (len(self._body) - self._at) // row.itemsize)
        if end > len(self._body):
            return self._walk(element)
        table = np.frombuffer(self._body, row, element.rows, self._at)
        if any((table[f"{c.name}#"] != n).any() for c, n in zip(lists, guess, strict=True)):
            return self._walk(element)
        self._at = end
        out = {}
        for column in element.properties:
            values = table[column.name].astype(np.float64).ravel()
            lengths = table[f"{column.name}#"].astype(np.int64) if column.length else None
            out[column.name] = Column(values, lengths)
        return out

    def _first_lengths(self, element: _Element) -> list[int] | None:
        """Return how long the lists of the first row are; None if the file ends there."""
        at, lengths = self._at, []
        for column in element.properties:
            count = 1
            if column.length:
                kind = np.dtype(self._order + column.length)
                if at + kind.itemsize > len(self._body):
                    return None
                count = int(np.frombuffer(self._body, kind, 1, at)[0])
                at += kind.itemsize
                lengths.append(count)
            at += count * np.dtype(column.type).itemsize
            if count < 0 or at > len(self._body):
                return None
        return lengths

    def _row(self, element: _Element, lengths: list[int] | None) -> np.dtype:
        counts = iter(lengths or [])
        fields: list[tuple] = []
        for column in element.properties:
            if column.length:
                fields.append((f"{column.name}#", self._order + column.length))
                fields.append((column.name, self._order + column.type, (next(counts, 0),)))
            else:
                fields.append((column.name, self._order + column.type))
        return np.dtype(fields)

    def _walk(self, element: _Element) -> Table:
        """Read a table whose lists are of different lengths, row by row."""
        order: Literal["little", "big"] = "little" if self._order == "<" else "big"
        kinds = [(c, np.dtype(self._order + c.type), np.dtype(c.length or "u1").itemsize)
                 for c in element.properties]  # fmt: skip
        starts: dict[str, list[int]] = {c.name: [] for c in element.properties}
        counts: dict[str, list[int]] = {c.name: [] for c in element.properties}
        at = self._at
        for row in range(element.rows):
            for column, kind, width in kinds:
                count = 1
                if column.length:
                    count = int.from_bytes(self._body[at : at + width], order)
                    at += width
                starts[column.name].append(at)
                counts[column.name].append(count)
                at += count * kind.itemsize
            if at > len(self._body):
                raise _cut_off(self._path, element, row)
        self._at = at
        data = np.frombuffer(self._body, np.uint8)
        out = {}
        for column, kind, _ in kinds:
            lengths = np.array(counts[column.name], np.int64)
            first = np.repeat(np.array(starts[column.name], np.int64), lengths)
            within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            places = (first + within * kind.itemsize)[:, None] + np.arange(kind.itemsize)
            values = data[places].view(kind).ravel().astype(np.float64)
            out[column.name] = Column(values, lengths if column.length else None)
        return out
