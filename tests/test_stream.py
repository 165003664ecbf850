"""Streams: is the sound of many steps one sound?"""

import numpy as np
import pytest
from scipy.signal import fftconvolve

from avenv import parallel
from avenv.acoustics import Stream

E, C, S, W, L = 5, 2, 400, 1000, 900
PAST = L - 1 + W


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def responses(rng):
    decay = np.exp(-np.arange(L) / 200)
    return (rng.standard_normal((E, C, L)) * decay).astype(np.float32)


def play(stream, dry, responses, steps):
    """Reset every environment, push ``steps`` steps and return the windows heard after each."""
    for i in range(stream.num):
        stream.reset(i, dry[i, :PAST], responses[0][i])
    step = stream.step
    return [
        stream.push(dry[:, PAST + k * step :][:, :step], responses[k]).copy() for k in range(steps)
    ]


@pytest.mark.parametrize(("step", "window", "length"), [
    (400, 1000, 900), (400, 1000, 1200), (400, 150, 900), (1000, 1000, 300), (331, 997, 1001),
])  # fmt: skip
def test_a_fixed_response_is_a_convolution(rng, step, window, length):
    past = length - 1 + window
    dry = rng.standard_normal((2, past + 4 * step)).astype(np.float32)
    response = rng.standard_normal((2, C, length)).astype(np.float32)
    stream = Stream(2, C, step, window, length)
    for i in range(2):
        stream.reset(i, dry[i, :past], response[i])
    whole = fftconvolve(dry[:, None].astype(np.float64), response, axes=2)
    for k in range(4):
        now = past + k * step
        heard = stream.push(dry[:, now : now + step], response)
        expected = whole[..., now + step - window : now + step]
        np.testing.assert_allclose(heard, expected, atol=1e-5 * np.abs(expected).max())


def test_the_window_is_full_after_a_reset(rng, responses):
    dry = rng.standard_normal((E, PAST + S)).astype(np.float32)
    stream = Stream(E, C, S, W, L)
    heard = play(stream, dry, [responses], 1)[0]
    whole = fftconvolve(dry[:, None].astype(np.float64), responses, axes=2)
    np.testing.assert_allclose(heard, whole[..., PAST + S - W : PAST + S], atol=1e-3)


def test_a_new_response_fades_in_over_one_step(rng, responses):
    dry = rng.standard_normal((E, PAST + 2 * S)).astype(np.float32)
    other = responses[::-1].copy()
    heard = play(Stream(E, C, S, W, L), dry, [responses, other], 2)[1][..., -S:]
    before, after = (
        fftconvolve(dry[:, None].astype(np.float64), r, axes=2)[..., PAST + S : PAST + 2 * S]
        for r in (responses, other)
    )
    share = 0.5 - 0.5 * np.cos(np.pi * np.arange(S) / S)
    expected = (1 - share) * before + share * after
    np.testing.assert_allclose(heard, expected, atol=1e-5 * np.abs(expected).max())


def test_one_long_step_is_many_short_ones(rng, responses):
    dry = rng.standard_normal((E, PAST + 4 * S)).astype(np.float32)
    short = play(Stream(E, C, S, W, L), dry, [responses] * 4, 4)[-1]
    long = play(Stream(E, C, 4 * S, W, L), dry, [responses], 1)[-1]
    np.testing.assert_allclose(short, long, atol=1e-5 * np.abs(long).max())


def test_a_tail_outlives_its_source(rng, responses):
    dry = np.zeros((E, PAST + 3 * S), np.float32)
    dry[:, PAST - 1] = 1  # the last sample before the first step
    heard = play(Stream(E, C, S, W, L), dry, [responses] * 3, 3)
    tail = np.concatenate([h[..., -S:] for h in heard], axis=-1)
    np.testing.assert_allclose(tail[..., : L - 1], responses[..., 1:], atol=1e-5)
    np.testing.assert_allclose(tail[..., L - 1 :], 0, atol=1e-5)


def test_a_steady_tone_heard_while_responses_change_has_no_clicks(rng):
    steps = 12
    time = np.arange(PAST + steps * S)
    dry = np.sin(2 * np.pi * time / 40).astype(np.float32)[None]
    responses = np.zeros((steps, 1, 1, L), np.float32)
    for k in range(steps):  # walking: a tap that moves and grows
        responses[k, 0, 0, 100 - 3 * k] = 0.5 + 0.04 * k
    heard = play(Stream(1, 1, S, W, L), dry, list(responses), steps)
    sound = np.concatenate([h[0, 0, -S:] for h in heard]).astype(np.float64)
    # a smooth tone of amplitude <= 1 bends by at most (2π / 40)² per sample; a click bends more
    assert np.abs(np.diff(sound, 2)).max() < 1.2 * (2 * np.pi / 40) ** 2


def test_sound_does_not_depend_on_batch_or_threads(rng, responses):
    dry = rng.standard_normal((E, PAST + 2 * S)).astype(np.float32)
    together = play(Stream(E, C, S, W, L), dry, [responses, responses[::-1]], 2)[-1]
    alone = [
        play(Stream(1, C, S, W, L), dry[i : i + 1],
             [responses[i : i + 1], responses[::-1][i : i + 1]], 2)[-1][0]
        for i in range(E)
    ]  # fmt: skip
    np.testing.assert_array_equal(together, alone)
    parallel.set_num_threads(1)
    try:
        again = play(Stream(E, C, S, W, L), dry, [responses, responses[::-1]], 2)[-1]
    finally:
        parallel.set_num_threads(None)
    np.testing.assert_array_equal(together, again)


def test_a_reset_leaves_the_other_environments_alone(rng, responses):
    dry = rng.standard_normal((E, PAST + 2 * S)).astype(np.float32)
    undisturbed = play(Stream(E, C, S, W, L), dry, [responses] * 2, 2)[-1]
    stream = Stream(E, C, S, W, L)
    play(stream, dry, [responses], 1)
    stream.reset(2, dry[0, :PAST], responses[0])
    heard = stream.push(dry[:, PAST + S :], responses)
    others = [0, 1, 3, 4]
    np.testing.assert_array_equal(heard[others], undisturbed[others])
    assert (heard[2] != undisturbed[2]).any()


def test_wrong_shapes_are_refused(rng, responses):
    stream = Stream(E, C, S, W, L)
    with pytest.raises(ValueError, match=r"history has shape \(3,\); \(1899,\)"):
        stream.reset(0, np.zeros(3, np.float32), responses[0])
    with pytest.raises(ValueError, match="dry has shape"):
        stream.push(np.zeros((E, S + 1), np.float32), responses)
