"""Sounds from files: what is read, how, under what licence, and what is refused."""

import numpy as np
import pytest
import soundfile
from support import tone

from avenv.core.errors import SoundError
from avenv.sounds import LOUDNESS, Sound, load_sounds, loudness

RATE = 16000


@pytest.fixture
def write(tmp_path):
    def write(name, samples, rate=RATE, **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate, **options)
        return path

    return write


@pytest.mark.parametrize("name", ["tone.wav", "tone.flac", "tone.ogg"])
@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_a_file_is_resampled_and_keeps_its_pitch(write, name, rate):
    [sound] = load_sounds(write(name, tone(1000, 1.0, rate), rate), RATE)
    assert sound.sample_rate == RATE
    assert len(sound.signal) == pytest.approx(RATE, abs=2)
    assert np.argmax(np.abs(np.fft.rfft(sound.signal))) == pytest.approx(1000, abs=1)
    assert loudness(sound.signal, RATE) == pytest.approx(LOUDNESS, abs=0.01)
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


def test_a_peaky_sound_is_quieter_rather_than_clipped(write):
    click = np.zeros(RATE, np.float32)
    click[100] = 0.5
    [sound] = load_sounds(write("click.wav", click, subtype="FLOAT"), RATE)
    assert 0.9 < np.max(np.abs(sound.signal)) < 1


@pytest.mark.parametrize("peak", [1.5, 2.0, 3e4, 2.1e9])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_floating_point_may_go_beyond_full_scale(write, peak, subtype):
    rng = np.random.default_rng(0)
    quiet = (tone(50, 1.0) + 0.3 * tone(440, 1.0) + 1e-3 * rng.standard_normal(RATE)) * 2
    loud = peak * quiet / np.max(np.abs(quiet))
    [sound] = load_sounds(write("loud.wav", loud, subtype=subtype), RATE)
    [same] = load_sounds(write("quiet.wav", quiet, subtype="FLOAT"), RATE)
    np.testing.assert_allclose(sound.signal, same.signal, atol=1e-6)


def test_a_slow_sine_beyond_full_scale_is_not_clipped(write):
    # it stays within 0.1 % of its peak for 14 samples at a time
    [sound] = load_sounds(
        write("slow.wav", tone(50, 1.0, 48000, 2.0), 48000, subtype="FLOAT"), RATE
    )
    assert np.isfinite(sound.signal).all()


def test_a_sound_is_silent_if_the_rate_cannot_carry_it(write):
    for frequency, rate in [(20000, 48000), (20000, 44100), (12000, 96000), (9000, 48000)]:
        for seconds in (0.05, 1.0):
            path = write("high.wav", tone(frequency, seconds, rate), rate)
            with pytest.raises(SoundError, match=r"high\.wav: is silent at 16000 Hz"):
                load_sounds(path, RATE)
            [sound] = load_sounds(path, rate)
            assert loudness(sound.signal, rate) == pytest.approx(LOUDNESS, abs=0.1)
    audible = tone(20000, 1.0, 48000) + 0.01 * tone(1000, 1.0, 48000)
    [sound] = load_sounds(write("both.wav", audible, 48000), RATE)
    assert np.argmax(np.abs(np.fft.rfft(sound.signal))) == 1000


def test_a_click_at_the_start_is_heard(write):
    click = np.zeros(48000, np.float32)
    click[3:60] = 0.5
    [sound] = load_sounds(write("click.wav", click, 48000), RATE)
    assert np.max(np.abs(sound.signal)) > 0.5


def nothing(path):
    soundfile.write(path, np.zeros(0, np.float32), RATE)


def zeros(path):
    soundfile.write(path, np.zeros(100, np.float32), RATE)


def offset(path):
    soundfile.write(path, np.full(100, 0.5, np.float32), RATE)


def not_a_number(path):
    soundfile.write(path, np.array([0.1, np.nan], np.float32), RATE, subtype="FLOAT")


def clipped(path):
    soundfile.write(path, np.clip(tone(amplitude=3.0), -1, 1), RATE)


def clipped_at_two(path):
    soundfile.write(path, np.clip(tone(amplitude=9.0), -2, 2), RATE, subtype="FLOAT")


def huge(path):
    loud = tone()
    loud[100] = 2.5e38
    soundfile.write(path, loud, RATE, subtype="FLOAT")


def huge_in_both(path):
    soundfile.write(path, np.full((100, 2), 2.5e38), RATE, subtype="FLOAT")


def beyond_single(path):
    soundfile.write(path, 1e300 * tone().astype(float), RATE, subtype="DOUBLE")


def gsm(path):
    soundfile.write(path, tone(rate=8000), 8000, subtype="GSM610")


def adpcm(path):
    soundfile.write(path, tone(), RATE, subtype="NMS_ADPCM_32")


def slow(path):
    soundfile.write(path, tone(), 10)


def text(path):
    path.write_text("hello")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (nothing, "no samples"),
        (zeros, "silent"),
        (offset, "silent"),
        (not_a_number, "NaN"),
        (clipped, "clipped"),
        (clipped_at_two, "clipped"),
        (huge, r"peaks at 2.5e\+38"),
        (huge_in_both, r"peaks at 2.5e\+38"),
        (beyond_single, "infinite"),
        (gsm, r"cannot be read as sound \(GSM 6.10\)"),
        (adpcm, "cannot be read as sound"),
        (slow, "sample rate of 10 Hz"),
        (text, "cannot be read as sound"),
    ],
)
@pytest.mark.parametrize("through_folder", [False, True])
def test_a_bad_file_is_named_and_refused(tmp_path, make, message, through_folder):
    path = tmp_path / "bad.wav"
    make(path)
    with pytest.raises(SoundError, match=f"bad.wav: .*{message}"):
        load_sounds(tmp_path if through_folder else path, RATE)


@pytest.mark.parametrize("signal", [[], [0.1, np.nan], [np.inf]])
def test_a_sound_made_by_hand_is_finite(signal):
    sound = Sound("mine", "mine", np.array(signal, np.float32), RATE)
    with pytest.raises(SoundError, match="'mine' is empty or has NaN"):
        load_sounds(sound, RATE)


def test_a_file_of_an_hour_is_refused_unread(write):
    path = write("long.wav", np.zeros(3600 * 100, np.int16), 100)
    with pytest.raises(SoundError, match="3600 s long; at most 1800 s"):
        load_sounds(path, RATE)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(SoundError, match="no sound files; it should hold"):
        load_sounds(tmp_path, RATE)


def test_the_licence_is_the_files_own_tag(tmp_path):
    with soundfile.SoundFile(tmp_path / "x.ogg", "w", RATE, 1) as file:
        file.license = "CC0"
        file.write(tone())
    [sound] = load_sounds(tmp_path / "x.ogg", RATE)
    assert (sound.licence, sound.origin) == ("CC0", str(tmp_path / "x.ogg"))


# Split files

YAML = """
licence: CC BY 4.0
train:
  - bell.wav
  - {file: dogs/rex.flac, licence: CC0}
test:
  - {file: siren.ogg, kind: alarm}
"""
CSV = """file,split,kind,licence
bell.wav,train,,CC BY 4.0
dogs/rex.flac,train,,CC0
siren.ogg,test,alarm,CC BY 4.0
"""


@pytest.fixture
def recordings(write, tmp_path):
    for name in ("bell.wav", "dogs/rex.flac", "siren.ogg", "unlisted.wav"):
        write(name, tone())
    return tmp_path


@pytest.mark.parametrize(("name", "text"), [("splits.yaml", YAML), ("splits.csv", CSV)])
def test_a_split_file_divides_the_sounds_and_notes_their_licences(recordings, name, text):
    (recordings / name).write_text(text)
    train, test, both = (
        load_sounds(f"{recordings / name}{split}", RATE) for split in (":train", ":test", "")
    )
    assert train.names == ("bell.wav", "dogs/rex.flac")
    assert test.names == ("siren.ogg",)
    assert both.names == train.names + test.names
    assert both.kinds == ("bell", "dogs", "alarm")
    assert [s.licence for s in both] == ["CC BY 4.0", "CC0", "CC BY 4.0"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.yaml", "train: [bell.wav, nine.wav, ten.wav]", "nine.wav: there is no.*ten.wav"),
        ("s.yaml", "train: [../secret.wav]", "../secret.wav: lies outside the folder"),
        ("s.yaml", "train: [/etc/passwd]", "/etc/passwd: lies outside the folder"),
        ("s.yaml", "train: ['C:\\secret.wav']", "lies outside the folder"),
        ("s.yaml", "train: [link.wav]", "link.wav: lies outside the folder"),
        ("s.yaml", "{train: [bell.wav], test: [dogs/../bell.wav]}", "twice, in train and test"),
        ("s.yaml", "train: bell.wav", "train: 'bell.wav' is not a list"),
        (
            "s.yaml",
            "train: [{file: bell.wav, note: x}]",
            r"train\[0\]: note: .*\n.*licence",
        ),
        ("s.yaml", "train: [3]", r"train\[0\]: file: .*string"),
        ("s.yaml", "train: [{kind: bell}]", r"train\[0\]: file: .*required"),
        ("s.yaml", "- bell.wav", "should hold splits"),
        ("s.yaml", "train: [", "is not valid YAML"),
        ("s.yaml", "train: []", "lists no files"),
        ("s.yaml", "val: [bell.wav]", "no split 'train'; it has val"),
        ("s.csv", "name,split\nbell.wav,train", "line 2: file: .*required"),
        ("s.csv", "file,split\nbell.wav,train,more", "too many columns"),
        ("s.csv", "file,split\n", "lists no files"),
    ],
)
def test_a_bad_split_file_is_refused_with_its_place(recordings, tmp_path, name, text, message):
    folder = recordings / "inner"
    for file in ("bell.wav", "dogs/rex.flac"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (recordings / file).rename(folder / file)
    soundfile.write(recordings / "secret.wav", tone(), RATE)
    (folder / "link.wav").symlink_to(recordings / "secret.wav")
    (folder / name).write_text(text)
    with pytest.raises(SoundError, match=rf"(?s){name}: .*{message}"):
        load_sounds(f"{folder / name}:train", RATE)


def test_a_split_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "s.csv").write_bytes(b"file,split\n\xff\xfe,train\n")
    with pytest.raises(SoundError, match=r"s\.csv: is not text"):
        load_sounds(tmp_path / "s.csv", RATE)
