"""What somebody looks like who walks about in a scene without being a part of it."""

from functools import lru_cache

import numpy as np

from avenv.scene.catalogue import build_mesh, kind
from avenv.scene.compile import CATEGORIES, surface_table
from avenv.scene.compiled import CompiledScene, SceneObject
from avenv.scene.furniture import SHAPES
from avenv.scene.furniture.beings import STRIDES


def step_length(name: str) -> float:
    """Return the metres from one step to the next of a kind that walks: a third of its height."""
    return kind(name).size[2] / 3


@lru_cache(maxsize=32)
def compile_look(name: str) -> CompiledScene:
    """Return a kind of the catalogue as a scene of its own, in each of the shapes that it walks in.

    Each shape is an object: first as it stands, then, if it has such, its strides. All stand at the
    origin and face along x.

    Raises:
        SceneError: the catalogue has no such kind.
    """
    chosen = kind(name)
    shapes = [None, *(stride for stride in STRIDES if (name, stride) in SHAPES)]
    poses = [build_mesh(name, shape=shape) for shape in shapes]
    parts = [part for pose in poses for part in pose]
    rows: dict[tuple[str, bool], int] = {}
    surface = [rows.setdefault((part.material, part.sheet), len(rows)) for part in parts]
    counts = [len(part.triangles) for part in parts]
    pose = np.repeat(np.arange(len(poses)), [len(pose) for pose in poses])
    category = CATEGORIES.index(chosen.category)
    return CompiledScene(
        name=name,
        triangles=np.concatenate([part.triangles for part in parts]),
        uv=np.concatenate([part.uv for part in parts]),
        surface=np.repeat(surface, counts).astype(np.int32),
        object=np.repeat(pose, counts).astype(np.int32),
        double_sided=np.repeat([part.sheet for part in parts], counts),
        surfaces=surface_table(rows),
        objects=tuple(
            SceneObject(shape or name, name, category, -1, (0.0, 0.0, 0.0), 0.0, chosen.size)
            for shape in shapes
        ),
    )
