"""Speech: through whatever program is called espeak-ng, and without it."""

import shutil
import sys

import numpy as np
import pytest

from avenv.core.errors import SoundError
from avenv.sounds import KINDS, LOUDNESS, load_sounds, loudness, synthesise
from avenv.sounds.builtin import _synthesise

RATE = 16000

FAKE = """#!{python}
import sys
import numpy as np, soundfile
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
text = sys.stdin.read()
if options["-v"] == "en-us+f4":
    sys.exit("no such voice")
seconds = len(text) / 20 * 160 / float(options["-s"])
t = np.arange(int(seconds * 22050)) / 22050
soundfile.write(options["-w"], 0.3 * np.sin(2 * np.pi * 300 * t), 22050)
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Put a program in the place of espeak-ng that hums at 300 Hz, 20 letters a second."""
    program = tmp_path / "espeak-ng"
    program.write_text(FAKE.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    _synthesise.cache_clear()
    yield
    _synthesise.cache_clear()


def test_a_text_is_spoken_once_round_the_loop(fake):
    sound = synthesise("speech?text=Hello out there, who is it?&pace=160", RATE)
    assert loudness(sound.signal, RATE) == pytest.approx(LOUDNESS, abs=0.01)
    loud = np.flatnonzero(np.abs(sound.signal) > 0.01)
    assert loud[-1] / RATE == pytest.approx(27 / 20, abs=0.02)
    assert np.argmax(np.abs(np.fft.rfft(sound.signal))) / sound.duration == pytest.approx(
        300, abs=1
    )
    assert (sound.origin, sound.licence) == ("spoken by espeak-ng", "")


def test_what_cannot_be_said_is_refused(fake):
    with pytest.raises(SoundError, match=r"takes 10.\d s; at most 5 s fit"):
        synthesise("speech?pace=160&text=" + "very " * 40, RATE)
    with pytest.raises(SoundError, match=r"could not say 'Hello'.*no such voice"):
        synthesise("speech?voice=en-us+f4&text=Hello", RATE)
    with pytest.raises(SoundError, match="says nothing"):
        synthesise("speech?text=&pace=160", RATE)


def test_without_the_program_the_message_names_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    _synthesise.cache_clear()
    speech = load_sounds("builtin:speech", RATE)  # a set is only made of names
    with pytest.raises(SoundError, match=r"espeak-ng, which is not installed .*apt install"):
        speech[0]


def test_speech_is_only_in_its_own_sets():
    assert "speech" not in KINDS
    assert "speech" not in load_sounds("builtin:all", RATE).kinds
    said, held_back = (load_sounds(f"builtin:{s}", RATE) for s in ("speech", "unheard_speech"))
    assert {*said.kinds, *held_back.kinds} == {"speech"}
    assert not set(said.names) & set(held_back.names)


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="needs espeak-ng")
def test_espeak_ng_speaks():
    x = synthesise("speech", RATE).signal
    power = np.abs(np.fft.rfft(x)) ** 2
    f = np.fft.rfftfreq(len(x), 1 / RATE)
    assert power[(f > 80) & (f < 4000)].sum() > 0.9 * power.sum()
