"""How agents decide, given a policy's logits."""

import numpy as np
import pytest

from avenv_agents.decision import decide

LOGITS = np.log([[0.4, 0.3, 0.2, 0.1], [0.1, 0.6, 0.3, 0.0 + 1e-9]]).astype(np.float32)


def randoms(rows, seed=0):
    return [np.random.default_rng((seed, row)) for row in range(rows)]


def test_the_most_probable_action_needs_no_chance():
    assert decide(LOGITS, "most_probable", []).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("decision", "shares"),
    [
        ("drawn", [[0.4, 0.3, 0.2, 0.1], [0.1, 0.6, 0.3, 0]]),
        ("resolute", [[1, 0, 0, 0], [0, 2 / 3, 1 / 3, 0]]),
    ],
)  # fmt: skip
def test_actions_are_drawn_as_often_as_they_are_probable(decision, shares):
    streams = randoms(2)
    actions = np.array([decide(LOGITS, decision, streams) for _ in range(4000)])
    counted = np.stack([np.bincount(column, minlength=4) for column in actions.T]) / 4000
    np.testing.assert_allclose(counted, shares, atol=4 * 0.5 / np.sqrt(4000))


def test_a_row_decides_alone_whatever_the_others():
    streams, alone = randoms(2), randoms(2)[1:]
    both = [decide(LOGITS, "resolute", streams)[1] for _ in range(20)]
    assert [decide(LOGITS[1:], "resolute", alone)[0] for _ in range(20)] == both


def test_actions_that_there_are_not_are_never_drawn():
    logits = np.array([[0.0, 0.0, -1e9, -1e9]], np.float32)
    streams = randoms(1)
    assert {int(decide(logits - [[9, 0, 0, 0]], "resolute", streams)[0]) for _ in range(50)} == {1}
