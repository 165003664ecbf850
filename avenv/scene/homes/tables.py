"""The rows that homes are made from, read once."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times faster


@cache
def table(name: str) -> dict[str, Any]:
    """Return one of the tables beside this file, e.g. ``"rooms"``."""
    path = Path(__file__).with_name(f"{name}.yaml")
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
