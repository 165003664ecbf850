"""Rollouts: what a policy does and meets in a number of steps, as arrays to learn from.

A `Collector` steps one native batch. Finished rows begin anew within the step (`SAME_STEP`), so
that every step is one to learn from: `begun` says where, and nothing remembered passes it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from avenv.envs.vector import BatchEnv
from avenv.scene import CATEGORIES
from avenv.tasks.actions import STOP
from avenv_agents.decision import decide
from avenv_agents.policy import PREVIOUS, TRUTH, Policy, as_tensors, drawn, truth_of
from avenv_agents.waypoints import WaypointEnvs

LARGE = 64
"""Numbers in an observation from which on it is kept in half precision."""

LEAST = 0.25
"""Share of a rollout's steps that are taken in any case (DD-PPO: Wijmans et al. 2020)."""


class Rollout(NamedTuple):
    """T steps in E rows, (T, E) each.

    Attributes:
        observation: (T, E, ...) before each step, ``previous_action`` among them.
        begun: whether an episode begins with the step.
        action: that was taken.
        log_probability: of it, by the policy; 0 where it was not the policy's.
        value: that the policy expected.
        reward: that the step brought.
        ended: whether the episode ended with the step, terminated or truncated.
        bootstrap: where it was truncated, the value of what would have come; else 0.
        expert: the oracle's action; -1 where nobody asked it.
        azimuth: radians to the source, positive to the left.
        near: whether it is in reach.
        goal: (T, E, 2) metres to it, ahead of the body and to its left.
        category: of the first goal, its number in ``avenv.scene.CATEGORIES``; -1: it has none.
        memory: (E, M) before the first step.
        next_value: (E,) of what comes after the last step.
        played: whether the step was taken: rows of a rollout that was cut short lack the last ones.
        episodes: metrics of the episodes that ended, in rows that no expert helps.
    """

    observation: dict[str, NDArray]
    begun: NDArray[np.bool_]
    action: NDArray[np.int64]
    log_probability: NDArray[np.float32]
    value: NDArray[np.float32]
    reward: NDArray[np.float32]
    ended: NDArray[np.bool_]
    bootstrap: NDArray[np.float32]
    expert: NDArray[np.int64]
    azimuth: NDArray[np.float32]
    near: NDArray[np.bool_]
    goal: NDArray[np.float32]
    category: NDArray[np.int64]
    memory: NDArray[np.float32]
    next_value: NDArray[np.float32]
    played: NDArray[np.bool_]
    episodes: list[dict[str, float]]

    @property
    def steps(self) -> int:
        """Steps that were taken, of T · E."""
        return int(self.played.sum())


class Guide(NamedTuple):
    """How the oracle helps while rollouts are collected; by default not at all.

    Attributes:
        asked: whether what it would do is noted down.
        share: probability that a step is its own instead of the policy's.
        guarded: share of the rows in which it does not let the policy stop at a wrong place. There
            the policy's actions are drawn, in the others it decides as agents do.
    """

    asked: bool = False
    share: float = 0.0
    guarded: float = 0.0


class Collector:
    """Collects rollouts in one batch of environments.

    Args:
        envs: with the autoreset mode ``SAME_STEP``.
        policy: that acts, on the CPU.
        seed: of episodes and actions.
    """

    def __init__(self, envs: BatchEnv | WaypointEnvs, policy: Policy, seed: int):
        if envs.autoreset_mode != AutoresetMode.SAME_STEP:
            raise ValueError(f"autoreset_mode is {envs.autoreset_mode}; accepted: SAME_STEP")
        self.envs, self.policy = envs, policy
        self.begin(seed)

    def begin(self, seed: int) -> None:
        """Begin new episodes in all rows from a seed, as if nothing had been before."""
        rows = self.envs.num_envs
        self._observation, self._info = self.envs.reset(seed=seed)
        self._memory = self.policy.initial(rows)
        self._begun = np.ones(rows, bool)
        self._previous = np.zeros(rows, np.int64)
        self._generator = torch.Generator().manual_seed(seed)
        self._random = np.random.default_rng((seed, 1))
        self._randoms = [np.random.default_rng((seed, 2, row)) for row in range(rows)]

    @torch.no_grad()
    def collect(
        self,
        steps: int,
        guide: Guide = Guide(),  # noqa: B008
        is_enough: Callable[[], bool] = lambda: False,
    ) -> Rollout:
        """Return the next rollout.

        Args:
            steps: T, in each row.
            guide: how the oracle helps.
            is_enough: says, asked before each step, that the rollout is to be shorter; not by
                more than to ``LEAST``.
        """
        rows = self.envs.num_envs
        arrays = {name: [] for name in Rollout._fields}  # type: dict[str, list[Any]]
        start = self._memory.numpy().copy()
        episodes: list[dict[str, float]] = []
        guarded = np.arange(rows) < guide.guarded * rows
        radius = self.envs.batch.task.options.success_radius
        for taken in range(steps):
            if taken >= LEAST * steps and is_enough():
                break
            observation = self._seen()
            logits, value, self._memory = self.policy.step(
                as_tensors(observation, [*self.policy.reads, *self.policy.added]),
                self._memory,
                torch.from_numpy(self._begun),
            )
            tried, log_probability = drawn(logits, self._generator)
            action = tried.numpy()
            if guide.asked:
                decision = self.policy.config.decision
                alone = decide(logits.numpy(), decision, self._randoms)
                action = np.where(guarded, action, alone)
            expert = self.envs.oracle_actions() if guide.asked else np.full(rows, -1)
            if guide.asked:
                wrong_stop = guarded & (action == STOP) & (expert != STOP)
                leads = (guarded & (self._random.random(rows) < guide.share)) | wrong_stop
                action = np.where(leads, expert, action)
            truth = self._info["truth"]
            step = {
                "observation": observation,
                "begun": self._begun,
                "action": action,
                "log_probability": log_probability.numpy(),
                "value": value.numpy(),
                "expert": expert,
                "azimuth": truth["source_azimuth"].astype(np.float32),
                "near": truth["geodesic_distance"] <= radius,
                "goal": _on_the_floor(truth),
                "category": self._categories(),
            }
            self._observation, reward, terminated, truncated, self._info = self.envs.step(action)
            self._begun, self._previous = terminated | truncated, action
            step["reward"], step["ended"] = reward.astype(np.float32), self._begun
            step["bootstrap"] = self._bootstrap(truncated)
            for name, array in step.items():
                arrays[name].append(array)
            for row in np.flatnonzero(self._begun & ~guarded):
                metrics = self._info["final_info"]["metrics"]
                episodes.append(
                    {k: float(v[row]) for k, v in metrics.items() if not k.startswith("_")}
                )
        stacked = {name: np.stack(values) for name, values in arrays.items()
                   if values and name != "observation"}  # fmt: skip
        observations = {
            name: np.stack([seen[name] for seen in arrays["observation"]])
            for name in arrays["observation"][0]
        }
        return Rollout(
            observation=observations,
            **stacked,
            memory=start,
            next_value=self._value(self._seen(), self._begun),
            played=np.ones_like(stacked["begun"]),
            episodes=episodes,
        )

    def _categories(self) -> NDArray[np.int64]:
        """Return the number (E,) of each goal's category, -1 where it has none."""
        episodes = self.envs.batch.task.episodes
        goals = [episodes[row].goals for row in range(self.envs.num_envs)]
        named = [own[0].category if own else None for own in goals]
        return np.array([-1 if name is None else CATEGORIES.index(name) for name in named])

    def _seen(self) -> dict[str, NDArray]:
        """Return what the policy reads of the present observation, as it is kept."""
        return self._kept(self._observation) | self._added(self._info["truth"])

    def _added(self, truth: dict[str, NDArray]) -> dict[str, NDArray]:
        """Return what the policy reads that is no observation of the environment."""
        added = {PREVIOUS: self._previous}
        return added | {TRUTH: truth_of(truth)} if TRUTH in self.policy.added else added

    def _kept(self, observation: dict[str, NDArray]) -> dict[str, NDArray]:
        kept = {}
        for name in self.policy.reads:
            x = observation[name]
            half = x.dtype == np.float32 and x[0].size >= LARGE
            kept[name] = x.astype(np.float16) if half else x
        return kept

    def _value(self, observation: dict[str, NDArray], begun: NDArray) -> NDArray[np.float32]:
        """Return the values (E,) of what is seen, without acting on it."""
        seen = as_tensors(observation, [*self.policy.reads, *self.policy.added])
        return self.policy.step(seen, self._memory, torch.from_numpy(begun))[1].numpy()

    def _bootstrap(self, truncated: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the values (E,) of the last observations of truncated episodes, 0 elsewhere."""
        if not truncated.any():
            return np.zeros(len(truncated), np.float32)
        rows = np.flatnonzero(truncated)
        final = {name: value.copy() for name, value in self._observation.items()}
        for row in rows:
            for name in self.policy.reads:
                final[name][row] = self._info["final_obs"][row][name]
        seen = self._kept(final) | self._added(self._info["final_info"]["truth"])
        value = self._value(seen, np.zeros(len(truncated), bool))
        return np.where(truncated, value, np.float32(0))


def _on_the_floor(truth: Mapping[str, NDArray]) -> NDArray[np.float32]:
    """Return how far sources are ahead of bodies and to their left, (E, 2) metres."""
    away = truth["source_distance"] * np.cos(truth["source_elevation"])
    azimuth = truth["source_azimuth"]
    return (away[:, None] * np.stack([np.cos(azimuth), np.sin(azimuth)], -1)).astype(np.float32)


def joined(rollouts: Sequence[Rollout]) -> Rollout:
    """Return rollouts side by side; of those that were cut short, the last steps are empty."""
    longest = max(len(rollout.begun) for rollout in rollouts)
    along = {"memory": 0, "next_value": 0}

    def together(parts: list[NDArray], axis: int) -> NDArray:
        if axis == 1:
            parts = [_filled_up(part, longest) for part in parts]
        return np.concatenate(parts, axis=axis)

    columns: dict[str, Any] = {
        name: together([getattr(r, name) for r in rollouts], along.get(name, 1))
        for name in Rollout._fields
        if name not in ("observation", "episodes")
    }
    names = rollouts[0].observation
    seen = {name: together([r.observation[name] for r in rollouts], 1) for name in names}
    return Rollout(observation=seen, episodes=[e for r in rollouts for e in r.episodes], **columns)


def _filled_up(array: NDArray, steps: int) -> NDArray:
    """Return an array (T, ...) with zeros behind, as long as that many steps."""
    missing = steps - len(array)
    return np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1)) if missing else array
