"""Questions to a scene, one call each: what is heard, what is seen, how far is it on foot."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv import navigation, vision
from avenv.acoustics import AcousticSettings, MicrophoneArray, find_engine
from avenv.simulation.warmup import warm_up
from avenv.simulation.world import load_scene

Point = Sequence[float]

REACH = 3.0
"""Metres from walkable floor within which a point counts as the floor nearest to it."""


def impulse_response(
    scene: Any,
    source: Point,
    listener: Point,
    heading: float = 0.0,
    layout: str | MicrophoneArray = "binaural",
    sample_rate: int = 16000,
    length: int | None = None,
    seed: int | None = None,
    settings: AcousticSettings | None = None,
    hrtf: str | PathLike[str] | None = None,
    directivity: str = "omni",
    facing: float = 0.0,
    acoustics: str = "native",
) -> NDArray[np.float32]:
    """Return the impulse response from a source to a listener.

    Args:
        scene: as ``load_scene`` takes it; load it once if you ask more than once.
        source: (x, y, z), world metres.
        listener: (x, y, z) of the centre of the head, world metres.
        heading: of the listener, radians.
        layout: ``"mono"``, ``"binaural"``, ``"stereo"``, ``"ambisonics1"`` to ``"ambisonics3"`` or
            an ``avenv.acoustics.MicrophoneArray``.
        sample_rate: Hz.
        length: samples; by default until the sound has decayed by 60 dB, or, with the engine of
            pyroomacoustics, those of the settings' ``max_time``.
        seed: of the late field's rays and noise; by default that of the settings.
        settings: of the propagation.
        hrtf: SOFA file (``SimpleFreeFieldHRIR``) of the head that listens, instead of KEMAR.
        directivity: of the source: ``"omni"``, ``"cardioid"`` or ``"speech"``. The reverberant
            field hears its mean power.
        facing: heading of the source, radians.
        acoustics: the engine: ``"native"``, or ``"pyroomacoustics"``, which knows mono and omni
            only.

    Returns:
        (channels, samples) float32: pressure relative to that at 1 m in the free field, starting
        when the source emits. A direct path of r metres is a tap of height 1/r at r / 343 s.
        Where no sound arrives it is zero, and a warning says so.

    Raises:
        SceneError: the scene cannot be loaded, or a position is inside something or outside it.
        ValueError: an argument is out of range.
    """
    warm_up()
    world = load_scene(scene)
    return find_engine(acoustics).impulse_response(
        world.compiled,
        world.acoustics,
        source,
        listener,
        heading=heading,
        layout=layout,
        sample_rate=sample_rate,
        length=length,
        seed=seed,
        settings=settings,
        hrtf=hrtf,
        directivity=directivity,
        facing=facing,
    )


def render_view(
    scene: Any,
    position: ArrayLike,
    heading: ArrayLike = 0.0,
    pitch: ArrayLike = 0.0,
    size: tuple[int, int] = (128, 128),
    hfov: float | None = None,
    sensors: str | Sequence[str] = ("rgb", "depth", "semantic"),
    projection: str = "perspective",
    span: float | None = None,
    light: str = "full",
    on_error: str = "raise",
) -> dict[str, NDArray]:
    """Return what a camera sees, or J cameras, all drawn together.

    Args:
        scene: as ``load_scene`` takes it; load it once if you ask more than once.
        position: (x, y, z) of the camera, world metres, or (J, 3) of many.
        heading: radians, counter-clockwise, 0 = +X; of many cameras (J,), or one for all.
        pitch: radians, positive upwards; likewise.
        size: (width, height), pixels.
        hfov: horizontal field of view in degrees, 90 by default; of perspective pictures only.
        sensors: the pictures wanted, of rgb, depth, semantic, instance and normal.
        projection: ``"perspective"``; ``"orthographic"``, along parallel rays, which needs a
            ``span``; or ``"equirectangular"``, all round.
        span: metres from left to right of an orthographic picture.
        light: ``"full"``, by day with the lamps on; ``"day"``, ``"evening"`` or ``"night"``.
            ``avenv.vision.relight`` sets each lamp by itself.
        on_error: about a position that is not finite: ``"raise"``, or ``"nan"``, which makes its
            depth and normals NaN and its other pictures 0.

    Returns:
        of those asked for, ``rgb`` (H, W, 3) uint8, ``depth`` (H, W, 1) float32 metres along the
        optical axis (in all round pictures: from the camera), ``semantic`` (H, W, 1) int32, rows of
        ``avenv.scene.CATEGORIES``, ``instance`` (H, W, 1) int32, rows of the scene's objects plus
        1, and ``normal`` (H, W, 3) float32, unit vectors in the camera's axes: forward, left, up.
        0 where there is nothing. Of many cameras each is (J, H, W, C), its row j the very picture
        that camera j alone would get.

    Raises:
        SceneError: the scene cannot be loaded.
        ValueError: an argument is out of range; the message names it, and the row.
    """
    warm_up()
    raster = load_scene(scene).prepared_for("raster", light)
    return vision.render_view(
        raster, position, heading, pitch, size, hfov, sensors, projection, span, on_error
    )


def geodesic_distance(scene: Any, start: Point, goal: Point) -> float:
    """Return the length in metres of the shortest way on foot; inf where there is none.

    From and to a point where a body cannot stand, the walkable place nearest to it counts.

    Args:
        scene: as ``load_scene`` takes it; load it once if you ask more than once.
        start: (x, y), world metres.
        goal: (x, y), world metres.

    Raises:
        SceneError: the scene cannot be loaded, or a point is more than 3 m from walkable floor.
        ValueError: a coordinate is not finite.
    """
    warm_up()
    grid = load_scene(scene).walkable
    ends = grid.nearest_walkable(np.array([start, goal], np.float64), REACH)
    return float(navigation.geodesic_field(grid, ends[1]).at(ends[:1])[0])
