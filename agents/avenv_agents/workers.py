"""Who plays for a learner: processes of this machine, each with a native batch of environments.

Each has a copy of the policy, so that only weights and finished rollouts travel. Environments come
from factories. `cluster_workers` has the same for a cluster.
"""

import multiprocessing
import os
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Protocol

import torch
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.envs.vector import BatchEnv
from avenv_agents.policy import Policy, PolicyConfig
from avenv_agents.rollout import Collector, Guide, Rollout, joined
from avenv_agents.waypoints import WaypointEnvs

STRIDE = 2**20
"""Between the seeds of two players."""

Weights = dict[str, NDArray]
"""Of a policy, by name."""

MakeEnvs = Callable[[int], BatchEnv | WaypointEnvs]
"""Makes the environments of a worker, given its number; it must be picklable."""

Validate = Callable[[Policy, int], list[dict[str, float]]]
"""Plays a worker's share of the validation episodes, given its number; it must be picklable."""


class Crew(Protocol):
    """Who plays for a learner.

    Attributes:
        spaces: of the environments: what is observed, and actions.
    """

    spaces: tuple[spaces.Dict, spaces.Space]

    def start(self, policy: Policy, steps: int, guide: Guide = ...) -> None:
        """Let all collect so many steps, with the weights as they are now."""

    def finish(self) -> Rollout:
        """Return what they have collected, all rows side by side."""

    def begin(self, seed: int) -> None:
        """Begin new episodes everywhere, as if nothing had been before."""

    def validate(self, policy: Policy) -> list[dict[str, float]]:
        """Return the metrics of the validation's episodes."""

    def close(self) -> None:
        """End what was begun."""


class Workers:
    """Collectors in processes of their own, or, of a single one, in this process.

    Args:
        make_envs: makes the environments of each worker.
        count: of workers.
        policy: spaces and configuration of the policy that acts.
        seed: worker w begins with seed + w · ``STRIDE``.
        validate: plays episodes of a held-back set.

    Raises:
        ValueError: what the environments or the policy are to be cannot be.
        RuntimeError: a worker fails otherwise; the message is its own.
    """

    def __init__(
        self, make_envs: MakeEnvs, count: int, seed: int, config: PolicyConfig,
        validate: Validate | None = None,
    ):  # fmt: skip
        self.count = count
        self._validate = validate
        self._local: Player | None = None
        self._pipes: list[Connection] = []
        self._processes: list[Any] = []
        self._pending: tuple | None = None
        if count == 1:
            self._local = Player(make_envs, 0, config, seed, validate)
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
        self._ask("collect", weights_of(policy), steps, guide)

    def finish(self) -> Rollout:
        """Return what they have collected, all rows side by side."""
        return joined(self._answers())

    def begin(self, seed: int) -> None:
        """Begin new episodes everywhere, as if nothing had been before."""
        self._ask("begin", seed)
        self._answers()

    def validate(self, policy: Policy) -> list[dict[str, float]]:
        """Return the metrics of the validation's episodes."""
        self._ask("validate", weights_of(policy))
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
            verb, *arguments = self._pending
            return [getattr(self._local, verb)(*arguments)]
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


class Player:
    """Plays with a copy of the policy in one batch of environments.

    Args:
        make_envs: makes them.
        number: of the player.
        config: of the policy.
        seed: of all players.
        validate: plays its share of the validation.
    """

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

    def collect(
        self, weights: Weights, steps: int, guide: Guide,
        is_enough: Callable[[], bool] = lambda: False,
    ) -> Rollout:  # fmt: skip
        """Return a rollout, as ``Collector.collect`` takes it, by a policy of some weights."""
        self._learn(weights)
        return self.collector.collect(steps, guide, is_enough)

    def begin(self, seed: int) -> None:
        """Begin new episodes in all rows."""
        self.collector.begin(self._seed(seed))

    def validate(self, weights: Weights, share: int | None = None) -> list[dict[str, float]]:
        """Return the metrics of the episodes of a share, by default its own."""
        assert self._validate is not None
        self._learn(weights)
        return self._validate(self.policy, self.number if share is None else share)

    def _learn(self, weights: Weights) -> None:
        self.policy.load_state_dict({name: torch.tensor(w) for name, w in weights.items()})

    def _seed(self, seed: int) -> int:
        return seed + self.number * STRIDE


def _serve(pipe: Connection, make_envs: MakeEnvs, number: int, *arguments: Any) -> None:
    torch.set_num_threads(1)
    try:
        player = Player(make_envs, number, *arguments)
        pipe.send(("ready", player.spaces))
        while (question := pipe.recv()) is not None:
            verb, *given = question
            pipe.send(("done", getattr(player, verb)(*given)))
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return
    except ValueError as error:  # about what the user has given: said as if there were no workers
        with suppress(OSError):
            pipe.send(("refused", str(error)))
    except Exception:
        with suppress(OSError):
            pipe.send(("error", traceback.format_exc()))


def weights_of(policy: Policy) -> Weights:
    """Return a copy of a policy's weights, by name."""
    # Arrays, because pipes would send tensors as handles of shared memory.
    return {
        name: value.detach().cpu().numpy().copy() for name, value in policy.state_dict().items()
    }
