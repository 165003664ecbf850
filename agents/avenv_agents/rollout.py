"""Rollouts: what a policy does and meets in a number of steps, as arrays to learn from.

A `Collector` steps one native batch; `Workers` runs several of them in processes of their own, each
with its own copy of the policy, so that only weights and finished rollouts travel. Environments
come from factories. Finished rows begin anew within the step (`SAME_STEP`), so that every step is
one to learn from: `begun` says where, and nothing that was remembered passes it.
"""

import multiprocessing
import os
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from avenv.envs.vector import BatchEnv
from avenv.tasks.actions import STOP
from avenv_agents.decision import decide
from avenv_agents.policy import PREVIOUS, TRUTH, Policy, PolicyConfig, as_tensors, drawn, truth_of
from avenv_agents.waypoints import WaypointEnvs

LARGE = 64
"""Numbers in an observation from which on it is kept in half precision."""


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
        memory: (E, M) before the first step.
        next_value: (E,) of what comes after the last step.
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
    memory: NDArray[np.float32]
    next_value: NDArray[np.float32]
    episodes: list[dict[str, float]]

    @property
    def steps(self) -> int:
        """T · E."""
        return self.begun.size


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
    def collect(self, steps: int, guide: Guide = Guide()) -> Rollout:  # noqa: B008
        """Return the next rollout of so many steps T in each row."""
        rows = self.envs.num_envs
        arrays = {name: [] for name in Rollout._fields}  # type: dict[str, list[Any]]
        start = self._memory.numpy().copy()
        episodes: list[dict[str, float]] = []
        guarded = np.arange(rows) < guide.guarded * rows
        radius = self.envs.batch.task.options.success_radius
        for _ in range(steps):
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
            episodes=episodes,
        )

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


def joined(rollouts: Sequence[Rollout]) -> Rollout:
    """Return rollouts of equally many steps side by side."""
    along = {"memory": 0, "next_value": 0}
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(r, name) for r in rollouts], axis=along.get(name, 1))
        for name in Rollout._fields
        if name not in ("observation", "episodes")
    }
    names = rollouts[0].observation
    seen = {n: np.concatenate([r.observation[n] for r in rollouts], axis=1) for n in names}
    return Rollout(observation=seen, episodes=[e for r in rollouts for e in r.episodes], **columns)


MakeEnvs = Callable[[int], BatchEnv | WaypointEnvs]
"""Makes the environments of a worker, given its number; it must be picklable."""

Validate = Callable[[Policy, int], list[dict[str, float]]]
"""Plays a worker's share of the validation episodes, given its number; it must be picklable."""


class Workers:
    """Collectors in processes of their own, or, of a single one, in this process.

    Args:
        make_envs: makes the environments of each worker.
        count: of workers.
        policy: spaces and configuration of the policy that acts.
        seed: worker w begins with seed + w · 2²⁰.
        validate: plays episodes of a held-back set.

    Raises:
        ValueError: what the environments or the policy are to be cannot be.
        RuntimeError: a worker fails otherwise; the message is its own.
    """

    STRIDE = 2**20

    def __init__(
        self, make_envs: MakeEnvs, count: int, seed: int, config: PolicyConfig,
        validate: Validate | None = None,
    ):  # fmt: skip
        self.count = count
        self._validate = validate
        self._local: _Worker | None = None
        self._pipes: list[Connection] = []
        self._processes: list[Any] = []
        self._pending: tuple | None = None
        self.spaces: tuple[spaces.Dict, spaces.Space]
        if count == 1:
            self._local = _Worker(make_envs, 0, config, seed, validate)
            self.spaces = self._local.spaces
            return
        context = multiprocessing.get_context("spawn")
        threads = {"AVENV_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        before = {name: os.environ.get(name) for name in threads}
        os.environ.update(threads)  # of the children, who read it as they start
        try:
            for number in range(count):
                ours, theirs = context.Pipe()
                arguments = (theirs, make_envs, number, config, seed, validate)
                process = context.Process(target=_serve, args=arguments, daemon=True)
                process.start()
                theirs.close()
                self._pipes.append(ours)
                self._processes.append(process)
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name)
                else:
                    os.environ[name] = value
        self.spaces = self._answers()[0]

    def start(self, policy: Policy, steps: int, guide: Guide = Guide()) -> None:  # noqa: B008
        """Let all workers collect with the weights as they are now."""
        self._ask("collect", _weights(policy), steps, guide)

    def finish(self) -> Rollout:
        """Return what they have collected, all rows side by side."""
        return joined(self._answers())

    def begin(self, seed: int) -> None:
        """Begin new episodes everywhere, as if nothing had been before."""
        self._ask("begin", seed)
        self._answers()

    def validate(self, policy: Policy) -> list[dict[str, float]]:
        """Return the metrics of the validation's episodes."""
        self._ask("validate", _weights(policy))
        return [metrics for share in self._answers() for metrics in share]

    def close(self) -> None:
        """End the workers."""
        for pipe in self._pipes:
            with suppress(OSError):
                pipe.send(None)
        for process in self._processes:
            process.join(5)
            if process.is_alive():
                process.terminate()
        if self._local is not None:
            self._local.collector.envs.close()

    def _ask(self, *question: Any) -> None:
        if self._local is not None:
            self._pending = question
        for pipe in self._pipes:
            with suppress(OSError):  # of one that died, _answers tells
                pipe.send(question)

    def _answers(self) -> list[Any]:
        if self._local is not None:
            assert self._pending is not None
            return [self._local.answer(*self._pending)]
        answers = []
        for number, pipe in enumerate(self._pipes):
            try:
                kind, answer = pipe.recv()
            except (EOFError, OSError):
                raise RuntimeError(
                    f"worker {number} has died; is there too little memory?"
                ) from None
            if kind == "refused":
                raise ValueError(answer)
            if kind == "error":
                raise RuntimeError(f"worker {number}: {answer}")
            answers.append(answer)
        return answers


class _Worker:
    """What one process does."""

    def __init__(
        self, make_envs: MakeEnvs, number: int, config: PolicyConfig, seed: int,
        validate: Validate | None,
    ):  # fmt: skip
        envs = make_envs(number)
        space = envs.single_observation_space
        assert isinstance(space, spaces.Dict)
        self.spaces = space, envs.single_action_space
        self.number, self._validate = number, validate
        self.policy = Policy(space, envs.single_action_space, config).eval()
        self.collector = Collector(envs, self.policy, self._seed(seed))

    def answer(self, verb: str, *arguments: Any) -> Any:
        """Do what one of ``Workers``' verbs asks for."""
        if verb == "begin":
            return self.collector.begin(self._seed(arguments[0]))
        weights, *more = arguments
        self.policy.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
        if verb == "collect":
            return self.collector.collect(*more)
        assert self._validate is not None
        return self._validate(self.policy, self.number)

    def _seed(self, seed: int) -> int:
        return seed + self.number * Workers.STRIDE


def _serve(pipe: Connection, make_envs: MakeEnvs, number: int, *arguments: Any) -> None:
    torch.set_num_threads(1)
    try:
        worker = _Worker(make_envs, number, *arguments)
        pipe.send(("ready", worker.spaces))
        while (question := pipe.recv()) is not None:
            pipe.send(("done", worker.answer(*question)))
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return
    except ValueError as error:  # about what the user has given: said as if there were no workers
        with suppress(OSError):
            pipe.send(("refused", str(error)))
    except Exception:
        with suppress(OSError):
            pipe.send(("error", traceback.format_exc()))


def _weights(policy: Policy) -> dict[str, NDArray]:
    # Arrays, because pipes would send tensors as handles of shared memory.
    return {
        name: value.detach().cpu().numpy().copy() for name, value in policy.state_dict().items()
    }
