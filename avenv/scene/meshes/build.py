"""From a mesh file to a compiled scene."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from avenv.core.errors import SceneWarning
from avenv.scene.compiled import CompiledScene, SceneSource
from avenv.scene.content import content_hash
from avenv.scene.files import SPEC_SUFFIXES
from avenv.scene.meshes.habitat import is_habitat, read_habitat
from avenv.scene.meshes.habitat_scenes import path_and_level
from avenv.scene.meshes.joining import join
from avenv.scene.meshes.notes import SceneNotes, is_builtin, known_object
from avenv.scene.meshes.parts import MeshFile
from avenv.scene.meshes.placing import areas_of, placed_in_world
from avenv.scene.meshes.readers import read_mesh
from avenv.scene.meshes.regions import in_room, rooms_of
from avenv.scene.meshes.report import ImportReport
from avenv.scene.meshes.rules import Rules, check_material, read_rules
from avenv.scene.meshes.settings import MeshSettings
from avenv.scene.meshes.sources import place_sources
from avenv.scene.meshes.storeys import chosen_storey, find_floors, many_storeys


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


def load_habitat(reference: str) -> tuple[CompiledScene, ImportReport]:
    """Read the one scene that ``habitat:PATH`` or ``habitat:PATH@LEVEL`` means.

    A mesh is read as habitat-sim takes it: a GLB alone has Z up.

    Raises:
        SceneError: as ``import_mesh``.
    """
    path, level = path_and_level(reference)
    settings = MeshSettings.checked({"mesh": path.name, "floor": level}, path)
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
    parts, dropped, moved, regions = placed_in_world(content, settings, path)
    built = join(parts, rules, settings, path)
    triangles = built.triangles
    floors = find_floors(triangles, built.sheet)
    texts = [*_warnings(content, built.plain), *many_storeys(floors, settings, moved[2])]
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
        rooms = (chosen_storey(triangles, settings.floor + moved[2], floors, settings),)
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
        sheets=float(np.average(built.sheet, weights=areas_of(triangles))),
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
