"""Records of arrays as bytes: what caches keep on disk.

A record is a NamedTuple of arrays, numbers and other records. As bytes it is one frame of Zstandard
(RFC 8878) with a checksum, in which a line of JSON says what arrays follow it. An archive of NumPy
takes longer to open, array by array, than all of that takes to unpack.
"""

import json
import math
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import zstandard

_LEVEL = 1
"""Of compression: higher ones take twice as long, and spare a few hundredths."""


def pack(record: tuple, prefix: str = "") -> dict[str, np.ndarray]:
    """Return the arrays and numbers of a NamedTuple, nested ones too, by their dotted names."""
    arrays: dict[str, np.ndarray] = {}
    for name, value in record._asdict().items():  # type: ignore[attr-defined]
        if isinstance(value, tuple):
            arrays |= pack(value, f"{prefix}{name}.")
        else:
            arrays[prefix + name] = np.asarray(value)
    return arrays


def unpack(kind: Any, arrays: Mapping[str, np.ndarray], prefix: str = "") -> Any:
    """Return the NamedTuple of type ``kind`` that ``pack`` took apart; KeyError if part is gone."""
    values = {}
    for name, hint in _fields(kind).items():
        if isinstance(hint, type) and issubclass(hint, tuple):
            values[name] = unpack(hint, arrays, f"{prefix}{name}.")
        else:
            value = arrays[prefix + name]
            values[name] = value.item() if hint in (int, float) else value
    return kind(**values)


def size_of(record: tuple) -> int:
    """Return the bytes of a NamedTuple's arrays."""
    return sum(array.nbytes for array in pack(record).values())


def encode(record: tuple) -> bytes:
    """Return a record as bytes."""
    arrays = pack(record)
    said = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    whole = b"".join([json.dumps(said).encode(), b"\n", *(a.tobytes() for a in arrays.values())])
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(whole)


def decode(kind: Any, content: bytes) -> Any:
    """Return the record of type ``kind`` that ``encode`` made bytes of, its arrays writable.

    Raises:
        KeyError, MemoryError, TypeError, ValueError, ZstdError: the bytes are damaged, or of
            another kind of record.
    """
    whole = zstandard.ZstdDecompressor().decompress(content, allow_extra_data=False)
    said, _, _ = whole.partition(b"\n")
    arrays, at = {}, len(said) + 1
    for name, kept, shape in json.loads(said):
        array = np.frombuffer(whole, kept, math.prod(shape), at)
        arrays[name] = array.reshape(shape).copy()
        at += array.nbytes
    return unpack(kind, arrays)


@cache
def _fields(kind: Any) -> dict[str, Any]:
    """Return the types of a NamedTuple's fields."""
    return typing.get_type_hints(kind)
