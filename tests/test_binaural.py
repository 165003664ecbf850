"""The binaural vector, against theory and against itself written out by hand."""

import copy
import pickle
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from avenv.acoustics import BinauralFeatures
from avenv.acoustics.signal.binaural import SlidingBinaural, band_weights, mirrored
from avenv.core import parallel

RATE = 16000
LAGS = np.linspace(-0.9e-3, 0.9e-3, 21)
SLICES = BinauralFeatures.slices


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def hear(left, right, step=None, rate=RATE):
    """Return the blocks of the vector of one window."""
    window = np.stack([left, right])[None].astype(np.float32)
    samples = window.shape[-1]
    [vector] = BinauralFeatures(rate, samples, step or samples // 4).compute(window)
    return {name: vector[where] for name, where in SLICES.items()}


def decibels(power):
    return 10 * np.log10(power + 1e-10)


def edges(rate):
    """Glasberg & Moore's scale, inverted by a table."""
    f = np.arange(100.0, min(7000, rate / 2) + 0.005, 0.01)
    scale = 21.4 * np.log10(1 + 0.00437 * f)
    return np.interp(np.linspace(scale[0], scale[-1], 26), scale, f)


def by_hand(window, rate, step):
    """The vector of (2, N), frame by frame and band by band."""
    window = np.asarray(window, np.float64)
    samples = window.shape[1]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    starts = list(range(samples - 400, -1, -160))[::-1]
    spectra = np.array([[np.fft.rfft(ear[s : s + 400] * hann, 512) for ear in window]
                        for s in starts])  # fmt: skip
    spectra *= np.sqrt(2 / 512 / np.sum(hann**2))  # Parseval: powers add up to the mean square
    in_step = np.array([s >= samples - step for s in starts])
    in_step[-1] = True

    frequency, edge = np.arange(257) * rate / 512, edges(rate)
    bands = []
    for low, centre, high in zip(edge[:-2], edge[1:-1], edge[2:], strict=True):
        low, high = min(low, centre - rate / 512), max(high, centre + rate / 512)
        weights = np.interp(frequency, [low, centre, high], [0, 1, 0], left=0, right=0)
        bands.append(np.where(frequency < 100, 0, weights))
    pairs = [bands[b] + bands[b + 1] for b in range(0, 24, 2)]
    heard = np.any(np.array(bands) > 0, axis=0)
    owner = np.argmax(pairs, axis=0)

    left, right = spectra[:, 0], spectra[:, 1]
    products = np.array([abs(left) ** 2, abs(right) ** 2, left * right.conj()])
    power = np.array([(products[0] + products[1]).real @ pair for pair in pairs])  # (12, T)
    rise, decay = np.zeros(power.shape), 10 ** (-6 * 160 / rate / 0.5)
    for t in range(2, len(starts)):
        echo = np.max([power[:, s] * decay ** (t - s) for s in range(t - 1)], axis=0)
        rise[:, t] = np.maximum(0, decibels(power[:, t]) - decibels(echo))
    share = 1 - 10 ** (-rise / 10)

    vector = []
    for onset, over in ((0, in_step), (0, in_step | True), (1, in_step), (1, in_step | True)):
        weights = share[owner].T[over] if onset else 1
        mean = (products[:, over] * weights).mean(axis=1)
        mean[:, ~heard] = 0
        of_bands = mean @ np.array(pairs if onset else bands).T
        p, q = of_bands[:2].real
        coherence = of_bands[2] / np.sqrt((p + 1e-10) * (q + 1e-10))
        if onset:
            vector.append((rise * power)[:, over].sum(1) / (power[:, over] + 1e-10).sum(1) / 10)
        else:
            vector.append((decibels((p + q) / 2) + 50) / 20)
        vector += [(decibels(p) - decibels(q)) / 5, 2 * coherence.real, 2 * coherence.imag]
        some = heard & (frequency <= 5000)
        floor = 1e-10 * 24 / heard.sum()
        ratio = mean[2] / np.sqrt((mean[0].real + floor) * (mean[1].real + floor))
        turns = np.exp(-2j * np.pi * frequency[some] * LAGS[:, None])
        vector.append(5 * (turns * ratio[some]).real.mean(axis=1))
    for ear in window:
        ends = [samples * k // 12 for k in range(13)]
        parts = [ear[a:b] for a, b in pairwise(ends)]
        vector.append([(decibels(np.mean(part**2)) + 50) / 20 for part in parts])
    return np.clip(np.concatenate(vector), -5, 5)


def syllables(samples, seed=0, rate=RATE, fall=0.05):
    """Noise that starts every quarter of a second and dies away."""
    time = np.arange(samples) / rate
    return 0.3 * noise(samples, seed=seed) * np.exp(-((time + 0.1) % 0.25) / fall)


@pytest.mark.parametrize(("rate", "samples", "step"), [
    (16000, 16000, 4000), (8000, 2000, 2000), (44100, 11025, 300), (96000, 24000, 9600),
    (16000, 400, 400), (16000, 1000, 1),
])  # fmt: skip
def test_it_is_what_is_written_by_hand(rate, samples, step):
    source = syllables(samples + 9, rate=rate)
    ears = np.stack([source[9:], 0.4 * source[:-9]]) + 0.01 * noise(2, samples, seed=1)
    ears[:, : samples // 3] *= 0.01
    [found] = BinauralFeatures(rate, samples, step).compute(ears[None])
    np.testing.assert_allclose(found, by_hand(ears, rate, step), atol=2e-3)


@pytest.mark.parametrize("delay", [-9, -4, 0, 4, 9])
def test_a_delay_turns_the_coherence_and_moves_the_peak(delay):
    source = noise(RATE + 20)
    found = hear(0.1 * source[10:-10], 0.1 * source[10 - delay : RATE + 10 - delay])
    frequency = np.arange(257) * RATE / 512
    # the right ear is late: the left one leads by 2π f τ
    turned = np.exp(2j * np.pi * frequency * delay / RATE)
    weights = band_weights(frequency, RATE)
    expected = weights @ turned / weights.sum(axis=1)
    nearest = np.abs(LAGS - delay / RATE).argmin()
    for span in ("step", "window"):
        coherence = found[f"{span}_coherence_real"] + 1j * found[f"{span}_coherence_imag"]
        np.testing.assert_allclose(coherence / 2, expected, atol=0.15)
        assert found[f"{span}_correlation"].argmax() == nearest
        assert found[f"{span}_onset_correlation"].argmax() == nearest
    if delay == 0:
        assert found["window_correlation"][10] == pytest.approx(5, abs=0.02)
        np.testing.assert_allclose(found["window_onset_coherence_real"], 2, atol=0.01)
    else:
        assert (np.sign(found["window_coherence_imag"][:5]) == np.sign(delay)).all()


def test_levels_and_level_differences_are_decibels():
    source = 0.01 * noise(RATE)
    even, louder = hear(source, 0.5 * source), hear(10 * source, 5 * source)
    for name in SLICES:
        # 20 dB are a unit of level, 5 dB one of level difference
        gain = 1 if name.endswith(("step_level", "window_level", "envelope")) else 0
        np.testing.assert_allclose(louder[name] - even[name], gain, atol=5e-3)
        if name.endswith("level_difference"):
            np.testing.assert_allclose(even[name], 20 * np.log10(2) / 5, atol=1e-3)


def test_levels_are_those_of_full_scale():
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    found = hear(tone, tone)
    in_bands = 10 ** ((20 * found["window_level"] - 50) / 10)
    assert in_bands.sum() == pytest.approx(0.5, rel=0.01)
    assert in_bands.argmax() == np.abs(edges(RATE)[1:-1] - 1000).argmin()
    np.testing.assert_allclose(found["left_envelope"], (50 - 3.01) / 20, atol=1e-2)


def test_ears_that_share_nothing_do_not_cohere():
    found = hear(*(0.1 * noise(2, RATE)))
    for name in ("window_coherence_real", "window_coherence_imag", "window_correlation"):
        assert np.abs(found[name]).max() < 0.8
        assert np.sqrt(np.mean(found[name] ** 2)) < 0.25


def test_silence_carries_no_weight():
    silent = hear(np.zeros(RATE), np.zeros(RATE))
    for name, block in silent.items():
        level = -2.5 if name.endswith(("_level", "envelope")) else 0
        np.testing.assert_allclose(block, level, rtol=1e-6)
    faint = 1e-7 * noise(RATE)  # 140 dB below full scale, the same in both ears
    for name, block in hear(faint, faint).items():
        np.testing.assert_allclose(block, silent[name], atol=0.01)
    alone = hear(noise(RATE), np.zeros(RATE))
    np.testing.assert_array_equal(alone["window_level_difference"], 5)
    np.testing.assert_allclose(alone["window_coherence_real"], 0, atol=0.02)


def test_a_pause_leaves_directions_as_they_are():
    source = 0.1 * noise(RATE)
    source[:12800] = 0  # all but the last 0.2 s
    found = hear(source, np.roll(0.5 * source, 3))
    for name in ("level_difference", "correlation"):
        np.testing.assert_allclose(found[f"window_{name}"], found[f"step_{name}"], atol=0.1)
    np.testing.assert_allclose(found["left_envelope"][:9], -2.5, rtol=1e-6)
    np.testing.assert_allclose(found["left_envelope"][10:], 1.5, atol=0.1)


def test_the_step_is_what_was_heard_last():
    first, last = 0.1 * noise(12000), 0.1 * noise(4000, seed=1)
    found = hear(np.append(first, 0.1 * last), np.append(0.1 * first, last))
    np.testing.assert_allclose(found["step_level_difference"], -4, atol=0.01)
    assert (found["window_level_difference"] > 0).all()
    np.testing.assert_allclose(found["left_envelope"] - found["right_envelope"],
                               [1] * 9 + [-1] * 3, atol=0.2)  # fmt: skip


def test_clicks_are_onsets_and_steady_noise_is_none():
    clicks = np.zeros(RATE)
    clicks[2000::4000] = 0.5
    rng = np.random.default_rng(2)
    clicks += 1e-4 * rng.standard_normal(RATE)
    steady = 0.05 * rng.standard_normal(RATE)
    struck, flowing = hear(clicks, clicks), hear(steady, steady)
    for span in ("step", "window"):
        assert (struck[f"{span}_onset_strength"] > 1.5).all()
        assert (flowing[f"{span}_onset_strength"] < 0.7).all()


def test_onsets_tell_the_direction_that_reverberation_hides():
    rng = np.random.default_rng(3)
    dry = syllables(2 * RATE, seed=4, fall=0.02)
    tail = rng.standard_normal((2, RATE // 2)) * 10 ** (-3 * np.arange(RATE // 2) / (0.5 * RATE))
    tail[:, :160] = 0  # reflections come 10 ms after the direct sound
    ears = []
    for ear, delay in zip(tail, (0, 7), strict=True):
        # the tail has ten times the energy of the direct sound
        response = ear * np.sqrt(10 / np.sum(ear**2))
        response[delay] += 1
        ears.append(np.convolve(dry, response)[RATE : 2 * RATE])
    found = hear(*ears)
    heard = np.abs(LAGS - 7 / RATE).argmin()
    for span in ("step", "window"):
        all_of, onsets = found[f"{span}_correlation"], found[f"{span}_onset_correlation"]
        assert onsets.argmax() == heard
        assert onsets[heard] > 2 * all_of[heard]
    # the drier, the farther sound rises above what echoes
    near = hear(dry[RATE:], dry[RATE - 7 : -7])
    assert (near["window_onset_strength"] > found["window_onset_strength"] + 0.5).all()


def test_swapped_ears_mirror_the_vector():
    source = syllables(RATE + 9)
    ears = np.stack([source[9:], 0.4 * source[:-9]]) + 0.02 * noise(2, RATE, seed=1)
    vectors = BinauralFeatures(RATE, RATE, 4000).compute(np.stack([ears, ears[::-1]]))
    np.testing.assert_allclose(mirrored(vectors), vectors[::-1], atol=1e-3)
    np.testing.assert_array_equal(mirrored(mirrored(vectors)), vectors)
    assert np.abs(vectors[0] - vectors[1]).max() > 1


def test_rows_and_threads_do_not_matter():
    windows = 0.1 * noise(5, 2, 4000).astype(np.float32)
    features = BinauralFeatures(RATE, 4000, 1600)
    found = features.compute(windows)
    assert found.shape == (5, features.size)
    assert found.dtype == np.float32
    try:
        for threads in (1, 2):
            parallel.set_num_threads(threads)
            np.testing.assert_array_equal(features.compute(windows), found)
    finally:
        parallel.set_num_threads(None)
    out = np.empty((1, features.size), np.float32)
    assert features.compute(windows[3:4], out) is out
    np.testing.assert_array_equal(out[0], found[3])
    for other in (pickle.loads(pickle.dumps(features)), copy.deepcopy(features)):
        np.testing.assert_array_equal(other.compute(windows), found)


@pytest.mark.parametrize(("samples", "step"), [(4000, 1600), (4000, 4000), (2000, 160), (999, 300)])
def test_sliding_vectors_have_the_bits_of_whole_ones(samples, step):
    sound = 0.1 * noise(3, 2, samples + 5 * step).astype(np.float32)
    features = BinauralFeatures(RATE, samples, step)
    sliding, some = SlidingBinaural(features, 3), np.array([0, 2])
    sliding.renew(np.arange(3), sound[..., :samples])
    for k in range(1, 6):
        windows = np.ascontiguousarray(sound[..., k * step :][..., :samples])
        sliding.slide(some, windows)
        np.testing.assert_array_equal(sliding.values[some], features.compute(windows[some]))
    np.testing.assert_array_equal(sliding.values[1:2], features.compute(sound[1:2, :, :samples]))


def test_nothing_leaves_the_bounds():
    windows = np.zeros((4, 2, 4000), np.float32)
    windows[0, 0] = 1
    windows[1, 1, 2000] = 1e4
    windows[2] = 1e6 * noise(2, 4000)
    windows[3, 0, 3999] = 1e-20
    found = BinauralFeatures(8000, 4000, 4000).compute(windows)
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= BinauralFeatures.bound == 5


def test_bad_windows_are_refused():
    with pytest.raises(ValueError, match=r"399 samples; accepted: 400 or more"):
        BinauralFeatures(RATE, 399, 399)
    with pytest.raises(ValueError, match=r"4001 samples; accepted: 1 to 4000"):
        BinauralFeatures(RATE, 4000, 4001)
    features = BinauralFeatures(RATE, 4000, 4000)
    for shape in ((2, 4000), (1, 1, 4000), (1, 4, 4000), (1, 2, 3999)):
        with pytest.raises(ValueError, match=r"accepted: \(rows, 2, 4000\)"):
            features.compute(np.zeros(shape))
    for out in (np.zeros((1, 5), np.float32), np.zeros((1, features.size))):
        with pytest.raises(ValueError, match=r"accepted: float32 of the shape \(1, 396\)"):
            features.compute(np.zeros((1, 2, 4000)), out)


def test_the_page_shows_the_vector_as_it_is():
    page = (Path(__file__).parents[1] / "docs" / "observations.md").read_text()
    [table] = re.findall(r"<!-- binaural -->\n(.*?)\n<!-- end -->", page, re.DOTALL)
    rows = [[cell.strip() for cell in row.split("|")[1:4]] for row in table.splitlines()[2:]]
    shown = {name.strip("`"): (int(start), int(length)) for start, length, name in rows}
    assert shown == {name: (s.start, s.stop - s.start) for name, s in SLICES.items()}
    assert list(shown) == list(SLICES)
    assert f"({BinauralFeatures.size},)" in page
    assert list(SLICES.values())[-1].stop == BinauralFeatures.size
