"""The compiled scene: flat arrays that eye, ear and foot share.

What is seen, heard and bumped into is the same geometry: one triangle list, one table of surfaces
and one table of objects. Vision, acoustics and navigation each derive their own tables from it.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from avenv.bands import OCTAVE_CENTRES
from avenv.geometry import BVH, build_bvh

Array = NDArray[np.float32]
Index = NDArray[np.int32]


@dataclass(frozen=True)
class SurfaceTable:
    """The distinct surfaces of a scene, one row each; B = 7 octave bands of ``OCTAVE_CENTRES``.

    Attributes:
        names: material names, for people.
        color: (S, 3) linear-light reflectance in 0..1.
        absorption: (S, B) share of the incident energy that does not come back.
        scattering: (S, B) share of the reflected energy that leaves diffusely (ISO 17497-1).
        transmission: (S, B) share of the incident energy that passes through *one* surface. A wall
            or a closed solid is two surfaces, so each carries half its loss in dB; a single sheet
            carries all of it. Always <= absorption.
        texture: S names of ``avenv.scene.materials.TEXTURES``, or ``"image:K"`` for row K of
            ``CompiledScene.images``; none: all are plain.
        emission: S multiples of the light that well-lit white paper sends back, given off while
            the lamps are on; none: nothing shines.
    """

    names: tuple[str, ...]
    color: Array
    absorption: Array
    scattering: Array
    transmission: Array
    texture: tuple[str, ...] = ()
    emission: tuple[float, ...] = ()


@dataclass(frozen=True)
class SceneObject:
    """One thing in the scene: a piece of furniture, or one floor, ceiling, set of walls, door.

    Attributes:
        name: unique, e.g. ``"phone"``, ``"kitchen/floor"``.
        kind: catalogue kind, or ``floor``, ``ceiling``, ``wall``, ``door``, ``window``.
        category: semantic id, the row in ``CATEGORIES``.
        room: index of its room, -1 for what lies between rooms (doors).
        position: centre of its base, world metres.
        heading: radians.
        size: (length along its x, width along its y, height), metres.
    """

    name: str
    kind: str
    category: int
    room: int
    position: tuple[float, float, float]
    heading: float
    size: tuple[float, float, float]


@dataclass(frozen=True)
class Room:
    """One room: clear floor polygon (N, 2) counter-clockwise, floor level and height, metres."""

    name: str
    polygon: NDArray[np.float64]
    floor: float
    height: float


@dataclass(frozen=True)
class SceneSource:
    """A sound source that the scene itself names.

    Attributes:
        name: unique among the scene's sources.
        sound: a built-in kind (``"phone"``) or the path of a file, resolved.
        position: world metres.
        level: dB relative to the sound set's common loudness.
    """

    name: str
    sound: str
    position: tuple[float, float, float]
    level: float = 0.0


@dataclass(frozen=True, eq=False)
class CompiledScene:
    """Flat arrays of one scene, T triangles.

    Attributes:
        name: for messages: the spec's name or the file.
        triangles: (T, 3, 3) float32 corners, counter-clockwise seen from the front.
        uv: (T, 3, 2) float32 texture coordinates in metres along the surface; where the surface
            shows an image, in periods of it: u to the right, v up, repeating.
        surface: (T,) int32 row of ``surfaces``.
        object: (T,) int32 row of ``objects``.
        double_sided: (T,) bool, seen from behind too (sheets: curtains, leaves, imported meshes).
        images: textures (H, W, 4) uint8, sRGB and alpha, row 0 on top. Where alpha is below 128
            the surface is cut out.
    """

    name: str
    triangles: Array
    uv: Array
    surface: Index
    object: Index
    double_sided: NDArray[np.bool_]
    surfaces: SurfaceTable
    objects: tuple[SceneObject, ...]
    rooms: tuple[Room, ...] = ()
    sources: tuple[SceneSource, ...] = field(default=())
    images: tuple[NDArray[np.uint8], ...] = ()

    @cached_property
    def normals(self) -> Array:
        """Unit front normals (T, 3) float32; zero for a degenerate triangle."""
        a, b, c = (self.triangles[:, k].astype(np.float64) for k in range(3))
        n = np.cross(b - a, c - a)
        length = np.linalg.norm(n, axis=1, keepdims=True)
        return np.divide(n, length, out=np.zeros_like(n), where=length > 0).astype(np.float32)

    @cached_property
    def category(self) -> Index:
        """Semantic id (T,) int32 of every triangle."""
        return np.array([o.category for o in self.objects], np.int32)[self.object]

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """Corners (2, 3) of the axis-aligned box around everything."""
        points = self.triangles.reshape(-1, 3).astype(np.float64)
        return np.stack([points.min(axis=0), points.max(axis=0)])

    @cached_property
    def bvh(self) -> BVH:
        """Bounding volume hierarchy over ``triangles``, built on first use."""
        return build_bvh(self.triangles)

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of everything that sound, sight and motion depend on; the key of caches."""
        shapes = tuple(image.shape for image in self.images)
        looks = (OCTAVE_CENTRES, self.surfaces.texture, self.surfaces.emission, shapes)
        digest = hashlib.sha256(repr(looks).encode())
        arrays = (self.triangles, self.uv, self.surface, self.object, self.double_sided,
                  self.surfaces.color, self.surfaces.absorption, self.surfaces.scattering,
                  self.surfaces.transmission)  # fmt: skip
        for array in (*arrays, *self.images):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()
