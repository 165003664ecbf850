"""Small scenes made straight from triangles, for tests that need no scene files."""

import numpy as np
import trimesh

from avenv.core.bands import OCTAVE_CENTRES
from avenv.scene import SceneBuilder, SceneSpec
from avenv.scene.compiled import CompiledScene, Room, SceneObject, SurfaceTable
from avenv.simulation.loading import load_scene
from avenv.simulation.world import World
from avenv.tasks import find_task
from avenv.tasks.interaction import InteractionTask

B = len(OCTAVE_CENTRES)


def surfaces(*rows: tuple[float, float, float]) -> SurfaceTable:
    """Make one surface per (absorption, scattering, transmission), equal in all bands."""
    table = np.array(rows, np.float32)
    color = np.linspace(0.3, 0.9, 3 * len(rows), dtype=np.float32).reshape(-1, 3)
    bands = np.repeat(table[:, :, None], B, axis=2)
    return SurfaceTable(
        names=tuple(f"surface {k}" for k in range(len(rows))),
        color=color,
        absorption=bands[:, 0],
        scattering=bands[:, 1],
        transmission=bands[:, 2],
    )


def from_meshes(
    meshes: list[trimesh.Trimesh], table: SurfaceTable, rows: list[int] | None = None, rooms=()
) -> CompiledScene:
    """Make a scene of meshes; mesh k has object k, category k + 1 and surface rows[k] (0)."""
    triangles = np.concatenate([m.triangles for m in meshes]).astype(np.float32)
    obj = np.repeat(np.arange(len(meshes)), [len(m.faces) for m in meshes]).astype(np.int32)
    surface = np.asarray(rows if rows is not None else [0] * len(meshes), np.int32)[obj]
    objects = tuple(
        SceneObject(f"mesh {k}", "box", k + 1, 0, tuple(m.centroid), 0.0, tuple(m.extents))
        for k, m in enumerate(meshes)
    )
    return CompiledScene(
        name="test",
        triangles=triangles,
        uv=np.zeros((len(triangles), 3, 2), np.float32),
        surface=surface,
        object=obj,
        double_sided=np.zeros(len(triangles), bool),
        surfaces=table,
        objects=objects,
        rooms=rooms,
    )


def solid(extents, centre) -> trimesh.Trimesh:
    """Make a closed box, seen from outside."""
    mesh = trimesh.creation.box(extents)
    mesh.apply_translation(centre)
    return mesh


def shoebox(size=(5.0, 4.0, 3.0), absorption=0.2, scattering=0.1) -> CompiledScene:
    """Make an empty room with one corner at the origin: 12 triangles facing inwards."""
    size = np.asarray(size, float)
    mesh = solid(size, size / 2)
    mesh.invert()
    x, y, z = size
    room = Room("room", np.array([[0, 0], [x, 0], [x, y], [0, y]], float), 0.0, z)
    return from_meshes([mesh], surfaces((absorption, scattering, 0.0)), rooms=(room,))


def two_rooms(door=1.0, absorption=0.2, scattering=0.3, transmission=1e-2) -> CompiledScene:
    """Make two 4 x 4 x 2.5 m rooms with a 0.2 m wall at x = 4 and a doorway ``door`` m wide."""
    shell = solid((8.2, 4.0, 2.5), (4.1, 2.0, 1.25))
    shell.invert()
    half = (4.0 - door) / 2
    walls = [solid((0.2, half, 2.5), (4.1, half / 2, 1.25)),
             solid((0.2, half, 2.5), (4.1, 4 - half / 2, 1.25))]  # fmt: skip
    if door:
        walls.append(solid((0.2, door, 0.5), (4.1, 2.0, 2.25)))
    rooms = tuple(
        Room(f"room {k}", np.array([[x, 0], [x + 4, 0], [x + 4, 4], [x, 4]], float), 0.0, 2.5)
        for k, x in enumerate((0.0, 4.2))
    )
    return from_meshes(
        [shell, *walls], surfaces((absorption, scattering, transmission)), rooms=rooms
    )


def furnished(seed=0, things=60) -> CompiledScene:
    """Make a 10 x 8 m flat of about 26,000 triangles: walls with gaps, boxes and balls."""
    rng = np.random.default_rng(seed)
    meshes = [solid((10, 8, 0.1), (5, 4, -0.05)), solid((10, 8, 0.1), (5, 4, 2.75))]
    for x0, x1, y0, y1 in [
        (0, 10, 0, 0.1), (0, 10, 7.9, 8), (0, 0.1, 0, 8), (9.9, 10, 0, 8), (0, 3, 4, 4.1),
        (4, 7, 4, 4.1), (8, 10, 4, 4.1), (5, 5.1, 0, 1.5), (5, 5.1, 2.5, 4), (5, 5.1, 4, 5.5),
        (5, 5.1, 6.5, 8),
    ]:  # fmt: skip
        meshes.append(solid((x1 - x0, y1 - y0, 2.7), ((x0 + x1) / 2, (y0 + y1) / 2, 1.35)))
    for i in range(things):
        x, y = rng.uniform([0.5, 0.5], [9.5, 7.5])
        height = rng.uniform(0.3, 1.2)
        if i % 3 == 0:
            ball = trimesh.creation.icosphere(3, height / 2)
            ball.apply_translation((x, y, height / 2))
            meshes.append(ball)
        else:
            width, depth = rng.uniform(0.2, 0.8, 2)
            meshes.append(solid((width, depth, height), (x, y, height / 2)))
    room = Room("flat", np.array([[0, 0], [10, 0], [10, 8], [0, 8]], float), 0.0, 2.7)
    return from_meshes(meshes, surfaces((0.2, 0.2, 1e-3)), rooms=(room,))


def furnished_flat() -> World:
    """Make a hall with a front door and a bell, a room with tables, and what else tasks need."""
    b = SceneBuilder("flat")
    b.room("hall", size=(4, 3))
    b.room("room", size=(6, 5), at=(4, 0))
    b.door("hall", "room", name="inner")
    b.door("hall", None, wall="west wall", name="front door")
    b.place("doorbell", at=(0.1, 0.6), facing=0, z=1.9, name="doorbell")
    b.place("smoke_alarm", at=(2.0, 2.0), name="smoke_alarm")
    b.place("table", at=(8.5, 1.5), name="table", size=(0.8, 1.2, 0.75))
    b.place("tv_stand", at=(9.6, 3.5), facing=180, name="stand")
    b.place("tv", on="stand", name="tv")
    b.place("dishwasher", at=(5.0, 4.5), facing=-90, name="dishwasher")
    b.place("stool", at=(7.0, 4.4), name="stool")
    b.place("radio", on="stool", name="radio")
    b.place("side_table", at=(4.6, 0.7), name="side table")
    b.place("phone", on="side table", name="phone")
    b.place("fan", at=(3.4, 0.5), name="fan")
    return load_scene(b.build())


def small_flat() -> SceneSpec:
    """Describe two rooms with a door between, and three things that sound: phone, radio, fan."""
    b = SceneBuilder("small flat")
    west = b.room("west", size=(4, 4), height=2.5)
    east = b.room("east", at=(4, 0), size=(4, 4), height=2.5)
    b.door(west, east, state="open")
    desk = west.place("desk", against="south wall", along=1.0)
    b.source(on=west.place("phone", on=desk))
    shelf = east.place("table", against="north wall", along=3.0)
    b.source(on=east.place("radio", on=shelf))
    b.source(on=east.place("fan", against="south wall", along=3.2))
    return b.build()


def row_of_boxes() -> World:
    """Make a room with four boxes at its north wall that look alike, and one that does not."""
    b = SceneBuilder("store")
    b.room("store", size=(6, 5))
    looks = {"size": (0.3, 0.4, 0.34), "materials": {"body": "blue_lacquer", "lid": "blue_lacquer"}}
    stuffs = (("metal", False), ("metal", True), ("wooden", False), ("wooden", True))
    for k, (stuff, full) in enumerate(stuffs):
        name = f"{'full' if full else 'hollow'} {stuff}"
        b.place(f"{stuff}_box", at=(1.2 + 1.2 * k, 4.6), facing=-90, name=name, full=full, **looks)
    b.place("cardboard_box", at=(0.4, 1.0), name="odd one")
    return load_scene(b.build())


KINDS = {"sounds": ["phone", "dog", "radio"]}
TASK_OPTIONS: dict[str, dict] = {
    "AudioGoal": {"sounds": "phone"},
    "AudioPointGoal": {"sounds": "phone"},
    "MultiAudioGoal": KINDS,
    "ProbeBox": {"scenes": row_of_boxes},
}
"""Options that tests make small tasks with, made when they are functions; of others, none."""


def task_options(name: str) -> dict:
    """Return the scene and the options by which a task is small and quick to test."""
    acts = issubclass(find_task(name), InteractionTask)
    scene = furnished_flat() if acts else small_flat()
    options = {"scenes": scene, "image_size": (24, 16), "window": 0.5}
    options["propagation"] = {"rays": 512}
    more = TASK_OPTIONS.get(name, {})
    return options | {key: made() if callable(made) else made for key, made in more.items()}


def tone(frequency=440.0, seconds=0.5, rate=16000, amplitude=0.1) -> np.ndarray:
    """Return a pure tone, float32."""
    t = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency * t)).astype(np.float32)
