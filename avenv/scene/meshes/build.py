"""From a mesh file to a compiled scene."""

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from avenv.core import frames
from avenv.core.errors import SceneError, SceneWarning
from avenv.scene.compile import CATEGORIES
from avenv.scene.compiled import CompiledScene, Room, SceneObject, SceneSource, SurfaceTable
from avenv.scene.content import content_hash
from avenv.scene.files import SPEC_SUFFIXES
from avenv.scene.meshes.habitat import is_habitat, read_habitat
from avenv.scene.meshes.notes import SceneNotes, is_builtin, known_object
from avenv.scene.meshes.parts import MeshFile, MeshPart, MeshRegion
from avenv.scene.meshes.readers import read_mesh
from avenv.scene.meshes.regions import in_room, rooms_of
from avenv.scene.meshes.report import ImportReport, Mapped
from avenv.scene.meshes.rules import Rules, check_material, read_rules
from avenv.scene.meshes.settings import UNITS, MeshSettings
from avenv.scene.meshes.solids import find_solids
from avenv.scene.meshes.sources import place_sources
from avenv.scene.meshes.tables import SurfaceBook, is_noted_sheet

_TALLEST, _SMALLEST, _WIDEST = 60.0, 1.0, 1000.0  # m: what else is no home, or too far for float32
_STOREY = 1.5  # m between floors, at least
_NEAR = 0.5  # m: how far a storey's floor may be from where it is said to be
_SMALLEST_FLOOR = 4.0  # m2: a mesh with less is a thing, and no home


def import_mesh(
    path: str | Path,
    *,
    up: Literal["Y", "Z"] | None = None,
    unit: float | str | None = None,
    rules: str | Path | None = None,
    materials: dict[str, str] | None = None,
    default: str | None = None,
    floor: float | None = None,
    centre: bool | None = None,
    units_to_meters: bool | None = None,
) -> CompiledScene:
    """Read a mesh file as a scene.

    Args:
        path: a GLB, glTF, OBJ, PLY or STL file, or a Habitat scene.
        up: the axis that points up; by default as the format has it: Y in glTF and OBJ, Z in PLY
            and STL.
        unit: metres in one of the file's units, or ``"m"``, ``"cm"``, ``"mm"``, ``"in"``,
            ``"ft"``, ``"km"``; by default metres.
        rules: YAML file that says which names and colours mean which acoustic materials; it goes
            before the shipped ones.
        materials: acoustic materials by the material names that the file uses.
        default: acoustic material where nothing else tells.
        floor: level of the storey that is walked on, metres; by default the lowest large one.
        centre: move the middle of its plan to (0, 0) and the floor that is walked on to z = 0, for
            meshes in map coordinates and for upper storeys.
        units_to_meters: apply this field of Habitat's configurations, which habitat-sim reads and
            does not apply.

    Raises:
        SceneError: the file is broken or too large, its geometry lies outside its folder, or it has
            a size that no building has; or an argument is unknown.

    Warns:
        SceneWarning: textures cannot be read, something is left out or was brought into range, or
            surfaces have neither texture nor colour.
    """
    return inspect_mesh(path, up=up, unit=unit, rules=rules, materials=materials, default=default,
                        floor=floor, centre=centre, units_to_meters=units_to_meters)[0]  # fmt: skip


def inspect_mesh(path: str | Path, **settings: Any) -> tuple[CompiledScene, ImportReport]:
    """Read a mesh file as ``import_mesh`` does; return also a report of what became of it."""
    path = Path(path)
    rules = read_rules(settings.pop("rules", None))
    data = {k: v for k, v in settings.items() if v is not None}
    made = MeshSettings.checked({"mesh": path.name, **data}, path)
    return build_mesh(_read(path, made), made, rules, path)


def load_mesh(path: Path) -> tuple[CompiledScene, ImportReport]:
    """Read a mesh file with the conventions of its format, or a YAML file that names one.

    Raises:
        SceneError: as ``import_mesh``; or a field of the YAML file is wrong.
    """
    if path.suffix.lower() not in SPEC_SUFFIXES:
        return inspect_mesh(path)
    settings = MeshSettings.from_yaml(path)
    rules = read_rules(settings.find(settings.rules, "rules") if settings.rules else None)
    settings.find(settings.mesh, "mesh")
    mesh = path.parent / settings.mesh  # as the user would write it
    return build_mesh(_read(mesh, settings), settings, rules, mesh)


def load_habitat(path: Path) -> tuple[CompiledScene, ImportReport]:
    """Read a Habitat scene, or a mesh as habitat-sim takes it: a GLB alone has Z up.

    Raises:
        SceneError: as ``import_mesh``.
    """
    settings = MeshSettings.checked({"mesh": path.name}, path)
    return build_mesh(read_habitat(path), settings, read_rules(None), path)


def _read(path: Path, settings: MeshSettings) -> MeshFile:
    return read_habitat(path, settings.units_to_meters) if is_habitat(path) else read_mesh(path)


def build_mesh(
    content: MeshFile, settings: MeshSettings, rules: Rules, path: Path
) -> tuple[CompiledScene, ImportReport]:
    """Turn a file's contents into a scene and a report.

    Raises:
        SceneError: there is nothing in it, or something that cannot be.
    """
    check_material(settings.default, f"{settings.source}: default")
    for name, chosen in settings.materials.items():
        check_material(chosen, f"{settings.source}: materials.{name}")
    parts, dropped, moved, regions = _placed(content, settings, path)
    built = _assemble(parts, rules, settings, path)
    triangles = built.triangles
    floors = _floors(triangles, built.sheet)
    texts = [*_warnings(content, built.plain), *_storeys(floors, settings, moved[2])]
    if texts:
        warnings.warn(f"{path}: {'; '.join(texts)}", SceneWarning, stacklevel=4)
    # Notes are about the file as it is.
    known = settings.up is None and settings.unit is None and not settings.centre
    noted = SceneNotes.read(content.notes if known else None, path)
    rooms = noted.rooms
    if regions:
        rooms = rooms_of(regions, floors, None if settings.floor is None else
                         settings.floor + moved[2])  # fmt: skip
    if settings.floor is not None and not (regions and rooms):
        rooms = (_storey(triangles, settings.floor + moved[2], floors, settings),)
    described = {part.owner: part.notes for part, _ in parts if known}
    objects = tuple(
        known_object(o, described.get(o.name), rooms, f"{path}: {o.name!r}: extras.avenv")
        for o in (in_room(o, rooms) if regions else o for o in built.objects)
    )
    sources = (*noted.sources, *place_sources(settings, objects, noted.sources))
    origin = _content_hash(content, settings, rules, sources)
    scene = CompiledScene(
        name=settings.name or noted.name or path.stem,
        triangles=triangles.astype(np.float32),
        uv=built.uv.astype(np.float32),
        surface=built.surface,
        object=built.owner,
        double_sided=built.sheet,
        surfaces=built.table,
        objects=objects,
        rooms=rooms,
        sources=sources,
        images=tuple(built.images),
        origin=origin,
    )
    size = np.ptp(triangles.reshape(-1, 3), axis=0).tolist()
    report = ImportReport(
        path=str(path),
        triangles=len(triangles),
        dropped=dropped,
        moved=moved,
        objects=len(objects),
        size=(size[0], size[1], size[2]),
        surfaces=built.mapped,
        floors=floors,
        open_share=built.open_share,
        sheets=float(np.average(built.sheet, weights=_areas(triangles))),
        warnings=tuple(texts),
        content_hash=origin,
    )
    return scene, report


def _content_hash(
    content: MeshFile, settings: MeshSettings, rules: Rules, sources: Iterable[SceneSource]
) -> str:
    """Return the hash of all files that were read, and of how they were."""
    data = {
        "files": content.digests,
        "settings": settings.model_dump(mode="json", exclude={"mesh", "name", "rules"}),
        "rules": rules.model_dump(mode="json"),
    }
    files = [Path(source.sound) for source in sources if not is_builtin(source.sound)]
    return content_hash(data, [file for file in files if file.is_file()])


def _placed(
    content: MeshFile, settings: MeshSettings, path: Path
) -> tuple[
    list[tuple[MeshPart, NDArray[np.float64]]], int, tuple[float, float, float], list[MeshRegion]
]:
    """Return each part with its triangles in the world, without empty ones.

    Also returns how many triangles were without area, how far all were moved, and the regions in
    the world.
    """
    if not sum(len(part.triangles) for part in content.parts):
        raise SceneError(f"{path}: has no faces")
    unit = UNITS[settings.unit] if isinstance(settings.unit, str) else settings.unit or 1.0
    y_up = content.y_up if settings.up is None else settings.up == "Y"
    worlds = []
    for part in content.parts:
        if not np.isfinite(part.triangles).all():
            raise SceneError(f"{path}: {part.owner!r}: has corners that are no finite numbers")
        if part.uv is not None and not np.isfinite(part.uv).all():
            raise SceneError(f"{path}: {part.owner!r}: has texture coordinates that are no finite "
                             "numbers")  # fmt: skip
        worlds.append(unit * (frames.from_y_up(part.triangles) if y_up else part.triangles))
    shift = _shift(worlds, settings) if settings.centre else np.zeros(3)
    placed, dropped = [], 0
    for part, world in zip(content.parts, worlds, strict=True):
        kept_as = (world + shift).astype(np.float32).astype(np.float64)  # as they will be kept
        kept = _areas(kept_as) > 1e-10
        dropped += int((~kept).sum())
        if kept.any():
            placed.append((_subset(part, kept), kept_as[kept]))
    if not placed:
        raise SceneError(f"{path}: has no faces with an area")
    _check_extent(np.concatenate([w for _, w in placed]).reshape(-1, 3), content, settings, path)
    x, y, z = shift.tolist()
    regions = [
        MeshRegion(
            region.name,
            unit * (frames.from_y_up(region.corners) if y_up else region.corners) + shift,
            unit * region.height,
        )
        for region in content.regions
    ]
    return placed, dropped, (x, y, z), regions


def _shift(worlds: list[NDArray[np.float64]], settings: MeshSettings) -> NDArray[np.float64]:
    """Return the way (3,) that brings the middle of the plan, and the floor walked on, to zero."""
    triangles = np.concatenate(worlds)
    low, high = triangles.min(axis=(0, 1)), triangles.max(axis=(0, 1))
    floors = _floors(triangles - low, find_solids(triangles - low).sheet)
    level = float(low[2])
    if settings.floor is not None:
        level = settings.floor
    elif floors:
        level += floors[0][0]
    return -np.array([*((low + high) / 2)[:2], level])


def _subset(part: MeshPart, kept: NDArray[np.bool_]) -> MeshPart:
    uv = None if part.uv is None else part.uv[kept]
    shade = None if part.shade is None else part.shade[kept]
    triangles = part.triangles[kept]
    return replace(part, triangles=triangles, uv=uv, shade=shade)


def _check_extent(
    points: NDArray[np.float64], content: MeshFile, settings: MeshSettings, path: Path
) -> None:
    low, high = points.min(axis=0), points.max(axis=0)
    size, reach = high - low, float(np.abs([low, high]).max())
    guessed = settings.unit is None and not content.in_metres
    tall = guessed and size[2] > _TALLEST
    if reach > _WIDEST:
        problem = f"reaches {reach:,.0f} m from the origin, more than 1000 m"
        if size.max() <= _WIDEST and not tall:
            raise SceneError(f"{path}: {problem}, and is {size.max():,.3g} m large; pass "
                             "centre=True to move it to the origin")  # fmt: skip
    elif tall:
        problem = f"would be {size[2]:,.0f} m high"
    elif guessed and size.max() < _SMALLEST:
        problem = f"would be {size.max():.2g} m large"
    else:
        return
    text = " x ".join(f"{s:,.3g}" for s in size)
    height = max(float(size[2]), 1e-9)
    likely = [u for u, metres in UNITS.items() if 2.0 <= height * metres <= 12.0 and u != "m"]
    hint = f"; pass unit={likely[0]!r} if these are {likely[0]}" if likely and guessed else ""
    raise SceneError(f"{path}: {problem} ({text} in its units){hint}; unit and up say how to read "
                     "a file's numbers")  # fmt: skip


@dataclass
class _Built:
    triangles: NDArray[np.float64]
    uv: NDArray[np.float64]
    surface: NDArray[np.int32]
    owner: NDArray[np.int32]
    sheet: NDArray[np.bool_]
    table: SurfaceTable
    images: list[NDArray[np.uint8]]
    objects: list[SceneObject]
    mapped: tuple[Mapped, ...]
    open_share: float
    plain: int


def _assemble(
    parts: list[tuple[MeshPart, NDArray[np.float64]]], rules: Rules, settings: MeshSettings,
    path: Path,
) -> _Built:  # fmt: skip
    owners = list(dict.fromkeys(part.owner for part, _ in parts))
    number = {name: k for k, name in enumerate(owners)}
    parts.sort(key=lambda item: number[item[0].owner])
    counts = [len(world) for _, world in parts]
    triangles = np.concatenate([world for _, world in parts])
    solidity = find_solids(triangles)
    sheet = solidity.sheet.copy()
    book = SurfaceBook(str(path), rules, settings.materials, settings.default)
    surface, uv = [], []
    areas: dict[tuple[str, str, str], float] = {}
    ends = np.cumsum(counts)
    for (part, world), end in zip(parts, ends, strict=True):
        own = slice(end - len(world), end)
        noted = is_noted_sheet(part)
        if noted is not None:
            sheet[own] = noted
        rows, coordinates, choice = book.enter(part, world, sheet[own])
        surface.append(rows)
        uv.append(coordinates)
        key = (part.material.name, *choice)
        areas[key] = areas.get(key, 0.0) + float(_areas(world).sum())
    owner = np.repeat([number[part.owner] for part, _ in parts], counts).astype(np.int32)
    corners = np.split(triangles, np.cumsum(np.bincount(owner))[:-1])  # parts are in this order
    labels = {part.owner: part.label for part, _ in parts}
    objects = [
        _object(name, labels[name], own, rules) for name, own in zip(owners, corners, strict=True)
    ]
    mapped = (Mapped(*key, area) for key, area in areas.items())
    return _Built(
        triangles=triangles,
        uv=np.concatenate(uv),
        surface=np.concatenate(surface),
        owner=owner,
        sheet=sheet,
        table=book.table(),
        images=book.images,
        objects=objects,
        mapped=tuple(sorted(mapped, key=lambda m: -m.area)),
        open_share=solidity.open_share,
        plain=book.plain,
    )


def _object(name: str, label: str, triangles: NDArray[np.float64], rules: Rules) -> SceneObject:
    low, high = triangles.reshape(-1, 3).min(axis=0), triangles.reshape(-1, 3).max(axis=0)
    x, y = ((low + high) / 2)[:2].tolist()
    size = (high - low).tolist()
    category = rules.category(label or name)
    return SceneObject(
        name=name,
        kind=category or "mesh",
        category=CATEGORIES.index(category or "void"),
        room=-1,
        position=(x, y, float(low[2])),
        heading=0.0,
        size=(size[0], size[1], size[2]),
    )


def _warnings(content: MeshFile, plain: int) -> list[str]:
    out = _shown(content.left_out, 8)
    if content.missing:
        listed = "; ".join(_shown(content.missing, 3))
        out.append(f"missing or unreadable, drawn in a plain colour: {listed}")
    if plain:
        out.append("surfaces without texture or colour take those of their acoustic material")
    return out


def _shown(texts: list[str], most: int) -> list[str]:
    """Return the first of many texts, and how many more there are."""
    return [*texts[:most], *([f"and {len(texts) - most:,} more"] if len(texts) > most else [])]


def _areas(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b, c = (triangles[:, k] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def _floors(
    triangles: NDArray[np.float64], sheet: NDArray[np.bool_], band: float = 0.05
) -> tuple[tuple[float, float], ...]:
    """Return (height, area) of the storeys' floors: large levels with a storey between them."""
    a, b, c = (triangles[:, k] for k in range(3))
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1) / 2
    up = np.where(sheet, np.abs(normal[:, 2]), normal[:, 2])
    level = up > 1.9 * area  # facing upwards within 18 degrees
    if not level.any():
        return ()
    highest = float(triangles[..., 2].max())
    z, area = triangles[level, :, 2].mean(axis=1), area[level]
    bins = np.round(z / band).astype(np.int64)
    bins -= bins.min()
    total = np.bincount(bins, area)
    height = np.bincount(bins, area * z) / np.maximum(total, 1e-12)
    floors: list[tuple[float, float]] = []
    for k in np.flatnonzero(total >= total.max() / 4).tolist():
        headroom = highest - height[k] >= _STOREY  # else it is a roof, or a ceiling's back
        if not floors or (headroom and height[k] - floors[-1][0] >= _STOREY):
            floors.append((float(height[k]), float(total[k])))
    return tuple(floors)


def _storeys(
    floors: tuple[tuple[float, float], ...], settings: MeshSettings, moved: float
) -> list[str]:
    """Say what bodies cannot make of the storeys: they walk on one."""
    if len(floors) > 1 and settings.floor is None:
        return [f"has {len(floors)} storeys, {_levels(floors, moved)}, and bodies walk on the "
                "first; floor= chooses another"]  # fmt: skip
    return []


def _storey(
    triangles: NDArray[np.float64], floor: float, floors: tuple[tuple[float, float], ...],
    settings: MeshSettings,
) -> Room:  # fmt: skip
    """Return a room as large as the mesh, on the level that is to be walked on.

    Raises:
        SceneError: the mesh has no storey there.
    """
    levels = [height for height, _ in floors]
    off = [abs(height - floor) for height in levels]
    if levels and min(off) > _NEAR:
        moved = floor - (settings.floor or 0.0)
        raise SceneError(f"{settings.source}: floor is {settings.floor:g}; the storeys' floors are "
                         f"{_levels(floors, moved)}")  # fmt: skip
    number = off.index(min(off)) if levels else 0
    (x0, y0, _), (x1, y1, z1) = (f(triangles.reshape(-1, 3), axis=0) for f in (np.min, np.max))
    top = levels[number + 1] if number + 1 < len(levels) else float(z1)
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    return Room(f"storey {number + 1}", corners, floor, max(top - floor, math.ulp(1.0)))


def _levels(floors: tuple[tuple[float, float], ...], moved: float) -> str:
    """Return the storeys' levels in the file's own height."""
    return "z = " + ", ".join(f"{height - moved:.2f}" for height, _ in floors) + " m"
