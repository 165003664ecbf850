"""The next episodes of every row, sampled and made ready before their turn comes.

What an episode is, is a function of its row's random stream alone, and so it does not matter who
samples it when: a draft is taken only if the row's stream is then where it was when the draft was
made. Whatever the timing, episodes are the same bits.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from avenv.core import background, parallel
from avenv.tasks.episode import Episode

DEPTH = 2
"""Episodes of each row that are made ready ahead."""


@dataclass
class Turn:
    """Where a row is in its episodes.

    Attributes:
        stream: that they are drawn from.
        scene: number of the scene that it is in.
        left: episodes that it still has there.
        passed_over: scenes that lacked what the task needs, since the stream began.
        goes_on: whether an episode of the stream has begun before.
    """

    stream: np.random.Generator
    scene: int = 0
    left: int = 0
    passed_over: int = 0
    goes_on: bool = False

    def is_at(self, other: "Turn") -> bool:
        """Return whether the next episodes are the same as those of another turn."""
        here, there = (t.stream.bit_generator.state for t in (self, other))
        return (self.scene, self.left) == (other.scene, other.left) and _equal(here, there)

    def follow(self, other: "Turn") -> None:
        """Go to where another turn is; the stream stays the same object."""
        self.scene, self.left = other.scene, other.left
        self.passed_over = other.passed_over
        self.stream.bit_generator.state = other.stream.bit_generator.state


class Draft(NamedTuple):
    """An episode whose turn has not come.

    Attributes:
        before: the turn that it is drawn at.
        after: where that is then.
        episode: what is drawn.
        ready: what it needs, held so that it is still there when it begins.
    """

    before: Turn
    after: Turn
    episode: Episode
    ready: Any


class Ahead:
    """Drafts for E rows, made on the background thread.

    Args:
        rows: how many, E.
        draw: what draws the episode of a turn, and moves the turn on.
        prepare: what returns all that an episode needs when it begins.
    """

    def __init__(
        self, rows: int, draw: Callable[[Turn], Episode], prepare: Callable[[Episode], Any]
    ):
        self._rows, self._draw, self._prepare = rows, draw, prepare
        self._jobs: list[deque[background.Job]] = [deque() for _ in range(rows)]
        self._open = True

    def __reduce__(self) -> tuple:
        return Ahead, (self._rows, self._draw, self._prepare)  # drafts are made anew

    def plan(self, row: int, turn: Turn) -> None:
        """Let the next episodes of a row be made ready; ``turn`` is where it is now."""
        if self._open and not self._jobs[row] and parallel.num_threads() > 1:
            self._submit(row, deepcopy(turn))

    def share_out(self, rows: Sequence[int], new: Mapping[int, Turn]) -> None:
        """Let the next episodes of some rows be made ready on this thread, too, rather than wait
        for the background; ``take`` them then.

        Args:
            rows: that will begin now; only what is planned for them is made ready.
            new: those of them for which that is to be planned, each with its turn.
        """
        if not (self._open and parallel.num_threads() > 1):
            return
        for row, turn in new.items():
            if not self._jobs[row]:
                self._submit(row, deepcopy(turn), goes_on=False)
        for jobs in reversed([self._jobs[row] for row in rows]):  # the background begins in front
            if jobs:
                jobs[0].do()

    def take(self, row: int, turn: Turn) -> Episode | None:
        """Return the next episode of a row and move its turn on; None if there is no draft of it.

        A draft that is being made is waited for.
        """
        jobs = self._jobs[row]
        draft = jobs.popleft().take() if jobs else None
        if draft is None or not draft.before.is_at(turn):
            self.forget(row)
            return None
        turn.follow(draft.after)
        if jobs and (last := jobs[-1].result) is not None:
            self._submit(row, last.after)
        return draft.episode

    def close(self) -> None:
        """Make no more drafts and forget those that there are; wait for what is in hand."""
        self._open = False
        for row in range(len(self._jobs)):
            self.forget(row, wait=True)

    def forget(self, row: int, wait: bool = False) -> None:
        """Forget the drafts of a row; one that is in hand comes to its end, or is waited for."""
        jobs, self._jobs[row] = self._jobs[row], deque()
        for job in jobs:
            job.drop(wait)

    def _submit(self, row: int, turn: Turn, goes_on: bool = True) -> None:
        """Submit the draft of a turn, the last of a row's jobs, and after it those that follow."""
        jobs = self._jobs[row]
        ahead = ref(self)  # a batch that nobody holds any more wants no drafts

        def make() -> Draft | None:
            me = ahead()
            if me is None or not me._open:
                return None
            after = deepcopy(turn)
            episode = me._draw(after)
            draft = Draft(turn, after, episode, me._prepare(episode))
            if goes_on and me._open and me._jobs[row] is jobs and len(jobs) < DEPTH:
                me._submit(row, after)
            return draft

        jobs.append(background.submit(make, urgency=len(jobs)))


def _equal(one: Any, other: Any) -> bool:
    """Return whether two states of bit generators are equal."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal(v, other[k]) for k, v in one.items())
    return bool(np.array_equal(one, other))
