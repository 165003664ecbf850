"""What beginning costs: episodes that end soon, and homes that nobody has been in before."""

import time
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from avenv.envs import BatchEnv
from speed.episodes import POLICIES, Course, Player, own_cache, take_turns, total

WARM = 4
"""Homes that are played warm: a step takes a third more in some than in others."""

TURNS = 60
"""Turns that many homes are played in, about."""

ALL = 2**30
"""Bytes in which all sound fields of the warm homes have room, and their homes."""

FEW_FIELDS, FEW_HOMES = 64 * 2**20, 128 * 2**20
"""Bytes of sound fields and of homes that are full before a quarter of a long run is over."""


def measure_resets(
    episodes: int,
    homes: int,
    batch: int = 16,
    limit: int = 500,
    policies: Iterable[str] = POLICIES,
) -> tuple[list[dict], list[dict]]:
    """Return rows of episodes in one home at a time and in many, and the ratios of steps/s.

    Every one of the many homes has its episodes, ``episodes`` in all; they are gone through twice,
    first with nothing on disk, then with what that has left, by a new process each time. In turns
    with it another process plays half as many episodes in one home after another, where it knows
    all.
    """
    rows, ratios = [], []
    for policy in policies:
        many = Course((f"homes:train/{WARM}-{WARM + homes - 1}",), policy, episodes,
                      max(1, round(episodes / homes)), limit, batch)  # fmt: skip
        single = tuple(f"homes:train/{k}" for k in range(min(WARM, homes)))
        one = replace(many, scenes=single, episodes=max(batch + 1, episodes // (2 * WARM)))
        with own_cache():
            (turns,) = take_turns([Player(one)], [None])
            cold = total(turns)
            rows.append(cold.row(f"one home, cold, {policy}"))
            each = max(1, cold.steps // batch // TURNS)
            for name in ("first pass, nothing on disk", "second pass"):
                players = [Player(one, (ALL, ALL), knows_all=True), Player(many)]
                warm, new = take_turns(players, [each, 2 * each])
                ours, theirs = total(new), total(warm)
                rows.append(theirs.row(f"one home, warm, {policy}, beside the {name}"))
                rows.append(ours.row(f"{homes} homes, {name}, {policy}"))
                speeds = [
                    ("steps/CPU s", ours.steps / ours.cpu, theirs.steps / theirs.cpu),
                    ("steps/s", ours.steps / ours.wall, theirs.steps / theirs.wall),
                ]
                ratios += [
                    {"name": f"{homes} homes over one warm home, {of}, {policy}, {name}",
                     "ratio": there / here}
                    for of, there, here in speeds
                ]  # fmt: skip
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
    episodes = max(batch + 1, homes * per_scene)
    limit = -(-steps // (episodes - batch))  # the last of a row is only begun
    course = Course(("homes:train",), "walking", episodes, per_scene, limit, batch)
    with own_cache():
        (turns,) = take_turns([Player(course, (FEW_FIELDS, FEW_HOMES))], [None])
    walked = total(turns).row(f"{total(turns).steps:,} steps in {homes} new homes")
    return [walked], [
        {"name": f"memory of the second half over the quarter before, {walked['name']}",
         "ratio": 1 + walked["grown"]}
    ]  # fmt: skip
