"""Sounds from files."""

from pathlib import Path

import numpy as np
import soundfile
import soxr

from avenv.errors import SoundError
from avenv.sounds.sound import Sound, normalise

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".mp3", ".aiff", ".aif")
"""Files that a folder of sounds is searched for."""

MAX_SECONDS = 1800
_SILENCE = 1e-4  # peak, -80 dB below full scale


def read_sound(path: Path, sample_rate: int, name: str, kind: str) -> Sound:
    """Read a file whole, as mono at this rate and at the common loudness.

    Channels are averaged, other rates resampled (soxr, high quality), a constant offset removed.
    Nothing is cut or faded: the end runs into the beginning as the file has it.

    Raises:
        SoundError: it is not a sound file, is empty, silent, longer than half an hour, or holds
            values that are not finite.
    """
    try:
        info = soundfile.info(path)
        if info.frames > MAX_SECONDS * info.samplerate:
            raise SoundError(
                f"{path}: {info.frames / info.samplerate:.0f} s long; at most {MAX_SECONDS} s "
                "fit, cut the file into pieces"
            )
        frames, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise SoundError(
            f"{path}: cannot be read as sound ({error.error_string}); WAV, FLAC, OGG, MP3 and AIFF "
            "files are accepted"
        ) from error
    signal = frames.mean(axis=1)
    if len(signal) == 0:
        raise SoundError(f"{path}: has no samples; a sound needs at least one")
    if not np.all(np.isfinite(signal)):
        raise SoundError(f"{path}: holds NaN or infinite samples; all must be finite")
    signal -= signal.mean()
    if np.max(np.abs(signal)) < _SILENCE:
        raise SoundError(f"{path}: is silent (peak below -80 dB); a sound must be audible")
    if rate != sample_rate:
        signal = soxr.resample(signal, rate, sample_rate, quality="HQ")
    return Sound(name, kind, normalise(signal, sample_rate), sample_rate, str(path))


def read_folder(folder: Path, sample_rate: int) -> list[Sound]:
    """Read all sound files in a folder and below, in the order of their paths.

    A sound is named by its path in the folder; its kind is the subfolder that holds it, or the
    file's own stem where it lies in the folder itself.

    Raises:
        SoundError: there is no sound file, or one of them cannot be used.
    """
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise SoundError(f"{folder}: no sound files; it should hold some of {', '.join(SUFFIXES)}")
    sounds = []
    for path in files:
        inside = path.relative_to(folder)
        kind = inside.parent.name or path.stem
        sounds.append(read_sound(path, sample_rate, inside.as_posix(), kind))
    return sounds
