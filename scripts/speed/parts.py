"""The parts by themselves: pictures, responses, fields, homes; ours and those of others."""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from peers import PEERS, Poses, avenv_draw

from avenv import export_glb, load_scene, vision
from avenv.acoustics import AcousticSettings, Engine, ResponseBatch, Stream, limit_memory, pyroom
from avenv.acoustics.late.denoising import REACH
from avenv.acoustics.late.neighbours import cells_for
from avenv.acoustics.late.tracing import trace_late
from avenv.acoustics.paths.image_sources import find_images
from avenv.core import frames
from avenv.scene import compile_scene
from avenv.scene.compiled import CompiledScene
from avenv.scene.homes import make_home
from avenv.simulation.ears import PROPAGATION
from avenv.simulation.loading import HOME_BYTES, limit_homes
from avenv.simulation.world import World
from speed.episodes import own_cache
from speed.stopwatch import Contender, ratio, take_turns

EYE = 1.25
FIELD_BYTES = 256 * 2**20  # that fields may take by default
SOURCES = 4
"""In each new home, about."""
_NEW_PLACES = 1024  # of listeners, more than an engine remembers
Measured = tuple[list[dict], list[dict]]


def viewpoints(world: World, count: int) -> tuple[NDArray, NDArray]:
    """Return positions (n, 3) of eyes above random walkable places, and rotations (n, 3, 3)."""
    rng = np.random.default_rng(0)
    positions = np.column_stack([world.walkable.sample(rng, count), np.full(count, EYE)])
    return positions, frames.body_rotation(rng.uniform(-np.pi, np.pi, count))


def measure_pictures(world: World, scene: str, rounds: int, count: int = 32) -> Measured:
    """Return rows of RGB-D by us and by every peer that is installed, and the ratios to ours."""
    rows, ratios = [], []
    eyes = viewpoints(world, count)
    for side in (64, 128):
        poses = Poses(*eyes, side)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.glb"
            export_glb(world, path)
            ours = f"RGB-D {side}², {len(world.compiled.triangles):,} triangles"
            contenders = [Contender(ours, avenv_draw(scene, poses), count)]
            for name, make in PEERS.items():
                try:
                    contenders.append(Contender(f"{name} {side}²", make(path, poses), count))
                except ImportError:
                    rows.append({"name": f"{name} {side}²: not installed"})
            timings = take_turns(contenders, rounds)
        rows += [timing.row(name) for name, timing in timings.items()]
        ratios += [ratio(f"{c.name} over ours", timings, c.name, ours) for c in contenders[1:]]
    return rows, ratios


def measure_town(world: World, triangles: int, rounds: int, count: int = 32) -> list[dict]:
    """Return a row of RGB-D in a scene of so many triangles."""
    streets, corners = town(world.compiled, triangles)
    raster = vision.prepare(streets)
    positions, rotations = viewpoints(world, count)
    renderer = vision.make_renderer(count, vision.Optics((128, 128)), ("rgb", "depth"))
    places = positions + corners[np.arange(count) % len(corners)]

    def draw() -> None:
        renderer.draw([raster], np.zeros(count, np.int64), places, rotations)

    name = f"RGB-D 128², {len(streets.triangles):,} triangles"
    return [take_turns([Contender(name, draw, count)], rounds)[name].row(name)]


def town(home: CompiledScene, triangles: int) -> tuple[CompiledScene, NDArray]:
    """Return one scene of as many homes side by side as make up so many triangles, in plain light.

    With it come the corners (n, 3) where its homes begin.
    """
    count = -(-triangles // len(home.triangles))
    across = int(np.ceil(np.sqrt(count)))
    k = np.arange(count)
    corners = np.column_stack([k % across, k // across, 0 * k]) * np.ptp(home.bounds, axis=0)
    moved = home.triangles[None] + corners[:, None, None].astype(np.float32)
    repeated = {
        name: np.concatenate([getattr(home, name)] * count)
        for name in ("uv", "surface", "object", "double_sided")
    }
    dark = replace(home.surfaces, emission=())  # without lamps and windows nothing is baked
    objects = tuple(replace(thing, kind="box") for thing in home.objects)
    scene = replace(home, triangles=moved.reshape(-1, 3, 3), surfaces=dark, objects=objects,
                    switches=(), name="town", **repeated)  # fmt: skip
    return scene, corners


def measure_sound(world: World, rounds: int) -> Measured:
    """Return rows of a second of sound at 16 kHz, and of pyroomacoustics, in one room of a scene.

    Once with the processor's caches full of it, and once with them full of something else, as they
    are after the pictures of a large batch. Every listener is elsewhere: where engines remember
    what reached the latest, none of them comes back before it is forgotten.
    """
    rate, step = 16000, 4000
    settings = AcousticSettings()
    rng = np.random.default_rng(0)
    low, high = (f(world.compiled.rooms[0].polygon, axis=0) for f in (np.min, np.max))
    inside = [p for p in world.places if ((p > low) & (p < high)).all()]
    source = np.array([*inside[0], EYE])
    floor = world.walkable.sample(rng, 16 * _NEW_PLACES)
    floor = floor[((floor > low) & (floor < high)).all(axis=1)][:_NEW_PLACES]
    ears = np.column_stack([floor, np.full(len(floor), EYE)])
    listeners, turned = itertools.cycle(ears), itertools.count()
    scene = world.acoustics_for()

    def responding(engine: Any, field: Any) -> Callable[[], object]:
        return lambda: engine.responses(ResponseBatch.of_source(field, next(listeners)))

    def turn() -> object:
        return engine.responses(ResponseBatch.of_source(field, ears[0], 0.1 * next(turned)))

    rubbish = np.zeros(2**26, np.uint8)

    def flush() -> None:
        rubbish[::64] += 1

    engine = Engine(rate, "binaural", rate, settings)
    field = engine.source_field(scene, source, EYE)
    peer = pyroom.Engine(rate, "mono", rate, settings)
    place = peer.source_field(world.acoustics_for("pyroomacoustics"), source, EYE)
    stream = Stream(1, 2, step, rate, rate)
    response = engine.responses(ResponseBatch.of_source(field, ears[0]))
    stream.reset(0, rng.standard_normal((1, stream.past), np.float32), response)
    dry = rng.standard_normal((1, 1, step), np.float32)

    ours, theirs = "a binaural response", "pyroomacoustics: a mono response"
    timings = take_turns(
        [
            Contender(f"{ours}, caches warm", responding(engine, field), repeats=20),
            Contender(f"{ours}, caches flushed", responding(engine, field), 1, flush, 10),
            Contender(f"{ours}, the head turned", turn, repeats=20),
            Contender(f"{theirs}, caches warm", responding(peer, place)),
            Contender(f"{theirs}, caches flushed", responding(peer, place), 1, flush),
            Contender("images and late field of a new source", lambda: _trace(world, source)),
            Contender("convolution of a 0.25 s step, a new response each",
                      lambda: stream.push(np.arange(1), dry, response)),
        ],
        rounds,
    )  # fmt: skip
    rows = [timing.row(name) for name, timing in timings.items()]
    return rows, [
        ratio(f"pyroomacoustics over {ours}, {how}", timings, f"{theirs}, {how}", f"{ours}, {how}")
        for how in ("caches warm", "caches flushed")
    ]


def _lay_cells(world: World) -> None:
    """Make what the late fields of all sources in a world have in common."""
    cells_for(world.acoustics_for().tables, EYE, PROPAGATION, REACH)


def _trace(world: World, source: ArrayLike) -> None:
    """Make the field of a source (3,) in a world anew."""
    tables, source = world.acoustics_for().tables, np.array(source, np.float64)
    tree = find_images(tables, source, PROPAGATION.order, PROPAGATION.mirror_rays)
    trace_late(tables, source, EYE, tree, PROPAGATION)


def measure_homes(rounds: int) -> list[dict]:
    """Return rows of what a new home costs, step by step, in CPU milliseconds."""
    spent: dict[str, list[float]] = {}

    def clocked(name: str, function: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = function()
        spent.setdefault(name, []).append(1e6 * (time.process_time() - start))
        return result

    with own_cache():
        for k in range(rounds):
            spec = clocked("a home from its seed", lambda k=k: make_home("train", 1000 + k))
            compiled = clocked("its triangles", lambda spec=spec: compile_scene(spec))
            world = World(replace(compiled, origin=""), spec)  # named by its arrays
            clocked("its tree", lambda c=compiled: c.bvh)
            clocked(
                "for eyes without colour", lambda w=world: w.prepared_for("raster", vision.UNLIT)
            )
            clocked("for ears", lambda w=world: w.acoustics_for().tables)
            clocked("for feet", lambda w=world: w.walkable)
            clocked("where late sound is kept", lambda w=world: _lay_cells(w))
            for place in world.source_places[:: max(1, len(world.source_places) // SOURCES)]:
                clocked("images and late field of a source", lambda w=world, p=place: _trace(w, p))
            clocked(
                "its light, small pictures", lambda w=world: w.prepared_for("raster", coarse=True)
            )
            clocked("its light, stills", lambda w=world: w.raster)
    return [
        {"name": f"a new home: {name}", "cpu_us": float(np.median(values))}
        for name, values in spent.items()
    ]


def measure_reading(homes: int) -> list[dict]:
    """Return rows of what homes and sound fields cost that are on disk, in CPU microseconds."""
    names = [f"homes:train/{1000 + k}" for k in range(homes)]
    engine, spent = Engine(16000, "binaural", 16000, PROPAGATION), np.zeros((2, homes, 2))
    with own_cache():
        limit_homes(0)
        limit_memory(0)
        try:
            for turn in spent:  # first they are made; meanwhile all but the latest are forgotten
                for took, name in zip(turn, names, strict=True):
                    begin = time.process_time()
                    world = load_scene(name)
                    place = world.source_places[0]
                    world.prepared_for("raster", vision.UNLIT)
                    ears = world.acoustics_for()
                    _ = ears.tables
                    took[0] = time.process_time() - begin
                    engine.source_field(ears, world.source_places[1], EYE)  # what all others need
                    begin = time.process_time()
                    engine.source_field(ears, place, EYE)
                    took[1] = time.process_time() - begin
                    del world, ears
        finally:
            limit_homes(HOME_BYTES)
            limit_memory(FIELD_BYTES)
    read = 1e6 * np.median(spent[1], axis=0)
    return [
        {"name": f"{what} from disk", "cpu_us": float(cpu)}
        for what, cpu in zip(("a home", "a sound field"), read, strict=True)
    ]


START = """
import os
import avenv
print(sum(os.times()[:4]))
from avenv.simulation.warmup import warm_up
warm_up()
print(sum(os.times()[:4]))
"""


def measure_start() -> list[dict]:
    """Return the CPU time of a first start, which compiles all kernels, and of a later one.

    That of the processes that compile is added.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        own = {"NUMBA_CACHE_DIR": folder, "AVENV_CACHE": folder, "AVENV_NUM_THREADS": "1"}
        for what in ("compiling all kernels, a first start", "a later start"):
            done = subprocess.run(
                [sys.executable, "-c", START], env=os.environ | own, check=True,
                capture_output=True, text=True,
            )  # fmt: skip
            imported, ready = map(float, done.stdout.split()[-2:])
            rows.append({"name": what, "cpu_us": 1e6 * ready})
    return [*rows, {"name": "import avenv", "cpu_us": 1e6 * imported}]


MEMORY = """
import resource
import numpy as np
from avenv.envs import BatchEnv

envs = BatchEnv(num_envs=16, scenes="homes:train", sensors=("rgb", "depth", "spectrogram"),
                image_size=(128, 128), max_episode_steps=8, episodes_per_scene=2)
envs.reset(seed=0)
rng = np.random.default_rng(0)
for _ in range(40):
    envs.step(rng.integers(1, 4, 16))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def measure_memory() -> list[dict]:
    """Return the peak of a fresh process of 16 environments that look and listen in homes.

    It has an empty cache folder: making homes and their light takes more than reading them.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", MEMORY], env=os.environ | {"AVENV_CACHE": folder}, check=True,
            capture_output=True, text=True,
        )  # fmt: skip
    return [{"name": "peak memory of 16 environments, RGB-D 128², homes:train",
             "mib": int(done.stdout.split()[-1])}]  # fmt: skip
