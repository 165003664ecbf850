"""Episodes between the places of a graph, as SoundSpaces has them.

A body that walks a metre and turns by 90 degrees is on a place of the graph at every step, and
looks in one of four directions.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from avenv.core.errors import SceneError
from avenv.habitat.graphs import HEAD, Graph
from avenv.simulation.loading import load_scene
from avenv.sounds.sets import load_sounds
from avenv.tasks.episode import Episode, EpisodeSource, Goal, Reference, sound_reference


def graph_episodes(
    scene: Any,
    graph: Graph,
    sounds: Any,
    count: int,
    seed: int = 0,
    least: int = 4,
    sample_rate: int = 16000,
    task: str = "AudioGoal",
) -> list[Episode]:
    """Return episodes from one place of a graph to another, where the source is, 1.5 m high.

    Args:
        scene: as ``load_scene`` takes it.
        graph: of its places.
        sounds: as ``load_sounds`` takes them; each episode has one of them.
        count: of episodes.
        seed: of the drawing.
        least: steps that are at least between start and goal.
        sample_rate: Hz, at which sounds are looked up.
        task: that they are of.

    Raises:
        SceneError: the scene cannot be loaded, the graph falls into parts, or no two places are
            that many steps apart.
        SoundError: a sound cannot be used.
    """
    parts = int(graph.islands().max(initial=-1)) + 1
    if parts != 1:
        raise SceneError(
            f"the graph of {len(graph.nodes)} places falls into {parts} parts; accepted: one, "
            "between whose places there are ways"
        )
    world, heard = load_scene(scene), load_sounds(sounds, sample_rate)
    steps = graph.steps()
    pairs = np.argwhere((steps >= least) & np.isfinite(steps))
    if len(pairs) == 0:
        raise SceneError(f"{world.name}: no two of {len(graph.nodes)} places are {least} steps "
                         "apart; accepted: a larger scene or a smaller least")  # fmt: skip
    rng = np.random.default_rng(seed)
    reference = Reference(world.reference, world.content_hash)
    return [
        _episode(task, reference, graph, pairs[rng.integers(len(pairs))], rng, heard)
        for _ in range(count)
    ]


def _episode(
    task: str,
    scene: Reference,
    graph: Graph,
    pair: Sequence[int],
    rng: np.random.Generator,
    sounds: Any,
) -> Episode:
    (x, y, _), (u, v, floor) = (graph.points[k].tolist() for k in pair)
    source = EpisodeSource(sound_reference(sounds.sample(rng)), (u, v, floor + HEAD))
    heading = float(rng.integers(4) * np.pi / 2)
    return Episode(task, scene, (x, y), heading, (source,), goals=(Goal(source=0),))
