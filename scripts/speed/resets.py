"""What beginning costs: episodes that end soon, and homes that nobody has been in before."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from avenv.acoustics import limit_memory
from avenv.envs import BatchEnv
from avenv.simulation import loading
from avenv.simulation.homes import HomeStore
from avenv.simulation.loading import limit_homes
from speed.resident import growth, resident

POLICIES = {
    "walking": (0.0, 0.6, 0.2, 0.2),
    "random": (0.25, 0.25, 0.25, 0.25),
    "stopping": (0.5, 0.3, 0.1, 0.1),
}
"""Chances of stop, forward, left and right."""

FIELD_BYTES = 256 * 2**20
FEW_FIELDS, FEW_HOMES = 64 * 2**20, 128 * 2**20
"""Bytes of sound fields and of homes that are full before a quarter of a long run is over."""

LOOK = 20
"""Steps of a batch from one look at the memory to the next."""


@contextmanager
def own_cache() -> Iterator[None]:
    """Let nothing be on disk or in memory at first."""
    before = os.environ.get("AVENV_CACHE")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["AVENV_CACHE"] = folder
        forget()
        try:
            yield
        finally:
            if before is None:
                del os.environ["AVENV_CACHE"]
            else:
                os.environ["AVENV_CACHE"] = before


def forget() -> None:
    """Forget what memory has of homes and of their sound, as a new process would."""
    loading.HOMES = HomeStore(loading._home, loading.HOME_BYTES)
    limit_memory(0)
    limit_memory(FIELD_BYTES)


def play(
    scenes: Any, policy: str, episodes: int, batch: int, limit: int, per_scene: int = 10
) -> dict[str, float]:
    """Return what so many episodes took, from the first reset on."""
    rng, chances = np.random.default_rng(0), POLICIES[policy]
    envs = BatchEnv(
        num_envs=batch, scenes=scenes, sensors=("depth", "binaural"), image_size=(64, 64),
        max_episode_steps=limit, episodes_per_scene=per_scene,
    )  # fmt: skip
    cpu, wall = time.process_time(), time.perf_counter()
    envs.reset(seed=0)
    begun, steps, resets, memory = batch, 0, batch, [resident()]
    while begun < episodes:
        _, _, terminated, truncated, _ = envs.step(rng.choice(4, batch, p=chances))
        ended = int((terminated | truncated).sum())
        begun, resets, steps = begun + ended, resets + ended, steps + batch
        if steps // batch % LOOK == 0:
            memory.append(resident())
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    envs.close()
    return {"episodes": resets, "steps": steps, "cpu_s": cpu, "wall_s": wall,
            "steps_per_cpu_s": steps / cpu, "steps_per_s": steps / wall,
            "resident_mib": memory[-1], "grown": growth(memory)}  # fmt: skip


def measure_resets(
    episodes: int, homes: int, batch: int = 16, limit: int = 500
) -> tuple[list[dict], list[dict]]:
    """Return rows of episodes in a warm home and in many, and the ratios of steps/s to each other.

    Every number of homes has its episodes, ``episodes`` in all; the sets are gone through twice,
    first with nothing on disk, then with what that has left, in a process that has forgotten all.
    """
    rows, ratios = [], []
    with own_cache():
        for policy in POLICIES:
            warm = {}
            for name in ("cold", "warm"):
                warm = play("homes:train/0", policy, episodes, batch, limit)
                rows.append({"name": f"one home, {name}, {policy}", **warm})
            if policy != "walking":
                continue
            per_scene = max(1, round(episodes / homes))
            for name in ("first pass, nothing on disk", "second pass"):
                forget()
                many = play(
                    f"homes:train/1-{max(homes, 2)}", policy, episodes, batch, limit, per_scene
                )
                rows.append({"name": f"{homes} homes, {name}, {policy}", **many})
                share = many["steps_per_cpu_s"] / warm["steps_per_cpu_s"]
                passed = many["steps_per_s"] / warm["steps_per_s"]
                ratios.append({"name": f"{homes} homes over one warm home, steps/CPU s, {name}",
                               "ratio": share})  # fmt: skip
                ratios.append({"name": f"{homes} homes over one warm home, steps/s, {name}",
                               "ratio": passed})  # fmt: skip
                ratios.append({"name": f"memory of the second half over the quarter before, {name}",
                               "ratio": 1 + many["grown"]})  # fmt: skip
    return rows, ratios


def measure_one_reset(batch: int, rounds: int) -> tuple[list[dict], list[dict]]:
    """Return the CPU time of a warm reset of a row, in µs, and how many steps of a row that is."""
    envs = BatchEnv(
        num_envs=batch, scenes="apartment", sensors=("depth", "binaural"), image_size=(64, 64),
        max_episode_steps=2**40, autoreset_mode="Disabled", ahead=False,
    )  # fmt: skip
    envs.reset(seed=0)
    reset, step, mask = [], [], np.ones(batch, bool)
    for k in range(2 * rounds):
        seeds = [k % rounds] * batch  # the second time every source has been there
        start = time.process_time()
        envs.reset(seed=seeds, options={"reset_mask": mask})
        between = time.process_time()
        for _ in range(4):
            envs.step(np.full(batch, 1 + k % 3))
        end = time.process_time()
        if k >= rounds:
            reset.append(1e6 * (between - start) / batch)
            step.append(1e6 * (end - between) / 4 / batch)
    timed = {"a warm reset of a row": reset, "a step of a row": step}
    rows = [{"name": f"{what}, batch {batch}", "cpu_us": float(np.median(values))}
            for what, values in timed.items()]  # fmt: skip
    each = np.array(reset) / np.array(step)
    low, high = np.percentile(each, [10, 90])
    ratios = [{"name": "a warm reset over a step, a row", "ratio": float(np.median(each)),
               "low": float(low), "high": float(high)}]  # fmt: skip
    return rows, ratios


def measure_growth(
    steps: int, homes: int, batch: int = 16, per_scene: int = 2
) -> tuple[list[dict], list[dict]]:
    """Return a row of a long walk through ever new homes, and by how much memory grows in it.

    What may be kept is limited so far that all room for it is soon taken: what grows then leaks.
    """
    episodes = homes * per_scene
    limit = -(-steps // max(1, episodes - batch))  # the last of a row is only begun
    with own_cache():
        limit_memory(FEW_FIELDS)
        limit_homes(FEW_HOMES)
        walked = play("homes:train", "walking", episodes, batch, limit, per_scene)
        forget()
    name = f"{walked['steps']:,} steps in {homes} new homes"
    return [{"name": name, **walked}], [
        {"name": f"memory of the second half over the quarter before, {name}",
         "ratio": 1 + walked["grown"]}
    ]  # fmt: skip
