"""Take the noise of few rays out of a late field.

Late sound is a sum of few decays that vary slowly in space (Picaut, Simon & Polack, "A mathematical
modeling of diffuse sound field based on a diffusion equation", Acustica 83, 1997): its fine
structure in time is shared by a neighbourhood, and what is fine in space lasts. So the field is
built up from coarse to fine: the decay of the whole scene, times what tells a neighbourhood from
the scene, times what tells a cell from its neighbourhood. These ratios hardly change while the
sound decays by tens of decibels, and can be averaged over longer times than the sound itself.
"""

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.late.cells import Cells
from avenv.acoustics.late.neighbours import Neighbours
from avenv.core import parallel
from avenv.core.kernels import njit

REACH = 2.5
"""Metres around a cell that count as its neighbourhood."""
_NEAR = 1.1
_DECAY_WINDOW = 0.12
# Metres around a cell, and share of its age over which its ratio to the level before is averaged:
# the fewer the cells, the fewer the rays and the longer the time.
_LEVELS = ((REACH, 0.35), (_NEAR, 0.45), (0.6, 0.6), (0.0, 1.0))

_CELLS_PER_JOB = 64

Array = NDArray[np.float32]


def smooth(
    energy: Array,
    moment: Array,
    cells: Cells,
    neighbours: Neighbours,
    earliest: NDArray[np.int64],
) -> tuple[Array, Array]:
    """Return energies (C, K, B) and moments (C, K, 3) of cells with less noise.

    In the first bins nothing is averaged; the mean over time and space stays what it is.
    ``neighbours`` are those within ``REACH``. ``earliest`` (C,) is the first bin in which sound can
    be in a cell: what was found of few rays must not say when it begins, for that would make the
    time without hits count for nothing.
    """
    first, near, distance = neighbours
    scene = np.tensordot(cells.volume / cells.volume.sum(), energy, axes=1)
    decay = _fit_decay(scene, _DECAY_WINDOW)
    there = np.arange(len(decay)) >= earliest[:, None]
    estimate = decay * there[..., None]
    for reach, window in _LEVELS:
        share = _shares(distance, reach) * cells.volume[near]
        estimate *= _ratios(energy, estimate, decay, first, near, share, window)
    estimate *= _share_kept(energy, estimate, cells.volume)
    share = _shares(distance, _NEAR) * cells.volume[near]
    mean = np.repeat(estimate.mean(axis=2, keepdims=True), 3, axis=2)
    decay = np.repeat(decay.mean(axis=1, keepdims=True), 3, axis=1)
    return estimate, mean * _ratios(moment, mean, decay, first, near, share, 0.2)


def _share_kept(energy: Array, estimate: Array, volume: Array) -> Array:
    """Return the energy (B,) in all cells and bins over what an estimate (C, K, B) has of it.

    Neighbourhoods and windows overlap unevenly, which leaves it some hundredths of a decibel off.
    """
    true, found = (
        np.tensordot(volume, e.sum(axis=1, dtype=np.float64), 1) for e in (energy, estimate)
    )
    return np.divide(true, found, where=found > 0, out=np.ones_like(true)).astype(np.float32)


def _shares(distance: Array, reach: float) -> Array:
    """Return the weights of neighbours: 1 at a cell itself, 0 from ``reach`` metres on."""
    if reach <= 0:
        return (distance == 0).astype(np.float32)
    return np.maximum(0, 1 - (distance / np.float32(reach)) ** 2)


def _fit_decay(energy: Array, window: float) -> Array:
    """Return a decay (K, B) fitted by an exponential within ``window`` of each bin's age.

    A straight line through the logarithms (least squares); bins without energy do not count. It
    stays between the least and the largest energy around it: a few bins throw a line far off.
    """
    number = len(energy)
    there = energy > 0
    y = np.log(energy, where=there, out=np.zeros(energy.shape))
    x = np.arange(number, dtype=np.float64)[:, None] * there
    sums = np.zeros((5, number + 1, energy.shape[1]))
    np.cumsum([there, x, x * x, y, x * y], axis=1, out=sums[:, 1:])
    reach = (window * np.arange(number)).astype(int)
    low, high = np.arange(number) - reach, np.minimum(np.arange(number) + reach + 1, number)
    n, sx, sxx, sy, sxy = sums[:, high] - sums[:, low]
    spread = n * sxx - sx * sx
    slope = np.divide(n * sxy - sx * sy, spread, where=spread > 0.5, out=np.zeros_like(spread))
    at = np.divide(sy - slope * sx, n, where=n > 0, out=np.zeros_like(n))
    largest = np.maximum.accumulate(np.where(there, y, -np.inf)[::-1])[::-1][low]
    least = np.minimum.accumulate(np.where(there, y, np.inf))[high - 1]
    line = np.clip(at + slope * np.arange(number)[:, None], least, largest)
    return np.exp(line, where=n > 0, out=np.zeros_like(line)).astype(np.float32)


def _ratios(
    values: Array,
    reference: Array,
    decay: Array,
    first: NDArray[np.int64],
    near: NDArray[np.int32],
    share: Array,
    window: float,
) -> Array:
    """Return the ratio (C, K, D) of values to reference, both summed over neighbours and time.

    The time is ``window`` of a bin's age to either side; where there can be no sound, the reference
    is zero. So that its first part does not decide alone, both are divided by the decay (K, D) of
    the scene before.
    """
    ratio = np.empty_like(values)
    parallel.run(
        _fill_ratios,
        (
            (values, reference, decay, first, near, share, window, ratio, start,
             min(start + _CELLS_PER_JOB, len(values)))
            for start in range(0, len(values), _CELLS_PER_JOB)
        ),
    )  # fmt: skip
    return ratio


@njit(nogil=True, fastmath={"contract", "arcp"})
def _fill_ratios(values, reference, decay, first, near, share, window, ratio, start, stop):
    """Write the ratios of the cells from start to stop."""
    bins, bands = decay.shape
    above, below = np.empty((bins, bands), np.float32), np.empty((bins, bands), np.float32)
    tops, bottoms = np.zeros((bins + 1, bands)), np.zeros((bins + 1, bands))
    scale = np.zeros((bins, bands))
    for k in range(bins):
        for b in range(bands):
            scale[k, b] = 1 / decay[k, b] if decay[k, b] > 0 else 0.0
    for c in range(start, stop):
        above[:], below[:] = 0, 0
        for p in range(first[c], first[c + 1]):
            if share[p] > 0:
                _add(share[p], values[near[p]], above)
                _add(share[p], reference[near[p]], below)
        for k in range(bins):
            for b in range(bands):
                tops[k + 1, b] = tops[k, b] + above[k, b] * scale[k, b]
                bottoms[k + 1, b] = bottoms[k, b] + below[k, b] * scale[k, b]
        for k in range(bins):
            reach = int(window * k)
            low, high = k - reach, min(k + reach + 1, bins)
            for b in range(bands):
                bottom = bottoms[high, b] - bottoms[low, b]
                ratio[c, k, b] = (tops[high, b] - tops[low, b]) / bottom if bottom > 1e-9 else 0.0


@njit(nogil=True, fastmath={"contract", "arcp"}, forceinline=True)
def _add(share, field, out):
    """Add ``share`` times a field (K, D) to out."""
    source, target = field.reshape(field.size), out.reshape(out.size)
    for n in range(len(source)):
        target[n] += share * source[n]
