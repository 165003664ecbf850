"""Rigid things that move: doors, lids, what is carried.

``prepare(compiled, movable=objects)`` sets objects apart from the fixed rest of a scene; each is a
*part*, numbered in that order, and shares the scene's textures and light; objects in the state
``held`` are parts after these. ``render`` draws parts where ``Instances`` says, for each camera
anew, or, told nothing, where they were compiled, but for what is held and for guests (see
``guests.with_guests``), which are the last.

A part is drawn by moving the camera, not the part: its corners stay where they are, and the camera
is carried into the part's own coordinates by the inverse of its pose.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avenv.vision.camera.checks import finite
from avenv.vision.raster.scene import RasterScene
from avenv.vision.renderer import Instances


def placed(
    instances: Instances | None, scenes: Sequence[RasterScene], scene_of: NDArray[np.int64]
) -> Instances:
    """Return instances of n cameras, each in a scene of its own (n,), as the kernels take them.

    They are contiguous arrays of their types; light is counted in samples. Where there are none,
    the first parts of a scene stay where they were compiled.

    Raises:
        ValueError: shapes do not fit, a part is not there, or a pose is not rigid; the message
            names the field.
    """
    n = len(scene_of)
    if instances is None:
        most = max(scene.standing for scene in scenes)
        if most == 0:
            return Instances(
                np.empty((n, 0), np.int32), np.empty((n, 0, 3, 3)), np.empty((n, 0, 3)),
                np.empty((n, 0), np.int32),
            )  # fmt: skip
        standing = np.array([scene.standing for scene in scenes])[scene_of]
        rows = np.arange(most, dtype=np.int32)
        part = np.where(rows < standing[:, None], rows, np.int32(-1))
        still = np.tile(np.eye(3), (*part.shape, 1, 1)), np.zeros((*part.shape, 3))
        return Instances(part, *still, np.zeros_like(part))
    numbers = np.array([(scene.parts, *scene.lights) for scene in scenes])
    parts, lights, samples = numbers[scene_of].T
    part = np.ascontiguousarray(instances.part, np.int32)
    if part.ndim != 2 or len(part) != n:
        raise ValueError(f"instances.part has shape {part.shape}; ({n}, K) is needed")
    if ((part < -1) | (part >= parts[:, None])).any():
        raise ValueError(
            f"instances.part is {part.tolist()}; -1 for none or a number below "
            f"{parts.tolist()}, the parts of the cameras' scenes, is needed"
        )
    rotation = finite("instances.rotation", instances.rotation, (*part.shape, 3, 3))
    translation = finite("instances.translation", instances.translation, (*part.shape, 3))
    square = rotation @ np.swapaxes(rotation, -1, -2)
    if not np.allclose(square, np.eye(3), atol=1e-4) or (np.linalg.det(rotation) < 0).any():
        raise ValueError("instances.rotation has a row that is not a rotation: R @ R.T = 1, det 1")
    light = np.asarray(instances.light, np.int32)
    if light.shape not in ((), part.shape) or ((light < 0) | (light >= lights[:, None])).any():
        raise ValueError(
            f"instances.light is {light.tolist()}; for each part a number below {lights.tolist()}, "
            "the lights of the cameras' scenes, is needed"
        )
    further = (np.broadcast_to(light, part.shape) * samples[:, None]).astype(np.int32)
    return Instances(part, rotation, translation, further)


def camera_poses(
    instances: Instances, positions: NDArray[np.float64], rotations: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions (n, 1 + K, 3) and rotations (n, 1 + K, 3, 3) of every camera.

    First as the world has them, then as each instance has them in its own coordinates.
    """
    if instances.part.shape[1] == 0:
        return positions[:, None], rotations[:, None]
    back = np.swapaxes(instances.rotation, -1, -2)
    offset = positions[:, None] - instances.translation
    place = np.einsum("nkij,nkj->nki", back, offset)
    return (
        np.concatenate([positions[:, None], place], axis=1),
        np.concatenate([rotations[:, None], back @ rotations[:, None]], axis=1),
    )
