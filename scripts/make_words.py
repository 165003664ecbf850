"""Make the words again that voices say in FetchToCaller: `python scripts/make_words.py`.

Needs the program flite (Debian, Ubuntu: apt install flite). Version 2.2 made those that are there;
others may say them otherwise, and the tests will tell.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import soundfile
import soxr

from avenv.sounds.speech import FOLDER

RATE = 12000  # Hz: speech has little above 6 kHz that tells words apart


class Voice(NamedTuple):
    """Somebody who speaks.

    Attributes:
        speaker: a voice of flite.
        smaller: by how much the speaker is made smaller: all frequencies are as much higher.
        slower: by how much longer it takes, before that.
        asks: how it asks.
    """

    speaker: str
    smaller: float
    slower: float
    asks: str


VOICES = {
    "hugh": Voice("rms", 1.0, 1.0, "Bring me,"),
    "fay": Voice("slt", 0.95, 0.95, "Please bring me,"),
    "iain": Voice("awb", 1.0, 1.0, "Get me,"),
    "lucy": Voice("slt", 1.12, 1.15, "Could I have,"),
    "owen": Voice("kal16", 1.0, 1.0, "Please get me,"),
    "ruth": Voice("kal16", 1.3, 1.3, "Bring me,"),
}
"""Who asks; the last two are kept back, and so is the only speaker that they were made of."""

WORDS = {
    "alarm_clock": "the alarm clock", "ball": "the ball", "book_stack": "the books",
    "bottle": "the bottle", "cardboard_box": "the cardboard box", "cup": "the cup",
    "cushion": "the cushion", "kettle": "the kettle", "keys": "the keys",
    "metal_box": "the metal box", "music_box": "the music box", "phone": "the phone",
    "plastic_box": "the plastic box", "radio": "the radio", "remote": "the remote control",
    "small_plant": "the plant", "toy": "the toy", "vase": "the vase",
    "wooden_box": "the wooden box",
}  # fmt: skip
"""What each kind of thing is called that can be carried."""

_FAINT = 0.01  # of the peak: what is fainter at the ends is cut off
_STEPS = 2**10  # of amplitude: their noise is 60 dB below, and files are half as large


def recording(text: str, voice: Voice) -> np.ndarray:
    """Return a spoken text (N,), without silence at its ends."""
    program = shutil.which("flite")
    if program is None:
        raise click.ClickException("the program flite is not installed")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "words.wav")
        stretch = f"duration_stretch={voice.slower}"
        subprocess.run(
            [program, "-voice", voice.speaker, "--setf", stretch, "-t", text, "-o", str(path)],
            check=True,
        )
        spoken, rate = soundfile.read(path, dtype="float64")
    spoken = soxr.resample(spoken, rate * voice.smaller, RATE, quality="HQ")
    loud = np.flatnonzero(np.abs(spoken) > _FAINT * np.abs(spoken).max())
    spoken = spoken[loud[0] : loud[-1] + 1]
    spoken -= spoken.mean()
    edge = RATE // 200
    spoken[:edge] *= np.linspace(0, 1, edge)
    spoken[-edge:] *= np.linspace(1, 0, edge)
    return np.round(0.45 * _STEPS * spoken / np.abs(spoken).max()) * 2 / _STEPS


@click.command(help=__doc__)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=FOLDER)
def main(out: Path) -> None:
    size = 0
    for name, voice in VOICES.items():
        (out / name).mkdir(parents=True, exist_ok=True)
        for part, words in {"ask": voice.asks, **WORDS}.items():
            path = out / name / f"{part}.flac"
            signal = recording(words, voice)
            soundfile.write(path, signal, RATE, "PCM_16", format="FLAC", compression_level=1.0)
            size += path.stat().st_size
    click.echo(f"wrote {size / 2**20:.2f} MiB to {out}")


if __name__ == "__main__":
    main()
