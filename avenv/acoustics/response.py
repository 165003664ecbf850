"""From early paths and a late field to the impulse response that a listener hears.

Kernels see one listener at a time: P paths, K time bins, B octave bands, and the C channels of a
``ChannelLayout``, through whose filters paths are heard and whose coherence the noise of the late
field has.
"""

import numpy as np

from avenv.acoustics.late.tail import (
    as_it_is,
    cut_tails,
    direct,
    directed_share,
    late_level,
    pan,
    shape_noise,
    weigh_channels,
)
from avenv.acoustics.paths.taps import add_early
from avenv.acoustics.signal.transforms import is_silent
from avenv.core.kernels import fast_inner, fast_kernel
from avenv.core.pinned import opened


@fast_kernel
def assemble(
    lengths, gains, arrivals, distance, late_energy, late_moment, bin_samples, heading,
    heard_with, out,
):  # fmt: skip
    """Set ``out`` to one listener's impulse response; say whether there is sound in it.

    What comes from everywhere is each channel's own noise. What comes from the direction of the
    moment is one noise in all channels, with the delays and the octaves' levels of that direction.

    Parameters
    ----------
    lengths : (P,) float32, metres from source to listener along each early path.
    gains : (P, B) float32, pressure relative to 1 m from the source, per octave band.
    arrivals : (P, 3) float32, world unit vectors from the listener to where paths come from.
    distance : float64, metres between source and listener; no late sound comes before it.
    late_energy : (K, B) float32, expected sum of squares within each time bin, per octave band, as
        if that level held for the whole spectrum (a single 1 in ``out`` has 1 in every band).
    late_moment : (K, 3) float32, energy-weighted mean of the world arrival directions.
    bin_samples : float64, width of a time bin; bin 0 begins with the emission.
    heading : float64, of the listener, radians.
    heard_with : ``Pinned`` ``ChannelLayout`` and ``LateNoise`` for L samples.
    out : (C, L) float32, pressure relative to 1 m from the source in the free field.
    """
    layout, noise = opened(heard_with)
    out[:] = 0
    add_early(lengths, gains, arrivals, heading, layout, out)
    start = np.int64(np.ceil(distance * layout.samples_per_metre))
    if start >= min(out.shape[1], late_energy.shape[0] * bin_samples):
        return _is_sounding(out)
    level = late_level(late_energy, bin_samples, start)
    cut_tails(level, late_energy, gains)
    channels, phases = out.shape[0], noise.ray.shape[0]
    heard, directed, alone = weigh_channels(level, late_moment, heading, layout.power, phases > 0)
    still, upright = as_it_is(len(level))
    for c in range(channels):
        shape_noise(heard[c], bin_samples, start, noise.diffuse[c : c + 1], noise.unit, still,
                     upright, out[c])  # fmt: skip
    if phases:
        shift, sign = direct(late_moment, heading, layout, phases, alone)
        for c in range(channels):
            shape_noise(directed[c], bin_samples, start, noise.ray, noise.unit, shift[c], sign[c],
                         out[c])  # fmt: skip
    return _is_sounding(out)


@fast_kernel
def assemble_coincident(
    lengths, gains, arrivals, distance, late_energy, late_moment, bin_samples, heading,
    heard_with, out,
):  # fmt: skip
    """Do as ``assemble`` for a coincident layout: directed sound is one signal in all channels.

    It is panned where an early path would be. This is a kernel of its own, so that only those who
    use it compile it.
    """
    layout, noise = opened(heard_with)
    out[:] = 0
    add_early(lengths, gains, arrivals, heading, layout, out)
    start = np.int64(np.ceil(distance * layout.samples_per_metre))
    if start >= min(out.shape[1], late_energy.shape[0] * bin_samples):
        return _is_sounding(out)
    level = late_level(late_energy, bin_samples, start)
    cut_tails(level, late_energy, gains)
    directed = np.empty_like(level)
    for k in range(len(level)):
        share = directed_share(late_moment[k])
        for b in range(level.shape[1]):
            directed[k, b] = share * level[k, b]
            level[k, b] *= 1 - share
    ray = np.zeros(out.shape[1], np.float32)
    still, upright = as_it_is(len(level))
    shape_noise(directed, bin_samples, start, noise.ray, noise.unit, still, upright, ray)
    for c in range(out.shape[0]):
        shape_noise(level, bin_samples, start, noise.diffuse[c : c + 1], noise.unit, still,
                     upright, out[c])  # fmt: skip
    pan(ray, late_moment, bin_samples, start, heading, layout.filters, out)
    return _is_sounding(out)


@fast_inner
def _is_sounding(out):
    for channel in out:  # noqa: SIM110 (Numba knows no any())
        if not is_silent(channel):
            return True
    return False
