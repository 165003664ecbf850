"""How what is known of a source is kept on disk: rounded, and as what changes from bin to bin."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.late.cells import Cells
from avenv.acoustics.late.tracing import LateField
from avenv.acoustics.paths.image_sources import ImageTree
from avenv.core.kernels import borrowing

STEPS = 32
"""Steps to an octave of energy that a field is kept in: it is within 0.05 dB of what was traced."""

_AIMS = 2048
"""Steps to the length of a direction that one sound comes from alone."""
_FARTHEST = 2**14  # steps of an aim, of which each component is at most 2048 but for noise
_SILENT = np.iinfo(np.int16).min


class Changes(NamedTuple):
    """What codes of int16 have more than those one bin before, in C cells and K bins, B of each.

    It is ``low + 256 * high``. Most changes are small, so that ``high`` compresses to next to
    nothing.

    Attributes:
        low: (C, K, B) int8.
        high: (C, K, B) int8.
    """

    low: NDArray[np.int8]
    high: NDArray[np.int8]


class KeptField(NamedTuple):
    """Images and a late field as they are kept.

    Attributes:
        tree, cells, bin, escaped: as they are.
        energy: of 7 bands, the steps of its logarithm; the lowest is silence.
        aim: of 3 axes, the steps of the moment over the mean energy.
    """

    tree: ImageTree
    cells: Cells
    energy: Changes
    aim: Changes
    bin: float
    escaped: float


def to_keep(tree: ImageTree, late: LateField) -> KeptField:
    """Return a field as it is kept, rounded.

    Raises:
        ValueError: its energy is not finite.
    """
    if not np.isfinite(late.energy).all():
        raise ValueError("late energy is not finite; check the scene's materials")
    with np.errstate(divide="ignore"):
        steps = np.rint(STEPS * np.log2(late.energy))
    codes = np.where(late.energy > 0, np.clip(steps, _SILENT + 1, -_SILENT - 1), _SILENT)
    codes = codes.astype(np.int16)
    mean = _ENERGIES[codes.view(np.uint16)].mean(axis=2, keepdims=True)
    aim = np.divide(late.moment, mean, out=np.zeros_like(late.moment), where=mean > 0)
    aim = np.rint(np.clip(_AIMS * aim, -_FARTHEST, _FARTHEST)).astype(np.int16)
    return KeptField(tree, late.cells, _changes(codes), _changes(aim), late.bin, late.escaped)


def as_kept(kept: KeptField) -> LateField:
    """Return the late field that a record keeps."""
    energy = np.empty(kept.energy.low.shape, np.float32)
    moment = np.empty(kept.aim.low.shape, np.float32)
    _restore(kept.energy, kept.aim, _ENERGIES, energy, moment)
    return LateField(kept.cells, energy, moment, kept.bin, kept.escaped)


def _changes(codes: NDArray[np.int16]) -> Changes:
    """Return the changes of codes (C, K, B); they wrap around."""
    change = np.diff(codes, axis=1, prepend=np.int16(0))
    low = change.astype(np.int8)
    return Changes(low, ((change - low) >> 8).astype(np.int8))


@borrowing
def _restore(steps, aims, energies, energy, moment):
    """Write energies (C, K, 7) and moments (C, K, 3); ``energies`` (65536,) are those of codes."""
    cells, bins, bands = energy.shape
    for c in range(cells):
        for b in range(bands):
            code = 0
            for k in range(bins):
                code += steps.low[c, k, b] + 256 * steps.high[c, k, b]
                energy[c, k, b] = energies[code & 0xFFFF]
        for a in range(3):
            code = 0
            for k in range(bins):
                code += aims.low[c, k, a] + 256 * aims.high[c, k, a]
                moment[c, k, a] = np.float32(np.int16(code)) * np.float32(1 / _AIMS)
        for k in range(bins):
            mean = np.float32(0)
            for b in range(bands):
                mean += energy[c, k, b]
            mean /= np.float32(bands)
            for a in range(3):
                moment[c, k, a] *= mean


def _all_energies() -> NDArray[np.float32]:
    """Return the energy (65536,) of every code, by its bits taken for a number without sign."""
    exponents = np.arange(2**16, dtype=np.uint16).view(np.int16) / STEPS
    energies = np.exp2(np.clip(exponents, -126, 126)).astype(np.float32)
    energies[_SILENT & 0xFFFF] = 0
    return energies


_ENERGIES = _all_energies()
