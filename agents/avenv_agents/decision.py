"""How an agent decides among actions, given a policy's logits of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avenv.tasks.actions import STOP

DECISIONS = ("resolute", "most_probable", "drawn")
"""How agents can decide.

- ``most_probable``: always the most probable action. What cannot be decided is then decided the
  same way every time, so that a policy can turn to and fro before two doors until its time is up.
- ``drawn``: by chance, each action as often as it is probable. A stop that is improbable at every
  step comes in the end.
- ``resolute``: it stops if and only if stopping is the most probable, and draws all else.
"""


def decide(
    logits: NDArray, decision: str, randoms: Sequence[np.random.Generator]
) -> NDArray[np.int64]:
    """Return an action for each row (E,).

    Args:
        logits: (E, A); the first action is to stop.
        decision: a name in ``DECISIONS``.
        randoms: the random stream of each row; each gives one number, or none if nothing is drawn.
    """
    best = logits.argmax(-1)
    if decision == "most_probable":
        return best
    logits = logits.astype(np.float64)
    if decision == "resolute":
        logits[:, STOP] = -np.inf
    shares = np.exp(logits - logits.max(-1, keepdims=True)).cumsum(-1)
    draws = np.array([random.random() for random in randoms])
    drawn = (draws[:, None] * shares[:, -1:] >= shares).sum(axis=1)
    return np.where(best == STOP, STOP, drawn) if decision == "resolute" else drawn
