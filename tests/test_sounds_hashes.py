"""What a sound is, as a hash that holds on every machine; and sets and sounds that travel."""

import copy
import pickle

import numpy as np
import pytest
import soundfile

from avenv.core.errors import SoundError
from avenv.sounds import Sound, load_sounds, synthesise

RATE = 16000


@pytest.fixture
def bell(tmp_path):
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(8000) / RATE)
    soundfile.write(tmp_path / "bell.wav", tone, RATE)
    return tmp_path / "bell.wav"


def test_a_built_in_sound_is_its_recipe_at_every_rate():
    ring = synthesise("phone/3", 16000)
    assert ring.hash == synthesise("phone/3", 22050).hash
    assert len(ring.hash) == 16
    others = ("phone/4", "phone/unheard/3", "alarm_clock/3", "phone/3?tuning=0.9")
    assert len({ring.hash, *(synthesise(name).hash for name in others)}) == 5


def test_spellings_of_one_sound_share_a_hash():
    assert synthesise("phone").hash == synthesise("phone/0").hash
    one, other = "phone/3?style=bell&tuning=0.9", "phone/3?tuning=0.9&style=bell"
    assert synthesise(one).hash == synthesise(other).hash


def test_a_file_is_its_bytes(bell):
    [sound] = load_sounds(bell, RATE)
    assert load_sounds(bell, 8000)[0].hash == sound.hash
    copied = bell.with_name("copy.wav")
    copied.write_bytes(bell.read_bytes())
    assert load_sounds(copied, RATE)[0].hash == sound.hash
    soundfile.write(bell, np.random.default_rng(0).uniform(-0.1, 0.1, 8000), RATE)
    assert load_sounds(bell, RATE)[0].hash != sound.hash


def test_samples_made_by_hand_are_themselves():
    hiss = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    one = Sound("hiss", "hiss", hiss, RATE)
    assert one.hash == Sound("other name", "noise", hiss.copy(), RATE).hash
    assert one.hash != Sound("hiss", "hiss", hiss, 8000).hash
    assert one.hash != Sound("hiss", "hiss", hiss[::-1], RATE).hash


def test_names_find_their_sounds_again(bell, tmp_path, monkeypatch):
    sounds = load_sounds(["phone*3", tmp_path], RATE)
    assert sounds.find("phone/2").name == "phone/2"
    assert load_sounds(sounds.find("phone/2").name)[0].hash == sounds.find("phone/2").hash
    found = sounds.find("bell.wav")
    monkeypatch.chdir("/")
    assert load_sounds(found.origin, RATE)[0].hash == found.hash
    with pytest.raises(SoundError, match=r"no sound 'bel.wav' in this set; did you mean bell.wav"):
        sounds.find("bel.wav")
    with pytest.raises(SoundError, match="it has phone/0, phone/1, phone/2, bell"):
        sounds.find("?")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_sounds_and_sets_can_be_copied(bell, copied):
    sounds = load_sounds(["phone*2", bell, synthesise("clock/1")], RATE)
    again = copied(sounds)
    assert again.names == sounds.names
    for one, other in zip(sounds, again, strict=True):
        np.testing.assert_array_equal(one.signal, other.signal)
        assert one.hash == other.hash
