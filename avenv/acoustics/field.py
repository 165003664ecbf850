"""What is known of one source in one scene, wherever the listener goes: images and late field."""

import hashlib
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics.late.cells import Cells
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


STEPS = 32
"""Steps to an octave of energy that a field is kept in: it is within 0.05 dB of what was traced."""

_AIMS = 2048
"""Steps to the length of a direction that one sound comes from alone."""


class _Stored(NamedTuple):
    """A ``Traced`` as it is kept on disk: an eighth of the bytes.

    Attributes:
        tree, cells, bin, escaped: as they are.
        energy: (2, K, C, 7) uint8, the upper and the lower halves of ``_differences`` of int16: the
            steps of the energy's logarithm, from bin to bin, which hardly differ.
        aim: (2, K, C, 3) uint8, likewise of the moment over the mean energy.
    """

    tree: ImageTree
    cells: Cells
    energy: NDArray[np.uint8]
    aim: NDArray[np.uint8]
    bin: float
    escaped: float


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

    def trace() -> _Stored:
        tree = find_images(scene.tables, position, settings.order, settings.mirror_rays)
        return _store(tree, trace_late(scene.tables, position, ear_height, tree, settings))

    traced = _restore(cache.recall(key, _Stored, trace))
    if traced.late.escaped > _LEAK:
        warnings.warn(
            f"{scene.name}: {traced.late.escaped:.0%} of the sound of the source at "
            f"{position.tolist()} escapes through holes in the scene's surfaces",
            stacklevel=2,
        )
    _memory.put(key, traced)
    return SourceField(scene.tables, *traced)


def _store(tree: ImageTree, late: LateField) -> _Stored:
    """Return a field as it is kept, rounded."""
    silent = np.iinfo(np.int16).min
    with np.errstate(divide="ignore"):
        steps = np.rint(STEPS * np.log2(late.energy))
    codes = np.where(late.energy > 0, np.clip(steps, silent + 1, -silent - 1), silent)
    mean = _energy(codes.astype(np.int16)).mean(axis=2, keepdims=True)
    aim = np.divide(late.moment, mean, out=np.zeros_like(late.moment), where=mean > 0)
    aim = np.rint(np.clip(_AIMS * aim, -_FARTHEST, _FARTHEST))
    return _Stored(tree, late.cells, _differences(codes), _differences(aim), late.bin, late.escaped)


def _restore(stored: _Stored) -> Traced:
    """Return the field that a record keeps."""
    energy = _energy(_sums(stored.energy))
    moment = _sums(stored.aim).astype(np.float32) * np.float32(1 / _AIMS)
    moment *= energy.mean(axis=2, keepdims=True)
    return Traced(stored.tree, LateField(stored.cells, energy, moment, stored.bin, stored.escaped))


def _energy(codes: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the energy that codes stand for: the lowest is none."""
    return _ENERGIES[codes.astype(np.int64) - np.iinfo(np.int16).min]


def _differences(codes: NDArray) -> NDArray[np.uint8]:
    """Return codes (C, K, B) that fit in int16 as what each bin has more than the one before.

    Bins come first, then the upper and the lower byte each by itself: so they compress best.
    """
    steps = np.diff(codes.astype(np.int16).transpose(1, 0, 2), axis=0, prepend=np.int16(0))
    return np.stack([(steps.view(np.uint16) >> 8), steps.view(np.uint16) & 255]).astype(np.uint8)


def _sums(halves: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return the codes (C, K, B) whose ``_differences`` these are."""
    steps = (halves[0].astype(np.uint16) << 8 | halves[1]).view(np.int16)
    return np.ascontiguousarray(np.cumsum(steps, axis=0, dtype=np.int16).transpose(1, 0, 2))


def _all_energies() -> NDArray[np.float32]:
    exponents = np.arange(np.iinfo(np.int16).min, np.iinfo(np.int16).max + 1) / STEPS
    energies = np.exp2(np.clip(exponents, -126, 126)).astype(np.float32)
    energies[0] = 0
    return energies


_ENERGIES = _all_energies()
_FARTHEST = 2**14  # steps of an aim, of which each component is at most 2048 but for noise


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
