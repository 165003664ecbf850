"""What questions cost: tokens and money, by episode and in all."""

import threading
from dataclasses import dataclass, field

from avenv_agents.omni.reading import FLAWS

COUNTED = ("questions", "retries", "tokens_in", "tokens_out", "cost", *FLAWS, "given_up")
"""What a ledger tells."""


UNCOUNTED = 3
"""Answers for nothing after which a server is taken to count no tokens."""


class SpentError(ValueError):
    """As much is spent as may be."""


@dataclass(frozen=True)
class Prices:
    """Dollars for a million tokens, those of questions and those of answers."""

    tokens_in: float = 0.0
    tokens_out: float = 0.0

    def __post_init__(self) -> None:
        for name in ("tokens_in", "tokens_out"):
            if not 0 <= getattr(self, name) < 1e6:
                raise ValueError(f"prices.{name} is {getattr(self, name)!r}; accepted: 0 or more")

    def of(self, tokens_in: int, tokens_out: int) -> float:
        """Return the dollars that some tokens cost."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1e6


@dataclass
class Ledger:
    """What one episode has cost so far.

    Attributes:
        counts: ``questions``, ``retries``, ``tokens_in``, ``tokens_out``, ``cost`` in dollars,
            answers of no use by their flaw, and ``given_up``.
    """

    counts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))

    def add(self, tokens_in: int, tokens_out: int, cost: float, tries: int) -> None:
        """Take note of a question that was answered."""
        new = {
            "questions": 1,
            "retries": tries - 1,
            "tokens_in": tokens_in,
            "tokens_out": tokens_out,
            "cost": cost,
        }
        for name, value in new.items():
            self.counts[name] += value


class Budget:
    """How much may be spent in all, over episodes and interruptions.

    Args:
        most: dollars; None: no limit.
        spent: dollars before.
    """

    def __init__(self, most: float | None, spent: float = 0.0):
        self.most, self.spent = most, spent
        self._answers = 0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise ``SpentError`` if nothing more may be spent, or nobody tells what is."""
        if self.most is not None and self.spent == 0 and self._answers >= UNCOUNTED:
            raise SpentError(
                f"the server has counted no tokens of {self._answers} answers, and max_cost cannot "
                "be kept; accepted: no --max-cost"
            )
        if self.most is not None and self.spent >= self.most:
            raise SpentError(
                f"${self.spent:.4f} is spent, and max_cost is {self.most:g}; what is answered is "
                "kept: the same command with a higher --max-cost goes on"
            )

    def add(self, cost: float) -> None:
        """Take note of what was spent."""
        with self._lock:
            self.spent += cost
            self._answers += 1
