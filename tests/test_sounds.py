"""Sounds: what is synthesised, what is read from files, and what is refused."""

import numpy as np
import pytest
import soundfile
import soxr

from avenv.errors import SoundError
from avenv.sounds import ACTIVE_RMS, KINDS, SPLITS, VARIANTS, Sound, load_sounds, synthesise
from avenv.sounds.sound import active_rms

RATE = 16000


def tone(frequency=440.0, seconds=0.5, rate=RATE, amplitude=0.1):
    t = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


@pytest.fixture
def write(tmp_path):
    def write(name, samples, rate=RATE, **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate, **options)
        return path

    return write


# Synthesis


@pytest.mark.parametrize("kind", KINDS)
def test_a_builtin_sound_is_a_clean_loop_at_the_common_loudness(kind):
    for variant in range(VARIANTS):
        sound = synthesise(kind, RATE, variant)
        x = sound.signal.astype(np.float64)
        assert x.dtype == np.float64
        assert sound.signal.dtype == np.float32
        assert 4 <= sound.duration <= 8
        assert (sound.name, sound.kind) == (f"{kind}/{variant}", kind)
        assert np.max(np.abs(x)) < 1
        assert abs(x.mean()) < 1e-6
        assert active_rms(x, RATE) == pytest.approx(ACTIVE_RMS, rel=1e-3)
        # The seam is no more than an ordinary step of the signal nearby.
        steps = np.abs(np.diff(np.concatenate([x[-400:], x[:400]])))
        assert steps[399] <= max(np.sort(steps)[-5], 1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_variant_is_the_same_sound_at_every_rate(kind):
    low = synthesise(kind, RATE, 1).signal.astype(np.float64)
    high = soxr.resample(synthesise(kind, 3 * RATE, 1).signal, 3 * RATE, RATE)
    spectra = [np.abs(np.fft.rfft(x)) for x in (low, high.astype(np.float64))]
    a, b = (np.add.reduceat(s**2, np.arange(0, len(s), 400)) for s in spectra)
    assert a @ b / np.sqrt((a @ a) * (b @ b)) > 0.95
    low_rms, high_rms = (np.sqrt(np.mean(x**2)) for x in (low, high))
    assert low_rms == pytest.approx(high_rms, rel=0.2)


def test_synthesis_is_deterministic_and_variants_differ():
    for kind in KINDS:
        first, again, other = (synthesise(kind, 8000, v).signal for v in (0, 0, 1))
        np.testing.assert_array_equal(first, again)
        assert np.max(np.abs(first - other)) > 0.01


def test_no_kind_aliases():
    # A smoke alarm's 2nd and 3rd harmonics lie above 4 kHz and must vanish, not fold down.
    x = synthesise("smoke_alarm", 8000, 0).signal
    power = np.abs(np.fft.rfft(x)) ** 2
    peak = np.fft.rfftfreq(len(x), 1 / 8000)[np.argmax(power)]
    assert 2900 < peak < 3400
    near = np.abs(np.fft.rfftfreq(len(x), 1 / 8000) - peak) < 300
    assert power[~near].sum() < 1e-4 * power.sum()


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("fridge", 40, 400), ("kettle", 1800, 3000), ("smoke_alarm", 2900, 3400), ("baby", 400, 6000)],
)
def test_the_strongest_frequency_is_where_the_thing_has_it(kind, low, high):
    x = synthesise(kind, RATE, 0).signal
    peak = np.argmax(np.abs(np.fft.rfft(x))) * RATE / len(x)
    assert low < peak < high


def test_smoke_alarm_beeps_in_temporal_three():
    x = synthesise("smoke_alarm", RATE, 0).signal.reshape(8, -1)  # half seconds
    loud = np.sqrt(np.mean(x**2, axis=1)) > 0.01
    assert loud.tolist() == [True, False, True, False, True, False, False, False]


def test_loudness_counts_only_the_active_part():
    busy = tone(seconds=1.0)
    sparse = np.concatenate([busy, np.zeros(4 * RATE, np.float32)])
    assert active_rms(busy, RATE) == pytest.approx(0.1 / np.sqrt(2), rel=1e-3)
    assert active_rms(sparse, RATE) == pytest.approx(active_rms(busy, RATE), rel=1e-6)


def test_a_peaky_sound_is_quieter_rather_than_clipped(write):
    click = np.zeros(RATE, np.float32)
    click[100] = 0.5
    [sound] = load_sounds(write("click.wav", click, subtype="FLOAT"), RATE)
    assert 0.9 < np.max(np.abs(sound.signal)) < 1


# Sets


def test_heard_and_unheard_share_no_kind_and_make_up_all():
    heard, unheard, everything = (load_sounds(f"builtin:{s}", RATE) for s in SPLITS)
    assert not set(heard.kinds) & set(unheard.kinds)
    assert set(heard.kinds) | set(unheard.kinds) == set(everything.kinds) == set(KINDS)
    assert len(everything) == VARIANTS * len(KINDS)


def test_a_kind_or_one_variant_of_it():
    assert load_sounds("phone", RATE).names == tuple(f"phone/{v}" for v in range(VARIANTS))
    [sound] = load_sounds("phone/7", RATE)
    np.testing.assert_array_equal(sound.signal, synthesise("phone", RATE, 7).signal)


def test_names_rebuild_the_same_set():
    phones = load_sounds(["phone", "dog/2"], RATE)
    assert load_sounds(phones.names, RATE).names == phones.names


def test_sampling_is_seeded_and_reaches_every_sound():
    sounds = load_sounds(["clock", "tap"], RATE)
    draw = [sounds.sample(np.random.default_rng(3)).name for _ in range(2)]
    assert draw[0] == draw[1]
    rng = np.random.default_rng(0)
    assert {sounds.sample(rng).name for _ in range(200)} == set(sounds.names)


def test_a_set_is_a_sequence():
    sounds = load_sounds("clock", RATE)
    assert sounds[-1].name == sounds.names[-1]
    assert [s.name for s in sounds[1:3]] == list(sounds.names[1:3])
    assert sounds[0] is sounds[0]
    with pytest.raises(IndexError):
        sounds[len(sounds)]


# Files


@pytest.mark.parametrize("name", ["tone.wav", "tone.flac", "tone.ogg"])
@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_a_file_is_resampled_and_keeps_its_pitch(write, name, rate):
    [sound] = load_sounds(write(name, tone(1000, 1.0, rate), rate), RATE)
    assert sound.sample_rate == RATE
    assert len(sound.signal) == pytest.approx(RATE, abs=2)
    assert np.argmax(np.abs(np.fft.rfft(sound.signal))) == pytest.approx(1000, abs=1)
    assert active_rms(sound.signal, RATE) == pytest.approx(ACTIVE_RMS, rel=1e-3)
    assert (sound.name, sound.kind) == (name, "tone")


def test_channels_are_averaged(write):
    left, right = tone(500), tone(900)
    stereo = np.stack([left, right], axis=1)
    [sound] = load_sounds(write("stereo.wav", stereo, subtype="FLOAT"), RATE)
    mono = (left + right) / 2
    cosine = sound.signal @ mono / np.linalg.norm(sound.signal) / np.linalg.norm(mono)
    assert cosine == pytest.approx(1, abs=1e-5)


def test_a_folder_is_sorted_and_subfolders_are_kinds(write, tmp_path):
    for name in ("b.wav", "a.flac", "alarms/bell.wav", "alarms/siren.ogg"):
        write(name, tone())
    (tmp_path / "readme.txt").write_text("not a sound")
    sounds = load_sounds(tmp_path, RATE)
    assert sounds.names == ("a.flac", "alarms/bell.wav", "alarms/siren.ogg", "b.wav")
    assert sounds.kinds == ("a", "alarms", "alarms", "b")


def test_a_list_mixes_kinds_files_and_sounds(write):
    own = Sound("mine", "mine", tone(), RATE)
    sounds = load_sounds(["doorbell", write("x.wav", tone()), own], RATE)
    assert sounds.names[-2:] == ("x.wav", "mine")
    assert sounds[-1] is own


def nothing(path):
    soundfile.write(path, np.zeros(0, np.float32), RATE)


def zeros(path):
    soundfile.write(path, np.zeros(100, np.float32), RATE)


def offset(path):
    soundfile.write(path, np.full(100, 0.5, np.float32), RATE)


def not_a_number(path):
    soundfile.write(path, np.array([0.1, np.nan], np.float32), RATE, subtype="FLOAT")


def text(path):
    path.write_text("hello")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (nothing, "no samples"),
        (zeros, "silent"),
        (offset, "silent"),
        (not_a_number, "NaN"),
        (text, "cannot be read as sound"),
    ],
)
@pytest.mark.parametrize("through_folder", [False, True])
def test_a_bad_file_is_named_and_refused(tmp_path, make, message, through_folder):
    path = tmp_path / "bad.wav"
    make(path)
    with pytest.raises(SoundError, match=f"bad.wav: .*{message}"):
        load_sounds(tmp_path if through_folder else path, RATE)


def test_a_file_of_an_hour_is_refused_unread(write):
    path = write("long.wav", np.zeros(3600 * 100, np.int16), 100)
    with pytest.raises(SoundError, match="3600 s long; at most 1800 s"):
        load_sounds(path, RATE)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("builtin:loud", "builtin:heard, builtin:unheard, builtin:all"),
        ("phnoe", "did you mean phone"),
        ("no/such/file.wav", "no/such/file.wav: no such"),
        ("phone/x", "phone/x: no such"),
        ([], "empty"),
        (["dog/1", "dog"], "named twice: dog/1"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_help(spec, message):
    with pytest.raises(SoundError, match=message):
        load_sounds(spec, RATE)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(SoundError, match="no sound files; it should hold"):
        load_sounds(tmp_path, RATE)


def test_rates_are_checked():
    with pytest.raises(SoundError, match="sample_rate is 4000"):
        load_sounds("phone", 4000)
    with pytest.raises(SoundError, match="must be at 8000"):
        load_sounds(Sound("mine", "mine", tone(), RATE), 8000)
    with pytest.raises(SoundError, match="unknown kind of sound 'dgo'; built-in: dog"):
        synthesise("dgo")
    with pytest.raises(SoundError, match="variant is -1"):
        synthesise("dog", RATE, -1)
