"""What two ears tell, as one short vector: the observation from which agents learn to hear.

A picture of the spectrum is a poor ear for a small network: phase is gone, and the difference of
the ears drowns in what they share. Here that difference is worked out, over the last step, whose
sound was heard at this pose, and over the whole window:

- in bands, the level, the level difference, and the coherence of the ears, whose phase is that by
  which the left ear leads, and whose size tells how much sound is direct;
- the cross-correlation of the ears, weighted by their coherence ("SCOT" in Carter, Nuttall & Cable
  1973, Knapp & Carter 1976), so that each frequency counts as much as the ears agree on it;
- the same cues of onsets alone. In a room the direct sound lies below the reverberation, but it
  comes first: what rises above the echo of what was heard before has no reflections in it yet
  (the precedence effect; modelled so by Huang, Ohnishi & Sugie 1997). How far it rises tells the
  direct sound from the reverberant one, and with it the distance;
- the level of each ear in short segments of the window.

``BLOCKS`` has the order of the vector; ``docs/observations.md`` shows it as a table.

Frames of 400 samples under a Hann window, every 160, are transformed as in ``spectrogram``, but
counted from the end of the window, so that no frame has silence in it that was not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics.signal.frames import (
    BINS,
    HANN,
    HOP,
    SIZE,
    WINDOW,
    FrameTables,
    frame_tables,
    take_logarithms,
    transform_frame,
)
from avenv.acoustics.signal.transforms import LANES
from avenv.core import parallel
from avenv.core.kernels import fast_inner, fast_kernel, fast_part

BANDS, ONSET_BANDS, LAGS, SEGMENTS = 24, 12, 21, 12
"""Numbers of bands, of bands of onsets (two bands each), of lags, and of segments per ear."""
LOWEST, HIGHEST = 100.0, 7000.0
"""Hz, the edges of the bands; the upper one is half the sample rate where that is less."""
HIGHEST_CORRELATED = 5000.0
"""Hz up to which the cross-correlation reaches: what the spacing of its lags can carry."""
MAX_LAG = 0.9e-3
"""Seconds; a head delays sound by 0.8 ms at most."""
FLOOR = 1e-10
"""Mean square that is taken for silence, 100 dB below full scale. It is added wherever one power is
divided by another, so that what is much weaker counts for nothing."""
ECHO_TIME = 0.5
"""Seconds in which the echo of a sound is taken to decay by 60 dB, as in a furnished room."""
ECHO_DELAY = 2
"""Frames from a sound to its echo: nearer ones share samples, and would hide each other."""

LEVEL_CENTRE, LEVEL_UNIT = -50.0, 20.0
"""dB re full scale that is 0 in the vector, and dB to its unit; silence is -2.5."""
DIFFERENCE_UNIT, STRENGTH_UNIT = 5.0, 10.0
"""dB of level difference, and of the strength of onsets, to the unit."""
COHERENCE_SCALE, CORRELATION_SCALE = 2.0, 5.0
"""What stands for sound that is the same in both ears; silence is 0."""
BOUND = 5.0
"""No value is farther from 0; few are farther than 3."""

_ALL = {
    "level": BANDS, "level_difference": BANDS,
    "coherence_real": BANDS, "coherence_imag": BANDS, "correlation": LAGS,
}  # fmt: skip
_ONSETS = {
    "onset_strength": ONSET_BANDS, "onset_level_difference": ONSET_BANDS,
    "onset_coherence_real": ONSET_BANDS, "onset_coherence_imag": ONSET_BANDS,
    "onset_correlation": LAGS,
}  # fmt: skip
BLOCKS: Mapping[str, int] = MappingProxyType(
    {
        f"{span}_{name}": length
        for cues in (_ALL, _ONSETS)
        for span in ("step", "window")
        for name, length in cues.items()
    }
    | {"left_envelope": SEGMENTS, "right_envelope": SEGMENTS}
)
"""Names and lengths of the parts of the vector, in its order."""

_ENDS = tuple(accumulate(BLOCKS.values()))
_WHOLE = 32  # numbers that loops take at a time; those that are left over are dear
Array = NDArray[np.float32]


@dataclass(frozen=True)
class BinauralFeatures:
    """The vectors of windows of sound at two ears.

    Attributes:
        sample_rate: Hz.
        window_samples: N of a window.
        step_samples: S at its end that are new since the last one.

    Raises:
        ValueError: the window is shorter than a frame of 400 samples, or the step not within it.
    """

    sample_rate: int
    window_samples: int
    step_samples: int

    size: ClassVar[int] = _ENDS[-1]
    """Numbers in a vector, D: 396, for all rates, windows and steps."""
    slices: ClassVar[Mapping[str, slice]] = MappingProxyType(
        {name: slice(end - BLOCKS[name], end) for name, end in zip(BLOCKS, _ENDS, strict=True)}
    )
    """Where each of ``BLOCKS`` is."""
    bound: ClassVar[float] = BOUND

    def __post_init__(self) -> None:
        if self.window_samples < WINDOW:
            raise ValueError(
                f"the window has {self.window_samples} samples; accepted: {WINDOW} or more"
            )
        if not 1 <= self.step_samples <= self.window_samples:
            raise ValueError(
                f"the step has {self.step_samples} samples; accepted: 1 to {self.window_samples}, "
                "those of the window"
            )

    def compute(self, windows: ArrayLike, out: Array | None = None) -> Array:
        """Return the vectors (E, D) float32 of windows (E, 2, N), left ear first.

        A row is the same bits in any batch and for any number of threads.

        Args:
            windows: of sound.
            out: (E, D) float32 to be written to and returned; by default a new array.

        Raises:
            ValueError: the windows or ``out`` have another shape, or ``out`` is of another type.
        """
        sound = np.require(windows, np.float32, ["C", "W"])  # else Numba compiles for another kind
        if sound.ndim != 3 or sound.shape[1:] != (2, self.window_samples):
            raise ValueError(
                f"windows have the shape {sound.shape}; accepted: (rows, 2, {self.window_samples}) "
                "of a left and a right ear"
            )
        shape = len(sound), self.size
        if out is None:
            out = np.empty(shape, np.float32)
        elif out.shape != shape or out.dtype != np.float32 or not out.flags.c_contiguous:
            raise ValueError(
                f"out is {out.dtype} of the shape {out.shape}; accepted: float32 of the shape "
                f"{shape}, its rows one after the other"
            )
        parallel.run(self._describe, [(row, out[i]) for i, row in enumerate(sound)])
        return out

    @property
    def frames(self) -> int:
        """Frames T of a window, the last of which ends with it."""
        return (self.window_samples - WINDOW) // HOP + 1

    @property
    def recent(self) -> int:
        """Frames that lie in the step; the one that ends with it, if none does."""
        return max(1, (self.step_samples - WINDOW) // HOP + 1)

    def _describe(self, sound: Array, vector: Array) -> None:
        tables = _make_tables(self.sample_rate)
        known = _known(self.frames, tables)
        _follow(sound, tables, self.frames, self.recent, 0, known, vector)


class SlidingBinaural:
    """The vectors of E windows that slide: the spectra of frames that were there are kept.

    The bits are those of ``BinauralFeatures.compute``.

    Args:
        features: of which windows, and by how many samples they slide.
        num: windows E.

    Attributes:
        values: (E, D) float32, the vectors; the next call overwrites them.
    """

    def __init__(self, features: BinauralFeatures, num: int):
        self._features = features
        self._tables = _make_tables(features.sample_rate)
        shift, rest = divmod(features.step_samples, HOP)
        self._new = features.frames if rest else min(shift, features.frames)
        self._known = [_known(features.frames, self._tables) for _ in range(num)]
        self._first = [0] * num  # where in a row's ring its first frame is
        self.values = np.zeros((num, features.size), np.float32)

    def renew(self, rows: NDArray[np.int64], windows: Array) -> None:
        """Describe some rows (R,) of windows (E, 2, N) anew."""
        self._follow(rows, windows, self._features.frames)

    def slide(self, rows: NDArray[np.int64], windows: Array) -> None:
        """Describe some rows (R,) of windows (E, 2, N), which have moved on by one step."""
        self._follow(rows, windows, self._new)

    def _follow(self, rows: NDArray[np.int64], windows: Array, new: int) -> None:
        jobs = []
        for row in rows.tolist():
            self._first[row] = (self._first[row] + new) % self._features.frames
            jobs.append(
                (
                    windows[row], self._tables, new, self._features.recent, self._first[row],
                    self._known[row], self.values[row],
                )
            )  # fmt: skip
        parallel.run(_follow, jobs)


def mirrored(vectors: ArrayLike) -> Array:
    """Return the vectors (..., D) of the same sound with the ears swapped.

    Level differences and imaginary parts change their sign, correlations turn round, envelopes
    change places; all else stays.
    """
    return np.asarray(vectors, np.float32)[..., _MIRROR] * _SIGN


def _mirror() -> tuple[NDArray[np.int64], Array]:
    places, sign = np.arange(BinauralFeatures.size), np.ones(BinauralFeatures.size, np.float32)
    slices = BinauralFeatures.slices
    for name, where in slices.items():
        if name.endswith(("level_difference", "imag")):
            sign[where] = -1
        elif name.endswith("correlation"):
            places[where] = places[where][::-1]
    left, right = slices["left_envelope"], slices["right_envelope"]
    places[left], places[right] = places[right].copy(), places[left].copy()
    return places, sign


_MIRROR, _SIGN = _mirror()


class _Tables(NamedTuple):
    """What the kernel looks up, of K bins from the first one in a band to the last.

    Attributes:
        frame: of ``transform_frame``, scaled such that the powers of an ear's bins add up to its
            mean square.
        bins: (K,) numbers of the bins, in a row.
        weights: (BANDS + ONSET_BANDS, K) share that bins have in bands.
        reach: (BANDS + ONSET_BANDS, 2) first bin of a band, and the one after its last.
        owned: (ONSET_BANDS + 1,) first of the bins that count most in a band of onsets.
        turns: (2, LAGS, G) cosine and sine of the turn of the first G bins in each lag.
        decay: of the power of an echo from frame to frame.
        bin_floor: share of ``FLOOR`` that a bin has.
    """

    frame: FrameTables
    bins: NDArray[np.int64]
    weights: Array
    reach: NDArray[np.int64]
    owned: NDArray[np.int64]
    turns: Array
    decay: np.float32
    bin_floor: np.float32


@lru_cache(maxsize=8)
def _make_tables(sample_rate: int) -> _Tables:
    frequency = np.fft.rfftfreq(SIZE, 1 / sample_rate)
    triangles = band_weights(frequency, sample_rate)
    weights = np.concatenate([triangles, triangles[0::2] + triangles[1::2]])
    bins = np.flatnonzero(weights.any(axis=0))
    bins = np.arange(bins[0], bins[-1] + 1)
    weights = weights[:, bins]
    reach = [(np.flatnonzero(row)[0], np.flatnonzero(row)[-1] + 1) for row in weights]
    correlated = frequency[bins][frequency[bins] <= HIGHEST_CORRELATED]
    turns = 2 * np.pi * correlated * np.linspace(-MAX_LAG, MAX_LAG, LAGS)[:, None]
    return _Tables(
        frame=frame_tables(np.sqrt(2 / (SIZE * np.sum(HANN**2, dtype=np.float64)))),
        bins=bins,
        weights=weights.astype(np.float32),
        reach=np.array(reach),
        owned=np.searchsorted(weights[BANDS:].argmax(axis=0), np.arange(ONSET_BANDS + 1)),
        turns=np.stack([np.cos(turns), np.sin(turns)]).astype(np.float32),
        decay=np.float32(10 ** (-6 * HOP / sample_rate / ECHO_TIME)),
        bin_floor=np.float32(FLOOR * BANDS / len(bins)),
    )


def band_weights(frequency: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """Return the share (BANDS, F) that frequencies (F,) in Hz, evenly spaced, have in the bands.

    Triangles of height 1, evenly spaced on the scale of equivalent rectangular bandwidths, 21.4
    log10(1 + 0.00437 f) (Glasberg & Moore 1990). A triangle rises from the centre of its lower
    neighbour, or from the next lower frequency if that is farther, and falls alike; none reaches
    below ``LOWEST``.
    """
    low, high = 21.4 * np.log10(1 + 0.00437 * np.array([LOWEST, min(HIGHEST, sample_rate / 2)]))
    edges = (10 ** (np.linspace(low, high, BANDS + 2) / 21.4) - 1) / 0.00437
    widths = np.maximum(np.diff(edges), frequency[1] - frequency[0])[:, None]
    offset = frequency - edges[1:-1, None]
    triangles = np.minimum(1 + offset / widths[:-1], 1 - offset / widths[1:])
    return np.where(frequency < LOWEST, 0, np.maximum(0, triangles))


class _Known(NamedTuple):
    """What is known of the frames of a window, in a ring.

    Attributes:
        products: (T, 4, M) power of the left and of the right ear, real and imaginary part of the
            cross spectrum, of K bins; M is a multiple of ``_WHOLE``, zeros fill it up.
        power: (T, ONSET_BANDS) of both ears.
    """

    products: Array
    power: Array


def _known(frames: int, tables: _Tables) -> _Known:
    room = -(-len(tables.bins) // _WHOLE) * _WHOLE
    return _Known(
        np.zeros((frames, 4, room), np.float32),
        np.zeros((frames, ONSET_BANDS), np.float32),
    )


@fast_part
def _take_in(sound, tables, new, first, known):
    """Write the last ``new`` frames of sound (2, N) to what is known, which begins at ``first``."""
    frames, bins = len(known.products), len(tables.bins)
    work, spectra = np.empty((SIZE // LANES, 2, LANES), np.float32), np.empty((4, BINS), np.float32)
    low, samples = tables.bins[0], sound.shape[1]
    for frame in range(frames - new, frames):
        slot = (first + frame) % frames
        start = samples - WINDOW - HOP * (frames - 1 - frame)
        transform_frame(sound[0, start:], sound[1, start:], tables.frame, work, spectra)
        left_re, left_im = spectra[0, low : low + bins], spectra[1, low : low + bins]
        right_re, right_im = spectra[2, low : low + bins], spectra[3, low : low + bins]
        product = known.products[slot]
        for k in range(bins):
            product[0, k] = left_re[k] * left_re[k] + left_im[k] * left_im[k]
            product[1, k] = right_re[k] * right_re[k] + right_im[k] * right_im[k]
            product[2, k] = left_re[k] * right_re[k] + left_im[k] * right_im[k]
            product[3, k] = left_im[k] * right_re[k] - left_re[k] * right_im[k]
        for band in range(ONSET_BANDS):
            begin, end = tables.reach[BANDS + band, 0], tables.reach[BANDS + band, 1]
            weights = tables.weights[BANDS + band, begin:end]
            left, right = product[0, begin:end], product[1, begin:end]
            total = np.float32(0)
            for k in range(len(weights)):
                total += weights[k] * (left[k] + right[k])
            known.power[slot, band] = total


@fast_part
def _describe(sound, tables, recent, first, known, vector):
    """Set vector (D,) to what known frames of sound (2, N), and the recent ones of them, tell.

    The sums over frames are (4 views, 4, M): power of the left and of the right ear, real and
    imaginary part of the cross spectrum, of what lies in the step, in the window, and of the onsets
    in each.
    """
    frames, _, bins = known.products.shape
    sums = np.zeros((4, 4, bins), np.float32)
    rises = np.zeros((2, 2, ONSET_BANDS), np.float32)  # step and window: weighted, their weights
    shares = np.zeros((frames, ONSET_BANDS), np.float32)
    _find_onsets(tables, recent, first, known.power, shares, rises)
    share = np.zeros(bins, np.float32)
    for frame in range(frames):
        span = 0 if frame >= frames - recent else 1
        onset, product = shares[frame], known.products[(first + frame) % frames]
        largest = np.float32(0)
        for band in range(ONSET_BANDS):
            largest = max(largest, onset[band])
        if largest > 0:
            for band in range(ONSET_BANDS):
                share[tables.owned[band] : tables.owned[band + 1]] = onset[band]
        for part in range(4):
            everything, onsets, values = sums[span, part], sums[span + 2, part], product[part]
            if largest > 0:
                for k in range(bins):
                    everything[k] += values[k]
                    onsets[k] += share[k] * values[k]
            else:
                for k in range(bins):
                    everything[k] += values[k]
    _finish_sums(sums, rises, recent, frames)
    place = 0
    for view in range(4):
        place = _write_view(sums[view], tables, view, rises[view % 2], vector, place)
    _write_envelopes(sound, vector, place)


@fast_inner
def _finish_sums(sums, rises, recent, frames):
    """Add what lies in the step to the window, which was before it only; make sums means."""
    for view in range(0, 4, 2):
        for part in range(4):
            for k in range(sums.shape[2]):
                step = sums[view, part, k]
                sums[view + 1, part, k] = (sums[view + 1, part, k] + step) / np.float32(frames)
                sums[view, part, k] = step / np.float32(recent)
    for part in range(2):
        for band in range(ONSET_BANDS):
            rises[1, part, band] += rises[0, part, band]


@fast_part
def _find_onsets(tables, recent, first, power, shares, rises):
    """Set shares (T, ONSET_BANDS) to what part of a frame's power (T, ONSET_BANDS) is no echo.

    Rises (2, 2, ONSET_BANDS) gain, for the step and for what lies before it, the rises above the
    echo in dB times the power, and the power. What was before the first frames is not known, so
    that they are no onsets.
    """
    frames = len(power)
    echo, rise = np.zeros(ONSET_BANDS, np.float32), np.ones((frames, ONSET_BANDS), np.float32)
    for frame in range(frames):
        now = power[(first + frame) % frames]
        if frame >= ECHO_DELAY:
            before = power[(first + frame - ECHO_DELAY) % frames]
            decayed = np.float32(1)
            for _ in range(ECHO_DELAY):
                decayed *= tables.decay
            for band in range(ONSET_BANDS):
                echo[band] = max(echo[band] * tables.decay, before[band] * decayed)
        for band in range(ONSET_BANDS):
            heard, echoed = now[band] + np.float32(FLOOR), echo[band] + np.float32(FLOOR)
            if frame >= ECHO_DELAY and heard > echoed:
                shares[frame, band] = np.float32(1) - echoed / heard
                rise[frame, band] = heard / echoed
    take_logarithms(rise.reshape(rise.size))
    for frame in range(frames):
        now, span = power[(first + frame) % frames], 0 if frame >= frames - recent else 1
        for band in range(ONSET_BANDS):
            decibels = np.float32(10 / np.log(10)) * rise[frame, band]
            rises[span, 0, band] += decibels * now[band]
            rises[span, 1, band] += now[band] + np.float32(FLOOR)


@fast_part
def _write_view(sums, tables, view, rises, vector, place):
    """Write the cues of sums (4, M) from a place of the vector on; return the place behind them."""
    of_onsets = view >= 2
    bands = ONSET_BANDS if of_onsets else BANDS
    first = BANDS if of_onsets else 0
    floor = np.float32(FLOOR)
    for band in range(bands):
        left = right = real = imag = np.float32(0)
        for k in range(tables.reach[first + band, 0], tables.reach[first + band, 1]):
            weight = tables.weights[first + band, k]
            left += weight * sums[0, k]
            right += weight * sums[1, k]
            real += weight * sums[2, k]
            imag += weight * sums[3, k]
        if of_onsets:
            vector[place + band] = _bounded(rises[0, band] / rises[1, band] / STRENGTH_UNIT)
        else:
            vector[place + band] = _level(np.float32(0.5) * (left + right))
        difference = _decibels((left + floor) / (right + floor))
        scale = np.float32(COHERENCE_SCALE) / np.sqrt((left + floor) * (right + floor))
        vector[place + bands + band] = _bounded(difference / DIFFERENCE_UNIT)
        vector[place + 2 * bands + band] = _bounded(scale * real)
        vector[place + 3 * bands + band] = _bounded(scale * imag)
    place += 4 * bands
    bins = tables.turns.shape[2]
    coherence = np.empty((2, bins), np.float32)
    for k in range(bins):
        left, right = sums[0, k] + tables.bin_floor, sums[1, k] + tables.bin_floor
        scale = np.float32(CORRELATION_SCALE / bins) / np.sqrt(left * right)
        coherence[0, k] = scale * sums[2, k]
        coherence[1, k] = scale * sums[3, k]
    for lag in range(LAGS):
        total = np.float32(0)
        for k in range(bins):
            total += coherence[0, k] * tables.turns[0, lag, k]
            total += coherence[1, k] * tables.turns[1, lag, k]
        vector[place + lag] = _bounded(total)
    return place + LAGS


@fast_part
def _write_envelopes(sound, vector, place):
    """Write the levels of segments of sound (2, N), left ear first, from a place on."""
    samples, flat = sound.shape[1], sound.ravel()
    for ear in range(2):
        for segment in range(SEGMENTS):
            start, stop = samples * segment // SEGMENTS, samples * (segment + 1) // SEGMENTS
            part = flat[ear * samples + start : ear * samples + stop]
            total = np.float32(0)
            for n in range(len(part)):
                total += part[n] * part[n]
            vector[place + ear * SEGMENTS + segment] = _level(total / np.float32(len(part)))


@fast_inner
def _level(power):
    return _bounded((_decibels(power + np.float32(FLOOR)) - LEVEL_CENTRE) / LEVEL_UNIT)


@fast_inner
def _decibels(ratio):
    return np.float32(10 / np.log(10)) * np.log(ratio)


@fast_inner
def _bounded(value):
    return max(-BOUND, min(BOUND, value))


@fast_kernel
def _follow(sound, tables, new, recent, first, known, vector):
    """Set vector (D,) to what sound (2, N) tells, of which the last ``new`` frames are not known.

    What is known begins at ``first`` in its ring; ``recent`` frames are of the step.
    """
    _take_in(sound, tables, new, first, known)
    _describe(sound, tables, recent, first, known, vector)
