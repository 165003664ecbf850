"""What a reader of mesh files hands on: triangles by object and material, as the file has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_TRIANGLES = 4_000_000
"""Most triangles that are read from a file."""

Vector = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class MeshMaterial:
    """A material as a file describes it.

    Attributes:
        name: empty if it has none.
        color: (3,) linear-light reflectance, None where the file gives none.
        image: (H, W, 4) uint8 sRGB texture, ``color`` already multiplied in; None without.
        image_name: what the file calls its texture.
        emission: light given off, as a multiple of what well-lit white paper sends back.
        notes: what ``avenv`` itself wrote about the surface when it exported it.
    """

    name: str = ""
    color: Vector | None = None
    image: NDArray[np.uint8] | None = None
    image_name: str = ""
    emission: float = 0.0
    notes: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class MeshPart:
    """The triangles of one object that share one material.

    Attributes:
        owner: the object, unique in the file; parts of one object name the same.
        triangles: (N, 3, 3) float64 in the file's axes and units.
        material: what they are made of.
        uv: (N, 3, 2) float64 in periods of the image, u to the right, v up; None without.
        shade: (N, 3) float64 linear-light mean of the corners' own colours; None without.
        notes: what ``avenv`` itself wrote about the object when it exported it.
        label: what semantic annotations call it; empty where there are none.
    """

    owner: str
    triangles: NDArray[np.float64]
    material: MeshMaterial
    uv: NDArray[np.float64] | None = None
    shade: NDArray[np.float64] | None = None
    notes: Mapping[str, Any] | None = None
    label: str = ""


@dataclass(frozen=True, eq=False)
class MeshRegion:
    """A room that annotations tell of.

    Attributes:
        name: of the room.
        corners: (N, 3) float64 of its floor, in the file's axes and units.
        height: above the floor, in the file's units.
    """

    name: str
    corners: NDArray[np.float64]
    height: float


@dataclass(frozen=True, eq=False)
class MeshFile:
    """A mesh file's contents.

    Attributes:
        parts: what is in it.
        y_up: its axes are right-handed with Y up, else with Z up.
        missing: textures that are not there or cannot be read.
        left_out: what else the scene lacks, or has otherwise than the file says.
        notes: what ``avenv`` itself wrote about the scene when it exported it.
        in_metres: its format leaves no doubt about units, however large it comes out.
        digests: SHA-256 of all files that were read, by their paths; ``""`` for the first.
        regions: rooms that annotations tell of.
    """

    parts: list[MeshPart]
    y_up: bool
    missing: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: Mapping[str, Any] | None = None
    in_metres: bool = False
    digests: Mapping[str, str] = field(default_factory=dict)
    regions: tuple[MeshRegion, ...] = ()


def too_many(count: int) -> str:
    """Return the message about a mesh with so many triangles."""
    return (
        f"has {count:,} triangles; at most {MAX_TRIANGLES:,} are read; simplify the mesh or cut "
        "it into parts"
    )
