"""A Habitat scene instance: what it says of the things that it places, and where they stand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.spatial.transform import Rotation

from avenv.core.errors import SceneError
from avenv.scene.meshes.habitat_json import Config, Number, Vector3

Matrix = NDArray[np.float64]


class Placement(Config):
    """An entry of ``object_instances``, or the ``stage_instance``."""

    template_name: Annotated[str, Field(min_length=1)]
    translation: Vector3 = (0.0, 0.0, 0.0)
    rotation: tuple[Number, Number, Number, Number] = (1.0, 0.0, 0.0, 0.0)  # w, x, y, z
    uniform_scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    non_uniform_scale: Vector3 = (1.0, 1.0, 1.0)
    translation_origin: str | None = None


class ArticulatedPlacement(Placement):
    """An entry of ``articulated_object_instances``."""

    initial_joint_pose: dict[str, float] | tuple[float, ...] = ()


class Robot(Config):
    """What an ``*.ao_config.json`` says."""

    urdf_filepath: Annotated[str, Field(min_length=1)]
    semantic_id: int = 0
    uniform_scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0


class SceneInstance(Config):
    """A ``*.scene_instance.json``."""

    stage_instance: Placement
    object_instances: tuple[Placement, ...] = ()
    articulated_object_instances: tuple[ArticulatedPlacement, ...] = ()
    translation_origin: str = "unknown"
    semantic_scene_instance: str = ""
    default_lighting: str = ""


def pose_of(placement: Placement, middle: NDArray[np.float64]) -> Matrix:
    """Return the matrix that scales a thing, turns it about ``middle`` and puts that in place."""
    w, x, y, z = placement.rotation
    matrix = np.eye(4)
    if any((w, x, y, z)):
        matrix[:3, :3] = Rotation.from_quat((x, y, z, w)).as_matrix()
    scale = placement.uniform_scale * np.array(placement.non_uniform_scale)
    matrix[:3, :3] = matrix[:3, :3] @ np.diag(scale)
    matrix[:3, 3] = np.array(placement.translation) - matrix[:3, :3] @ middle
    return matrix


def label_of(number: int, classes: Mapping[int, str], owner: str, path: Path) -> str:
    """Return what the lexicon calls a thing; nothing where it has no number, or there is none."""
    if number == 0 or not classes:
        return ""
    if number not in classes:
        raise SceneError(
            f"{path}: {owner!r} has the semantic_id {number}, which the lexicon lacks; it has "
            f"{min(classes)} to {max(classes)}"
        )
    return classes[number]
