"""Measure speed: `python scripts/measure_speed.py`.

Prints a table: median and spread of repeated runs, and rates. Ratios within one run are what
counts; absolute figures belong to one machine on one day.
"""

import resource
import time
from collections.abc import Callable

import click
import numpy as np

from avenv import frames, load_scene, parallel, vision
from avenv.vector import BatchEnv


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


def pictures(scene: str, batch: int, side: int, repeats: int) -> None:
    """Measure RGB-D pictures of a scene from random walkable poses."""
    world = load_scene(scene)
    rng = np.random.default_rng(0)
    positions = np.column_stack([world.walkable.sample(rng, batch), np.full(batch, 1.25)])
    rotations = frames.body_rotation(rng.uniform(-np.pi, np.pi, batch))
    images = vision.Frames.allocate(batch, side, side, ("rgb", "depth"))
    scene_of = np.zeros(batch, np.int64)

    def draw() -> None:
        vision.render([world.raster], scene_of, positions, rotations, np.pi / 2, images)

    name = f"RGB-D {side}x{side}, {len(world.compiled.triangles):,} triangles, batch {batch}"
    row(name, timed(draw, repeats), batch, "frames")


def steps(scene: str, batch: int, repeats: int) -> None:
    """Measure full environment steps: RGB-D, a new binaural response, stream and spectrogram."""
    envs = BatchEnv(num_envs=batch, scenes=scene, sounds="phone")
    envs.reset(seed=0)
    row(f"full step, batch {batch}", timed(lambda: envs.step(envs.oracle_actions()), repeats),
        batch, "steps")  # fmt: skip


@click.command()
@click.option("--scene", default="apartment", show_default=True)
@click.option("--repeats", default=30, show_default=True)
def main(scene: str, repeats: int) -> None:
    """Print how fast pictures and steps are on this machine."""
    start = time.perf_counter()
    load_scene(scene).walkable  # noqa: B018 (made on first use)
    click.echo(f"scene ready in {time.perf_counter() - start:.2f} s")
    for threads in sorted({1, parallel.num_threads()}):
        parallel.set_num_threads(threads)
        click.echo(f"\n{threads} thread{'s' * (threads > 1)}")
        for side in (64, 128):
            pictures(scene, 32, side, repeats)
        for batch in (1, 16):
            steps(scene, batch, repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    click.echo(f"\npeak memory {peak:,.0f} MiB")


if __name__ == "__main__":
    main()
