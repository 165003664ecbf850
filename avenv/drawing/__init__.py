"""Pictures of scenes: plans, top-down maps, contact sheets, and the panel beside a view.

What needs Pillow is loaded when it is first asked for, so that importing avenv stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avenv.drawing.panel import compose
    from avenv.drawing.topdown import TopDownMap

__all__ = ["TopDownMap", "compose"]

_HOMES = {"TopDownMap": "topdown", "compose": "panel"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
