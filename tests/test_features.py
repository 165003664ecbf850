"""Spectrograms, against a transform written out by hand."""

import numpy as np
import pytest

from avenv import parallel
from avenv.acoustics import spectrogram, spectrogram_shape
from avenv.acoustics.features import Spectrograms


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
        np.testing.assert_array_equal(sliding.pooled[[0, 2]], spectrogram(window[[0, 2]]))
    np.testing.assert_array_equal(sliding.pooled[1], spectrogram(sound[1, :, :samples]))
