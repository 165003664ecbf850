"""Room-acoustic measures of decays whose measures are known."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from avenv.acoustics import measures

RATE = 16000


def decay(reverberation_time, seconds):
    """A smooth exponential decay of pressure: 60 dB in the reverberation time."""
    return np.exp(-3 * np.log(10) * np.arange(int(seconds * RATE)) / RATE / reverberation_time)


def noise_like(reverberation_time, seconds, seed=0, channels=2):
    response = decay(reverberation_time, seconds)
    return response * np.random.default_rng(seed).standard_normal((channels, len(response)))


@pytest.mark.parametrize("reverberation_time", [0.2, 0.5, 1.0])
def test_an_exponential_decay_has_closed_forms(reverberation_time):
    found = measures(decay(reverberation_time, 1.2), RATE)
    rate = 6 * np.log(10) / reverberation_time
    for name in ("t20", "t30", "edt"):
        assert found[name] == pytest.approx(reverberation_time, rel=0.005)
    for name, seconds in (("c50", 0.05), ("c80", 0.08), ("drr", 0.0025)):
        assert found[name] == pytest.approx(10 * np.log10(np.expm1(rate * seconds)), abs=0.05)
    assert found["d50"] == pytest.approx(1 - np.exp(-rate * 0.05), abs=0.002)
    assert found["ts"] == pytest.approx(1 / rate, rel=0.02)


@pytest.mark.parametrize("seconds", [0.7, 1.0, 1.5])
def test_a_response_cut_short_still_decays_at_its_rate(seconds):
    found = measures(noise_like(1.0, seconds, channels=8), RATE)
    assert np.mean(found["t20"]) == pytest.approx(1.0, rel=0.03)
    assert np.mean(found["t30"]) == pytest.approx(1.0, rel=0.03)


def test_background_noise_does_not_lengthen_the_decay():
    response = noise_like(0.6, 2.0, channels=8)
    noise = np.random.default_rng(9).standard_normal(response.shape)
    found = measures(response + 10 ** (-55 / 20) * noise, RATE)
    assert np.mean(found["t30"]) == pytest.approx(0.6, rel=0.03)


def test_what_cannot_be_measured_is_nan():
    assert np.isnan(measures(noise_like(2.0, 0.8), RATE)["t30"]).all()
    loud_noise = noise_like(0.6, 2.0) + 0.1 * np.random.default_rng(9).standard_normal(32000)
    assert np.isnan(measures(loud_noise, RATE)["t30"]).all()
    assert all(np.isnan(value) for value in measures(np.zeros(1000), RATE).values())


def test_what_is_nan_has_a_reason():
    def reason(response):
        return measures(response, RATE, reasons=True)["reasons"]

    assert reason(decay(0.5, 1.0)) == ""
    short = decay(1.0, 0.5)  # falls by 30 dB, of which some are lost where it is cut
    assert np.isnan(measures(short, RATE)["t30"])
    assert "t30 needs 35" in reason(short)
    assert "t20" not in reason(short)
    assert reason(np.zeros(1000)) == "the response is silent"
    taps = np.zeros(2000)
    taps[[100, 200, 300]] = 1.0, 0.01, 0.001
    assert "too few steps to fit edt" in reason(taps)
    bands = measures(noise_like(0.5, 1.0), RATE, per_band=True, reasons=True)["reasons"]
    assert bands.shape == (2, 6)
    assert "reasons" not in measures(short, RATE)


def test_one_tap_is_all_direct():
    tap = np.zeros(1000)
    tap[300] = 0.2
    found = measures(tap, RATE)
    assert found["d50"] == 1
    assert found["drr"] == np.inf
    assert np.isnan(found["t30"])


def test_direct_to_reverberant_ratio_of_two_taps():
    taps = np.zeros(4000)
    taps[100], taps[1000] = 1.0, 0.1
    found = measures(taps, RATE)
    assert found["drr"] == pytest.approx(20)
    assert found["c50"] == pytest.approx(20)
    assert found["c80"] == np.inf


def test_direct_to_reverberant_ratio_is_the_same_in_every_band_of_two_taps():
    taps = np.zeros(8000)
    taps[1000], taps[4000] = 1.0, 0.1
    np.testing.assert_allclose(measures(taps, RATE, per_band=True)["drr"], 20, atol=0.01)


def test_silence_before_the_sound_does_not_count():
    response = noise_like(0.5, 1.0)
    later = np.pad(response, ((0, 0), (500, 0)))
    for name, value in measures(response, RATE).items():
        np.testing.assert_allclose(measures(later, RATE)[name], value, rtol=0.03)


def test_every_band_has_its_own_decay():
    low = sosfiltfilt(butter(6, 500, fs=RATE, output="sos"), noise_like(1.2, 2.0, seed=1))
    high = sosfiltfilt(butter(6, 1000, "high", fs=RATE, output="sos"), noise_like(0.4, 2.0, seed=2))
    found = measures(low + high, RATE, per_band=True)["t30"]
    assert found.shape == (2, 6)
    np.testing.assert_allclose(found[:, 0:2].mean(), 1.2, rtol=0.1)
    np.testing.assert_allclose(found[:, 4:6].mean(), 0.4, rtol=0.1)


def test_shapes_follow_the_responses():
    assert np.shape(measures(noise_like(0.3, 0.5)[0], RATE)["t30"]) == ()
    assert measures(noise_like(0.3, 0.5), RATE)["t30"].shape == (2,)
    assert measures(noise_like(0.3, 0.5)[None], RATE, per_band=True)["c50"].shape == (1, 2, 6)


def test_nothing_to_measure_is_refused():
    with pytest.raises(ValueError, match="rir"):
        measures(np.zeros((2, 0)), RATE)
    with pytest.raises(ValueError, match="rir"):
        measures([0.0, np.nan], RATE)
    with pytest.raises(ValueError, match="sample_rate is 0; accepted: more than 0 Hz"):
        measures([1.0], 0)
