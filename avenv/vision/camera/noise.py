"""What a real camera adds to a picture: noise of depth and of colour, and missing depth.

The noise of a pixel is a function of (seed, step, stream, pixel) and of nothing else, so that it is
the same bits in any batch, on any number of threads and when a step is drawn again.
"""

from dataclasses import dataclass, fields
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from avenv.core import parallel
from avenv.core.color import encoded, linear
from avenv.core.hashing import STRIDE, mix
from avenv.core.kernels import inlined, kernel
from avenv.vision.camera.checks import is_number
from avenv.vision.camera.pictures import MAX_DEPTH

PICTURES_PER_JOB = 2

LIMITS = {
    "depth_floor": (0, 1),
    "depth_growth": (0, 1),
    "dropout": (0, 1),
    "shot": (0, 1),
    "read": (0, 1),
    "exposure": (-10, 10),
    "exposure_jitter": (0, 10),
}
"""Least and greatest value of each number of ``CameraNoise``."""


@dataclass(frozen=True)
class CameraNoise:
    """How a camera errs; a 0 turns off what it stands for. By default like a cheap RGB-D camera.

    Depth z gets normal noise of standard deviation ``depth_floor + depth_growth (z - 0.4)²`` beyond
    0.4 m: the axial noise that Nguyen, Izadi & Lovell measured on a Kinect ("Modeling Kinect Sensor
    Noise for Improved 3D Reconstruction and Tracking", 3DIMPVT 2012); it grows with the square
    because depth is found from disparity. The light that comes back to the sensor falls with the
    square too: a pixel has no depth, 0, with probability ``dropout z²``.

    Colour is exposed and gets its noise in linear light x, 0 to 1, before it is cut off at white
    and encoded again: normal, of variance ``shot² x + read²``, as Foi, Trimeche, Katkovnik &
    Egiazarian model the raw data of image sensors ("Practical Poissonian-Gaussian Noise Modeling
    and Fitting for Single-Image Raw-Data", IEEE TIP 2008). A sensor that collects N electrons at
    white has ``shot`` = 1 / sqrt(N).

    Attributes:
        depth_floor: metres, 0 to 1.
        depth_growth: per metre, 0 to 1.
        dropout: share of pixels without depth at 1 m, 0 to 1.
        shot: standard deviation at white, as a share of white, 0 to 1.
        read: standard deviation at black, likewise.
        exposure: stops by which pictures are brighter than they ought to be, -10 to 10.
        exposure_jitter: standard deviation of the stops from step to step, 0 to 10.

    Raises:
        ValueError: a number is out of range; the message names it.
    """

    depth_floor: float = 0.0012
    depth_growth: float = 0.0019
    dropout: float = 0.001
    shot: float = 0.03
    read: float = 0.003
    exposure: float = 0.0
    exposure_jitter: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value, (low, high) = getattr(self, field.name), LIMITS[field.name]
            if not (is_number(value) and low <= value <= high):
                raise ValueError(f"noise.{field.name} is {value!r}; accepted: {low} to {high}")


def disturb_depth(
    depth: NDArray[np.float32],
    noise: CameraNoise,
    seeds: NDArray[np.uint64],
    steps: NDArray[np.int64],
    stream: int = 0,
) -> None:
    """Disturb depth pictures (n, H, W, 1) in place; 0 stays 0.

    Args:
        depth: metres, 0 for nothing.
        noise: how much.
        seeds: (n,) of each picture.
        steps: (n,) of each picture, the time within what the seed stands for.
        stream: tells apart the cameras that share a seed.
    """
    settings = tuple(np.float32(getattr(noise, n)) for n in ("depth_floor", "depth_growth"))
    _run(_disturb_depth, depth, seeds, steps, 2 * stream, (*settings, np.float32(noise.dropout)))


def disturb_rgb(
    rgb: NDArray[np.uint8],
    noise: CameraNoise,
    seeds: NDArray[np.uint64],
    steps: NDArray[np.int64],
    stream: int = 0,
) -> None:
    """Disturb sRGB pictures (n, H, W, 3) in place; arguments as for ``disturb_depth``."""
    names = ("shot", "read", "exposure", "exposure_jitter")
    settings = tuple(np.float32(getattr(noise, name)) for name in names)
    _run(_disturb_rgb, rgb, seeds, steps, 2 * stream + 1, settings)


def _run(function, pictures, seeds, steps, stream, settings) -> None:
    pictures = pictures.reshape(len(pictures), -1, pictures.shape[-1])
    parallel.run(
        function,
        (
            (pictures[rows], seeds[rows], steps[rows], np.uint64(stream), settings)
            for rows in (
                slice(k, k + PICTURES_PER_JOB) for k in range(0, len(pictures), PICTURES_PER_JOB)
            )
        ),
    )


def _standard_normal(count: int) -> NDArray[np.float32]:
    """Return ``count`` equally likely values of mean 0 and variance 1, as a normal law has them."""
    middles = (np.arange(count) + 0.5) / count
    values = np.array([NormalDist().inv_cdf(float(p)) for p in middles])
    return (values / values.std()).astype(np.float32)


_NORMAL_BITS = np.uint64(12)
_NORMAL = _standard_normal(1 << 12)
_NORMAL_MASK = np.uint64(len(_NORMAL) - 1)
_UNIFORM_SHIFT = np.uint64(32)


_LINEAR = linear(np.arange(256) / 255).astype(np.float32)
# fine enough to tell the darkest codes apart
_ENCODED = np.rint(255 * encoded(np.linspace(0, 1, 1 << 14))).astype(np.uint8)
_STEPS = np.float32(len(_ENCODED) - 1)


@inlined
def _key(seed, step, stream):
    return mix(mix(mix(seed) ^ np.uint64(step)) ^ stream)


# Layout: depth (n, pixels, 1), seeds and steps (n,), settings: floor, growth, dropout.
@kernel
def _disturb_depth(depth, seeds, steps, stream, settings):
    floor, growth, dropout = settings
    scale = np.float32(2.0**32)
    for i in range(depth.shape[0]):
        key = _key(seeds[i], steps[i], stream)
        for p in range(depth.shape[1]):
            z = depth[i, p, 0]
            if z <= 0:
                continue
            word = mix(key + np.uint64(p) * STRIDE)
            if np.float32(word >> _UNIFORM_SHIFT) < dropout * z * z * scale:
                depth[i, p, 0] = 0
                continue
            far = max(z - np.float32(0.4), np.float32(0))
            error = (floor + growth * far * far) * _NORMAL[word & _NORMAL_MASK]
            depth[i, p, 0] = min(max(z + error, np.float32(0)), MAX_DEPTH)


# Layout: rgb (n, pixels, 3), seeds and steps (n,), settings: shot, read, exposure, jitter.
@kernel
def _disturb_rgb(rgb, seeds, steps, stream, settings):
    shot, read, exposure, jitter = settings
    light, spread = np.empty(256, np.float32), np.empty(256, np.float32)
    for i in range(rgb.shape[0]):
        key = _key(seeds[i], steps[i], stream)
        gain = np.float32(2) ** (exposure + jitter * _NORMAL[mix(~key) & _NORMAL_MASK])
        for code in range(256):
            light[code] = gain * _LINEAR[code]
            spread[code] = np.sqrt(shot * shot * light[code] + read * read)
        for p in range(rgb.shape[1]):
            word = mix(key + np.uint64(p) * STRIDE)
            for c in range(3):
                code = rgb[i, p, c]
                x = light[code] + spread[code] * _NORMAL[word & _NORMAL_MASK]
                x = min(max(x, np.float32(0)), np.float32(1))
                rgb[i, p, c] = _ENCODED[int(x * _STEPS + np.float32(0.5))]
                word >>= _NORMAL_BITS
