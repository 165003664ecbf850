"""The panel of a demonstration: what is seen, where, and what is heard, in one picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_BACK = (18, 20, 26)
_LANE = (30, 33, 42)
_TEXT = (232, 234, 240)
_FAINT = (140, 146, 160)
_EARS = ((92, 184, 255), (255, 146, 92))  # left, right

_HEAT = np.array(
    [(18, 20, 26), (66, 30, 98), (158, 42, 99), (226, 88, 60), (252, 176, 52), (255, 250, 200)],
    np.float64,
)
"""Colours of a spectrogram from silent to loud."""

_GAP = 8
_SMALLEST = 9  # size of letters that can be read
_STRIP = 96  # pixels, height of what is heard
_LOUD = 0.3  # amplitude that fills a lane


def compose(
    view: NDArray[np.uint8],
    topdown: NDArray[np.uint8],
    lines: Sequence[str] = (),
    audio: NDArray[np.float32] | None = None,
    spectrogram: NDArray[np.float32] | None = None,
    height: int = 480,
) -> NDArray[np.uint8]:
    """Put the agent's view beside the map, and under them what it hears.

    Args:
        view: (h, w, 3) uint8, scaled to ``height``.
        topdown: (h, w, 3) uint8, scaled likewise.
        lines: up to three lines of text, the first one larger.
        audio: (C, N), whose first two channels, left and right, are drawn as waveforms.
        spectrogram: (F, T, 2), log magnitudes, low frequencies first, drawn as two heat maps.
        height: of the pictures in pixels.

    Returns:
        (H, W, 3) uint8 with even sides: the pictures, and a strip when there is anything to
        say or to hear.
    """
    pictures = [_scaled(picture, height) for picture in (view, topdown)]
    strip = _STRIP + _GAP if lines or audio is not None or spectrogram is not None else 0
    width = sum(picture.width for picture in pictures) + 3 * _GAP
    panel = Image.new("RGB", (width + width % 2, height + height % 2 + 2 * _GAP + strip), _BACK)
    x = _GAP
    for picture in pictures:
        panel.paste(picture, (x, _GAP))
        x += picture.width + _GAP
    top = height + 2 * _GAP
    # What is heard begins under the view, words stand under the map.
    lanes = [(audio, _waveforms), (spectrogram, _heat_maps)]
    heard = [(data, draw) for data, draw in lanes if data is not None]
    room = pictures[0].width if heard else 0
    for k, (data, draw) in enumerate(heard):
        share = (room - (len(heard) - 1) * _GAP) // len(heard)
        panel.paste(draw(data, share), (_GAP + k * (share + _GAP), top))
    _write(panel, lines, _GAP + (room + _GAP if room else 0), top)
    return np.asarray(panel)


def _scaled(picture: NDArray[np.uint8], height: int) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(picture))
    if image.height == height:
        return image
    return image.resize(
        (round(image.width * height / image.height), height), Image.Resampling.BICUBIC
    )


def _waveforms(audio: NDArray[np.float32], width: int) -> Image.Image:
    """Draw each ear's extremes per column, and its level as a bar at the right end."""
    image = Image.new("RGB", (width, _STRIP), _BACK)
    paint = ImageDraw.Draw(image)
    lane = (_STRIP - 4) // 2
    columns = width - 30
    edges = np.linspace(0, audio.shape[1], columns + 1).astype(int)[:-1]
    for k, (samples, ink) in enumerate(zip(audio, _EARS, strict=False)):
        top = k * (lane + 4)
        paint.rectangle((0, top, width - 1, top + lane - 1), _LANE)
        scale, middle = (lane / 2 - 2) / _LOUD, top + lane / 2
        high = np.minimum(np.maximum.reduceat(samples, edges), _LOUD) * scale
        low = np.maximum(np.minimum.reduceat(samples, edges), -_LOUD) * scale
        for x in range(columns):
            paint.line((16 + x, middle - high[x], 16 + x, middle - low[x]), ink)
        paint.text((4, top + 2), "LR"[k], _FAINT, ImageFont.load_default(11))
        level = 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-9)
        full = np.clip((level + 60) / 60, 0, 1) * (lane - 6)  # from -60 dB to full scale
        paint.rectangle((width - 9, top + lane - 3 - full, width - 4, top + lane - 3), ink)
    return image


def _heat_maps(spectrogram: NDArray[np.float32], width: int) -> Image.Image:
    """Draw each ear's spectrogram, high frequencies on top, on one common scale."""
    image = Image.new("RGB", (width, _STRIP), _BACK)
    half = (width - 4) // 2
    loudest = max(float(spectrogram.max()), 1.0)
    for k in range(2):
        level = np.sqrt(np.clip(spectrogram[::-1, :, k] / loudest, 0, 1)) * (len(_HEAT) - 1)
        colour = np.stack([np.interp(level, np.arange(len(_HEAT)), c) for c in _HEAT.T], axis=-1)
        heat = Image.fromarray(colour.astype(np.uint8))
        image.paste(heat.resize((half, _STRIP), Image.Resampling.BILINEAR), (k * (half + 4), 0))
        ImageDraw.Draw(image).text(
            (k * (half + 4) + 4, 2), "LR"[k], _TEXT, ImageFont.load_default(11)
        )
    return image


def _write(panel: Image.Image, lines: Sequence[str], x: int, top: int) -> None:
    paint = ImageDraw.Draw(panel)
    y = top + 4
    for k, line in enumerate(lines):
        size, ink = (20, _TEXT) if k == 0 else (15, _FAINT)
        paint.text((x + 4, y), line, ink, _fitting(line, size, panel.width - x - 4 - _GAP))
        y += size + 12


def _fitting(line: str, size: int, room: int) -> Any:
    """Return the font of a size in which a line takes no more room, pixels; else a smaller one."""
    font = ImageFont.load_default(size)
    while font.getlength(line) > room and size > _SMALLEST:
        size -= 1
        font = ImageFont.load_default(size)
    return font
