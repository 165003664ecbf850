"""Questions to a scene, one call each: what is heard, what is seen, how far is it on foot."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv import navigation, vision
from avenv.acoustics import AcousticSettings, MicrophoneArray
from avenv.acoustics import impulse_response as _impulse_response
from avenv.core.errors import check_on_error
from avenv.core.frames import check_radians
from avenv.core.records import as_record, check_types
from avenv.navigation import WalkableGrid
from avenv.simulation.loading import load_scene
from avenv.simulation.warmup import warm_up
from avenv.vision.camera.checks import as_numbers

Point = Sequence[float]

REACH = 3.0
"""Metres from walkable floor within which a point counts as the floor nearest to it."""


def impulse_response(
    scene: Any,
    source: Point,
    listener: ArrayLike,
    heading: ArrayLike = 0.0,
    layout: str | MicrophoneArray = "binaural",
    sample_rate: int = 16000,
    length: int | None = None,
    seed: int | None = None,
    settings: AcousticSettings | Mapping[str, Any] | None = None,
    hrtf: str | PathLike[str] | None = None,
    directivity: str = "omni",
    facing: float = 0.0,
    acoustics: str = "native",
    on_error: str = "raise",
) -> NDArray[np.float32]:
    """Return the impulse response from a source to a listener, or to many.

    Args:
        scene: as ``load_scene`` takes it; load it once if you ask more than once.
        source: (x, y, z), world metres.
        listener: (x, y, z) of the centre of the head, world metres; or (J, 3), of J heads. Heads
            of one height share what is traced of the source.
        heading: of the listener, radians from -2π to 2π; one for all heads or (J,).
        layout: ``"mono"``, ``"binaural"``, ``"stereo"``, ``"ambisonics1"`` to ``"ambisonics3"`` or
            an ``avenv.acoustics.MicrophoneArray``.
        sample_rate: Hz; octave bands whose centre is not below half of it are left out.
        length: samples; by default until the sound has decayed by 60 dB everywhere, or, with
            pyroomacoustics, those of the settings' ``max_time``.
        seed: of the late field's rays and noise; by default that of the settings.
        settings: of the propagation, or some of them by name; by default the usual ones, in which
            ``"native"`` follows a decay for 4 s.
        hrtf: SOFA file (``SimpleFreeFieldHRIR``) of the head that listens, instead of KEMAR.
        directivity: of the source: ``"omni"``, ``"cardioid"`` or ``"speech"``. The reverberant
            field hears its mean power.
        facing: heading of the source, radians from -2π to 2π.
        acoustics: the backend: ``"native"``; ``"anechoic"``, the direct sound as if there were no
            walls; or ``"pyroomacoustics"``, which knows mono and omni only.
        on_error: ``"raise"``, or ``"nan"``: where no head can be, the response is NaN.

    Returns:
        (channels, samples) float32, or (J, channels, samples): pressure relative to that at 1 m in
        the free field, starting when the source emits. A direct path of r metres is a tap of height
        1/r at r / 343 s. Where no sound arrives it is zero, and a warning says so.

    Raises:
        SceneError: the scene cannot be loaded, or a position is inside something or outside it.
        ValueError: an argument is of another type or out of range; the message names it.
    """
    check_types(impulse_response, {
        "layout": layout, "length": length, "seed": seed, "hrtf": hrtf, "directivity": directivity,
        "acoustics": acoustics, "on_error": on_error,
    })  # fmt: skip
    _check_angles(heading=heading, facing=facing)
    record = None if settings is None else as_record("settings is", settings, AcousticSettings)
    warm_up()
    return _impulse_response(
        load_scene(scene).acoustics_for(acoustics),
        source,
        listener,
        heading,
        backend=acoustics,
        layout=layout,
        sample_rate=sample_rate,
        length=length,
        seed=seed,
        settings=record,
        hrtf=hrtf,
        directivity=directivity,
        facing=facing,
        on_error=on_error,
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
        heading: radians from -2π to 2π, counter-clockwise, 0 = +X; of many cameras (J,), or one
            for all.
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
        ValueError: an argument is of another type or out of range; the message names it, and the
            row.
    """
    check_types(render_view, {"projection": projection, "light": light, "on_error": on_error})
    _check_angles(heading=heading, pitch=pitch)
    warm_up()
    raster = load_scene(scene).prepared_for("raster", light)
    return vision.render_view(
        raster, position, heading, pitch, size, hfov, sensors, projection, span, on_error
    )


@overload
def geodesic_distance(scene: Any, start: Point, goal: Point, on_error: str = "raise") -> float: ...


@overload
def geodesic_distance(
    scene: Any, start: NDArray[np.float64], goal: Point, on_error: str = "raise"
) -> Any: ...


def geodesic_distance(scene: Any, start: Any, goal: Point, on_error: str = "raise") -> Any:
    """Return the length in metres of the shortest way on foot; inf where there is none.

    From and to a point where a body cannot stand, the walkable place nearest to it counts.

    Args:
        scene: as ``load_scene`` takes it; load it once if you ask more than once.
        start: (x, y), world metres; or (J, 2), for J distances in an array.
        goal: (x, y), world metres.
        on_error: ``"raise"``, or ``"nan"``: from a start that is not finite, or more than 3 m from
            walkable floor, the distance is NaN.

    Raises:
        SceneError: the scene cannot be loaded, or a point is more than 3 m from walkable floor.
        ValueError: a coordinate is no finite number.
    """
    check_types(geodesic_distance, {"on_error": on_error})
    check_on_error(on_error)
    starts, place = np.atleast_2d(as_numbers("start", start)), as_numbers("goal", goal)
    if starts.ndim != 2 or starts.shape[1] != 2:
        raise ValueError(f"start has shape {np.shape(start)}; accepted: (2,) or (J, 2), metres")
    if place.shape != (2,):
        raise ValueError(f"goal has shape {place.shape}; accepted: (2,), metres")
    warm_up()
    grid = load_scene(scene).walkable
    [end] = grid.nearest_walkable([place], REACH)
    distance = np.full(len(starts), np.nan)
    fair = np.ones(len(starts), bool) if on_error == "raise" else _is_near_floor(grid, starts)
    ends = grid.nearest_walkable(starts[fair], REACH)
    distance[fair] = navigation.geodesic_field(grid, end).at(ends)
    return distance if np.ndim(start) == 2 else float(distance[0])


def _check_angles(**angles: ArrayLike) -> None:
    """Raise ``ValueError`` for what are degrees or no numbers."""
    for name, given in angles.items():
        check_radians(name, as_numbers(name, given))


def _is_near_floor(grid: WalkableGrid, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which points (N, 2) are within ``REACH`` of where a body can stand."""
    near: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=1))
    offset = grid.nearest_walkable(points[near]) - points[near]
    near[near] = np.hypot(*offset.T) <= REACH
    return near
