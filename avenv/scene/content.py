"""What a scene is, as a hash that is the same on every machine."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SCENE_VERSION = 1
"""Grows with every change of what the compiler or the catalogue make of a description: the hashes
of all scenes change with it."""

_DECIMALS = 6  # of metres and degrees: what the last bits of another machine do not reach


def content_hash(data: Any, files: Iterable[Path] = ()) -> str:
    """Return a hash (hexadecimal, 16 digits) of plain data, and of files by their bytes.

    Mappings count the same in every order, and numbers to six decimals.
    """
    text = json.dumps(_canonical(data), sort_keys=True, separators=(",", ":"))
    told = hashlib.sha256(f"avenv scene {SCENE_VERSION} {text}".encode())
    for file in files:
        told.update(hashlib.sha256(file.read_bytes()).digest())
    return told.hexdigest()[:16]


def _canonical(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(key): _canonical(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_canonical(value) for value in data]
    if isinstance(data, float):
        return round(data, _DECIMALS) + 0.0  # no negative zero
    return data
