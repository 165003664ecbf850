"""Spectrograms, against a transform written out by hand."""

import os
import subprocess
import sys

import numpy as np
import pytest

from avenv.acoustics import spectrogram, spectrogram_shape
from avenv.acoustics.signal import features, frames
from avenv.acoustics.signal.spectrogram import Spectrograms
from avenv.core import parallel
from avenv.core.kernels import fast_kernel


@fast_kernel
def logarithms(values):
    frames.take_logarithms(values)


def by_hand(signal):
    """|STFT| (512, hop 160, Hann 400), 4 x 4 mean with zeros beyond the edges, log1p."""
    window = np.zeros(512)
    window[56:456] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    padded = np.pad(np.asarray(signal, np.float64), 256)
    frames = [padded[s : s + 512] * window for s in range(0, len(padded) - 511, 160)]
    levels = np.abs(np.fft.rfft(frames)).T
    bins, times = levels.shape
    rows, columns = -(-bins // 4), -(-times // 4)
    full = np.zeros((4 * rows, 4 * columns))
    full[:bins, :times] = levels
    return np.log1p(full.reshape(rows, 4, columns, 4).mean(axis=(1, 3)))


@pytest.mark.parametrize("samples", [16000, 15999, 4000, 44100, 160, 1])
def test_spectrogram_is_the_pooled_transform(samples):
    audio = np.random.default_rng(0).standard_normal((2, samples)).astype(np.float32)
    found = spectrogram(audio)
    assert found.shape == spectrogram_shape(samples)
    assert found.dtype == np.float32
    for channel in range(2):
        np.testing.assert_allclose(found[..., channel], by_hand(audio[channel]), atol=1e-4)


def test_one_second_at_16_khz_has_the_published_shape():
    assert spectrogram_shape(16000) == (65, 26, 2)


def test_a_tone_lies_in_its_row():
    time = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * 1000 * time)
    found = spectrogram(np.stack([tone, 0 * tone]))
    assert (found[:, 2:24, 0].argmax(axis=0) == 1000 / 16000 * 512 // 4).all()
    np.testing.assert_allclose(found[..., 1], 0, atol=1e-5)


def test_batches_keep_their_axes_and_bits():
    audio = np.random.default_rng(1).standard_normal((3, 4, 2, 4000)).astype(np.float32)
    found = spectrogram(audio)
    assert found.shape == (3, 4, *spectrogram_shape(4000))
    np.testing.assert_array_equal(found[1, 2], spectrogram(audio[1, 2]))
    parallel.set_num_threads(1)
    try:
        np.testing.assert_array_equal(found, spectrogram(audio))
    finally:
        parallel.set_num_threads(None)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize(("samples", "step"), [
    (4000, 1600), (4000, 4000), (4000, 160), (4000, 1000), (3999, 480), (300, 160), (800, 1600),
])  # fmt: skip
def test_sliding_spectrograms_have_the_bits_of_whole_ones(samples, step, channels):
    rng = np.random.default_rng(2)
    sound = rng.standard_normal((3, channels, samples + 3 * step)).astype(np.float32)
    sliding = Spectrograms(3, channels, samples, step)
    sliding.renew(np.arange(3), sound[..., :samples])
    for k in range(1, 4):
        window = sound[..., k * step :][..., :samples]
        sliding.slide(np.array([0, 2]), window)
        np.testing.assert_array_equal(sliding.values[[0, 2]], spectrogram(window[[0, 2]]))
    np.testing.assert_array_equal(sliding.values[1], spectrogram(sound[1, :, :samples]))


def test_transforms_stand_on_the_grid_of_the_spectrogram():
    audio = np.random.default_rng(3).standard_normal((2, 4000)).astype(np.float32)
    levels = np.abs(features.stft(audio))
    assert levels.shape == (2, features.num_frames(4000), 257) == (2, 26, 257)
    means = np.pad(levels, ((0, 0), (0, 2), (0, 3))).reshape(2, 7, 4, 65, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(np.log1p(means).T, spectrogram(audio), atol=1e-4)


def test_mel_filters_are_the_formula_s():
    filters = features.mel_filters(16000, 40)
    # 40 triangles on 42 points, evenly spaced from 0 to 2595 log10(1 + 8000 / 700) mel
    spacing = 2595 * np.log10(1 + 8000 / 700) / 41
    for k in (0, 7, 39):
        low, centre, high = (700 * (10 ** (spacing * (k + i) / 2595) - 1) for i in range(3))
        for f in range(257):
            expected = np.interp(f * 16000 / 512, [low, centre, high], [0, 1, 0], left=0, right=0)
            assert filters[k, f] == pytest.approx(expected, abs=1e-6)


def test_log_mel_of_a_tone_is_its_power_through_the_filters():
    time = np.arange(16000) / 16000
    tone = 0.5 * np.sin(2 * np.pi * 1000 * time)
    found = features.log_mel(np.stack([tone, 0 * tone]), 16000, 40)
    assert found.shape == (40, 101, 2)
    # a tone on bin 32: amplitude / 2 times the window's sum there, half of it next to it, as the
    # window is shorter than the transform a little more: summed up, by Parseval's theorem,
    # the power of all bins is 512 / 2 times the energy of the frame
    power = 512 / 2 * np.sum((0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)) ** 2) * 0.125
    weights = features.mel_filters(16000, 40)[:, 30:35].max(axis=1)
    heard = np.exp(found[weights > 0, 50, 0]).sum()
    assert heard == pytest.approx(power, rel=0.1)
    np.testing.assert_allclose(found[:, 50, 1], np.log(1e-10), rtol=1e-6)


def noise(samples=4000):
    return np.random.default_rng(4).standard_normal(samples + 40).astype(np.float32)


def test_gcc_phat_finds_the_delay_of_an_ear():
    sound = noise()
    ears = np.stack([sound[40:], 0.3 * sound[33:-7]])  # the right ear is 7 samples late
    found = features.gcc_phat(ears, 16)
    assert found.shape == (33, 26, 1)
    assert (found[:, 1:-1, 0].argmax(axis=0) == 16 + 7).all()
    same = features.gcc_phat(np.stack([sound, sound]), 16)
    np.testing.assert_allclose(same[16, :, 0], 1, atol=1e-3)
    assert np.abs(same).max() <= 1
    np.testing.assert_array_equal(features.gcc_phat(np.zeros((2, 4000)), 4), 0)


def test_interaural_phase_and_level():
    time = np.arange(8000) / 16000
    tone = 2 * np.pi * 1000 * time
    ears = np.stack([np.sin(tone), 0.1 * np.sin(tone - np.pi / 3)])
    found = features.interaural(ears)
    assert found.shape == (257, 51, 3)
    cosine, sine, level = found[32, 25]
    assert (cosine, sine) == pytest.approx((0.5, np.sqrt(0.75)), abs=1e-3)
    assert level == pytest.approx(20, abs=0.01)
    swapped = features.interaural(ears[::-1])[32, 25]
    np.testing.assert_allclose(swapped, [0.5, -np.sqrt(0.75), -20], atol=0.01)
    np.testing.assert_array_equal(features.interaural(np.zeros((2, 4000)))[3, 3], [1, 0, 0])
    alone = features.interaural(np.stack([np.sin(tone), 0 * tone]))[32, 25]
    assert alone[2] == features.LEVEL_RANGE


@pytest.mark.parametrize("kind", [
    features.log_mel_kind(16000, 24, 2), features.INTERAURAL, features.gcc_phat_kind(13),
])  # fmt: skip
@pytest.mark.parametrize(("samples", "step"), [(4000, 1600), (4000, 1000), (800, 1600)])
def test_sliding_features_have_the_bits_of_whole_ones(kind, samples, step):
    sound = np.random.default_rng(5).standard_normal((3, 2, samples + 3 * step)).astype(np.float32)
    sliding = features.SlidingFeatures(kind, 3, samples, step)
    sliding.renew(np.arange(3), sound[..., :samples])
    for k in range(1, 4):
        windows = np.ascontiguousarray(sound[..., k * step :][..., :samples])
        sliding.slide(np.array([0, 2]), windows)
        whole = features.SlidingFeatures(kind, 3, samples, step)
        whole.renew(np.array([0, 2]), windows)
        np.testing.assert_array_equal(sliding.values[[0, 2]], whole.values[[0, 2]])


def test_features_are_what_the_transforms_say():
    audio = np.random.default_rng(6).standard_normal((2, 4000)).astype(np.float32)
    left, right = features.stft(audio).astype(complex)
    mel = np.log(1e-10 + abs(left) ** 2 @ features.mel_filters(16000, 24).T)
    np.testing.assert_allclose(features.log_mel(audio, 16000, 24)[..., 0], mel.T, atol=1e-4)
    cross = left * right.conj()
    found = features.interaural(audio)
    heard = np.abs(cross).T > 1
    np.testing.assert_allclose(found[heard, 0], (cross.real / abs(cross)).T[heard], atol=1e-4)
    np.testing.assert_allclose(found[heard, 1], (cross.imag / abs(cross)).T[heard], atol=1e-4)
    level = 20 * np.log10(abs(left) / abs(right)).T
    np.testing.assert_allclose(found[heard, 2], level[heard], atol=1e-2)
    lags = np.fft.irfft((cross.conj() / abs(cross)), 512).T
    expected = np.concatenate([lags[-13:], lags[:14]])
    np.testing.assert_allclose(features.gcc_phat(audio, 13)[..., 0], expected, atol=1e-4)


def test_logarithms_are_those_of_numpy():
    values = np.geomspace(1e-30, 1e30, 100001).astype(np.float32)
    found = values.copy()
    logarithms(found)
    expected = np.log(values.astype(float))
    np.testing.assert_allclose(found, expected, rtol=2e-7, atol=2e-7)


def test_bad_windows_are_refused():
    with pytest.raises(ValueError, match=r"159 samples; accepted: 160 \(one hop\) or more"):
        features.log_mel(np.zeros((2, 159)), 16000)
    with pytest.raises(ValueError, match=r"\(4000,\); accepted: \(..., channels, samples\)"):
        spectrogram(np.zeros(4000))
    with pytest.raises(ValueError, match=r"\(1, 4000\); accepted: \(..., 2, samples\)"):
        features.interaural(np.zeros((1, 4000)))
    with pytest.raises(ValueError, match="lies between two bins"):
        features.mel_filters(16000, 200)


def test_the_process_that_compiles_the_kernels_makes_the_bits_of_later_ones(tmp_path):
    code = (
        "import hashlib, numpy as np; from avenv.acoustics import spectrogram; "
        "sound = np.random.default_rng(0).standard_normal((2, 16000)); "
        "print(hashlib.sha256(spectrogram(sound)).hexdigest())"
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    first, later = (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
        ).stdout
        for _ in range(2)
    )
    assert first == later
