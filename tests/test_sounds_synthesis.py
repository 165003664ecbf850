"""What avenv synthesises: clean loops, of the common loudness, that are what they are called."""

import inspect
from itertools import combinations

import numpy as np
import pytest
import scipy.signal
import soxr
from support import tone

from avenv.core.errors import SoundError
from avenv.sounds import KINDS, LOUDNESS, load_sounds, loudness, parameters, synthesise
from avenv.sounds.builtin import _synthesise
from avenv.sounds.loudness import k_weighting
from avenv.sounds.recipes import RECIPES, Words

RATE = 16000


SOME = [f"{kind}{split}" for kind in KINDS for split in ("", "/unheard")]


@pytest.mark.parametrize("name", SOME)
def test_a_builtin_sound_is_a_clean_loop_at_the_common_loudness(name):
    for variant in range(2):
        sound = synthesise(f"{name}/{variant}", RATE)
        x = sound.signal.astype(np.float64)
        assert sound.signal.dtype == np.float32
        assert np.isfinite(x).all()
        assert 4 <= sound.duration <= 8
        assert (sound.name, sound.kind) == (f"{name}/{variant}", name.partition("/")[0])
        assert (sound.origin, sound.licence) == ("synthesised by avenv", "MIT")
        assert np.max(np.abs(x)) < 0.99, "the limit on the peak must not touch it"
        assert abs(x.mean()) < 1e-6
        assert loudness(x, RATE) == pytest.approx(LOUDNESS, abs=0.01)
        # The seam is no more than an ordinary step of the signal nearby.
        steps = np.abs(np.diff(np.concatenate([x[-400:], x[:400]])))
        assert steps[399] <= max(1.5 * np.sort(steps)[-5], 1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_variant_is_the_same_sound_at_every_rate(kind):
    low = synthesise(f"{kind}/1", RATE).signal.astype(np.float64)
    high = soxr.resample(synthesise(f"{kind}/1", 3 * RATE).signal, 3 * RATE, RATE)
    spectra = [np.abs(np.fft.rfft(x)) for x in (low, high.astype(np.float64))]
    a, b = (np.add.reduceat(s**2, np.arange(0, len(s), 400)) for s in spectra)
    assert a @ b / np.sqrt((a @ a) * (b @ b)) > 0.95
    low_rms, high_rms = (np.sqrt(np.mean(x**2)) for x in (low, high))
    assert low_rms == pytest.approx(high_rms, rel=0.25)


def test_synthesis_is_deterministic_and_variants_differ():
    for kind in KINDS:
        variants = [synthesise(f"{kind}{v}", 8000).signal for v in ("/0", "/1", "/unheard/0")]
        _synthesise.cache_clear()
        np.testing.assert_array_equal(synthesise(f"{kind}/0", 8000).signal, variants[0])
        for a, b in combinations(variants, 2):
            assert np.max(np.abs(a - b)) > 0.01


def test_variants_are_endless():
    drawn = {parameters(f"fan/{v}")["blades"] for v in range(500)}
    assert len(drawn) == 500
    assert 55 <= min(drawn) < 57 < 83 < max(drawn) <= 85


@pytest.mark.parametrize("kind", [*KINDS, "speech"])
def test_every_kind_keeps_parameters_back(kind):
    """For some parameter no value can be drawn both for training and for testing."""
    kept = 0
    for values in RECIPES[kind].parameters.values():
        heard, unheard = values["heard"], values["unheard"]
        if isinstance(heard, Words):
            kept += not set(heard.words) & set(unheard.words)
        else:
            assert heard.low <= heard.high
            assert unheard.low <= unheard.high
            kept += heard.high < unheard.low or unheard.high < heard.low
    assert kept


@pytest.mark.parametrize("kind", [*KINDS, "speech"])
def test_a_row_gives_its_maker_what_it_takes(kind):
    recipe = RECIPES[kind]
    loop, *taken = inspect.signature(recipe.make).parameters
    assert loop == "loop"
    assert sorted(taken) == sorted(recipe.parameters)


def test_no_kind_aliases():
    # A smoke alarm's 2nd and 3rd harmonics lie above 4 kHz and must vanish, not fold down.
    x = synthesise("smoke_alarm", 8000).signal
    power = np.abs(np.fft.rfft(x)) ** 2
    peak = np.fft.rfftfreq(len(x), 1 / 8000)[np.argmax(power)]
    assert 2900 < peak < 3400
    near = np.abs(np.fft.rfftfreq(len(x), 1 / 8000) - peak) < 300
    assert power[~near].sum() < 1e-4 * power.sum()


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("fridge", 40, 400), ("kettle", 1800, 3000), ("smoke_alarm", 2900, 3400), ("baby", 300, 6000)],
)
def test_the_strongest_frequency_is_where_the_thing_has_it(kind, low, high):
    x = synthesise(kind, RATE).signal
    peak = np.argmax(np.abs(np.fft.rfft(x))) * RATE / len(x)
    assert low < peak < high


def loud_halves(name, parts):
    """Return in which of so many equal parts of its loop a sound is heard."""
    x = synthesise(name, RATE).signal
    return [np.sqrt(np.mean(part**2)) > 0.01 for part in x.reshape(parts, -1)]


def test_alarms_keep_to_their_standards():
    # ISO 8201: half a second on, half off, three times, then a second and a half of silence.
    assert loud_halves("smoke_alarm", 8) == [True, False, True, False, True, False, False, False]
    # UL 2034: a tenth on, a tenth off, four times, then silence.
    four = [True, False] * 4 + [False] * 52
    assert loud_halves("gas_alarm?pause=5.3", 60) == four


def test_phones_ring_as_their_countries_do():
    ring = "phone?style=warble&cadence="
    assert loud_halves(ring + "american", 6) == [True, True, False, False, False, False]
    british = ([True] * 2 + [False] + [True] * 2 + [False] * 10) * 2  # 0.4, 0.2, 0.4, 2 s
    assert loud_halves(ring + "british", 30) == british


def period(x, least, most):
    """Return the lag in seconds between two bounds at which the envelope repeats best."""
    envelope = np.convolve(np.abs(x), np.ones(80) / 80)[: len(x)]
    spectrum = np.abs(np.fft.rfft(envelope - envelope.mean())) ** 2
    correlation = np.fft.irfft(spectrum, len(x))
    lags = np.arange(int(least * RATE), int(most * RATE))
    return lags[np.argmax(correlation[lags])] / RATE


@pytest.mark.parametrize("variant", range(3))
def test_rhythms_are_those_of_the_parameters(variant):
    pings = round(4 * parameters(f"beacon/{variant}")["rate"])  # in the four seconds of its loop
    beacon = synthesise(f"beacon/{variant}?style=ping", RATE)
    assert period(beacon.signal, 2.4 / pings, 6 / pings) == pytest.approx(4 / pings, rel=0.02)
    microwave = synthesise(f"microwave/{variant}?gap=0.5", RATE)
    beeps = microwave.signal[int(5.4 * RATE) :]
    assert period(beeps, 0.3, 0.8) == pytest.approx(0.5, rel=0.02)


def test_a_kitchen_clock_ticks_as_often_as_it_says():
    assert period(synthesise("clock?rate=2.0", RATE).signal, 0.3, 0.7) == pytest.approx(
        0.5, rel=0.02
    )


def test_parameters_can_be_set_by_hand():
    plain, high = (synthesise(f"kettle/2{p}", RATE) for p in ("", "?pitch=2800"))
    assert high.name == "kettle/2?pitch=2800"
    assert parameters(high.name) == parameters(plain.name) | {"pitch": 2800}
    assert np.argmax(np.abs(np.fft.rfft(high.signal))) / 4 == pytest.approx(2800, abs=20)
    assert load_sounds("kettle?pitch=2800", RATE).names[1] == "kettle/1?pitch=2800"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("kettle?pich=2800", "no parameter 'pich'; there are pitch, interval, boil"),
        ("kettle?pitch=300", "pitch is '300'; accepted: whole numbers from 1900 to 2900"),
        ("fan?blades=nan", "accepted: from 55.0 to 120.0"),
        ("fan?blades=many", "accepted: from 55.0 to 120.0"),
        ("footsteps?floor=lava", "accepted: parquet, carpet, tile, laminate"),
        ("dgo", "no built-in sound 'dgo'; kinds are dog"),
        ("dog/-1", "no built-in sound 'dog/-1'; kinds are dog"),
    ],
)
def test_parameters_that_make_no_sound_are_refused(name, message):
    with pytest.raises(SoundError, match=message):
        synthesise(name, RATE)


# Loudness


def test_the_k_weighting_is_that_of_the_standard():
    """BS.1770's two filters at 48 kHz, run over a signal by scipy."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(48000)
    b1, a1 = (
        [1.53512485958697, -2.69169618940638, 1.19839281085285],
        [1, -1.69065929318241, 0.73248077421585],
    )
    b2, a2 = [1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621]
    expected = scipy.signal.lfilter(b2, a2, scipy.signal.lfilter(b1, a1, noise))
    f = np.fft.rfftfreq(48000, 1 / 48000)
    weighted = np.fft.irfft(np.fft.rfft(noise) * k_weighting(f), 48000)
    assert np.std(weighted) == pytest.approx(np.std(expected), rel=0.01)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_a_tone_is_as_loud_as_the_standard_says(rate):
    # BS.1770: a 997 Hz sine at full scale in one channel reads -3.01 LKFS.
    assert loudness(tone(997, 2.0, rate, 1.0), rate) == pytest.approx(-3.01, abs=0.05)


def test_a_long_recording_is_as_loud_as_its_minutes():
    noise = np.random.default_rng(0).standard_normal(30 * RATE).astype(np.float32)
    long = np.tile(noise, 5)  # two and a half minutes
    assert loudness(long, RATE) == pytest.approx(loudness(noise, RATE), abs=0.01)


def test_loudness_counts_only_the_active_part():
    busy = tone(seconds=1.0)
    sparse = np.concatenate([busy, np.zeros(4 * RATE, np.float32)])
    assert loudness(sparse, RATE) == pytest.approx(loudness(busy, RATE), abs=0.1)
