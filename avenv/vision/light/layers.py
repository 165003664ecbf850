"""The light of each lamp and of the day, kept apart and small."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import borrowing, kernel

_DIMMEST = 1e-4  # share of a lamp's brightest light below which a sample is not kept
_DIMMEST_DAY = 1e-6  # the same by day, whose sun is far brighter than rooms without a window


class LightLayers(NamedTuple):
    """Light on L samples by each of K lamps, and by day; only samples that a layer reaches.

    Attributes:
        peak: (K + 1,) float32 brightest light of each, the day's last; 1 makes white paper white.
        reached: (K + 1, ceil(L / 8)) uint8, a bit for each sample, the lowest first: whether the
            layer has an entry for it.
        code: (N, 3) uint16 entries, layer by layer: light as a share of the peak is the square of
            code / 65535.
    """

    peak: NDArray[np.float32]
    reached: NDArray[np.uint8]
    code: NDArray[np.uint16]


def no_layers() -> LightLayers:
    """Return the layers of a scene without lamps, by night."""
    return LightLayers(
        np.zeros(1, np.float32), np.zeros((1, 0), np.uint8), np.empty((0, 3), np.uint16)
    )


def pack_layers(light: list[NDArray[np.float32]]) -> LightLayers:
    """Keep what is not dark of the light (L, K, 3) of some layers at a time, the day the last."""
    peaks, reached, codes = [], [], []
    for number, layers in enumerate(light):
        peak, sizes = np.zeros(layers.shape[1], np.float32), np.zeros(layers.shape[1], np.int64)
        _find_peaks(layers, peak)
        least = np.float32(_DIMMEST) * peak
        if number == len(light) - 1:
            least[-1] = np.float32(_DIMMEST_DAY) * peak[-1]
        _count_bright(layers, least, sizes)
        ends = np.cumsum(sizes)
        bits = np.zeros((len(peak), -(-len(layers) // 8)), np.uint8)
        code = np.empty((ends[-1], 3), np.uint16)
        _encode(layers, least, np.maximum(peak, np.float32(1e-30)), ends - sizes, bits, code)
        peaks.append(peak)
        reached.append(bits)
        codes.append(code)
    return LightLayers(np.concatenate(peaks), np.concatenate(reached), np.concatenate(codes))


# Layout of the kernels: light (L, K, 3); peak, least and sizes (K,).
@borrowing
def _find_peaks(light, peak):
    """Write the brightest light of each layer."""
    for i in range(len(light)):
        for k in range(len(peak)):
            peak[k] = max(peak[k], light[i, k, 0], light[i, k, 1], light[i, k, 2])


@borrowing
def _count_bright(light, least, sizes):
    """Count the samples of each layer that are brighter than its least."""
    for i in range(len(light)):
        for k in range(len(least)):
            sizes[k] += max(light[i, k, 0], light[i, k, 1], light[i, k, 2]) > least[k]


@borrowing
def _encode(light, least, peak, place, reached, code):
    """Write which samples these are and their codes (N, 3), of each layer from place (K,) on."""
    for i in range(len(light)):
        for k in range(len(least)):
            if max(light[i, k, 0], light[i, k, 1], light[i, k, 2]) > least[k]:
                reached[k, i >> 3] |= np.uint8(1 << (i & 7))
                for c in range(3):
                    share = np.sqrt(light[i, k, c] / peak[k])
                    code[place[k], c] = np.uint16(np.rint(np.float32(65535) * share))
                place[k] += 1


# Layout: factors (K + 1,), light (L, 3).
@kernel
def add_layers(layers, factors, light):
    """Add to the light on every sample that of all layers, each times its factor."""
    n = 0
    for layer in range(len(factors)):
        scale = factors[layer] * layers.peak[layer] / np.float32(65535.0**2)
        for eight in range(layers.reached.shape[1]):
            bits, i = layers.reached[layer, eight], 8 * eight
            while bits:
                if bits & 1:
                    if scale > 0:
                        for channel in range(3):
                            code = np.float32(layers.code[n, channel])
                            light[i, channel] += scale * code * code
                    n += 1
                bits >>= 1
                i += 1
