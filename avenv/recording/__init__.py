"""Recording: videos with sound, top-down maps, and the panel that shows them together."""

from avenv.recording.video import VideoWriter

__all__ = ["VideoWriter"]
