"""The catalogue of objects: what kinds of things a scene may hold, and their meshes.

The rows are data (``catalogue.yaml``); the shapes are functions (``avenv.scene.furniture``). In an
object's own frame the centre of its base is the origin, x points forward (to the side one uses or
looks at), y to the left and z up. A mesh fills its size exactly, so that a thing on a wall touches
it with its back.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.scene.furniture import BUILDERS, SHAPES, Builder
from avenv.scene.materials import material
from avenv.scene.primitives import move, surface_uv, turn
from avenv.scene.problems import suggest

Size = tuple[float, float, float]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times faster
_TABLE = Path(__file__).with_name("catalogue.yaml")
_SYNONYMS = Path(__file__).with_name("synonyms.yaml")


@dataclass(frozen=True)
class KindState:
    """How things of a kind are in one of their states.

    Attributes:
        shape: name of another shape than the usual, in ``furniture.SHAPES``.
        materials: other materials of some parts, by part name.
        sound: built-in kind of sound it makes, or None.
        light: how brightly its lamps shine, 0 to 1.
        pose: ``"fallen"``: tipped on its front, and on the floor; ``"held"``: carried, and no
            longer in its place.
        event: built-in kind of sound that is heard once when it gets there, or None.
    """

    shape: str | None = None
    materials: Mapping[str, str] = field(default_factory=dict)
    sound: str | None = None
    light: float = 1.0
    pose: str | None = None
    event: str | None = None

    @property
    def is_fall(self) -> bool:
        """Whether a thing gets there by falling, and ends up lying."""
        return self.pose == "fallen" or self.shape == "broken"

    @property
    def is_moved(self) -> bool:
        """Whether a thing is as in its first state, and only elsewhere."""
        return self.pose == "fallen" and self.shape is None and not self.materials


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    Attributes:
        name: e.g. ``"armchair"``; also the name of its builder.
        category: what it counts as for the semantic sensor, one of ``categories()``.
        size: extents along its x (depth), y (width) and z (height) unless told otherwise, metres.
        min_size: smallest extents that still look right.
        max_size: largest extents that still look right.
        mounted: where it belongs: ``"floor"``, ``"top"`` (of furniture), ``"wall"``, ``"ceiling"``.
        sound: built-in kind of sound it makes, or None.
        falls: built-in kind of sound that one hears when it falls, or None.
        materials: material of each of its parts, by part name.
        states: what states it may be in, by name; it is in the first unless told otherwise.
    """

    name: str
    category: str
    size: Size
    min_size: Size
    max_size: Size
    mounted: str
    sound: str | None
    falls: str | None
    materials: Mapping[str, str]
    states: Mapping[str, KindState] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Part:
    """The triangles of an object that share one material.

    Attributes:
        name: e.g. ``"legs"``.
        material: name in the table of materials.
        triangles: (N, 3, 3) float32 in the object's frame, counter-clockwise seen from outside.
            All objects of a kind, a shape and a size share them, so they cannot be written to.
        uv: (N, 3, 2) float32 texture coordinates, metres along the surface; shared too.
        sheet: open sheets, seen from both sides, instead of closed solids.
    """

    name: str
    material: str
    triangles: NDArray[np.float32]
    uv: NDArray[np.float32]
    sheet: bool


def kind(name: str) -> Kind:
    """Return the kind of this name.

    Raises:
        SceneError: the catalogue has no such kind; the message names the closest ones.
    """
    kinds = _table()[1]
    if name not in kinds:
        raise SceneError(f"there is no object kind {name!r}{suggest_kind(name)}")
    return kinds[name]


def suggest_kind(name: str) -> str:
    """Return the end of a message about an unknown kind: ``couch`` is a ``sofa`` here."""
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    words = _synonyms()
    meant = next((words[w] for w in (plain, plain[:-1], plain[:-2]) if w in words), None)
    return f"; did you mean {meant!r}?" if meant else suggest(name, kind_names())


@cache
def _synonyms() -> dict[str, str]:
    return yaml.load(_SYNONYMS.read_text(encoding="utf-8"), Loader=_LOADER)


def kind_names() -> tuple[str, ...]:
    """Return the names of all kinds, in the order of the catalogue."""
    return tuple(_table()[1])


def categories() -> tuple[str, ...]:
    """Return the semantic categories that objects may have, in a fixed order."""
    return _table()[0]


def build_mesh(
    name: str,
    size: Sequence[float] | None = None,
    materials: Mapping[str, str] | None = None,
    state: str | None = None,
    shape: str | None = None,
) -> list[Part]:
    """Build an object of a kind.

    Args:
        name: the kind.
        size: extents along x, y and z in metres; the kind's own by default. In its first state the
            mesh fills them; an open door reaches beyond.
        materials: other materials for some of the parts, by part name.
        state: one of the kind's states, by default the first. In the state of being held it is
            built as in the first.
        shape: another shape than that of the state, in ``furniture.SHAPES``.

    Raises:
        SceneError: unknown kind, part, material, state or shape, or a size beyond the kind's
            limits.
    """
    chosen = kind(name)
    how = _state(chosen, state)
    used = {**chosen.materials, **(materials or {})}
    for part in used:
        if part not in chosen.materials:
            raise SceneError(f"{name} has no part {part!r}{suggest(part, chosen.materials)}")
        material(used[part])
    used |= how.materials
    solids = _solids(name, shape or how.shape, _checked_size(chosen, size))
    triangles = solids.fallen if how.pose == "fallen" else solids.standing
    return [
        Part(
            name=part,
            material=used[part],
            triangles=triangles[part],
            uv=uv,
            # The builder made what the catalogue says; another material changes no shape.
            sheet=material(chosen.materials[part]).sheet,
        )
        for part, uv in solids.uv.items()
    ]


def mesh_bounds(name: str, size: Size, state: str | None = None) -> tuple[list[float], list[float]]:
    """Return the least and the greatest x, y and z of an object that ``build_mesh`` builds."""
    triangles = np.concatenate([part.triangles for part in build_mesh(name, size, state=state)])
    axes = triangles.reshape(-1, 3).T.copy()  # in a row each, which is many times as fast
    return axes.min(axis=1).tolist(), axes.max(axis=1).tolist()


class _Solids(NamedTuple):
    """The parts of an object of a kind, a shape and a size, whatever it is made of.

    Attributes:
        standing: (N, 3, 3) float32 triangles of each, by name.
        fallen: the same once it has fallen; none of a kind that cannot.
        uv: (N, 3, 2) float32.
    """

    standing: dict[str, NDArray[np.float32]]
    fallen: dict[str, NDArray[np.float32]]
    uv: dict[str, NDArray[np.float32]]


@lru_cache(maxsize=512)  # those of some homes: each is asked for many times while one is made
def _solids(name: str, shape: str | None, size: Size) -> _Solids:
    parts = _builder(name, shape)(*size)
    ends = np.cumsum([sum(map(len, solids)) for solids in parts.values()])

    def shared(whole: NDArray[np.float64]) -> dict[str, NDArray[np.float32]]:
        array = whole.astype(np.float32, order="C")
        array.flags.writeable = False
        return dict(zip(parts, np.split(array, ends[:-1]), strict=True))

    mesh = np.concatenate([solid for solids in parts.values() for solid in solids])
    falls = any(how.pose == "fallen" for how in kind(name).states.values())
    fallen = shared(_tip(mesh, size)) if falls else {}
    return _Solids(shared(mesh), fallen, shared(surface_uv(mesh)))


def _builder(name: str, shape: str | None) -> Builder:
    if shape is None:
        return BUILDERS[name]
    if (name, shape) not in SHAPES:
        known = [other for kind, other in SHAPES if kind == name]
        raise SceneError(f"{name} has no shape {shape!r}{suggest(shape, known)}")
    return SHAPES[name, shape]


def _read_state(row: dict, how: dict) -> KindState:
    state = KindState(**{"sound": row.get("sound"), **how})
    return replace(state, event=row.get("falls")) if state.is_fall else state


def _state(chosen: Kind, state: str | None) -> KindState:
    if state is None:
        return next(iter(chosen.states.values()), KindState())
    if state not in chosen.states:
        raise SceneError(f"{chosen.name} has no state {state!r}{suggest(state, chosen.states)}")
    return chosen.states[state]


def _tip(mesh: NDArray[np.float64], size: Size) -> NDArray[np.float64]:
    """Lay a thing on its front, above the place where it stood."""
    x, _, z = size
    return move(turn(mesh, np.pi / 2, axis=1), -z / 2, z=x / 2)


def _checked_size(chosen: Kind, size: Sequence[float] | None) -> Size:
    if size is None:
        return chosen.size
    x, y, z = (float(s) for s in size)
    limits = zip((x, y, z), chosen.min_size, chosen.max_size, strict=True)
    if not all(low - 1e-9 <= s <= high + 1e-9 for s, low, high in limits):
        raise SceneError(
            f"{chosen.name} has size {[x, y, z]}; accepted are {list(chosen.min_size)} to "
            f"{list(chosen.max_size)} (depth, width, height in metres)"
        )
    return x, y, z


@cache
def _table() -> tuple[tuple[str, ...], dict[str, Kind]]:
    rows = yaml.load(_TABLE.read_text(encoding="utf-8"), Loader=_LOADER)
    kinds = {
        name: Kind(
            name=name,
            category=row["category"],
            size=tuple(row["size"]),
            min_size=tuple(row["min_size"]),
            max_size=tuple(row["max_size"]),
            mounted=row["mounted"],
            sound=row.get("sound"),
            falls=row.get("falls"),
            materials=row["materials"],
            states={s: _read_state(row, how or {}) for s, how in row.get("states", {}).items()},
        )
        for name, row in rows["kinds"].items()
    }
    return tuple(rows["categories"]), kinds
