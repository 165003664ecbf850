"""The light on surfaces, by each lamp and by day, and how bright it makes a pixel."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from avenv.core import cache
from avenv.core.color import encoded
from avenv.core.memo import Memo
from avenv.scene.compiled import CompiledScene
from avenv.vision.light.charts import Charts
from avenv.vision.light.codes import GAMMA, HIGHEST, pack
from avenv.vision.light.curves import interpolate
from avenv.vision.light.layers import LightLayers, add_layers, no_layers
from avenv.vision.light.luminaires import glow, is_window, lamp_objects
from avenv.vision.light.radiosity import bake

LIGHT_RANGE = 4.0
"""Brightest light that is stored; 1 shows a surface in its own colour."""

SHOULDER = 0.6
"""Linear brightness up to which tone mapping changes nothing."""

EXPOSURE = 0.47
"""Mean light in a room that all its lamps, or the day alone, light as well as the whole scene."""

ADAPTATION = 0.65
"""How far eyes get used to a dark room or a bright one: 0 not at all, 1 until all look alike."""

TINT = (0.75, 1.25)
"""Least and most of a colour in a room's light, to its mean: eyes get used to stronger tints."""

CONTRAST = 0.7
"""Exponent on how light varies within a room: a lamp does not burn out the ceiling above it."""

HORIZON, ZENITH = np.array([1.0, 1.05, 1.1]), np.array([0.32, 0.58, 1.0])
"""The sky in the lower and in the upper part of a window, by day."""

NIGHT = 0.03
"""What a window shows of the room's light by night, as a share of what a wall would."""

AMBIENT, SKY, LAMP = 0.35, 0.30, 0.35
"""Shares of even light, of light from above and of a far lamp; they add to 1."""

LAMP_DIRECTION = np.array([0.48, 0.64, 0.60])
"""Unit vector towards the far lamp."""

_LATEST = 4  # lights that scenes share


@dataclass(frozen=True, eq=False)
class Lighting:
    """All that light can be on the L samples of a scene; K lamps.

    Attributes:
        lamps: names of the objects that glow.
        layers: light by each lamp and by day, as it was baked.
        scale: (K + 1,) what brings all lamps together, and the day alone, to a mean of 1.
        samples: (C,) of each chart.
        rooms: (C,) of each chart; all samples of one have the same exposure.
        areas: (C,) m2 that each sample of a chart stands for.
        shining: (M,) samples that glow.
        lamp: (M,) lamp that each of these belongs to.
        shine: (M, 3) what it shows of itself when it is on.
        panes: (P,) samples on window panes.
        sky: (P, 3) what is seen there by day.
        plain: (L, 3) light that nothing switches, where there is usually no other.
    """

    lamps: tuple[str, ...]
    layers: LightLayers
    scale: NDArray[np.float32]
    samples: NDArray[np.int64]
    rooms: NDArray[np.int64]
    areas: NDArray[np.float64]
    shining: NDArray[np.int64]
    lamp: NDArray[np.int64]
    shine: NDArray[np.float32]
    panes: NDArray[np.int64]
    sky: NDArray[np.float32]
    plain: NDArray[np.float32] | None

    @property
    def zone(self) -> NDArray[np.int64]:
        """The room (L,) of each sample."""
        return np.repeat(self.rooms, self.samples)

    @property
    def area(self) -> NDArray[np.float64]:
        """The m2 (L,) that each sample stands for."""
        return np.repeat(self.areas, self.samples)

    def levels(
        self, lamps: float | Mapping[str, float], now: Mapping[str, float] | None = None
    ) -> NDArray[np.float32]:
        """Return how bright each lamp (K,) is: a share of what it is now, or by name.

        Args:
            lamps: the share, or levels by name; lamps that have none stay as they are.
            now: by name; lamps that are not in it are fully on.

        Raises:
            ValueError: a level is not within 0..1, or there is no such lamp.
        """
        usual = np.array([(now or {}).get(name, 1.0) for name in self.lamps], np.float32)
        if not isinstance(lamps, Mapping):
            return usual * np.float32(_level("lamps", lamps))
        for name, value in lamps.items():
            if name not in self.lamps:
                known = ", ".join(self.lamps) or "none"
                raise ValueError(f"lamps has {name!r}; the lamps of this scene are: {known}")
            _level(f"lamps[{name!r}]", value)
        pairs = zip(self.lamps, usual.tolist(), strict=True)
        return np.array([lamps.get(name, level) for name, level in pairs], np.float32)

    def summed(self, levels: NDArray[np.float32], daylight: float) -> NDArray[np.float32]:
        """Return the light (L, 3) of lamps (K,) and the day: light adds up."""
        light = np.zeros((self.samples.sum(), 3), np.float32)
        factors = self.scale * np.append(levels, np.float32(daylight))
        add_layers(self.layers, factors.astype(np.float32), light)
        return light

    def mixed(self, levels: NDArray[np.float32], daylight: float) -> NDArray[np.float32]:
        """Return the light (L, 3) as it is seen where lamps (K,) and day shine that brightly.

        Every room gets the exposure of eyes that have looked round in it.

        Raises:
            ValueError: daylight is not within 0..1.
        """
        _level("daylight", daylight)
        if self.plain is not None:
            light = self.plain.copy()
        else:
            light = self.summed(levels, daylight)
            zone, area = self.zone, self.area
            light *= _balance(light, zone, area)[zone] * _exposure(light, zone, area)[:, None]
        light[self.shining] += levels[self.lamp, None] * self.shine
        sky = self.sky * np.float32(daylight ** (1 - ADAPTATION))
        light[self.panes] = NIGHT * light[self.panes] + sky
        return light

    def packed(
        self, levels: NDArray[np.float32], daylight: float, length: int
    ) -> NDArray[np.uint64]:
        """Return ``mixed`` light as the shading kernel reads it: (length,), zeros at the end.

        It is a share of LIGHT_RANGE. Scenes in the same light share it: the latest made are kept.

        Raises:
            ValueError: as ``mixed``.
        """
        key = levels.tobytes(), float(daylight), length
        light = self._lately.get(key)
        if light is None:
            light = np.zeros(length, np.uint64)
            mixed = self.mixed(levels, daylight)
            light[: len(mixed)] = pack(mixed / np.float32(LIGHT_RANGE))
            self._lately[key] = light
            for oldest in list(self._lately)[:-_LATEST]:
                self._lately.pop(oldest, None)
        return light

    @cached_property
    def _lately(self) -> Memo:
        return Memo()


def _balance(
    light: NDArray[np.float32], zone: NDArray[np.int64], area: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return factors (Z, 3) that keep the tint of each room's light within what eyes correct.

    As von Kries has it, eyes scale each colour by what there is of it.
    """
    mean = np.stack([np.bincount(zone, area * light[:, c]) for c in range(3)], axis=1)
    tint = mean / np.maximum(mean.mean(axis=1, keepdims=True), 1e-12)
    return (np.clip(tint, *TINT) / np.maximum(tint, 1e-6)).astype(np.float32)


def _exposure(
    light: NDArray[np.float32], zone: NDArray[np.int64], area: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the factor (L,) that brings light to the eye's exposure of each room."""
    bright = light.mean(axis=1, dtype=np.float32)
    area = np.where(bright > 0, area, 0.0)
    mean = np.bincount(zone, area * bright) / np.maximum(np.bincount(zone, area), 1e-9)
    mean = np.maximum(mean, 1e-6).astype(np.float32)
    room = np.float32(EXPOSURE) * mean ** np.float32(1 - CONTRAST - ADAPTATION)
    return room[zone] * np.maximum(bright, 1e-9) ** np.float32(CONTRAST - 1)


def find_lighting(
    compiled: CompiledScene,
    charts: Charts,
    usual: Mapping[str, float] | None = None,
    coarse: bool = False,
) -> Lighting:
    """Bake the light of a scene's lamps and windows, or take it from the cache.

    A scene without windows in which no lamp is usually on gets plain light.

    Args:
        compiled: the scene, with everything on that can glow.
        charts: its light maps.
        usual: how bright each lamp usually is, by name; lamps that are not in it are fully on.
        coarse: with fewer rays and bounces.
    """
    per_chart = charts.width * charts.height
    glowing, window = glow(compiled), is_window(compiled)
    lamps = lamp_objects(compiled)
    areas = charts.area / per_chart
    names = tuple(compiled.objects[k].name for k in lamps)
    has_window = any(thing.kind == "window" for thing in compiled.objects)
    is_plain = not any((usual or {}).get(name, 1.0) for name in names) and not has_window
    layers = no_layers() if is_plain else _baked(compiled, charts, window, coarse)
    thing, surface = np.repeat(charts.object, per_chart), np.repeat(charts.surface, per_chart)
    shining = np.flatnonzero(np.isin(thing, lamps) & np.any(glowing, axis=1)[surface])
    panes = np.flatnonzero(window[thing])
    color = np.maximum(compiled.surfaces.color, 0.02)
    return Lighting(
        lamps=names,
        layers=layers,
        scale=_scale(layers, np.repeat(areas, per_chart)),
        samples=per_chart,
        rooms=_rooms(compiled, charts),
        areas=areas,
        shining=shining,
        lamp=np.searchsorted(lamps, thing[shining]),
        shine=(glowing / color)[surface[shining]].astype(np.float32),
        panes=panes,
        sky=(_sky(charts, panes) / color[surface[panes]]).astype(np.float32),
        plain=plain_maps(charts) if is_plain else None,
    )


def _level(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; 0 to 1 is accepted")
    return value


def _baked(
    compiled: CompiledScene, charts: Charts, window: NDArray[np.bool_], coarse: bool
) -> LightLayers:
    code = cache.code_digest("vision/light/radiosity.py")
    key = hashlib.sha256(f"{code} {compiled.fingerprint}".encode() + window.tobytes())
    key.update(charts.position.tobytes())  # kernels write where the layers say
    name = f"light-{key.hexdigest()}{'-coarse' * coarse}"
    return cache.recall(name, LightLayers, lambda: bake(compiled, charts, coarse))


def _scale(layers: LightLayers, area: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the factors (K + 1,) that bring the lamps together and the day to a mean of 1."""
    scale = np.ones(len(layers.peak), np.float32)
    for members in (slice(-1), slice(-1, None)):
        factors = np.zeros_like(scale)
        factors[members] = 1
        light = np.zeros((len(area), 3), np.float32)
        add_layers(layers, factors, light)
        bright = light.mean(axis=1, dtype=np.float64)
        if bright.any():
            scale[members] = area[bright > 0].sum() / (bright * area).sum()
    return scale


def _rooms(compiled: CompiledScene, charts: Charts) -> NDArray[np.int64]:
    """Return the room (C,) of each chart; those between rooms are rooms of their own."""
    room = np.array([thing.room for thing in compiled.objects])[charts.object]
    if (room >= 0).any():
        room = np.where(room >= 0, room, room.max(initial=0) + 1 + np.arange(len(room)))
    return np.unique(room, return_inverse=True)[1]


def _sky(charts: Charts, panes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what is seen of the sky at each sample (P,) on a pane, from its height in its pane."""
    chart = np.searchsorted(charts.first, panes, side="right") - 1
    height = charts.position[panes, 2]
    low, high = np.full(len(charts.first), np.inf), np.full(len(charts.first), -np.inf)
    np.minimum.at(low, chart, height)
    np.maximum.at(high, chart, height)
    rise = (height - low[chart]) / np.maximum((high - low)[chart], 1e-6)
    return HORIZON + rise[:, None] * (ZENITH - HORIZON)


def plain_maps(charts: Charts) -> NDArray[np.float32]:
    """Return plain light (L, 3) on every sample."""
    light = plain_light(charts.normal).astype(np.float32)
    interpolate(charts.curves, charts.first, light)
    return light


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


_SHOWN = encoded(tone(LIGHT_RANGE * (np.arange(HIGHEST + 1) / HIGHEST) ** GAMMA))
TONE = np.rint(255 * _SHOWN).astype(np.uint8)
"""The sRGB code that a pixel shows, by its code of reflectance times light."""
