"""Pictures and sound as files in memory, and back."""

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DEPTH_RANGE = 10.0
"""Metres that white stands for in a picture of depth; black is nothing measured."""

MAX_PIXELS = 4096 * 4096
_FLOOR, _CEILING = -80.0, 0.0  # dB, of a drawn spectrogram
_FRAME, _HOP = 512, 160
_BIN = 4  # pixels from one frame of a drawn spectrogram to the next


def png_of(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture (H, W, 3) or (H, W) as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def picture_of(content: bytes) -> NDArray[np.uint8]:
    """Return the picture (H, W, 3) or (H, W) in a PNG or JPEG file.

    Raises:
        ValueError: it is none, or larger than 16 million pixels.
    """
    try:
        image = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"picture has {image.width} x {image.height} pixels")
        return np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise ValueError(f"picture cannot be read: {error}") from error


def grey_of(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return depth (H, W, 1) in metres as a grey picture (H, W): 1 near to 255, 10 m away."""
    levels = np.clip(np.rint(depth[..., 0] * (255 / DEPTH_RANGE)), 1, 255)
    return np.where(depth[..., 0] > 0, levels, 0).astype(np.uint8)


def depth_of(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the depth (H, W, 1) in metres that a grey picture (H, W) shows."""
    return (grey.astype(np.float32) * (DEPTH_RANGE / 255))[..., None]


def sound_file(audio: NDArray[np.float32], sample_rate: int, kind: str) -> bytes:
    """Return sound (C, N) as a WAV (16 bit) or MP3 file; what is over full scale is cut off."""
    import soundfile

    file = io.BytesIO()
    options = {"wav": {"format": "WAV", "subtype": "PCM_16"}, "mp3": {"format": "MP3"}}[kind]
    soundfile.write(file, np.clip(audio.T, -1, 1), sample_rate, **options)
    return file.getvalue()


def sound_of(content: bytes) -> tuple[NDArray[np.float32], int]:
    """Return the sound (C, N) in a file, and its sample rate in Hz.

    Raises:
        ValueError: it is none.
    """
    import soundfile

    try:
        audio, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except (RuntimeError, OSError) as error:
        raise ValueError(f"sound cannot be read: {error}") from error
    return np.ascontiguousarray(audio.T), int(rate)


def spectrogram_picture(audio: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw the sound (2, N) of two ears: left above right, time to the right, low pitches below.

    Black is 80 dB below full scale; a white line parts the ears.
    """
    window = np.hanning(_FRAME)
    frames = np.lib.stride_tricks.sliding_window_view(audio, _FRAME, axis=1)[:, ::_HOP]
    power = np.abs(np.fft.rfft(frames * window)) / (window.sum() / 2)
    level = 20 * np.log10(power + 1e-9)  # (2, T, F)
    share = np.clip((level - _FLOOR) / (_CEILING - _FLOOR), 0, 1)
    ears = _palette()[(255 * share).astype(np.uint8)]  # (2, T, F, 3)
    drawn = ears.transpose(0, 2, 1, 3)[:, ::-1].repeat(_BIN, axis=2)
    line = np.full((2, *drawn.shape[2:]), 255, np.uint8)
    return np.concatenate([drawn[0], line, drawn[1]])


@cache
def _palette() -> NDArray[np.uint8]:
    """Return colours (256, 3) that grow lighter evenly, from black over violet and orange."""
    anchors = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)])
    places = np.linspace(0, 255, len(anchors))
    return np.stack(
        [np.interp(np.arange(256), places, anchors[:, k]) for k in range(3)], axis=1
    ).astype(np.uint8)
