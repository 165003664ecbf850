"""Sounds from files."""

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from avenv.core.errors import SoundError
from avenv.sounds.loudness import normalise
from avenv.sounds.sound import Sound, digest

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".mp3", ".aiff", ".aif")
"""Files that a folder of sounds is searched for."""

MAX_SECONDS = 1800
_SILENCE = 1e-4  # peak, -80 dB below full scale
_FULL_SCALE = 0.999
_CLIPPED_RUN = 4  # samples at full scale in a row that are the mark of clipping
_CLIPPED = 0.01  # part of all samples that may be in such runs


def read_sound(path: Path, sample_rate: int, name: str, kind: str, licence: str = "") -> Sound:
    """Read a file whole, as mono at this rate and at the common loudness.

    Channels are averaged, other rates resampled (soxr, high quality), a constant offset removed.
    Nothing is cut or faded: the end runs into the beginning as the file has it. Where no
    ``licence`` is given, it is what the file's own tag says.

    Raises:
        SoundError: it is not a sound file, is empty, silent, clipped, longer than half an hour, or
            holds values that are not finite.
    """
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            if file.frames > MAX_SECONDS * rate:
                raise SoundError(
                    f"{path}: {file.frames / rate:.0f} s long; at most {MAX_SECONDS} s fit, cut "
                    "the file into pieces"
                )
            licence = licence or file.license
            frames = file.read(dtype="float32", always_2d=True)
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
    if (clipped := _clipped(frames)) > _CLIPPED:
        raise SoundError(
            f"{path}: is clipped ({100 * clipped:.0f} % of its samples stay at full scale); "
            "record it lower"
        )
    signal -= signal.mean()
    if np.max(np.abs(signal)) < _SILENCE:
        raise SoundError(f"{path}: is silent (peak below -80 dB); a sound must be audible")
    if rate != sample_rate:
        signal = soxr.resample(signal, rate, sample_rate, quality="HQ")
    samples = normalise(signal, sample_rate)
    origin, recipe = str(path.absolute()), digest(path.read_bytes())
    return Sound(name, kind, samples, sample_rate, origin, licence, recipe)


def _clipped(frames: NDArray[np.float32]) -> float:
    """Return the part of all samples (N, channels) that stay at full scale, one after another."""
    full = np.abs(frames) >= _FULL_SCALE
    if len(full) < _CLIPPED_RUN or full.sum() < _CLIPPED * full.size:
        return 0.0
    runs = np.lib.stride_tricks.sliding_window_view(full, _CLIPPED_RUN, axis=0).all(axis=-1)
    return float(runs.sum() / full.size)


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
