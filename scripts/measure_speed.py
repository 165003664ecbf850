"""Measure speed: `python scripts/measure_speed.py`.

Prints a table: median and spread of repeated runs, and rates. Ratios within one run are what
counts; absolute figures belong to one machine on one day.
"""

import itertools
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import click
import numpy as np
from peers import measure_peers

from avenv import load_scene, vision
from avenv.acoustics import AcousticSettings, Engine, ResponseBatch, Stream, pyroom
from avenv.acoustics.late.tracing import trace_late
from avenv.acoustics.paths.image_sources import find_images
from avenv.core import frames, parallel
from avenv.core.cache import size_of
from avenv.envs.vector import BatchEnv
from avenv.scene import compile_scene
from avenv.scene.compiled import CompiledScene
from avenv.scene.homes import generate_home
from avenv.simulation.world import World


def timed(function: Callable[[], object], repeats: int) -> np.ndarray:
    """Return the seconds that each of ``repeats`` calls took, after one to warm up."""
    function()
    seconds = np.empty(repeats)
    for k in range(repeats):
        start = time.perf_counter()
        function()
        seconds[k] = time.perf_counter() - start
    return seconds


def row(name: str, seconds: np.ndarray, count: int, unit: str) -> None:
    """Print one line: milliseconds as median and range, and ``count`` units per second."""
    median, low, high = (1e3 * f(seconds) for f in (np.median, np.min, np.max))
    rate = count / np.median(seconds)
    click.echo(f"{name:<44}{median:9.2f} ms  [{low:8.2f}, {high:8.2f}]  {rate:10,.0f} {unit}/s")


def viewpoints(world: World, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (n, 3) of eyes above random walkable places, and rotations (n, 3, 3)."""
    rng = np.random.default_rng(0)
    positions = np.column_stack([world.walkable.sample(rng, count), np.full(count, 1.25)])
    return positions, frames.body_rotation(rng.uniform(-np.pi, np.pi, count))


def pictures(
    raster: vision.RasterScene, eyes: tuple[np.ndarray, np.ndarray], side: int, repeats: int
) -> None:
    """Measure RGB-D pictures of a scene."""
    batch = len(eyes[0])
    renderer = vision.make_renderer(batch, vision.Optics((side, side)), ("rgb", "depth"))
    scene_of = np.zeros(batch, np.int64)

    def draw() -> None:
        renderer.draw([raster], scene_of, *eyes)

    name = f"RGB-D {side}x{side}, {len(raster.compiled.triangles):,} triangles, batch {batch}"
    row(name, timed(draw, repeats), batch, "frames")


def town(home: CompiledScene, triangles: int) -> tuple[CompiledScene, np.ndarray]:
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
                    name="town", **repeated)  # fmt: skip
    return scene, corners


def memory(scene: str) -> None:
    """Print the memory of a fresh process that draws 16 cameras in a home."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, scene], check=True, capture_output=True, text=True
    )
    click.echo(f"{'peak memory, 16 cameras RGB-D 128x128, one home':<48}{done.stdout.strip()} MiB")


MEMORY = """
import resource, sys
import numpy as np
from avenv.core import frames
from avenv import load_scene, vision

world = load_scene(sys.argv[1])
renderer = vision.make_renderer(16, vision.Optics((128, 128)), ("rgb", "depth"))
eyes = np.column_stack([world.walkable.sample(np.random.default_rng(0), 16), np.full(16, 1.25)])
turns = frames.body_rotation(np.zeros(16))
renderer.draw([world.raster], np.zeros(16, int), eyes, turns)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def sound(scene: str, repeats: int) -> None:
    """Measure a second of sound at 16 kHz, and the same by pyroomacoustics, in a scene's room."""
    rate, step, ear, few = 16000, 4000, 1.25, max(1, repeats // 10)
    world, settings = load_scene(scene), AcousticSettings()
    rng = np.random.default_rng(0)
    low, high = (f(world.compiled.rooms[0].polygon, axis=0) for f in (np.min, np.max))
    inside = [p for p in world.places if ((p > low) & (p < high)).all()]
    source = np.array([*inside[0], ear])
    ears = [np.array([*p, ear]) for p in rng.permuted(inside[1:], axis=0)]

    engine = Engine(rate, "binaural", rate, settings)
    scene = world.acoustics_for()
    field = engine.source_field(scene, source, ear)
    listeners = itertools.cycle(ears)

    def respond() -> None:
        engine.responses(ResponseBatch.of_source(field, next(listeners)))

    def trace() -> None:
        tree = find_images(scene.tables, source, settings.order, settings.mirror_rays)
        trace_late(scene.tables, source, ear, tree, settings)

    stream = Stream(1, 2, step, rate, rate)
    response = engine.responses(ResponseBatch.of_source(field, ears[0]))
    stream.reset(0, rng.standard_normal((1, stream.past), np.float32), response)
    dry = rng.standard_normal((1, 1, step), np.float32)
    peer = pyroom.Engine(rate, "mono", rate, settings)
    place = peer.source_field(world.acoustics_for("pyroomacoustics"), source, ear)

    def respond_peer() -> None:
        peer.responses(ResponseBatch.of_source(place, next(listeners)))

    ours = timed(respond, 10 * repeats)
    row("response for a new place of the listener", ours, 1, "responses")
    new = timed(trace, few)
    row("images and late field of a new source", new, 1, "fields")
    push = timed(lambda: stream.push(np.arange(1), dry, response), 10 * repeats)
    row("convolution of a 0.25 s step, binaural", push, 1, "steps")
    theirs = timed(respond_peer, few)
    row("pyroomacoustics: mono response", theirs, 1, "responses")
    for name, mine in (("a new listener", ours), ("a new source", np.add(ours[: len(new)], new))):
        ratio = np.median(theirs) / np.median(mine)
        click.echo(f"{'pyroomacoustics over avenv, ' + name:<44}{ratio:9.1f} x")


def fields(scene: str, number: int) -> None:
    """Print the memory that the sound fields of as many environments take, each with a source."""
    world, ear = load_scene(scene), 1.25
    engine = Engine(16000, "mono")
    places = np.resize(world.places, (number, 2))
    made = [engine.source_field(world.acoustics_for(), (*p, ear), ear) for p in places]
    size = sum(size_of(field.tree) + size_of(field.late) for field in made)
    name = f"sound fields of {number} environments"
    click.echo(f"\n{name:<44}{size / 1e6:9.1f} MB")


def homes(repeats: int) -> None:
    """Measure the making of a home, of any size, up to its triangles."""
    seeds = itertools.count()
    row("a home from its seed", timed(lambda: generate_home(next(seeds)), repeats), 1, "homes")
    spec = generate_home(0)
    row("compile it", timed(lambda: compile_scene(spec), repeats), 1, "homes")


def steps(scene: str, batch: int, repeats: int) -> None:
    """Measure full environment steps: RGB-D, a new binaural response, stream and spectrogram."""
    envs = BatchEnv(num_envs=batch, scenes=scene, sounds="phone")
    envs.reset(seed=0)
    row(f"full step, batch {batch}", timed(lambda: envs.step(envs.oracle_actions()), repeats),
        batch, "steps")  # fmt: skip


@click.command()
@click.option("--scene", default="apartment", show_default=True)
@click.option("--repeats", default=30, show_default=True)
@click.option("--triangles", default=1_000_000, show_default=True, help="Of the largest scene.")
def main(scene: str, repeats: int, triangles: int) -> None:
    """Print how fast pictures and steps are on this machine."""
    memory(scene)  # first: a child's peak counts what its parent had when it was born
    start = time.perf_counter()
    world = load_scene(scene)
    eyes = viewpoints(world, 32)
    click.echo(f"scene ready in {time.perf_counter() - start:.2f} s")
    streets, corners = town(world.compiled, triangles)
    start = time.perf_counter()
    large = vision.prepare(streets)
    click.echo(f"{len(streets.triangles):,} triangles ready in {time.perf_counter() - start:.2f} s")
    for threads in sorted({1, parallel.num_threads()}):
        parallel.set_num_threads(threads)
        click.echo(f"\n{threads} thread{'s' * (threads > 1)}")
        for side in (64, 128):
            pictures(world.raster, eyes, side, repeats)
        pictures(large, (eyes[0] + corners[np.arange(32) % len(corners)], eyes[1]), 128, repeats)
        sound(scene, repeats)
        for batch in (1, 16):
            steps(scene, batch, repeats)
    click.echo("\nother renderers, the same poses on the same mesh, all threads")
    measure_peers(scene, 128, repeats)
    fields(scene, 16)
    click.echo()
    homes(repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    click.echo(f"\npeak memory {peak:,.0f} MiB")


if __name__ == "__main__":
    main()
