"""Make the words again that voices say in FetchToCaller: `python scripts/make_words.py`.

Needs the program espeak-ng. Version 1.51 made those that are there; others say them otherwise,
and the tests will tell.
"""

from pathlib import Path

import click
import numpy as np
import soundfile

from avenv.sounds.speech import FOLDER, speak

RATE = 12000  # Hz: speech has little above 6 kHz that tells words apart

VOICES = {
    "hugh": ("en-us+m3", 165, 42, "Bring me,"),
    "fay": ("en-gb+f2", 175, 55, "Please bring me,"),
    "iain": ("en-gb-scotland+m1", 160, 35, "Get me,"),
    "lucy": ("en-us+f4", 185, 60, "Could I have,"),
    "owen": ("en-gb+m7", 170, 50, "Please get me,"),
    "ruth": ("en-us+f5", 165, 45, "Bring me,"),
}
"""Voice of espeak-ng, words a minute, pitch, how it asks; the last two voices are kept back."""

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


def recording(text: str, voice: str, pace: int, pitch: int) -> np.ndarray:
    """Return a spoken text (N,), without silence at its ends."""
    spoken = speak(text, RATE, voice, pace, pitch)
    loud = np.flatnonzero(np.abs(spoken) > _FAINT * np.abs(spoken).max())
    spoken = spoken[loud[0] : loud[-1] + 1]
    edge = RATE // 200
    spoken[:edge] *= np.linspace(0, 1, edge)
    spoken[-edge:] *= np.linspace(1, 0, edge)
    return np.round(0.45 * _STEPS * spoken / np.abs(spoken).max()) * 2 / _STEPS


@click.command(help=__doc__)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=FOLDER)
def main(out: Path) -> None:
    size = 0
    for name, (voice, pace, pitch, asks) in VOICES.items():
        (out / name).mkdir(parents=True, exist_ok=True)
        for part, words in {"ask": asks, **WORDS}.items():
            path = out / name / f"{part}.flac"
            signal = recording(words, voice, pace, pitch)
            soundfile.write(path, signal, RATE, "PCM_16", format="FLAC", compression_level=1.0)
            size += path.stat().st_size
    click.echo(f"wrote {size / 2**20:.2f} MiB to {out}")


if __name__ == "__main__":
    main()
