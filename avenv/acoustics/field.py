"""What is known of one source in one scene, wherever the listener goes: images and late field."""

import hashlib
import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics.late.tracing import LateField, trace_late
from avenv.acoustics.paths.image_sources import ImageTree, find_images, move_images
from avenv.acoustics.scene import AcousticScene, is_inside_solid
from avenv.acoustics.settings import AcousticSettings
from avenv.core import cache
from avenv.core.errors import SceneError
from avenv.scene.compiled import CompiledScene

_FORMAT = 8  # of cache files and of what is in them: raise it when either changes
_LEAK = 0.05  # share of the energy whose escape is warned of
_memory = cache.MemoryCache(256 * 2**20)


def limit_memory(size: int) -> None:
    """Let fields take up to ``size`` bytes of memory (256 MiB by default); those used last stay.

    The fields that environments are listening to are kept by them beside this.
    """
    if size < 0:
        raise ValueError(f"size is {size}; it must not be negative")
    _memory.resize(size)


class SourceField(NamedTuple):
    """One source: its image sources, the first of which is itself, and its late field."""

    tree: ImageTree
    late: LateField

    def moved(self, scene: AcousticScene, source: NDArray[np.float64]) -> "SourceField":
        """Return the field of a source that has moved a little to (3,), its late part unchanged."""
        return self._replace(tree=move_images(scene, self.tree, source))


def source_field(
    compiled: CompiledScene,
    scene: AcousticScene,
    source: ArrayLike,
    ear_height: float,
    settings: AcousticSettings,
) -> SourceField:
    """Return the field of a source (3,), from the cache where it is there.

    Args:
        compiled: the scene; its fingerprint is the cache's key.
        scene: its acoustic tables.
        source: world metres.
        ear_height: of the listeners, world metres.
        settings: of the propagation.

    Raises:
        SceneError: the source is inside a solid, outside the scene or not a position.
    """
    position = check_position(compiled, scene, source, "source")
    key = _key(compiled, position, ear_height, settings)
    field = _memory.get(key)
    if field is not None:
        return field
    folder = cache.cache_folder()
    if folder is not None:
        field = cache.read(folder, key, SourceField)
    if field is None:
        tree = find_images(scene, position, settings.order, settings.mirror_rays)
        field = SourceField(tree, trace_late(scene, position, ear_height, tree, settings))
        if folder is not None:
            cache.write(folder, key, field)
    if field.late.escaped > _LEAK:
        warnings.warn(
            f"{compiled.name}: {field.late.escaped:.0%} of the sound of the source at "
            f"{position.tolist()} escapes through holes in the scene's surfaces",
            stacklevel=2,
        )
    _memory.put(key, field)
    return field


def is_on_disk(
    compiled: CompiledScene,
    source: ArrayLike,
    ear_height: float,
    settings: AcousticSettings,
) -> bool:
    """Say whether ``source_field`` would find the field of a source (3,) in the cache folder."""
    folder = cache.cache_folder()
    key = _key(compiled, np.array(source, np.float64), ear_height, settings)
    return folder is not None and cache.exists(folder, key)


def _key(
    compiled: CompiledScene,
    position: NDArray[np.float64],
    ear_height: float,
    settings: AcousticSettings,
) -> str:
    scene = compiled.acoustic_fingerprint
    height = "all" if settings.all_heights else repr(ear_height)
    text = f"{_FORMAT};{scene};{position.tolist()};{height};{settings.key}"
    return "sound-" + hashlib.sha256(text.encode()).hexdigest()


def check_position(
    compiled: CompiledScene,
    scene: AcousticScene,
    position: ArrayLike,
    what: str,
) -> NDArray[np.float64]:
    """Return a position as (3,) float64 if sound can be there.

    Raises:
        SceneError: it is not three finite numbers, inside a solid, or outside a scene of rooms.
    """
    try:
        point = np.array(position, np.float64)
    except (TypeError, ValueError):
        point = np.zeros(0)
    if point.shape != (3,) or not np.isfinite(point).all():
        raise SceneError(
            f"{compiled.name}: {what} {position!r} is not a position (x, y, z) in metres"
        )
    place = f"{compiled.name}: {what} ({', '.join(f'{v:.3f}' for v in point)})"
    low, high = scene.bounds[:3], scene.bounds[3:]
    if compiled.rooms and (np.any(point < low) or np.any(point > high)):
        span = " x ".join(f"{a:.2f}..{b:.2f}" for a, b in zip(low, high, strict=True))
        raise SceneError(f"{place} is outside the scene, which spans {span} m")
    if is_inside_solid(scene, *point.tolist()):
        raise SceneError(f"{place} is inside a solid or a wall; sound needs a place in the air")
    return point
