"""Let environments run for long in ever new homes, and see whether anything grows or goes wrong.

Homes with background sources and random light, actions of an adversary (stops at once, turns on the
spot, walks into walls, states switched at random), and from time to time a process that writes the
cache is killed in the middle. Every so often a line is printed: homes and steps so far, memory,
values that are not finite, windows in which nothing sounds though something should, resets and
steps per second.

    python scripts/soak.py --minutes 10
    python scripts/soak.py --minutes 60 --steps 200000 --num-envs 8 --per-scene 9 --grown 0.02 \\
        --episode-steps 75 --rays 2048 --fields-mib 64 --homes-mib 128
"""

import gc
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from avenv.acoustics import limit_memory
from avenv.acoustics.field import memory_used
from avenv.core import cache
from avenv.core.errors import AvenvError
from avenv.envs import BatchEnv
from avenv.simulation.loading import limit_homes
from avenv.vision.light.layers import LightLayers

sys.path.insert(0, str(Path(__file__).parent))

from speed.resident import growth, resident

STOP, FORWARD, LEFT, RIGHT = range(4)

MOODS = (
    (0.02, 0.60, 0.19, 0.19),  # walks
    (0.00, 0.97, 0.02, 0.01),  # walks into walls
    (0.00, 0.00, 0.95, 0.05),  # turns on the spot
    (0.50, 0.30, 0.10, 0.10),  # gives up at once
)
"""Chances of the actions of each kind of adversary."""


@dataclass
class Tally:
    """What has been seen so far."""

    begun: float = field(default_factory=time.perf_counter)
    steps: int = 0
    resets: int = 0
    scenes: set[str] = field(default_factory=set)
    not_finite: int = 0
    silent: int = 0
    kills: int = 0
    errors: list[str] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)

    def look_at(self, observation: dict[str, np.ndarray], audible: np.ndarray) -> None:
        """Count what is not finite, and windows that are silent though something sounds."""
        for picture in observation.values():
            if picture.dtype.kind == "f":
                self.not_finite += int(np.count_nonzero(~np.isfinite(picture)))
        loudest = np.abs(observation["audio"]).max(axis=(1, 2))
        self.silent += int(np.count_nonzero((loudest == 0) & audible))

    def line(self) -> str:
        """Return all of it in one line."""
        seconds = time.perf_counter() - self.begun
        self.resident.append(resident())
        return (
            f"{seconds:7.0f} s  {len(self.scenes):5} homes  {self.resets:7,} resets  "
            f"{self.steps:9,} steps  {self.resident[-1]:6.0f} MiB  "
            f"(of sound fields {memory_used() / 2**20:3.0f})  "
            f"{self.not_finite} not finite  "
            f"{self.silent} silent  {self.kills} kills  {len(self.errors)} errors  "
            f"{self.resets / seconds:5.2f} resets/s  {self.steps / seconds:6.1f} steps/s"
        )


def write_for_ever(folder: Path) -> None:
    """Write cache files until somebody kills this process."""
    reached = np.full((2, 10**6 // 16), 255, np.uint8)
    light = LightLayers(np.ones(2, np.float32), reached, np.zeros((10**6, 3), np.uint16))
    for number in range(10**9):
        cache.write(folder, f"soak-{number % 3}", light)


def kill_a_writer(folder: Path, rng: np.random.Generator) -> None:
    """Kill a process that writes into the cache, at some moment; its files are whole or absent."""
    writer = multiprocessing.get_context("fork").Process(target=write_for_ever, args=(folder,))
    writer.start()
    time.sleep(float(rng.uniform(0.05, 0.3)))
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    for number in range(3):
        if cache.exists(folder, f"soak-{number}"):
            assert cache.read(folder, f"soak-{number}", LightLayers) is not None


def switch_something(envs: BatchEnv, row: int, rng: np.random.Generator, tally: Tally) -> None:
    """Put one thing of a row's home into another state; what is in the way may say so."""
    switches = envs.batch.simulator.state.here[row].compiled.switches
    if not switches:
        return
    switch = switches[rng.integers(len(switches))]
    things = envs.batch.simulator.state.here[row].compiled.objects
    state = str(rng.choice(list(switch.states)))
    try:
        envs.set_states(row, {things[switch.object].name: state})
    except AvenvError as error:
        if "way" not in str(error) and "inside" not in str(error):
            tally.errors.append(str(error))


def play(
    envs: BatchEnv, minutes: float, steps: int, every: float, rng: np.random.Generator
) -> Tally:
    """Play for so long, or so many steps; print a line ``every`` so many seconds."""
    tally, folder = Tally(), cache.cache_folder()
    observation, info = envs.reset(seed=int(rng.integers(2**31)))
    tally.resets += envs.num_envs
    moods = rng.integers(len(MOODS), size=envs.num_envs)
    end, due = time.perf_counter() + 60 * minutes, time.perf_counter()
    while time.perf_counter() < end and tally.steps < steps:
        if time.perf_counter() >= due:
            due += every
            if folder is not None:
                kill_a_writer(folder, rng)
                tally.kills += 1
            gc.collect()
            click.echo(tally.line())
        actions = np.array([rng.choice(4, p=MOODS[mood]) for mood in moods])
        observation, _, terminated, truncated, info = envs.step(actions)
        tally.look_at(observation, info["truth"]["source_audible"])
        tally.steps += envs.num_envs
        tally.scenes |= {world.reference for world in envs.batch.simulator.state.here}
        if rng.random() < 0.05:
            switch_something(envs, int(rng.integers(envs.num_envs)), rng, tally)
        done = terminated | truncated
        if done.any():
            observation, info = envs.reset(options={"reset_mask": done})
            tally.resets += int(done.sum())
            moods[done] = rng.integers(len(MOODS), size=int(done.sum()))
    return tally


@click.command(help=__doc__)
@click.option("--minutes", default=10.0, show_default=True, help="How long.")
@click.option("--steps", default=2**62, help="How many at most; as many as the time allows.")
@click.option("--every", default=30.0, show_default=True, help="Seconds from line to line.")
@click.option("--num-envs", default=4, show_default=True)
@click.option("--scenes", default="homes:train", show_default=True)
@click.option("--episode-steps", default=60, show_default=True, help="Steps of an episode at most.")
@click.option("--per-scene", default=2, show_default=True, help="Episodes in a row in one home.")
@click.option("--rays", default=4096, show_default=True, help="Fewer see more homes in the time.")
@click.option("--fields-mib", default=256, show_default=True, help="Memory for sound fields.")
@click.option("--homes-mib", default=384, show_default=True, help="Memory for the homes used last.")
@click.option("--seed", default=0, show_default=True)
@click.option("--grown", default=0.05, show_default=True, help="Share of growth that is a failure.")
def main(
    minutes: float, steps: int, every: float, num_envs: int, scenes: str, episode_steps: int,
    per_scene: int, rays: int, fields_mib: int, homes_mib: int, seed: int, grown: float,
) -> None:  # fmt: skip
    options: dict[str, Any] = {
        "sensors": ("rgb", "depth", "audio", "binaural"), "image_size": (64, 64),
        "background": "scene", "light": "random", "max_episode_steps": episode_steps,
        "episodes_per_scene": per_scene, "propagation": {"rays": rays, "mirror_rays": 4 * rays},
    }  # fmt: skip
    limit_memory(fields_mib * 2**20)
    limit_homes(homes_mib * 2**20)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AVENV_CACHE"] = folder
        envs = BatchEnv(num_envs=num_envs, scenes=scenes, autoreset_mode="Disabled", **options)
        tally = play(envs, minutes, steps, every, np.random.default_rng(seed))
        envs.close()
    click.echo(tally.line())
    for error in tally.errors[:10]:
        click.echo(error)
    grew = growth(tally.resident)
    click.echo(f"memory is {grew:+.1%} on average in the second half over the quarter before")
    if tally.not_finite or tally.silent or tally.errors or grew > grown:
        raise click.ClickException("something grew or went wrong; see above")


if __name__ == "__main__":
    main()
