"""Rigid things that move: doors, lids, what is carried.

``prepare(compiled, movable=objects)`` sets objects apart from the fixed rest of a scene; each is a
*part*, numbered in that order, and shares the scene's textures and light; objects in the state
``held`` are parts after these. ``render`` draws parts where ``Instances`` says, for each camera
anew, or, told nothing, where they were compiled, but for what is held and for guests (see
``guests.with_guests``), which are the last.

A part is drawn by moving the camera, not the part: its corners stay where they are, and the camera
is carried into the part's own coordinates by the inverse of its pose.
"""

import numpy as np
from numpy.typing import NDArray

from avenv.vision.camera.checks import finite
from avenv.vision.renderer import Instances


def placed(
    instances: Instances | None,
    parts: NDArray[np.int64],
    standing: NDArray[np.int64],
    lights: NDArray[np.int64],
) -> Instances:
    """Return instances of n cameras as contiguous arrays of their types.

    Where there are none, the first parts stay where they were compiled. ``parts`` (n,) is the
    number of parts in each camera's scene, ``standing`` (n,) how many of them these are, and
    ``lights`` (n,) how many there are for guests to stand in.

    Raises:
        ValueError: shapes do not fit, a part is not there, or a pose is not rigid; the message
            names the field.
    """
    n = len(parts)
    if instances is None:
        most = int(standing.max(initial=0))
        if most == 0:
            return Instances(
                np.empty((n, 0), np.int32), np.empty((n, 0, 3, 3)), np.empty((n, 0, 3)),
                np.empty((n, 0), np.int32),
            )  # fmt: skip
        rows = np.arange(most, dtype=np.int32)
        part = np.where(rows < standing[:, None], rows, np.int32(-1))
        still = np.tile(np.eye(3), (*part.shape, 1, 1)), np.zeros((*part.shape, 3))
        return Instances(part, *still, np.zeros_like(part))
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
    return Instances(part, rotation, translation, np.broadcast_to(light, part.shape))


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
