"""Sounds from files."""

from pathlib import Path
from typing import NamedTuple

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
_MAX_SAMPLES = 500_000_000  # of all channels: 2 GB in memory
_RATES = 1000, 1_000_000  # Hz
_LOUDEST = 1e10  # peak; some write whole numbers of up to 32 bits as floating point
_SILENCE = 1e-4  # peak, -80 dB below full scale
_EDGE = 0.01  # seconds: what begins or ends at once has a click in it, at all frequencies
_FAINT, _RESIDUE = 0.05, 1e-3  # of the amplitude, with and without edges, that is left of nothing
_FULL_SCALE = 0.999
_CLIPPED_RUN = 4  # samples at full scale in a row that are the mark of clipping
_CLIPPED = 0.01  # part of all samples that may be in such runs


def read_sound(path: Path, sample_rate: int, name: str, kind: str, licence: str = "") -> Sound:
    """Read a file whole, as mono at this rate and at the common loudness.

    Channels are averaged, other rates resampled (soxr, high quality), a constant offset removed.
    Nothing is cut or faded: the end runs into the beginning as the file has it. Samples of floating
    point may go beyond full scale. Where no ``licence`` is given, it is what the file's own tag
    says.

    Raises:
        SoundError: it is not a sound file that can be decoded, is empty, silent, clipped, longer
            than half an hour, holds nothing below half the sample rate, or values that are not
            finite or beyond all measure.
    """
    frames, rate, floating, tag = _decode(path)
    if len(frames) == 0:
        raise SoundError(f"{path}: has no samples; a sound needs at least one")
    loudest = float(np.max(np.abs(frames)))
    if not np.isfinite(loudest):
        raise SoundError(f"{path}: holds NaN or infinite samples; all must be finite")
    if loudest > _LOUDEST:
        raise SoundError(f"{path}: peaks at {loudest:.3g}, which no sound does; scale it to 1")
    beyond = floating and loudest > 1
    if (clipped := _clipped(frames, exactly=beyond)) > _CLIPPED:
        raise SoundError(
            f"{path}: is clipped ({100 * clipped:.0f} % of its samples stay at full scale); "
            "record it lower"
        )
    signal = (frames / loudest if beyond else frames).mean(axis=1)
    signal -= signal.mean()
    if np.max(np.abs(signal)) < _SILENCE:
        raise SoundError(f"{path}: is silent (peak below -80 dB); a sound must be audible")
    if rate != sample_rate:
        whole, signal = signal, soxr.resample(signal, rate, sample_rate, quality="HQ")
        if _is_residue(signal, sample_rate, whole, rate):
            raise SoundError(
                f"{path}: is silent at {sample_rate} Hz, for all that it holds is above "
                f"{sample_rate / 2:.0f} Hz; a sound must be audible"
            )
    samples = normalise(signal, sample_rate)
    if not np.isfinite(samples).all():
        raise SoundError(f"{path}: cannot be brought to the common loudness")
    origin, recipe = str(path.absolute()), digest(path.read_bytes())
    return Sound(name, kind, samples, sample_rate, origin, licence or tag, recipe)


class _Decoded(NamedTuple):
    """What a file holds: samples (N, channels) in ``floating`` point or not, and its licence."""

    frames: NDArray[np.float32]
    rate: int
    floating: bool
    licence: str


def _decode(path: Path) -> _Decoded:
    try:
        with soundfile.SoundFile(path) as file:
            if problem := _oversize(file):
                raise SoundError(f"{path}: {problem}")
            if not file.seekable():
                raise SoundError(
                    f"{path}: cannot be read as sound ({file.subtype_info}); save it as PCM"
                )
            frames = file.read(dtype="float32", always_2d=True)
            floating = file.subtype in ("FLOAT", "DOUBLE")
            return _Decoded(frames, file.samplerate, floating, file.license)
    except SoundError:
        raise
    except (soundfile.SoundFileError, ValueError, TypeError, MemoryError, OSError) as error:
        reason = getattr(error, "error_string", error)
        raise SoundError(
            f"{path}: cannot be read as sound ({reason}); WAV, FLAC, OGG, MP3 and AIFF files are "
            "accepted"
        ) from error


def _oversize(file: soundfile.SoundFile) -> str:
    """Return what is too large about a file of which nothing has been read; else nothing."""
    rate = file.samplerate
    if file.frames > MAX_SECONDS * rate:
        return f"{file.frames / rate:.0f} s long; at most {MAX_SECONDS} s fit, cut it into pieces"
    if file.frames * file.channels > _MAX_SAMPLES:
        return f"has {file.frames} samples of {file.channels} channels; cut it into pieces"
    if not _RATES[0] <= rate <= _RATES[1]:
        return f"has a sample rate of {rate} Hz; accepted: {_RATES[0]} to {_RATES[1]}"
    return ""


def _clipped(frames: NDArray[np.float32], exactly: bool) -> float:
    """Return the part of all samples (N, channels) that stay at full scale, one after another.

    ``exactly``: full scale is what the samples have as their extremes, and nothing beside.
    """
    if exactly:
        full = (frames == frames.max()) | (frames == frames.min())
    else:
        full = np.abs(frames) >= _FULL_SCALE
    if len(full) < _CLIPPED_RUN or full.sum() < _CLIPPED * full.size:
        return 0.0
    runs = np.lib.stride_tricks.sliding_window_view(full, _CLIPPED_RUN, axis=0).all(axis=-1)
    return float(runs.sum() / full.size)


def _is_residue(
    signal: NDArray[np.float32], rate: int, whole: NDArray[np.float32], whole_rate: int
) -> bool:
    """Say whether a resampled signal is only what a filter leaves of what it takes away."""
    if len(signal) < 2 or np.ptp(signal) < _SILENCE:
        return True
    within, whole_within = _without_edges(signal, rate), _without_edges(whole, whole_rate)
    faint = _amplitude(signal) < _FAINT * _amplitude(whole)
    return faint and _amplitude(within) < _RESIDUE * _amplitude(whole_within)


def _without_edges(signal: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    edge = min(round(_EDGE * rate), len(signal) // 4)
    return signal[edge : len(signal) - edge]


def _amplitude(signal: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(signal, dtype=np.float64))))


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
