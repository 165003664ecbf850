"""Play episodes in the rows of a batch, so that no result depends on the rows or the order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.benchmark.agent import ROWS, AgentFactory, view_of
from avenv.benchmark.impaired import Impaired
from avenv.core.suggest import accepted
from avenv.envs.batch import Batch
from avenv.envs.vector import BatchEnv
from avenv.tasks.episode import Episode

ON_ERROR = ("stop", "fail")
"""What comes of an agent that raises or acts out of range: the end, or a failed episode."""

EXPECTED = (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError,
            AttributeError, OSError, ImportError)  # fmt: skip
"""What code that fails raises."""


@dataclass(frozen=True)
class Trial:
    """An episode to be played.

    Attributes:
        number: in the evaluation.
        seed: of what is random about the agent.
        begin: makes the episode.
        place: episodes with the same one take place in the same scene.
        about: what is to be written down with its result.
    """

    number: int
    seed: int
    begin: Callable[[Batch], Episode]
    place: Any = 0
    about: dict[str, Any] = field(default_factory=dict)


Played = tuple[Trial, Episode, dict[str, Any]]
"""An episode that is over: as it was asked for, as it was played, and its result."""


class AgentError(ValueError):
    """An agent failed; the message says in which episode."""


class Crew:
    """An agent in all rows of some environments, acting in as many rows at once as it wants."""

    def __init__(
        self,
        factory: AgentFactory,
        envs: BatchEnv,
        previous_reward: bool = False,
        folder: Path | None = None,
    ):
        self._envs, self._factory = envs, factory
        count = envs.num_envs
        rows = getattr(factory, "rows", ROWS)
        told_more = bool(getattr(factory, "privilege", ""))
        self._rows = count if rows is None or told_more else int(rows)
        view: Any = envs if told_more else view_of(envs, self._rows, folder)
        starts = range(0, count, self._rows)
        self._agents = [factory(view) for _ in starts]
        # The rows of the batch that each copy of the agent acts in; the last one fills up.
        self._members = [np.minimum(np.arange(s, s + self._rows), count - 1) for s in starts]
        self._previous_reward = previous_reward

    def reset(self, row: int, seed: int) -> None:
        """Tell the agent that a new episode has begun in a row."""
        self._agents[row // self._rows].reset(row % self._rows, seed)

    def account(self, row: int) -> dict[str, float]:
        """Return what the episode in a row has cost the agent so far, if it keeps accounts."""
        agent = self._agents[row // self._rows]
        account = getattr(agent, "account", None)
        return dict(account(row % self._rows)) if account else {}

    def explain(self, row: int) -> dict[str, NDArray]:
        """Return what the agent has thought in a row, if it says so; see ``AgentFactory``."""
        agent = self._agents[row // self._rows]
        explain = getattr(agent, "explain", None)
        return {k: v[row % self._rows] for k, v in explain().items()} if explain else {}

    def act(self, active: NDArray[np.bool_], reward: NDArray[np.float64]) -> NDArray:
        """Return what the agent does now in every row (E, ...).

        Args:
            active: (E,) in which an episode is under way.
            reward: (E,) of the last step.

        Raises:
            Exception: whatever the agent raises.
        """
        batch = self._envs.batch
        observation = batch.observe()
        setting = batch.setting()
        words: dict[str, NDArray] = {
            name: np.array(setting[name]) for name in ("instruction", "answer") if name in setting
        }
        if isinstance(self._factory, Impaired):
            observation = self._factory.observed(batch, observation)
            words = self._factory.words(words)
        actions = []
        for agent, members in zip(self._agents, self._members, strict=True):
            own = np.append(True, np.diff(members) > 0)  # the others fill up
            info: dict[str, Any] = {
                "action_names": batch.task.actions.names,
                **{name: told[members] for name, told in words.items()},
                "active": active[members] & own,
            }
            if self._previous_reward:
                info["previous_reward"] = reward[members]
            chosen = np.asarray(agent.act({k: v[members] for k, v in observation.items()}, info))
            if chosen.shape[:1] != members.shape:
                raise ValueError(
                    f"the agent's actions have the shape {chosen.shape}; accepted: one for each of "
                    f"{len(members)} rows"
                )
            actions.append(chosen[own])
        return np.concatenate(actions)


def play(
    envs: BatchEnv,
    factory: AgentFactory,
    trials: Iterable[Trial],
    on_error: str = "stop",
    previous_reward: bool = False,
    folder: Path | None = None,
) -> Iterator[Played]:
    """Play episodes, and yield each as it ends; a row that has finished one takes the next.

    A result has ``metrics``, the ``actions``, and an ``error`` if the agent failed.

    Args:
        envs: where.
        factory: makes the agent.
        trials: the episodes, those in one scene best one after another.
        on_error: ``"stop"``, or ``"fail"``: an episode in which the agent fails is over there, and
            not solved.
        previous_reward: whether the agent is told its rewards.
        folder: where the agent may keep files of its own.

    Raises:
        AgentError: the agent failed, and ``on_error`` is ``"stop"``.
    """
    if on_error not in ON_ERROR:
        raise ValueError(f"on_error is {on_error!r}; {accepted(on_error, ON_ERROR)}")
    table = _Table(envs, factory, on_error, previous_reward, folder)
    suspects = yield from table.play(trials)
    # Who of several rows at once made the agent fail is known when each has played alone.
    for trial in sorted(suspects, key=lambda trial: trial.number):
        yield from table.play([trial], alone=True)


class _Table:
    """The rows of a batch, and what is played in them."""

    def __init__(
        self,
        envs: BatchEnv,
        factory: AgentFactory,
        on_error: str,
        previous_reward: bool,
        folder: Path | None,
    ):
        self._envs, self._batch, self._on_error = envs, envs.batch, on_error
        self._over: list[Played] = []
        self._make_crew = lambda: Crew(factory, envs, previous_reward, folder)
        self._crew = self._make_crew()
        count = envs.num_envs
        self._trials: list[Trial | None] = [None] * count
        self._actions: list[list[Any]] = [[] for _ in range(count)]
        self._reward = np.zeros(count)

    def play(
        self, trials: Iterable[Trial], alone: bool = False
    ) -> Generator[Played, None, list[Trial]]:
        """Play some trials, and return those in one of which the agent failed, to be told apart."""
        queue = deque(trials)
        suspects: list[Trial] = []
        if alone:
            self._crew = self._make_crew()
        while True:
            over, self._over = self._over, []
            yield from over
            self._begin(queue, 1 if alone else self._envs.num_envs)
            active = np.array([trial is not None for trial in self._trials])
            if not active.any():
                return suspects
            try:
                actions = self._crew.act(active, self._reward)
            except EXPECTED as error:
                if alone or self._on_error == "stop":
                    self._fail(np.flatnonzero(active), error)
                else:
                    suspects += [trial for trial in self._trials if trial is not None]
                    self._trials = [None] * self._envs.num_envs
                self._crew = self._make_crew()
                continue
            self._step(actions, active)

    def _begin(self, queue: deque[Trial], most: int) -> None:
        """Begin the next trials in the rows that are free."""
        begun: dict[int, Episode] = {}
        for row in range(most):
            if self._trials[row] is None and queue:
                self._trials[row] = new = queue.popleft()
                begun[row] = new.begin(self._batch)
        rows = list(begun)
        if not rows:
            return
        # The first time all rows begin something, so that there is something to observe.
        if not self._batch.task.episodes:
            begun |= {row: begun[rows[0]] for row in range(self._envs.num_envs) if row not in begun}
        self._batch.reset(list(begun), begun)
        for row in rows:
            self._actions[row], self._reward[row] = [], 0.0
            own = self._trials[row]
            assert own is not None
            self._crew.reset(row, own.seed)

    def _step(self, actions: NDArray, active: NDArray[np.bool_]) -> None:
        checked = self._checked(actions, active)
        active = np.array([trial is not None for trial in self._trials])
        if not active.any():
            return
        self._reward, terminated, truncated = self._batch.step(checked, active)
        for row in np.flatnonzero(active).tolist():
            self._actions[row].append(checked[row].tolist())
        for row in np.flatnonzero((terminated | truncated) & active).tolist():
            self._finish(row)

    def _checked(self, actions: NDArray, active: NDArray[np.bool_]) -> NDArray:
        """Return valid actions for all rows; active ones whose action is none have failed."""
        kind, still = self._batch.task.actions, self._batch.task.actions.encode(0)
        rows = []
        for row in range(self._envs.num_envs):
            rows.append(np.asarray(still))
            if not active[row]:
                continue
            try:
                rows[-1] = kind.check(_whole(actions[row : row + 1], rows[-1]), 1)[0]
            except ValueError as error:
                self._fail([row], error)
        return np.array(rows)

    def _finish(self, row: int, error: str | None = None) -> None:
        trial = self._trials[row]
        assert trial is not None
        metrics = {k: float(v[row]) for k, v in self._batch.task.metrics().items()}
        result: dict[str, Any] = {"metrics": metrics, "actions": self._actions[row]}
        if ledger := self._crew.account(row):
            result["ledger"] = ledger
        if error is not None:
            result["error"] = error
            result["metrics"] = metrics | {"success": 0.0}
        self._trials[row] = None
        self._over.append((trial, self._batch.task.episodes[row], result))

    def _fail(self, rows: Iterable[int], error: Exception) -> None:
        """End the episodes of rows in which the agent failed, or stop."""
        numbers = [trial.number for row in rows if (trial := self._trials[row]) is not None]
        said = f"{type(error).__name__}: {error}"
        if self._on_error == "stop":
            which = ", ".join(map(str, numbers))
            raise AgentError(f"the agent failed in the episode {which}: {said}") from error
        for row in rows:
            self._finish(int(row), said)


def _whole(actions: NDArray, like: NDArray) -> NDArray:
    """Return actions as whole numbers, if they are such and should be.

    A NaN in one row makes floats of all of them, which the others are not to blame for.
    """
    if like.dtype.kind == "i" and actions.dtype.kind == "f" and (actions % 1 == 0).all():
        return actions.astype(like.dtype)
    return actions


def in_turn(trials: Iterable[Trial], shard: tuple[int, int] = (1, 1)) -> list[Trial]:
    """Return a share of some trials, those in one place one after another.

    Args:
        trials: all.
        shard: (i, n): the i-th of n shares, i from 1.
    """
    ordered = sorted(trials, key=lambda trial: (trial.place, trial.number))
    part, parts = shard
    return ordered[(part - 1) * len(ordered) // parts : part * len(ordered) // parts]
