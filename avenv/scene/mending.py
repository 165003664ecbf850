"""What else is wrong with a scene in which some fields are: it is laid out without those fields."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from avenv.core.errors import SceneError
from avenv.scene.placed import check_scene
from avenv.scene.spec import SceneSpec

_LISTS = ("doors", "windows", "objects", "sources", "events", "episodes")


def other_problems(data: Mapping[str, Any], error: ValidationError) -> list[str]:
    """Return the lines about how the parts of a scene fit together, as ``check_scene`` has them.

    Unknown fields are passed over, and so is what has another fault, with all that hangs on it.

    Args:
        data: the scene as plain data; it is left as it is.
        error: what is wrong with its fields.
    """
    mended = {k: [dict(v) if isinstance(v, dict) else v for v in value]
              if k in (*_LISTS, "rooms") and isinstance(value, list) else value
              for k, value in data.items()}  # fmt: skip
    for finding in error.errors(include_url=False):
        if finding["type"] == "extra_forbidden":
            _delete(mended, finding["loc"])
    kept = {name: list(range(len(mended.get(name) or ()))) for name in _LISTS}
    dropped: set[str] = set()
    try:
        try:
            spec = SceneSpec.model_validate(mended)
        except ValidationError as remaining:
            if not _drop(mended, remaining, kept, dropped):
                return []
            spec = SceneSpec.model_validate(mended)
        check_scene(spec)
    except ValidationError:
        return []
    except SceneError as found:
        lines = [line.removeprefix(f"{spec.source}: ") for line in str(found).splitlines()]
        return [_renumbered(line, kept) for line in lines
                if not any(f"{name!r}" in line for name in dropped)]  # fmt: skip
    return []


def _delete(data: Any, location: tuple[int | str, ...]) -> None:
    for step in location[:-1]:
        data = data[step]
    data.pop(location[-1], None)


def _drop(
    data: dict[str, Any], error: ValidationError, kept: dict[str, list[int]], dropped: set[str]
) -> bool:
    """Drop the items of lists that have a fault; say whether that leaves no other."""
    faulty = {finding["loc"][:2] for finding in error.errors(include_url=False)}
    if any(len(loc) < 2 or loc[0] not in _LISTS for loc in faulty):
        return False
    for name in _LISTS:
        kept[name] = [k for k in kept[name] if (name, k) not in faulty]
        items = data.get(name) or []
        for k, item in enumerate(items):
            if (name, k) in faulty and isinstance(item, dict):
                dropped |= {str(item[f]) for f in ("name", "kind") if f in item}
        if name in data:
            data[name] = [items[k] for k in kept[name]]
    return True


def _renumbered(line: str, kept: Mapping[str, list[int]]) -> str:
    """Return a line with the places of items as they are in the whole scene."""

    def whole(match: re.Match[str]) -> str:
        name, k = match[1], int(match[2])
        return f"{name}[{kept[name][k] if k < len(kept[name]) else k}]"

    return re.sub(rf"\b({'|'.join(_LISTS)})\[(\d+)\]", whole, line)
