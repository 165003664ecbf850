"""Recording: videos with sound, films of episodes, and a wrapper that films as it goes."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avenv.recording.recorder import Recorder
    from avenv.recording.video import VideoWriter

__all__ = ["Recorder", "VideoWriter"]

_HOMES = {"Recorder": "recorder", "VideoWriter": "video"}


def __getattr__(name: str) -> Any:
    # PyAV is loaded when it is first asked for, so that importing avenv stays light.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
