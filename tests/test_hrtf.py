"""The head: does sound reach the right ear first, and as much louder as it should?"""

import numpy as np
import pytest

from avenv.acoustics import make_layout
from avenv.acoustics.filters import minimum_phase, octave_filters, octave_weights
from avenv.acoustics.hrtf import ear_filters, load_hrtf
from avenv.bands import bands_for

RATE = 16000


@pytest.fixture(scope="module")
def ears():
    return ear_filters(load_hrtf(), RATE)


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_octave_filters_add_up_to_one_tap(rate):
    filters = octave_filters(rate, 8)
    whole = filters[0].astype(np.float64).sum(axis=0)
    tap = np.zeros_like(whole)
    tap[len(tap) // 2] = 1
    np.testing.assert_allclose(whole, tap, atol=1e-6)
    assert filters.shape[1] == len(bands_for(rate))


def test_octave_filters_pass_their_own_centre():
    filters = octave_filters(RATE, 1)[0]
    gain = np.abs(np.fft.rfft(filters, RATE))[:, bands_for(RATE).astype(int)]
    np.testing.assert_allclose(gain, np.eye(6), atol=0.06)


def test_octave_weights_share_every_frequency():
    weights = octave_weights(np.geomspace(1, RATE / 2, 500), RATE)
    np.testing.assert_allclose(weights.sum(axis=0), 1, atol=1e-12)
    assert weights.min() >= 0


def test_octave_filters_delay_by_parts_of_a_sample():
    filters = octave_filters(RATE, 4).astype(np.float64).sum(axis=1)
    half = filters.shape[1] // 2
    turns = np.fft.rfftfreq(1024)
    spectra = np.fft.rfft(filters, 1024) * np.exp(2j * np.pi * turns * half)
    delayed = np.exp(-2j * np.pi * turns * np.arange(5)[:, None] / 4)
    passed = turns < 0.46
    np.testing.assert_allclose(spectra[:, passed], delayed[:, passed], atol=5e-3)


def test_minimum_phase_of_a_known_filter():
    zeros_inside = np.array([1.0, -0.5, 0.06])  # roots 0.3 and 0.2
    magnitude = np.abs(np.fft.rfft(zeros_inside[::-1], 256))
    np.testing.assert_allclose(minimum_phase(magnitude)[:3], zeros_inside, atol=1e-9)


def test_interaural_delay_is_that_of_a_sphere(ears):
    # Woodworth & Schlosberg 1954: (r / c) (θ + sin θ), θ from the median plane, r = 8.75 cm
    _, delays = ears
    azimuth = np.radians(np.arange(0, 360, 5))
    lateral = np.arcsin(np.sin(azimuth))
    sphere = 0.0875 / 343 * (lateral + np.sin(lateral))
    horizontal = delays[18]
    measured = (horizontal[:, 1] - horizontal[:, 0]) / RATE
    np.testing.assert_allclose(measured, sphere, atol=60e-6)


def test_the_near_ear_is_louder(ears):
    filters, _ = ears
    energy = (filters[18] ** 2).sum(axis=-1)
    level_difference = 10 * np.log10(energy[:, 0] / energy[:, 1])
    left, right = slice(3, 34), slice(39, 70)  # 15° to 165° on either side
    assert (level_difference[left] > 2).all()
    assert (level_difference[right] < -2).all()


def test_ears_mirror_each_other(ears):
    filters, delays = ears
    mirrored = -np.arange(filters.shape[1])
    np.testing.assert_array_equal(filters[:, :, 0], filters[:, mirrored, 1])
    np.testing.assert_array_equal(delays[:, :, 0], delays[:, mirrored, 1])


@pytest.mark.parametrize("rate", [16000, 44100])
def test_an_ear_in_a_diffuse_field_is_as_loud_as_a_microphone(rate):
    covariance = make_layout("binaural", rate).covariance
    level = 10 * np.log10(np.diagonal(covariance, axis1=1, axis2=2).real)
    np.testing.assert_allclose(level, 0, atol=0.3)


def test_ears_in_a_diffuse_field_cohere_at_low_frequencies_only():
    # for two points apart: sin(kd) / kd, d about 0.2 m: 0.5 near 500 Hz, 0 near 860 Hz and lower
    # round a head (Lindevald & Benade 1986 measure the first zero near 500 Hz)
    covariance = make_layout("binaural", RATE).covariance.real
    frequency = np.linspace(0, RATE / 2, len(covariance))
    assert (covariance[frequency < 100, 0, 1] > 0.9).all()
    assert np.abs(covariance[frequency > 1500, 0, 1]).max() < 0.12
    first_zero = frequency[np.argmax(covariance[:, 0, 1] < 0)]
    assert 400 < first_zero < 800


def test_unknown_layout_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'quadraphonic'.*'mono', 'binaural'"):
        make_layout("quadraphonic", RATE)
