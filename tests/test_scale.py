"""The simulated cluster does what can be worked out by hand."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from scale.simulated import Conditions, Measured, simulate

STEADY = Measured(
    rollouts=np.array([2.0]), steps=1000, rows=10, learning=0.5, learning_row=0.05, handling=0.1,
    rollout_bytes=10**7, weights_bytes=10**6,
)  # fmt: skip
IDEAL = Conditions(1, bandwidth=float("inf"))


def test_a_round_is_playing_sending_and_learning():
    # 2 s of playing, 0.5 + 10 · 0.05 + 0.1 s of learning.
    assert simulate(STEADY, IDEAL).rate == pytest.approx(1000 / 3.1)
    four = simulate(STEADY, replace(IDEAL, workers=4))
    assert four.rate == pytest.approx(4000 / (2 + 0.5 + 40 * 0.05 + 0.4))
    assert four.bound == "learner"
    # Two learners have half of the workers each.
    shared = simulate(STEADY, replace(IDEAL, workers=4, learners=2))
    assert shared.rate == pytest.approx(4000 / (2 + 0.5 + 20 * 0.05 + 0.2))
    # 4 · 10 MB in, 1 MB out to each of 2 machines, at 1 MB/s.
    slow = simulate(STEADY, replace(IDEAL, workers=4, bandwidth=1e6, machines=2))
    assert slow.sending == pytest.approx(42)
    assert slow.bound == "network"
    # Each of two learners is sent 20 MB, and 4 gradients, of which a ring passes each half twice;
    # out of one of them go 3 MB of its state, and weights to 2 machines.
    ring = simulate(STEADY, replace(IDEAL, workers=4, bandwidth=1e6, machines=2, learners=2))
    assert ring.sending == pytest.approx(20 + 4 * 1 + 3 + 2)


def test_patience_cuts_stragglers_short():
    half = replace(STEADY, rollouts=np.array([1.0, 3.0]), learning=0, learning_row=0, handling=0)
    patient = simulate(half, replace(IDEAL, workers=1000))
    assert patient.playing == pytest.approx(3)
    hasty = simulate(half, replace(IDEAL, workers=1000, patience=0.25))
    # The fast half is done after 1 s; the slow half has played a third of its steps.
    assert hasty.playing == pytest.approx(1)
    assert hasty.rate == pytest.approx(1000 * 1000 * (0.5 + 0.5 / 3), rel=0.01)
    # Nobody plays less than a quarter.
    slower = replace(half, rollouts=np.array([1.0, 8.0]))
    assert simulate(slower, replace(IDEAL, workers=1000, patience=0.25)).playing == 2


def test_the_dead_are_missed():
    playing = replace(STEADY, learning=0, learning_row=0, handling=0)
    mortal = replace(IDEAL, workers=200, lifetime=10 / 3600, absence=10.0)
    alive = simulate(playing, replace(mortal, lifetime=0.0)).rate
    # Of rounds of 2 s a worker survives p = exp(-2 / 10): p / (1 - p) of them, then it lacks in 5.
    lived = np.exp(-0.2) / (1 - np.exp(-0.2))
    assert simulate(playing, mortal).rate / alive == pytest.approx(lived / (lived + 5), rel=0.05)
