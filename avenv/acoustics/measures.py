"""Room-acoustic measures of impulse responses (ISO 3382-1)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft, next_fast_len, rfft

from avenv.core.bands import bands_for

_ONSET = 0.1
"""Of the peak: a response begins where it first rises to 20 dB below it (ISO 3382-1)."""
_DIRECT = 2.5e-3
"""Seconds after its arrival that still count as direct sound (Zahorik 2002)."""
_BLOCK = 0.01
"""Seconds over which energy is averaged to find where the decay meets the noise."""

_RANGES = {"edt": (0.0, -10.0), "t20": (-5.0, -25.0), "t30": (-5.0, -35.0)}
"""The levels in dB between which each reverberation time looks at the decay."""
_NAMES = (*_RANGES, "c50", "c80", "d50", "ts")

Array = NDArray[np.float64]


def measures(
    rir: ArrayLike, sample_rate: int, per_band: bool = False, reasons: bool = False
) -> dict[str, NDArray[Any]]:
    """Return the room-acoustic measures of impulse responses.

    Parameters
    ----------
    rir : (..., N) impulse responses, for example (channels, samples).
    sample_rate : Hz.
    per_band : measure every octave band of ``bands_for(sample_rate)`` by itself.
    reasons : say, as ``reasons``, why measures are NaN: texts, empty where none is.

    Returns
    -------
    dict of arrays (...), or (..., B) if per band. Reverberation times in seconds from the slope of
    the backward-integrated energy (Schroeder 1965): ``t20`` from -5 to -25 dB, ``t30`` from -5 to
    -35 dB, ``edt`` from 0 to -10 dB; NaN where the decay does not reach that far before it ends or
    sinks into noise. Early to late energy in dB: ``c50``, ``c80``; early to all energy: ``d50``;
    centre time in seconds: ``ts``; direct (2.5 ms) to reverberant energy in dB: ``drr``. All are
    NaN for silence.

    Raises
    ------
    ValueError
        If the response is empty or not finite, or the sample rate not more than 0.
    """
    responses = np.asarray(rir, np.float64)
    if responses.ndim == 0 or responses.size == 0 or not np.isfinite(responses).all():
        raise ValueError(f"rir has shape {responses.shape}; finite (..., samples) are needed")
    if not 0 < sample_rate < np.inf:
        raise ValueError(f"sample_rate is {sample_rate!r}; accepted: more than 0 Hz")
    rows = responses.reshape(-1, responses.shape[-1])
    onsets = np.argmax(np.abs(rows) >= _ONSET * np.abs(rows).max(axis=1, keepdims=True), axis=1)
    shape: tuple[int, ...] = responses.shape[:-1]
    leads = np.zeros(1)
    in_bands = _unfiltered
    if per_band:
        centres = bands_for(sample_rate)
        leads = 2 * np.sqrt(2) / centres  # zero-phase filters ring before the onset, too
        in_bands = partial(_octaves, centres=centres, sample_rate=sample_rate)
        shape = (*shape, len(centres))
    found = [
        _measure(band, int(onset), round(lead * sample_rate), sample_rate)
        for row, onset in zip(in_bands(rows), onsets, strict=True)
        for band, lead in zip(row, leads, strict=True)
    ]
    result = {name: np.array([f[name] for f in found]) for name in _NAMES}
    if reasons:
        result["reasons"] = np.array([f["reasons"] for f in found])
    result["drr"] = _direct_to_reverberant(rows, onsets + round(_DIRECT * sample_rate), in_bands)
    return {name: value.reshape(shape)[()] for name, value in result.items()}


def _direct_to_reverberant(
    rows: Array, ends: NDArray[np.int64], in_bands: Callable[[Array], Array]
) -> Array:
    """Return the ratio (R, B) in dB of what comes before the ends (R,) of rows to what follows.

    They are parted before the filter, which rings for longer than the direct sound lasts.
    """
    direct = np.where(np.arange(rows.shape[1]) < ends[:, None], rows, 0)
    before, behind = (np.sum(in_bands(x) ** 2, axis=-1) for x in (direct, rows - direct))
    with np.errstate(divide="ignore", invalid="ignore"):  # only direct: infinite; silence: NaN
        return 10 * np.log10(before / behind)


def _measure(response: Array, onset: int, lead: int, sample_rate: int) -> dict[str, Any]:
    """Measure one response (N,) that begins ``lead`` samples before its onset."""
    first = max(onset - lead, 0)
    energy = response[first : np.max(np.flatnonzero(response), initial=-1) + 1] ** 2
    if not energy.any():
        return dict.fromkeys(_NAMES, np.nan) | {"reasons": "the response is silent"}
    end, beyond = _truncation(energy, sample_rate)
    energy = energy[:end]
    decay = np.append(np.cumsum(energy[::-1])[::-1], 0) + beyond

    def after(seconds: float) -> float:
        return decay[min(onset - first + round(seconds * sample_rate), end)]

    def ratio(seconds: float) -> float:
        with np.errstate(divide="ignore"):  # all of it is early: infinite
            return float(10 * np.log10((decay[0] - after(seconds)) / after(seconds)))

    times = (np.arange(end) - (onset - first)) / sample_rate
    level = 10 * np.log10(decay[:end] / decay[0])
    fits = {name: _reverberation_time(times, level, *span) for name, span in _RANGES.items()}
    return {
        **fits,
        "reasons": _why_nan(fits, float(level[-1])),
        "c50": ratio(0.05),
        "c80": ratio(0.08),
        "d50": float(1 - after(0.05) / decay[0]),
        "ts": float(times @ energy / energy.sum()),
    }


def _reverberation_time(times: Array, level: Array, upper: float, lower: float) -> float:
    """Return the time of a 60 dB fall, from the slope of level (N,) in dB between two levels."""
    inside = np.flatnonzero((level <= upper) & (level >= lower))
    if level[-1] > lower or len(inside) < 2 or level[inside[0]] == level[inside[-1]]:
        return np.nan
    slope = np.polyfit(times[inside], level[inside], 1)[0]
    return float(-60 / slope)


def _why_nan(fits: dict[str, float], lowest: float) -> str:
    """Say why reverberation times are NaN of a decay that can be followed to ``lowest`` dB."""
    shallow = [name for name in fits if lowest > _RANGES[name][1]]
    steep = [name for name in fits if np.isnan(fits[name]) and name not in shallow]
    needs = ", ".join(f"{name} needs {-_RANGES[name][1]:.0f}" for name in shallow)
    texts = [f"the decay can be followed for {-lowest:.1f} dB: {needs}"] if shallow else []
    if steep:
        texts.append(f"the decay falls in too few steps to fit {', '.join(steep)}")
    return "; ".join(texts)


def _truncation(energy: Array, sample_rate: int) -> tuple[int, float]:
    """Return where a decay (N,) meets its noise, and the energy it would have had from there on.

    After Lundeby, Vigran, Bietz & Vorländer (1995): alternate between the noise level, from what
    comes after the crossing, and the decay's slope, from what lies 5 to 25 dB above the noise. Of
    a response that ends before any noise, its last tenth takes the part of the noise.
    """
    block = max(round(_BLOCK * sample_rate), 1)
    count = len(energy) // block
    if count < 10:
        return len(energy), 0.0
    mean = energy[: count * block].reshape(count, block).mean(axis=1)
    level = 10 * np.log10(np.maximum(mean, 1e-30 * mean.max()))
    noise_from = count - max(count // 10, 1)
    crossing, slope = float(count), 0.0
    for _ in range(5):
        noise = 10 * np.log10(np.maximum(mean[noise_from:].mean(), 1e-30 * mean.max()))
        peak = int(np.argmax(level))
        inside = np.flatnonzero((level > noise + 5) & (level < noise + 25))
        inside = inside[inside >= peak]
        if len(inside) < 3:
            return len(energy), 0.0
        slope, start = np.polyfit(inside + 0.5, level[inside], 1)
        if slope >= 0:
            return len(energy), 0.0
        crossing = min((noise - start) / slope, count)
        noise_from = min(int(crossing - 5 / slope) + 1, count - max(count // 10, 1))
    end = max(int(crossing * block), 1)
    per_sample = -slope / block * np.log(10) / 10
    return min(end, len(energy)), 10 ** ((start + slope * crossing) / 10) / per_sample


def _unfiltered(rows: Array) -> Array:
    return rows[:, None]


def _octaves(rows: Array, centres: Array, sample_rate: int) -> Array:
    """Return rows (R, N) through zero-phase octave filters, (R, B, N).

    Their magnitude is that of a third-order Butterworth band-pass (IEC 61260-1).
    """
    length = rows.shape[1]
    size = next_fast_len(length + sample_rate // 4, real=True)  # room for what rings
    frequency = np.maximum(np.fft.rfftfreq(size, 1 / sample_rate), 1e-3)
    ratio = frequency / centres[:, None]
    magnitude = 1 / np.sqrt(1 + (np.sqrt(2) * (ratio - 1 / ratio)) ** 6)
    return irfft(rfft(rows, size)[:, None] * magnitude, size)[..., :length]
