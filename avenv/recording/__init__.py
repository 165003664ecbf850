"""Recording: videos with sound, top-down maps, and the panel that shows them together.

What needs Pillow is loaded when it is first asked for, so that importing avenv stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avenv.recording.panel import compose
    from avenv.recording.topdown import TopDownMap
    from avenv.recording.video import VideoWriter

__all__ = ["TopDownMap", "VideoWriter", "compose"]

_HOMES = {"TopDownMap": "topdown", "VideoWriter": "video", "compose": "panel"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
