"""Recording: videos with sound, films of episodes, and a wrapper that films as it goes.

What needs PyAV is loaded when it is first asked for, so that importing avenv stays light.
"""

from typing import TYPE_CHECKING

from avenv.core.lazy import lazily

if TYPE_CHECKING:
    from avenv.recording.recorder import Recorder
    from avenv.recording.video import VideoWriter

__all__ = ["Recorder", "VideoWriter"]

__getattr__ = lazily(__name__, {"Recorder": ".recorder", "VideoWriter": ".video"})
