"""Speech: recorded words, and any text by the synthesiser espeak-ng where it is installed."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import soundfile
import soxr

from avenv.core.errors import SoundError
from avenv.sounds.loop import Loop, Signal

PROGRAM = "espeak-ng"

FOLDER = Path(__file__).with_name("spoken")
"""Where the recorded words are: a folder for each voice, with ``ask`` and a file for each thing."""

_TIMEOUT = 30  # seconds
_PAUSE = 0.04  # seconds between two recorded words


def speech(loop: Loop, *, text: str, voice: str, pace: int, pitch: int) -> Signal:
    """Say a text once round the loop; the rest of the loop is silence.

    Raises:
        SoundError: espeak-ng is not installed or does not know the voice, or the text is too long.
    """
    spoken = speak(text, loop.sample_rate, voice, pace, pitch)
    if len(spoken) > loop.samples:
        raise SoundError(
            f"speech {text!r} takes {len(spoken) / loop.sample_rate:.1f} s; at most "
            f"{loop.seconds} s fit, say less or faster"
        )
    out = loop.silence()
    out[: len(spoken)] = spoken
    return out


def request(loop: Loop, *, voice: str, thing: str) -> Signal:
    """Ask for a thing once round the loop, in recorded words; the rest of the loop is silence."""
    out, start = loop.silence(), 0
    for part in ("ask", thing):
        said, rate = soundfile.read(FOLDER / voice / f"{part}.flac", dtype="float64")
        said = soxr.resample(said, rate, loop.sample_rate, quality="HQ")
        out[start : start + len(said)] = said
        start += len(said) + round(_PAUSE * loop.sample_rate)
    return out


def speak(text: str, sample_rate: int, voice: str, pace: int, pitch: int) -> Signal:
    """Return a spoken text (N,), ``pace`` in words a minute, ``pitch`` from 0 to 99.

    Raises:
        SoundError: espeak-ng is not installed, fails, or says nothing.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise SoundError(
            f"speech needs the program {PROGRAM}, which is not installed (Debian, Ubuntu: "
            f"apt install {PROGRAM}; macOS: brew install {PROGRAM}); or use recordings of speech"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speech.wav")
        options = ["-v", voice, "-s", str(pace), "-p", str(pitch), "-b", "1", "-w", str(path)]
        done = subprocess.run(
            [program, *options, "--stdin"], input=text.encode(), capture_output=True,
            timeout=_TIMEOUT, check=False,
        )  # fmt: skip
        if done.returncode or not path.is_file():
            reason = done.stderr.decode(errors="replace").strip()
            raise SoundError(f"{PROGRAM} could not say {text!r} with voice {voice!r}: {reason}")
        signal, rate = soundfile.read(path, dtype="float64")
    if len(signal) == 0 or not signal.any():
        raise SoundError(f"{PROGRAM} says nothing for {text!r}; a text needs words")
    return soxr.resample(signal, rate, sample_rate, quality="HQ")
