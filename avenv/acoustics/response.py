"""From early paths and a late field to the impulse response that a listener hears.

Kernels see one listener at a time: P paths, K time bins, B octave bands, and the C channels of a
``ChannelLayout``, through whose filters paths are heard and whose coherence the noise of the late
field has.
"""

import numpy as np

from avenv.acoustics.arrivals import unpacked
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
def assemble(arrivals, bin_samples, heading, heard_with, out):
    """Set ``out`` to one listener's impulse response; say whether there is sound in it.

    What comes from everywhere is each channel's own noise. What comes from the direction of the
    moment is one noise in all channels, with the delays and the octaves' levels of that direction.

    Parameters
    ----------
    arrivals : (N,) float32, what reaches the listener: ``Arrivals`` as ``room_for`` packs them.
    bin_samples : float64, width of a time bin; bin 0 begins with the emission.
    heading : float64, of the listener, radians.
    heard_with : ``Pinned`` ``ChannelLayout`` and ``LateNoise`` for L samples.
    out : (C, L) float32, pressure relative to 1 m from the source in the free field.
    """
    layout, noise = opened(heard_with)
    sound = unpacked(arrivals)
    out[:] = 0
    add_early(sound.length, sound.gain, sound.arrival, heading, layout, out)
    start = np.int64(np.ceil(sound.distance * layout.samples_per_metre))
    if start >= min(out.shape[1], len(sound.energy) * bin_samples):
        return _is_sounding(out)
    level = late_level(sound.energy, bin_samples, start)
    cut_tails(level, sound.energy, sound.gain)
    channels, phases = out.shape[0], noise.ray.shape[0]
    heard, directed, alone = weigh_channels(level, sound.moment, heading, layout.power, phases > 0)
    still, upright = as_it_is(len(level))
    for c in range(channels):
        shape_noise(heard[c], bin_samples, start, noise.diffuse[c : c + 1], noise.unit, still,
                     upright, out[c])  # fmt: skip
    if phases:
        shift, sign = direct(sound.moment, heading, layout, phases, alone)
        for c in range(channels):
            shape_noise(directed[c], bin_samples, start, noise.ray, noise.unit, shift[c], sign[c],
                         out[c])  # fmt: skip
    return _is_sounding(out)


@fast_kernel
def assemble_coincident(arrivals, bin_samples, heading, heard_with, out):
    """Do as ``assemble`` for a coincident layout: directed sound is one signal in all channels.

    It is panned where an early path would be. This is a kernel of its own, so that only those who
    use it compile it.
    """
    layout, noise = opened(heard_with)
    sound = unpacked(arrivals)
    out[:] = 0
    add_early(sound.length, sound.gain, sound.arrival, heading, layout, out)
    start = np.int64(np.ceil(sound.distance * layout.samples_per_metre))
    if start >= min(out.shape[1], len(sound.energy) * bin_samples):
        return _is_sounding(out)
    level = late_level(sound.energy, bin_samples, start)
    cut_tails(level, sound.energy, sound.gain)
    directed = np.empty_like(level)
    for k in range(len(level)):
        share = directed_share(sound.moment[k])
        for b in range(level.shape[1]):
            directed[k, b] = share * level[k, b]
            level[k, b] *= 1 - share
    ray = np.zeros(out.shape[1], np.float32)
    still, upright = as_it_is(len(level))
    shape_noise(directed, bin_samples, start, noise.ray, noise.unit, still, upright, ray)
    for c in range(out.shape[0]):
        shape_noise(level, bin_samples, start, noise.diffuse[c : c + 1], noise.unit, still,
                     upright, out[c])  # fmt: skip
    pan(ray, sound.moment, bin_samples, start, heading, layout.filters, out)
    return _is_sounding(out)


@fast_inner
def _is_sounding(out):
    for channel in out:  # noqa: SIM110 (Numba knows no any())
        if not is_silent(channel):
            return True
    return False
