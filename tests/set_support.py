"""A small episode set in two rooms that are files, for tests of the benchmark."""

import numpy as np

from avenv.benchmark import EpisodeSet, SetEpisode, load_set
from avenv.benchmark.making import solve
from avenv.benchmark.sets import save_set
from avenv.envs.batch import Batch

ROOM = """
name: {name}
rooms:
- {{name: a, polygon: [[0, 0], [{width}, 0], [{width}, 4], [0, 4]]}}
"""

RULES = {"max_episode_steps": 60, "step_time": 0.25, "propagation": {"rays": 256}}


def small_set(folder, count=8):
    """Write a set with a split ``test`` of so many episodes, and return where it is."""
    references = []
    for k, width in enumerate((5, 7)):
        file = folder / f"room{k}.yaml"
        file.write_text(ROOM.format(name=f"room{k}", width=width))
        references.append(str(file))
    batch = Batch("AudioGoal", scenes=references, sensors=("contact",), **RULES)
    episodes = []
    for k in range(count):
        worlds = batch.simulator.worlds
        episode = solve(batch, batch.task.sample(np.random.default_rng(k), worlds[k % 2]))
        strata = {"sounds": ("heard", "unheard")[k // 2 % 2], "homes": ("seen", "unseen")[k % 2]}
        episodes.append(SetEpisode(f"test-{k:04d}", episode, strata))
    made = EpisodeSet("small-v1", "AudioGoal", RULES, {"test": tuple(episodes), "none": ()})
    path = folder / "small-v1.json.gz"
    save_set(path, made)
    return path


def load_small_set(folder):
    """Return a small set, and where it is."""
    path = small_set(folder)
    return load_set(path), path
