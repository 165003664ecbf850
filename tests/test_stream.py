"""Streams: is the sound of many steps and sources one sound?"""

import numpy as np
import pytest
from scipy.signal import fftconvolve

from avenv.acoustics import Stream
from avenv.core import parallel

E, K, C, S, W, L = 5, 3, 2, 400, 1000, 900
PAST = L - 1 + W


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def responses(rng):
    decay = np.exp(-np.arange(L) / 200)
    return (rng.standard_normal((E, K, C, L)) * decay).astype(np.float32)


@pytest.fixture
def dry(rng):
    return rng.standard_normal((E, K, PAST + 8 * S)).astype(np.float32)


def push(stream, dry, responses, rows=None):
    """Push dry (E, K, S), through those of responses (E, K, C, L) that the stream asks for."""
    rows = np.arange(stream.num) if rows is None else rows
    audible = stream.audible(rows, dry[rows])
    return stream.push(rows, dry[rows], responses[rows][audible]).copy()


def play(stream, dry, responses):
    """Reset every environment, push one step for each of ``responses``; return the windows."""
    past, step = stream.past, stream.step
    for i in range(stream.num):
        stream.reset(i, dry[i, :, :past], responses[0][i])
    return [push(stream, dry[..., past + k * step :][..., :step], r)
            for k, r in enumerate(responses)]  # fmt: skip


def through(dry, responses):
    """Convolve dry (E, K, N) with responses (E, K, C, L) and add up the sources: (E, C, N)."""
    dry, responses = dry.astype(np.float64), responses.astype(np.float64)
    return fftconvolve(dry[:, :, None], responses, axes=3).sum(axis=1)[..., : dry.shape[-1]]


def new_sound(windows, step=S):
    return np.concatenate([window[..., -step:] for window in windows], axis=-1)


@pytest.mark.parametrize(("step", "window", "length"), [
    (400, 1000, 900), (400, 1000, 1200), (400, 150, 900), (1000, 1000, 300), (331, 997, 1001),
    (1200, 700, 1), (7, 50, 40),
])  # fmt: skip
def test_fixed_responses_are_a_convolution(rng, step, window, length):
    stream = Stream(2, C, step, window, length)
    dry = rng.standard_normal((2, K, stream.past + 4 * step)).astype(np.float32)
    responses = rng.standard_normal((2, K, C, length)).astype(np.float32)
    heard = play(stream, dry, [responses] * 4)
    whole = through(dry, responses)
    for k in range(4):
        now = stream.past + (k + 1) * step
        expected = whole[..., now - window : now]
        np.testing.assert_allclose(heard[k], expected, atol=1e-5 * np.abs(expected).max())


def test_the_window_is_full_after_a_reset(dry, responses):
    stream = Stream(E, C, S, W, L)
    for i in range(E):
        stream.reset(i, dry[i, :, :PAST], responses[i])
    expected = through(dry, responses)[..., PAST - W : PAST]
    np.testing.assert_allclose(stream.window, expected, atol=1e-5 * np.abs(expected).max())


def test_a_new_response_fades_in_over_one_step(dry, responses):
    other = responses[::-1].copy()
    heard = play(Stream(E, C, S, W, L), dry, [responses, other])[1][..., -S:]
    before, after = (through(dry, r)[..., PAST + S : PAST + 2 * S] for r in (responses, other))
    share = 0.5 - 0.5 * np.cos(np.pi * np.arange(S) / S)
    expected = (1 - share) * before + share * after
    np.testing.assert_allclose(heard, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("parts", [2, 4, 8])
def test_one_long_step_is_many_short_ones(dry, responses, parts):
    short = play(Stream(E, C, S, W, L), dry, [responses] * parts)[-1]
    long = play(Stream(E, C, parts * S, W, L), dry, [responses])[-1]
    np.testing.assert_allclose(short, long, atol=1e-5 * np.abs(long).max())


@pytest.mark.parametrize("length", [L, 2 * S, 2 * S + 1, 1])
def test_a_tail_outlives_its_source_and_then_costs_nothing(rng, length):
    stream = Stream(1, 1, S, W, length)
    response = rng.standard_normal((1, 1, 1, length)).astype(np.float32)
    dry = np.zeros((1, 1, stream.past + 6 * S), np.float32)
    last = stream.past + S - 1  # the last sample of the first step
    dry[..., last] = 1
    tail = new_sound(play(stream, dry, [response] * 6))[0, 0, S - 1 :]
    np.testing.assert_allclose(tail[:length], response[0, 0, 0], atol=1e-5)
    over = -(-length // S) * S + 1  # of the step in which the tail ends, the next sample
    np.testing.assert_array_equal(tail[over:], 0)
    assert not stream.audible(np.array([0]), np.zeros((1, 1, S), np.float32)).any()


def test_a_source_is_asked_for_as_long_as_it_is_heard(dry, responses):
    stream = Stream(E, C, S, W, L)
    dry[1, 2] = 0
    dry[1, 2, PAST + 2 * S : PAST + 2 * S + 5] = 1
    asked = []
    for i in range(E):
        stream.reset(i, dry[i, :, :PAST], responses[i])
    for k in range(8):
        step = dry[..., PAST + k * S :][..., :S]
        asked.append(bool(stream.audible(np.arange(E), step)[1, 2]))
        push(stream, step, responses)
    assert asked == [False, False, True, True, True, True, False, False]  # 900 samples: 3 steps


def test_a_source_begins_again_with_the_response_of_then(dry, responses):
    dry[0, 1:] = 0
    dry[0, 0, : PAST + 6 * S] = 0
    heard = play(Stream(1, C, S, W, L), dry[:1], [0 * responses[:1]] * 6 + [responses[:1]] * 2)
    expected = through(dry[:1], responses[:1])[..., PAST : PAST + 8 * S]
    np.testing.assert_allclose(new_sound(heard), expected, atol=1e-5 * np.abs(expected).max())


def test_sources_add_up(dry, responses):
    turned = responses[::-1].copy()
    together = play(Stream(E, C, S, W, L), dry, [responses, turned])[-1]
    alone = [
        play(Stream(E, C, S, W, L), dry[:, k : k + 1], [responses[:, [k]], turned[:, [k]]])[-1]
        for k in range(K)
    ]
    np.testing.assert_allclose(together, sum(alone), atol=1e-5 * np.abs(together).max())


def test_silent_sources_change_no_bit(dry, responses):
    dry[:, 1:] = 0
    together = play(Stream(E, C, S, W, L), dry, [responses, responses])[-1]
    alone = play(Stream(E, C, S, W, L), dry[:, :1], [responses[:, :1]] * 2)[-1]
    np.testing.assert_array_equal(together, alone)


def test_room_for_more_sources_is_made_without_a_seam(dry, responses):
    stream = Stream(2, C, S, W, L)
    for i in range(2):
        stream.reset(i, dry[i, :1, :PAST], responses[i, :1])
    push(stream, dry[:2, :1, PAST : PAST + S], responses[:2, :1])
    stream.reset(1, dry[1, :, :PAST], responses[1])
    assert stream.sources == K
    dry[0, 1:] = 0
    heard = push(stream, dry[:2, :, PAST + S : PAST + 2 * S], responses[:2])
    expected = through(dry[:1], responses[:1])[..., PAST + 2 * S - W : PAST + 2 * S]
    np.testing.assert_allclose(heard[:1], expected, atol=1e-5 * np.abs(expected).max())


def test_a_steady_tone_heard_while_walking_has_no_clicks():
    """Each step the tone's amplitude and phase go from p to q; all else is noise of the cross-fade.

    The fade makes the tone's complex amplitude p + (q - p) h(t), h half a cosine over the step: no
    jump, and no kink, because h' is 0 at both ends. Its curvature |q - p| π² / (2 S²) is the only
    thing that a perfectly smooth tone does not have: beyond the tone's own, no second difference
    of the demodulated sound may be greater.
    """
    steps, period = 12, 40
    turn = 2 * np.pi / period
    dry = np.sin(turn * np.arange(PAST + steps * S)).astype(np.float32)[None, None]
    delays, gains = 100 - 3 * np.arange(steps), 0.5 + 0.04 * np.arange(steps)
    responses = np.zeros((steps, 1, 1, 1, L), np.float32)
    responses[np.arange(steps), 0, 0, 0, delays] = gains
    sound = new_sound(play(Stream(1, 1, S, W, L), dry, list(responses)))[0, 0].astype(np.float64)
    # a sine of one frequency, s(t - 1) + s(t + 1) = 2 cos(turn) s(t), leaves nothing of itself
    residue = sound[2:] + sound[:-2] - 2 * np.cos(turn) * sound[1:-1]
    jumps = np.abs(np.diff(gains * np.exp(-1j * turn * delays))).max()
    slope, curvature = jumps * np.pi / (2 * S), jumps * np.pi**2 / (2 * S**2)
    assert np.abs(residue).max() < 2 * np.sin(turn) * slope + curvature


def test_sound_does_not_depend_on_batch_or_threads(dry, responses):
    dry[2, 1] = 0
    both = [responses, responses[::-1].copy()]
    together = play(Stream(E, C, S, W, L), dry, both)[-1]
    alone = [
        play(Stream(1, C, S, W, L), dry[i : i + 1], [r[i : i + 1] for r in both])[-1][0]
        for i in range(E)
    ]
    np.testing.assert_array_equal(together, alone)
    parallel.set_num_threads(1)
    try:
        again = play(Stream(E, C, S, W, L), dry, both)[-1]
    finally:
        parallel.set_num_threads(None)
    np.testing.assert_array_equal(together, again)


def test_a_response_that_is_not_renewed_is_kept_to_the_bit(dry, responses):
    other = responses[::-1].copy()
    every = play(Stream(E, C, S, W, L), dry, [responses, other, other, other])
    stream, rows = Stream(E, C, S, W, L), np.arange(E)
    play(stream, dry, [responses, other])
    for k in (2, 3):
        step = dry[..., PAST + k * S :][..., :S]
        renewed = np.zeros((E, K), np.bool_)
        renewed[k, 1] = True  # some may be new beside others that are not
        heard = stream.push(rows, step, other[renewed], renewed)
        np.testing.assert_array_equal(heard, every[k])


def test_the_silent_end_of_a_response_changes_no_bit(dry, responses):
    short = responses[..., :S].copy()
    padded = np.pad(short, [(0, 0)] * 3 + [(0, L - S)])
    past = S - 1 + W
    one = play(Stream(E, C, S, W, L), dry, [padded] * 3)
    other = play(Stream(E, C, S, W, S), dry[..., PAST - past :], [short] * 3)
    np.testing.assert_array_equal(new_sound(one), new_sound(other))


def test_sound_is_cut_off_at_full_scale_and_said_to_be_finite(dry, responses):
    whole = play(Stream(E, C, S, W, L), dry, [responses] * 2)
    limited = Stream(E, C, S, W, L, limit=0.5)
    for heard, expected in zip(play(limited, dry, [responses] * 2), whole, strict=True):
        np.testing.assert_array_equal(heard, np.clip(expected, -0.5, 0.5))
    assert limited.finite.all()
    dry[2, 1, PAST + 5] = np.nan
    push(limited, dry[..., PAST : PAST + S], responses)
    assert limited.finite.tolist() == [True, True, False, True, True]


def test_without_sources_there_is_silence(dry, responses):
    stream = Stream(1, C, S, W, L)
    play(stream, dry, [responses])
    stream.reset(0, np.zeros((0, PAST), np.float32), np.zeros((0, C, L), np.float32))
    assert not stream.window.any()
    assert not push(stream, np.zeros((1, K, S), np.float32), responses).any()


def test_a_reset_leaves_the_other_environments_alone(dry, responses):
    undisturbed = play(Stream(E, C, S, W, L), dry, [responses] * 2)[-1]
    stream = Stream(E, C, S, W, L)
    play(stream, dry, [responses])
    stream.reset(2, dry[0, :, :PAST], responses[0])
    heard = push(stream, dry[..., PAST + S : PAST + 2 * S], responses)
    others = [0, 1, 3, 4]
    np.testing.assert_array_equal(heard[others], undisturbed[others])
    assert (heard[2] != undisturbed[2]).any()


def test_time_passes_only_where_it_should(dry, responses):
    undisturbed = play(Stream(E, C, S, W, L), dry, [responses] * 2)
    stream = Stream(E, C, S, W, L)
    first = play(stream, dry, [responses])[0]
    some = np.array([1, 4])
    heard = push(stream, dry[..., PAST + S : PAST + 2 * S], responses, some)
    np.testing.assert_array_equal(heard[some], undisturbed[1][some])
    np.testing.assert_array_equal(heard[[0, 2, 3]], first[[0, 2, 3]])


def test_wrong_shapes_are_refused(dry, responses):
    stream = Stream(E, C, S, W, L)
    everyone = np.arange(E)
    with pytest.raises(ValueError, match=r"histories has shape \(1, 3\); \(1, 1899\)"):
        stream.reset(0, np.zeros((1, 3), np.float32), responses[0, :1])
    with pytest.raises(ValueError, match="dry has shape"):
        stream.push(everyone, np.zeros((E, 1, S + 1), np.float32), responses[:, 0])
    with pytest.raises(ValueError, match="responses has shape"):
        stream.push(everyone, dry[:, :1, :S], responses[:2, 0])
