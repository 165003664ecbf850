"""The course of a training: its folder, log, checkpoints and validation, whatever the method."""

import csv
import io
import shlex
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from tqdm import tqdm

from avenv.core.files import draft_of
from avenv_agents.checkpoints import read_checkpoint, save_checkpoint
from avenv_agents.policy import Policy
from avenv_agents.runs import BEST_FILE, CONFIG_FILE, CSV_FILE, POLICY_FILE, STEP_FILES
from avenv_agents.workers import Crew

RECENT = 100
"""Finished episodes, the latest, whose means are shown."""

KEPT = 5
"""Checkpoints of single steps that are kept, the latest."""


class Played(Protocol):
    """What is to be known of a rollout that is learned from."""

    @property
    def steps(self) -> int:
        """Steps that were taken."""

    @property
    def episodes(self) -> list[dict[str, float]]:
        """Metrics of the episodes that ended."""


class Every:
    """Says when something is due again.

    Args:
        interval: steps from one time to the next.
        now: steps so far.
    """

    def __init__(self, interval: int, now: int = 0):
        self.interval, self._due = interval, (now // interval + 1) * interval

    def is_due(self, now: int) -> bool:
        """Say whether it will be due at this step."""
        return now >= self._due

    def __call__(self, now: int) -> bool:
        """Say whether it is due at this step, and take it as done."""
        if now < self._due:
            return False
        self._due = (now // self.interval + 1) * self.interval
        return True


class Course:
    """What a method tells of its progress, and what is kept of it.

    The log has a line for each update; checkpoints have everything that going on from them needs,
    the log among it. A checkpoint is a seam: all environments begin anew there, from a seed that
    the number of steps gives, so that a run that is killed goes on as if it had not been.

    Args:
        folder: of the run; it exists.
        policy: that learns.
        optimizer: that changes it.
        workers: that play.
        seed: of the run.
        total: environment steps in all.
        minutes: after which the run is over, too; None: it takes as long as it takes.
        checkpoint_every, validate_every: environment steps; 0: no validation.
        resume: go on from the folder's last checkpoint.
        progress: show a progress bar.

    Attributes:
        steps: environment steps so far.
        updates: rollouts learned from so far.
    """

    def __init__(
        self, folder: Path, policy: Policy, optimizer: torch.optim.Optimizer, workers: Crew,
        seed: int, total: int, checkpoint_every: int, validate_every: int = 0,
        resume: bool = False, progress: bool = True, minutes: float | None = None,
    ):  # fmt: skip
        self.folder, self.policy, self.optimizer, self.workers = folder, policy, optimizer, workers
        self.seed, self.total, self._minutes = seed, total, minutes
        self.steps = self.updates = 0
        self.best = -np.inf
        self._lines: list[dict[str, float]] = []
        self._recent: deque[dict[str, float]] = deque(maxlen=RECENT)
        self._seconds = {"simulate": 0.0, "learn": 0.0, "validate": 0.0}
        self._before = 0.0  # seconds of the run until it was resumed
        if resume:
            self._restore()
        self._checkpoint_due = Every(checkpoint_every, self.steps)
        self._validation_due = Every(validate_every, self.steps) if validate_every else None
        self._began, self._first = time.perf_counter(), self.steps
        self._take_stock()
        self._bar = tqdm(total=total, initial=self.steps, unit="step", unit_scale=True,
                         desc=folder.name, disable=not progress)  # fmt: skip
        self._board: Any = None

    @property
    def is_over(self) -> bool:
        """Whether all steps have been taken, or the time is up."""
        return self.share >= 1

    @property
    def share(self) -> float:
        """How much of the run is over, 0 to 1, as of the last rollout."""
        return self._share

    @property
    def elapsed(self) -> float:
        """Seconds that the run has taken, before it was resumed, too."""
        return self._before + time.perf_counter() - self._began

    @property
    def pauses(self) -> bool:
        """Whether, after this rollout, workers begin anew or validate: none must be playing."""
        validates = self._validation_due is not None and self._validation_due.is_due(self.steps)
        return self.is_over or validates or self._checkpoint_due.is_due(self.steps)

    @contextmanager
    def timing(self, what: str) -> Iterator[None]:
        """Count what is done within as time to ``simulate``, ``learn`` or ``validate``."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[what] += time.perf_counter() - began

    def took(self, rollout: Played) -> None:
        """Take note of a rollout."""
        self.steps += rollout.steps
        self.updates += 1
        self._take_stock()
        self._recent += rollout.episodes

    def _take_stock(self) -> None:
        taken = self.steps / self.total
        if self._minutes is not None:
            taken = max(taken, self.elapsed / (60 * self._minutes))
        self._share = min(1.0, taken)

    def tell(self, losses: Mapping[str, float]) -> None:
        """Log what an update came to, validate and save where that is due.

        Raises:
            ValueError: a loss is no number; the last checkpoint stays.
        """
        if not all(np.isfinite(value) for value in losses.values()):
            raise ValueError(
                f"the losses after {self.steps:,} steps are {dict(losses)}; "
                f"{self.folder / POLICY_FILE} has the last good weights; a smaller learning_rate "
                "may help"
            )
        line: dict[str, float] = {"steps": self.steps, **self._measures(), **losses}
        if self._validation_due and (self._validation_due(self.steps) or self.is_over):
            line |= self._validate()
        self._lines.append(line)
        self._show(line)
        if self._checkpoint_due(self.steps) or self.is_over:
            self.keep()
            if not self.is_over:
                self.workers.begin(self.seed_now)

    @property
    def seed_now(self) -> int:
        """The seed of the environments from the present checkpoint on."""
        return int(np.random.SeedSequence((self.seed, self.steps)).generate_state(1)[0])

    def keep(self) -> None:
        """Save the policy, and all that going on from it needs."""
        save_checkpoint(
            self.folder / POLICY_FILE,
            self.policy,
            optimizer=self.optimizer.state_dict(),
            steps=self.steps,
            updates=self.updates,
            best=float(self.best),
            lines=self._lines,
            recent=list(self._recent),
            seconds=self._seconds,
            elapsed=self.elapsed,
            made=provenance(),
        )
        name = STEP_FILES.replace("*", f"{self.steps:09d}")
        save_checkpoint(self.folder / name, self.policy, steps=self.steps)
        for old in sorted(self.folder.glob(STEP_FILES))[:-KEPT]:
            old.unlink()
        self._write_log()

    def close(self) -> None:
        """End the progress bar and the log."""
        self._bar.close()
        if self._board is not None:
            self._board.close()

    def _restore(self) -> None:
        file = self.folder / POLICY_FILE
        data = read_checkpoint(file)
        try:
            self.policy.load_state_dict(data["weights"])
            self.optimizer.load_state_dict(data["optimizer"])
            self.steps, self.updates, self.best = data["steps"], data["updates"], data["best"]
            self._lines, self._seconds = data["lines"], data["seconds"]
            self._before = data["elapsed"]
            self._recent.extend(data["recent"])
        except (KeyError, RuntimeError, ValueError) as error:
            said = str(error).partition("\n")[0]
            raise ValueError(f"{file}: cannot be resumed: {said}") from error
        self._write_log()
        self.workers.begin(self.seed_now)

    def _measures(self) -> dict[str, float]:
        """Return speed and how the latest episodes went."""
        elapsed = time.perf_counter() - self._began
        measures = {
            "seconds": self.elapsed,
            "steps_per_second": (self.steps - self._first) / elapsed,
            **{f"{name}_seconds": value for name, value in self._seconds.items()},
            "episodes": float(len(self._recent)),
        }
        for name in ("success", "spl", "distance_to_goal", "num_actions"):
            values = [episode[name] for episode in self._recent if name in episode]
            measures[name] = float(np.mean(values)) if values else float("nan")
        return measures

    def _validate(self) -> dict[str, float]:
        with self.timing("validate"):
            episodes = self.workers.validate(self.policy)
        means = {f"validation_{name}": float(np.mean([e[name] for e in episodes]))
                 for name in ("success", "spl")}  # fmt: skip
        if means["validation_spl"] > self.best:
            self.best = means["validation_spl"]
            save_checkpoint(self.folder / BEST_FILE, self.policy, steps=self.steps, **means)
        return means

    def _show(self, line: Mapping[str, float]) -> None:
        simulate, learn = self._seconds["simulate"], self._seconds["learn"]
        shown = {
            "SR": f"{line['success']:.2f}",
            "SPL": f"{line['spl']:.2f}",
            "simulating": f"{simulate / max(simulate + learn, 1e-9):.0%}",
        }
        if self.best > -np.inf:
            shown["best SPL held back"] = f"{self.best:.2f}"
        self._bar.set_postfix(shown)
        self._bar.update(min(self.steps, self.total) - self._bar.n)
        if self._board is None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self.folder / "log"), purge_step=self._first)
        for name, value in line.items():
            if name != "steps" and np.isfinite(value):
                self._board.add_scalar(name, value, self.steps)
        self._write_log()

    def _write_log(self) -> None:
        names = list(dict.fromkeys(name for line in self._lines for name in line))
        text = io.StringIO()
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(
            {k: v if k == "steps" else f"{v:.5g}" for k, v in line.items()} for line in self._lines
        )
        with draft_of(self.folder / CSV_FILE) as draft:
            draft.write_text(text.getvalue(), encoding="utf-8")


def provenance() -> dict[str, str]:
    """Return with what a policy was made."""
    return {
        "command": shlex.join(sys.argv),
        "python": sys.version.split()[0],
        **{name: version(name) for name in ("avenv", "torch", "numpy", "numba")},
    }


def write_config(folder: Path, text: str) -> None:
    """Write the configuration of a run into its folder."""
    with draft_of(folder / CONFIG_FILE) as draft:
        draft.write_text(text, encoding="utf-8")
