"""Agents that lack a sense, to see what it is worth to them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.benchmark.agent import Agent, AgentFactory
from avenv.benchmark.journal import identity
from avenv.core.suggest import accepted
from avenv.envs.vector import BatchEnv
from avenv.simulation.sensors.feature import Feature

HEARD: Mapping[str, Callable[[NDArray], NDArray]] = {
    "deaf": np.zeros_like,
    "mono": lambda sound: np.broadcast_to(sound.mean(axis=1, keepdims=True), sound.shape),
    "swapped": lambda sound: sound[:, ::-1],
}
"""What becomes of the sound (E, C, N) at the ears: silence, the same at all, turned round."""

IMPAIRMENTS = (*HEARD, "blind")


class Impaired:
    """Makes an agent that lacks something; otherwise it is the same.

    All that it hears is computed anew from other sound; blind, its pictures are 0, as where nothing
    is.

    Args:
        agent: makes the whole agent.
        how: one of ``IMPAIRMENTS``.

    Raises:
        ValueError: there is no such impairment.
    """

    def __init__(self, agent: AgentFactory, how: str):
        if how not in IMPAIRMENTS:
            raise ValueError(f"impaired is {how!r}; {accepted(how, IMPAIRMENTS)}")
        self._agent, self._how = agent, how
        self.options = dict(getattr(agent, "options", {}))
        self.fingerprint = f"{identity(agent)}, {how}"

    def __call__(self, envs: BatchEnv) -> Agent:
        """Return the agent."""
        return _ImpairedAgent(self._agent(envs), envs, self._how)


class _ImpairedAgent:
    def __init__(self, agent: Agent, envs: BatchEnv, how: str):
        self._agent, self._envs, self._how = agent, envs, how
        self.reset = agent.reset

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray:
        changed = self._unseen(observation) if self._how == "blind" else self._heard(observation)
        return self._agent.act({**observation, **changed}, info)

    def _unseen(self, observation: dict[str, NDArray]) -> dict[str, NDArray]:
        kinds = ("rgb", "depth", "semantic", "instance", "normal")
        return {
            name: np.zeros_like(picture)
            for name, picture in observation.items()
            if name.rpartition("/")[2] in kinds
        }

    def _heard(self, observation: dict[str, NDArray]) -> dict[str, NDArray]:
        simulator = self._envs.batch.simulator
        windows = np.stack([simulator.window(row) for row in range(self._envs.num_envs)])
        sound = np.ascontiguousarray(HEARD[self._how](windows))
        heard: dict[str, NDArray] = {}
        for name in observation:
            sensor = simulator.sensors[name]
            if name == "audio":
                heard[name] = sound
            elif isinstance(sensor, Feature):
                heard[name] = sensor.compute(sound)
        return heard
