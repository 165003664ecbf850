"""The classical agent of sounds that end or move: it remembers where it sounded, and keeps up."""

import numpy as np
import pytest
from support import small_flat

from avenv.benchmark import evaluate
from avenv.simulation.loading import load_scene
from avenv_agents.hearing import HEAD_RADIUS, SPEED_OF_SOUND, SourceBelief
from avenv_agents.seeker import SeekerAgent, WanderingBelief

RATE = 16000
FLAT = {"scenes": load_scene(small_flat()), "image_size": (32, 32), "progress": False}


def noise_from_the_side(side):
    """Return 0.25 s of noise at the ears (2, N) as loud as from 3 m; 1 is left, -1 right."""
    noise = np.random.default_rng(0).normal(size=RATE // 4)
    noise *= 10 ** (-31 / 20) / np.std(noise)
    lag = round(side * HEAD_RADIUS / SPEED_OF_SOUND * (np.pi / 2 + 1) * RATE)
    shade = 10 ** (side * 3 / 20)
    return np.stack([shade * noise, np.roll(noise, lag) / shade]).astype(np.float32)


def hear(belief, side, times):
    """Let a body at the origin that faces along x hear a noise from its left or right."""
    sound = noise_from_the_side(side)
    for _ in range(times):
        belief.update(sound, sound, RATE, np.zeros(2), 0.0)


def test_it_believes_in_the_side_from_which_it_sounds_now():
    moving, still = WanderingBelief(6.0), SourceBelief(6.0)
    for belief in (moving, still):
        hear(belief, 1, 40)
        assert belief.best()[1] > 1
        hear(belief, -1, 15)
    assert moving.best()[1] < -1
    assert still.best()[1] > 1


def test_a_belief_spreads_by_what_a_source_walks():
    belief = WanderingBelief(6.0)
    at, silence = belief.places()[25, 14], np.zeros((2, RATE // 4), np.float32)
    belief.log[:] = -30.0
    belief.log[25, 14] = 0.0
    belief.update(silence, silence, RATE, np.zeros(2), 0.0)
    away = belief.places() - at
    mean = (belief.probability[..., None] * away).sum(axis=(0, 1))
    variance = (belief.probability[..., None] * away**2).sum(axis=(0, 1))
    assert mean == pytest.approx(0, abs=0.02)
    assert np.sqrt(variance) == pytest.approx(belief.SPREAD, rel=0.03)


def test_it_goes_to_what_has_fallen_silent():
    report = evaluate(
        SeekerAgent, episodes=4, task="SemanticAudioGoal", acoustics="anechoic",
        duration=5.0, duration_spread=0.0, latest_onset=1.0, **FLAT,
    )  # fmt: skip
    assert report.values("success").sum() >= 3
    assert report.values("sws").sum() >= 2


def test_it_catches_up_with_what_walks():
    report = evaluate(
        SeekerAgent, episodes=3, seed=1, task="MovingAudioGoal", who="robot",
        propagation={"rays": 512}, **FLAT,
    )  # fmt: skip
    assert report.values("success").sum() >= 2
