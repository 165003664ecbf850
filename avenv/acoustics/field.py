"""What is known of one source in one scene, wherever the listener goes: images and late field."""

import hashlib
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics.keeping import KeptField, as_kept, to_keep
from avenv.acoustics.late.tracing import LateField, trace_late
from avenv.acoustics.paths.image_sources import ImageTree, find_images, move_images
from avenv.acoustics.places import off_faces
from avenv.acoustics.scene import AcousticScene
from avenv.acoustics.settings import AcousticSettings
from avenv.acoustics.tables import AcousticTables
from avenv.core import cache
from avenv.core.pinned import Pinned

_MAKERS = ("acoustics/field.py",)
_LEAK = 0.05  # share of the energy whose escape is warned of
_memory = cache.MemoryCache(256 * 2**20)


def limit_memory(size: int) -> None:
    """Let fields take up to ``size`` bytes of memory (256 MiB by default); those used last stay.

    The fields that environments are listening to are kept by them beside this.
    """
    if size < 0:
        raise ValueError(f"size is {size}; it must not be negative")
    _memory.resize(size)


def memory_used() -> int:
    """Return the bytes that fields take now, of those that ``limit_memory`` allows."""
    return _memory.used


class Traced(NamedTuple):
    """What is kept of a source: its images, the first of which is itself, and its late field."""

    tree: ImageTree
    late: LateField


@dataclass(frozen=True, eq=False)
class SourceField:
    """One source in a scene.

    Attributes:
        tables: of the scene that its sound meets.
        tree: its image sources, the first of which is itself.
        late: its late field.
    """

    tables: AcousticTables
    tree: ImageTree
    late: LateField

    @cached_property
    def pinned(self) -> Pinned[tuple[AcousticTables, ImageTree, LateField]]:
        """All of it, as kernels take it."""
        return Pinned((self.tables, self.tree, self.late))

    def moved(self, source: ArrayLike) -> "SourceField":
        """Return the field of a source that has moved a little to (3,), its late part unchanged."""
        place = off_faces(self.tables, np.asarray(source, np.float64))
        return replace(self, tree=move_images(self.tables, self.tree, place))


def source_field(
    scene: AcousticScene, source: ArrayLike, ear_height: float, settings: AcousticSettings
) -> SourceField:
    """Return the field of a source (3,), from the cache where it is there.

    Args:
        scene: where it is; the fingerprint of what is heard of it is the cache's key.
        source: world metres.
        ear_height: of the listeners, world metres.
        settings: of the propagation.

    Raises:
        SceneError: the source is inside a solid, outside the scene or not a position.
    """
    position = scene.check_position(source, "source")
    key = _key(scene, position, ear_height, settings)
    traced = _memory.get(key)
    if traced is not None:
        return SourceField(scene.tables, *traced)

    def trace() -> KeptField:
        tree = find_images(scene.tables, position, settings.order, settings.mirror_rays)
        return to_keep(tree, trace_late(scene.tables, position, ear_height, tree, settings))

    kept = cache.recall(key, KeptField, trace)
    traced = Traced(kept.tree, as_kept(kept))
    if traced.late.escaped > _LEAK:
        warnings.warn(
            f"{scene.name}: {traced.late.escaped:.0%} of the sound of the source at "
            f"{position.tolist()} escapes through holes in the scene's surfaces",
            stacklevel=2,
        )
    _memory.put(key, traced)
    return SourceField(scene.tables, *traced)


def is_on_disk(
    scene: AcousticScene, source: ArrayLike, ear_height: float, settings: AcousticSettings
) -> bool:
    """Say whether ``source_field`` would find the field of a source (3,) in the cache folder."""
    folder = cache.cache_folder()
    place = off_faces(scene.tables, np.array(source, np.float64))
    key = _key(scene, place, ear_height, settings)
    return folder is not None and cache.exists(folder, key)


def _key(
    scene: AcousticScene,
    position: NDArray[np.float64],
    ear_height: float,
    settings: AcousticSettings,
) -> str:
    heard = scene.compiled.acoustic_fingerprint
    height = "all" if settings.all_heights else repr(ear_height)
    code = cache.code_digest(*_MAKERS)
    text = f"{code};{heard};{position.tolist()};{height};{settings.key}"
    return "sound-" + hashlib.sha256(text.encode()).hexdigest()
