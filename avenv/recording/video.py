"""Video files with sound."""

import os
from fractions import Fraction
from math import ceil
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from avenv.core.files import sweep

AUDIO_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Sample rates in Hz that AAC can carry."""

EARS = 2
"""Channels that films carry; of a larger array they have the first ones."""

_BLOCK = 1024  # samples in one AAC frame
_LIMITED_RANGE, _BT601 = 1, 6  # ITU-T H.273: AVCOL_RANGE_MPEG, AVCOL_SPC_SMPTE170M


class VideoWriter:
    """Write frames and sound to an MP4 file (H.264 and AAC), as a context manager.

    Frames and sound may come in any order and in pieces of any length; frame k is shown at
    k / fps, sample n is heard at n / sample_rate. At the end the shorter of the two is made as
    long as the other: sound with silence, picture with its last frame. The file appears under its
    name only when it is whole; after an exception inside the ``with`` block there is none. Where
    no block encloses the recording, ``open`` begins it, and ``close`` or ``discard`` ends it.

    The same frames and samples reach the encoders as the same planes and blocks, whatever machine
    and memory; the bytes that encoders make of them are theirs. Colours are BT.601's, of limited
    range, and said to be so in the file.

    Args:
        path: where to, ending in ``.mp4``; an existing file is replaced.
        size: (width, height) of the frames in pixels; an odd one gets one more column or row, a
            copy of the last, since H.264 wants even sizes.
        fps: frames a second.
        sample_rate: Hz, one of ``AUDIO_RATES``.
        channels: 1 or 2, or 0 for a film without sound.

    Raises:
        ValueError: the folder does not exist or an argument is out of range.
        ImportError: PyAV is not installed.
    """

    video_codec = "libx264"
    """FFmpeg's name of the H.264 encoder."""

    def __init__(
        self,
        path: str | os.PathLike,
        size: tuple[int, int],
        fps: float | Fraction,
        sample_rate: int = 16000,
        channels: int = 2,
    ):
        self._av = check_video(path)
        self.path = Path(path)
        if min(size) < 1:
            raise ValueError(f"size is {size}; width and height must be at least 1")
        if not 0 < fps <= 1000:
            raise ValueError(f"fps is {fps}; it must be above 0 and at most 1000")
        if channels and sample_rate not in AUDIO_RATES:
            raise ValueError(f"sample_rate is {sample_rate}; AAC carries {AUDIO_RATES}")
        if not 0 <= channels <= EARS:
            raise ValueError(f"channels is {channels}; it must be 0, 1 or 2")
        self.size = (int(size[0]), int(size[1]))
        self.fps = _as_rate(fps)
        self.sample_rate = sample_rate
        self.channels = channels
        self._partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        self._container: Any = None

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if error_type is None:
            self.close()
        else:
            self.discard()

    def open(self) -> Self:
        """Begin the recording; what killed processes have left of it is swept away."""
        sweep(self.path.parent, f".{self.path.name}.", (".partial",))
        width, height = (side + side % 2 for side in self.size)
        self._frames = self._samples = 0
        self._last = np.zeros((height, width, 3), np.uint8)
        self._waiting = np.zeros((self.channels, 0), np.float32)
        try:
            self._open_streams(width, height)
        except BaseException:
            self.discard()
            raise
        return self

    def close(self) -> None:
        """Finish the recording: the file appears under its name.

        Raises:
            ValueError: no frames were added.
        """
        self._writable()
        try:
            self._finish()
            self._container.close()
            os.replace(self._partial, self.path)
        finally:
            self.discard()

    def discard(self) -> None:
        """Give a recording up that is under way; nothing is left of it."""
        container, self._container = self._container, None
        try:
            if container is not None:
                container.close()
        finally:
            self._partial.unlink(missing_ok=True)

    def add_frame(self, rgb: NDArray[np.uint8]) -> None:
        """Show a picture (H, W, 3) uint8 for 1 / fps seconds."""
        self._writable()
        expected = (self.size[1], self.size[0], 3)
        if np.shape(rgb) != expected or np.asarray(rgb).dtype != np.uint8:
            raise ValueError(
                f"frame is {np.shape(rgb)} {np.asarray(rgb).dtype}; it must be {expected} uint8"
            )
        height, width, _ = self._last.shape
        self._last = np.pad(
            rgb, ((0, height - expected[0]), (0, width - expected[1]), (0, 0)), mode="edge"
        )
        self._show_last()

    def add_audio(self, samples: NDArray[np.float32]) -> None:
        """Play sound (channels, N), full scale 1; what exceeds it is clipped."""
        self._writable()
        if not self.channels:
            raise ValueError(f"{self.path.name} has no sound; give VideoWriter channels for it")
        samples = np.asarray(samples, np.float32)
        if samples.ndim != 2 or len(samples) != self.channels:
            raise ValueError(f"audio is {samples.shape}; it must be ({self.channels}, samples)")
        self._waiting = np.concatenate([self._waiting, np.clip(samples, -1, 1)], axis=1)
        whole = self._waiting.shape[1] // _BLOCK * _BLOCK
        for start in range(0, whole, _BLOCK):
            self._play(self._waiting[:, start : start + _BLOCK])
        self._waiting = self._waiting[:, whole:]

    def _open_streams(self, width: int, height: int) -> None:
        # The index in front, so that a player may start before it has the whole file.
        self._container = self._av.open(
            str(self._partial), "w", format="mp4", options={"movflags": "faststart"}
        )
        self._video = self._container.add_stream(self.video_codec, rate=self.fps)
        self._video.width, self._video.height = width, height
        self._video.pix_fmt = "yuv420p"  # what every player shows
        # Of the same pictures, x264 makes others from run to run when it has several threads, or
        # adds as the processor and the place in memory have it.
        self._video.options = {
            "crf": "20", "preset": "veryfast", "x264-params": "cpu-independent=1",
        }  # fmt: skip
        context = self._video.codec_context
        context.thread_count = 1
        context.color_range, context.colorspace = _LIMITED_RANGE, _BT601
        if self.channels:
            self._audio = self._container.add_stream("aac", rate=self.sample_rate)
            self._audio.layout = "stereo" if self.channels == 2 else "mono"

    def _writable(self) -> None:
        if self._container is None:
            raise RuntimeError(
                "the video is not open; write inside `with VideoWriter(...) as video:`"
            )

    def _show_last(self) -> None:
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(self._last), format="rgb24")
        frame.pts, frame.time_base = self._frames, 1 / self.fps
        self._frames += 1
        self._container.mux(self._video.encode(frame))

    def _play(self, block: NDArray[np.float32]) -> None:
        frame = self._av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block), format="fltp", layout=self._audio.layout.name
        )
        frame.sample_rate = self.sample_rate
        frame.pts, frame.time_base = self._samples, Fraction(1, self.sample_rate)
        self._samples += block.shape[1]
        self._container.mux(self._audio.encode(frame))

    def _finish(self) -> None:
        """Make both streams equally long and flush the encoders."""
        if self._frames == 0:
            raise ValueError(f"{self.path}: no frames were added; a video needs at least one")
        if self.channels:
            self._even_out()
        for stream in self._container.streams:
            self._container.mux(stream.encode(None))

    def _even_out(self) -> None:
        heard = Fraction(self._samples + self._waiting.shape[1], self.sample_rate)
        while self._frames / self.fps < heard:
            self._show_last()
        missing = round((self._frames / self.fps - heard) * self.sample_rate)
        self.add_audio(np.zeros((self.channels, missing), np.float32))
        # AAC carries whole blocks: a last part of one is filled up or left off, so that what a
        # player decodes is within half a block of the picture.
        rest = self._waiting.shape[1]
        if 2 * rest >= _BLOCK:
            self._play(np.pad(self._waiting, ((0, 0), (0, _BLOCK - rest))))


class Cadence:
    """Counts the frames of passing time: frame k is due at k / fps, however time is cut.

    >>> cadence = Cadence(fps=30)
    >>> [cadence.due(Fraction(1, 4)) for _ in range(4)]
    [8, 7, 8, 7]
    """

    def __init__(self, fps: float | Fraction):
        self._fps = _as_rate(fps)
        self._time = Fraction(0)
        self._frames = 0

    def due(self, seconds: Fraction) -> int:
        """Let time pass, and return how many frames begin in it."""
        self._time += seconds
        frames = ceil(self._time * self._fps) - self._frames
        self._frames += frames
        return frames


def check_video(path: str | os.PathLike) -> ModuleType:
    """Return PyAV if a video can be written to a path.

    Raises:
        ValueError: the path does not end in ``.mp4``, or its folder does not exist.
        ImportError: PyAV is not installed.
    """
    video = Path(path)
    if video.suffix.lower() != ".mp4" or video.is_dir():
        raise ValueError(f"video path is {str(path)!r}; it must end in .mp4 and be no folder")
    if not video.parent.is_dir():
        raise ValueError(f"no folder {str(video.parent)!r} to write {video.name!r} in")
    return _import_av()


def _as_rate(fps: float | Fraction) -> Fraction:
    return Fraction(fps).limit_denominator(10_000)


def _import_av() -> ModuleType:
    try:
        import av
    except ImportError as error:
        raise ImportError('recording video needs PyAV: pip install "avenv[video]"') from error
    return av
