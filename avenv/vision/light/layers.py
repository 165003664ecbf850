"""The light of each lamp and of the day, kept apart and small."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import kernel

_DIMMEST = 1e-4  # share of a lamp's brightest light below which a sample is not kept
_DIMMEST_DAY = 1e-6  # the same by day, whose sun is far brighter than rooms without a window


class LightLayers(NamedTuple):
    """Light on L samples by each of K lamps, and by day; only samples that a layer reaches.

    Attributes:
        first: (K + 2,) int64 where the entries of each lamp start; those of the day come last.
        peak: (K + 1,) float32 brightest light of each; 1 makes white paper white.
        sample: (N,) int32 the sample of each entry.
        code: (N, 3) uint16: light as a share of the peak is the square of code / 65535.
    """

    first: NDArray[np.int64]
    peak: NDArray[np.float32]
    sample: NDArray[np.int32]
    code: NDArray[np.uint16]


def no_layers() -> LightLayers:
    """Return the layers of a scene without lamps, by night."""
    return LightLayers(np.zeros(2, np.int64), np.zeros(1, np.float32), np.empty(0, np.int32),
                       np.empty((0, 3), np.uint16))  # fmt: skip


def pack_layers(light: list[NDArray[np.float32]]) -> LightLayers:
    """Keep what is not dark of the light (L, K, 3) of some layers at a time, the day the last."""
    sizes, peaks, samples, codes = [0], [], [], []
    every = [layer for layers in light for layer in np.moveaxis(layers, 1, 0)]
    for number, layer in enumerate(every):
        dimmest = _DIMMEST_DAY if number == len(every) - 1 else _DIMMEST
        bright = layer.max(axis=1)
        peak = bright.max(initial=0)
        kept = np.flatnonzero(bright > dimmest * peak)
        sizes.append(len(kept))
        peaks.append(peak)
        samples.append(kept.astype(np.int32))
        codes.append(np.rint(65535 * np.sqrt(layer[kept] / max(peak, 1e-30))))
    return LightLayers(np.cumsum(sizes), np.array(peaks, np.float32), np.concatenate(samples),
                       np.concatenate(codes).astype(np.uint16))  # fmt: skip


# Layout: factors (K + 1,), light (L, 3).
@kernel
def add_layers(layers, factors, light):
    """Add to the light on every sample that of all layers, each times its factor."""
    for layer in range(len(factors)):
        scale = factors[layer] * layers.peak[layer] / np.float32(65535.0**2)
        if scale > 0:
            for n in range(layers.first[layer], layers.first[layer + 1]):
                i = layers.sample[n]
                for channel in range(3):
                    code = np.float32(layers.code[n, channel])
                    light[i, channel] += scale * code * code
