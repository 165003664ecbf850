"""The light on surfaces, by lamps and by day, and how bright it makes a pixel."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from avenv import cache
from avenv.scene.compiled import CompiledScene
from avenv.vision.bake import VERSION, Layers, bake
from avenv.vision.charts import Charts
from avenv.vision.emitters import DAYLIGHT, LAMPS, glow, is_window
from avenv.vision.mipmaps import GAMMA, HIGHEST, pack

LIGHT_RANGE = 4.0
"""Brightest light that is stored; 1 shows a surface in its own colour."""

SHOULDER = 0.6
"""Linear brightness up to which tone mapping changes nothing."""

EXPOSURE = 0.5
"""Mean light on a scene's lit surfaces, by lamps alone and by day alone: eyes adapt."""

COMPRESSION = 0.7
"""Exponent that draws dark rooms and bright ones together, as eyes do when they look around."""

HORIZON, ZENITH = np.array([1.0, 1.05, 1.1]), np.array([0.32, 0.58, 1.0])
"""The sky in the lower and in the upper part of a window, by day."""

NIGHT = 0.03
"""What a window shows of the room's light by night, as a share of what a wall would."""

AMBIENT, SKY, LAMP = 0.35, 0.30, 0.35
"""Shares of even light, of light from above and of a far lamp; they add to 1."""

LAMP_DIRECTION = np.array([0.48, 0.64, 0.60])
"""Unit vector towards the far lamp."""


def light_layers(compiled: CompiledScene, charts: Charts) -> NDArray[np.float32]:
    """Return the light (2, L, 3) on every sample by lamps and by day, baked or from the cache.

    Both are exposed alike. A scene with neither lamps nor windows gets the same plain light in both
    layers; one that lacks either has zeros there.
    """
    shine = glow(compiled)
    window = is_window(compiled)
    if not shine.any() and not window.any():
        return np.stack([plain_light(charts.normal)] * 2).astype(np.float32)
    layers = _baked(compiled, charts, window).light.astype(np.float64)
    per_chart = charts.width * charts.height
    _expose(layers, np.repeat(charts.area / per_chart, per_chart))
    surface = np.repeat(charts.surface, per_chart)
    layers[LAMPS] += (shine / np.maximum(compiled.surfaces.color, 0.02))[surface]
    _glaze(layers, charts, compiled.surfaces.color, np.repeat(window[charts.object], per_chart))
    return layers.astype(np.float32)


def mixed_light(layers: NDArray[np.float32], lamps: float, daylight: float) -> NDArray[np.uint64]:
    """Return packed light (L,) as a share of LIGHT_RANGE, where lamps and day shine that brightly.

    With both at 1 they share the exposure; a layer without light takes no part.

    Raises:
        ValueError: lamps or daylight is not within 0..1.
    """
    for name, value in (("lamps", lamps), ("daylight", daylight)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value}; 0 to 1 is accepted")
    weights = np.array([lamps, daylight], np.float64) * layers.any(axis=(1, 2))
    weights /= max(weights.sum(), 1.0)
    mixed = np.einsum("k,klc->lc", weights.astype(np.float32), layers)
    return pack(mixed / LIGHT_RANGE)


def _baked(compiled: CompiledScene, charts: Charts, window: NDArray[np.bool_]) -> Layers:
    key = hashlib.sha256(f"{VERSION} {compiled.fingerprint}".encode() + window.tobytes())
    name, folder = f"light-{key.hexdigest()}", cache.cache_folder()
    layers = cache.read(folder, name, Layers) if folder else None
    if layers is None or layers.light.shape != (2, len(charts.position), 3):
        layers = bake(compiled, charts)
        if folder:
            cache.write(folder, name, layers)
    return layers


def _expose(layers: NDArray[np.float64], area: NDArray[np.float64]) -> None:
    """Compress the brightness of each layer (2, L, 3) and bring its mean over area to EXPOSURE."""
    for light in layers:
        bright = light.mean(axis=1)
        lit = bright > 0
        if lit.any():
            bright[lit] **= COMPRESSION - 1
            light *= bright[:, None]
            light *= EXPOSURE / np.average(light[lit].mean(axis=1), weights=area[lit])


def _glaze(
    layers: NDArray[np.float64], charts: Charts, color: NDArray[np.float32],
    pane: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Let panes (L,) show the sky by day, and nearly nothing by night."""
    if not pane.any():
        return
    height, width = charts.position[:, 2], charts.width * charts.height
    chart = np.repeat(np.arange(len(width)), width)
    low = np.minimum.reduceat(height, charts.first)[chart]
    high = np.maximum.reduceat(height, charts.first)[chart]
    rise = ((height - low) / np.maximum(high - low, 1e-6))[pane, None]
    sky = HORIZON + rise * (ZENITH - HORIZON)
    layers[DAYLIGHT, pane] = (
        sky / np.maximum(np.repeat(color[charts.surface], width, axis=0), 0.02)[pane]
    )
    layers[LAMPS, pane] *= NIGHT


def plain_light(normals: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the light (T, 3) on surfaces of these normals (T, 3), for scenes without lamps.

    Sky and lamp wrap round the surface (hemisphere lighting), so no side of a thing is black and
    walls of different directions differ.
    """
    sky = 0.5 + 0.5 * normals[:, 2]
    lamp = (0.5 + 0.5 * normals @ LAMP_DIRECTION) ** 2
    return np.repeat((AMBIENT + SKY * sky + LAMP * lamp)[:, None], 3, axis=1)


def tone(linear: NDArray) -> NDArray:
    """Return brightness in 0..1 of linear light: the same up to SHOULDER, then ever flatter."""
    bright = SHOULDER + (1 - SHOULDER) * np.tanh((linear - SHOULDER) / (1 - SHOULDER))
    return np.where(linear <= SHOULDER, linear, bright)


def srgb(linear: NDArray) -> NDArray[np.uint8]:
    """Return the sRGB codes of linear light, cut off at 0 and 1 (IEC 61966-2-1)."""
    linear = np.clip(linear, 0, 1)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * curve).astype(np.uint8)


TONE = srgb(tone(LIGHT_RANGE * (np.arange(HIGHEST + 1) / HIGHEST) ** GAMMA))
"""The sRGB code that a pixel shows, by its code of reflectance times light."""
