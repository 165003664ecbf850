"""What cameras see from given places, in one call."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core.frames import body_rotation
from avenv.scene.compiled import CompiledScene
from avenv.vision.backends import find_backend
from avenv.vision.camera.checks import as_numbers, check_finite
from avenv.vision.camera.optics import Optics
from avenv.vision.camera.pictures import USUAL
from avenv.vision.renderer import Instances, PreparedScene

ON_ERROR = ("raise", "nan")
"""What may be done about a position that no camera can have."""


def render_view(
    scene: CompiledScene | PreparedScene,
    position: ArrayLike,
    heading: ArrayLike = 0.0,
    pitch: ArrayLike = 0.0,
    size: tuple[int, int] = (128, 128),
    hfov: float | None = None,
    sensors: Iterable[str] = USUAL,
    projection: str = "perspective",
    span: float | None = None,
    on_error: str = "raise",
    backend: str = "raster",
    instances: Instances | None = None,
) -> dict[str, NDArray]:
    """Return what cameras see, e.g. ``{"rgb": (J, H, W, 3), "depth": (J, H, W, 1), ...}``.

    Args:
        scene: a compiled scene, or what the backend's ``prepare`` made of it, which is faster for
            many calls.
        position: (J, 3) of the eyes, metres. A single one, (3,), gives pictures without the J.
        heading: (J,) radians, counter-clockwise from +X, or one for all.
        pitch: (J,) radians, positive when the gaze rises, or one for all.
        size, projection, hfov, span: as in ``Optics``.
        sensors: the pictures wanted, of ``SENSORS``; rgb, depth and semantic by default.
        on_error: about a position that is not finite: ``"raise"``, or ``"nan"``, which makes its
            depth and normals NaN and its other pictures 0.
        backend: what draws, a name in ``BACKENDS``.
        instances: where the movable parts of a prepared scene are, before each of the J cameras; by
            default where they were compiled, and what is held nowhere.

    Raises:
        ValueError: an argument is out of its range; the message names it, and the row.
    """
    maker, optics = find_backend(backend), Optics(size, projection, hfov, span)
    eyes = as_numbers("position", position)
    rows = eyes.shape[:-1]
    if eyes.shape != (*rows, 3) or len(rows) > 1 or not eyes.size:
        raise ValueError(f"position has shape {eyes.shape}; (3,) or (J, 3) is needed")
    turns = body_rotation(_angles("heading", heading, rows), _angles("pitch", pitch, rows))
    lost = _without_place(eyes, on_error)
    eyes[lost] = 0
    prepared = maker.prepare(scene) if isinstance(scene, CompiledScene) else scene
    n = eyes.size // 3
    renderer = maker.make_renderer(n, optics, sensors)
    poses = eyes.reshape(n, 3), turns.reshape(n, 3, 3)
    renderer.draw([prepared], np.zeros(n, np.int64), *poses, instances)
    pictures: dict[str, NDArray] = renderer.pictures
    for picture in pictures.values():
        picture[lost.reshape(n)] = np.nan if picture.dtype.kind == "f" else 0
    return pictures if rows else {name: picture[0] for name, picture in pictures.items()}


def _angles(name: str, angles: ArrayLike, rows: tuple[int, ...]) -> NDArray[np.float64]:
    """Return one angle for each of the rows, ``()`` or ``(J,)``."""
    numbers = as_numbers(name, angles)
    if numbers.shape not in ((), rows):
        needed = f"() or {rows}" if rows else "()"
        raise ValueError(f"{name} has shape {numbers.shape}; {needed} is needed")
    check_finite(name, numbers)
    return np.broadcast_to(numbers, rows)


def _without_place(positions: NDArray[np.float64], on_error: str) -> NDArray[np.bool_]:
    """Return which of the positions (..., 3) are not finite; by ``"raise"``, none may be."""
    if on_error not in ON_ERROR:
        raise ValueError(f"on_error is {on_error!r}; accepted: {', '.join(map(repr, ON_ERROR))}")
    if on_error == "raise":
        check_finite("position", positions)
    return np.asarray(~np.isfinite(positions).all(axis=-1))
