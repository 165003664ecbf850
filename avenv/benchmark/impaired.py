"""Agents that lack a sense, or a room's echo, to see what it is worth to them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.benchmark.agent import Agent, AgentFactory
from avenv.benchmark.provenance import identity
from avenv.core.suggest import accepted
from avenv.envs.batch import Batch
from avenv.simulation.sensors.feature import Feature

HEARD: Mapping[str, Callable[[NDArray], NDArray]] = {
    "deaf": np.zeros_like,
    "mono": lambda sound: np.broadcast_to(sound.mean(axis=1, keepdims=True), sound.shape),
    "swapped": lambda sound: sound[:, ::-1],
}
"""What becomes of the sound (E, C, N) at the ears: silence, the same at all, turned round."""

IMPAIRMENTS = (*HEARD, "blind", "anechoic", "untold")


class Impaired:
    """Makes an agent that lacks something; otherwise it is the same.

    All that it hears is computed anew from other sound; blind, its pictures are 0, as where nothing
    is; in anechoic air it hears the direct sound alone, so that what it then does worse is what
    the room told it; untold, it is given no instruction.

    Args:
        agent: makes the whole agent.
        how: one of ``IMPAIRMENTS``.

    Raises:
        ValueError: there is no such impairment.

    Attributes:
        agent, how: as above.
        rules: options of the environment that this makes others of.
    """

    def __init__(self, agent: AgentFactory, how: str):
        if how not in IMPAIRMENTS:
            raise ValueError(f"impaired is {how!r}; {accepted(how, IMPAIRMENTS)}")
        self.agent, self.how = agent, how
        self.rules: dict[str, Any] = {"acoustics": "anechoic"} if how == "anechoic" else {}
        self.fingerprint = f"{identity(agent)}, {how}"

    def __getattr__(self, name: str) -> Any:
        if name in (
            "options",
            "sensors",
            "rows",
            "privilege",
            "told",
            "explains",
            "explain",
        ):  # it says the same of itself
            return getattr(self.agent, name)
        raise AttributeError(name)

    def __call__(self, envs: Any) -> Agent:
        """Return the agent; what it observes is to be changed by ``observed``."""
        return self.agent(envs)

    def observed(self, batch: Batch, observation: dict[str, NDArray]) -> dict[str, NDArray]:
        """Return what is left of an observation (E, ...) of a batch as it is now."""
        if self.how == "blind":
            return observation | _unseen(observation)
        if self.how in HEARD:
            return observation | _heard(batch, observation, HEARD[self.how])
        if self.how == "untold" and "instruction" in observation:
            return observation | {"instruction": np.zeros_like(observation["instruction"])}
        return observation

    def words(self, words: dict[str, NDArray]) -> dict[str, NDArray]:
        """Return what is left of what a batch's rows (E,) are told in words, by its name."""
        if self.how == "untold":
            return words | {"instruction": np.full_like(words["instruction"], "")}
        return words


def _unseen(observation: dict[str, NDArray]) -> dict[str, NDArray]:
    kinds = ("rgb", "depth", "semantic", "instance", "normal")
    return {
        name: np.zeros_like(picture)
        for name, picture in observation.items()
        if name.rpartition("/")[2] in kinds
    }


def _heard(
    batch: Batch, observation: dict[str, NDArray], change: Callable[[NDArray], NDArray]
) -> dict[str, NDArray]:
    simulator = batch.simulator
    if not simulator.has_ears:
        return {}
    windows = np.stack([simulator.window(row) for row in range(batch.num_envs)])
    sound = np.ascontiguousarray(change(windows))
    heard: dict[str, NDArray] = {}
    for name in observation:
        sensor = simulator.sensors[name]
        if name == "audio":
            heard[name] = sound
        elif isinstance(sensor, Feature):
            heard[name] = sensor.compute(sound)
    return heard
