"""Turn a SOFA file of head-related impulse responses into the small set that avenv ships.

    python scripts/build_hrtf.py /usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa \
        avenv/acoustics/data/kemar.npz

Any ``SimpleFreeFieldHRIR`` file will do. Each measured response becomes an onset delay and a
magnitude, to be heard through a minimum-phase filter (Kistler & Wightman 1992): these two, unlike
the responses themselves, may be interpolated between directions. Both are interpolated over the
sphere by thin plate splines, also below the lowest measured elevation, and averaged with the
mirrored other ear. Dividing by the diffuse-field average takes out what all directions have in
common: the loudspeaker, the microphone and the ear canal.
"""

import os
from pathlib import Path

import click
import h5py
import numpy as np
from scipy.interpolate import RBFInterpolator

from avenv.acoustics.filters import minimum_phase
from avenv.frames import direction

STEP = 5  # degrees between the directions of the grid
TAPS = 128  # at 44.1 kHz; what pinna, head and torso do is over within 3 ms
OVERSAMPLING = 16  # of the responses whose onsets are measured
ONSET = 0.1  # of the peak
FLAT_BELOW, MEASURED_ABOVE = 150.0, 300.0  # Hz; small loudspeakers say little about the bass


def read_sofa(path):
    """Return impulse responses (P, 2, N), unit directions (P, 3) and the sample rate."""
    with h5py.File(path) as file:
        convention = file.attrs["SOFAConventions"].decode()
        if convention != "SimpleFreeFieldHRIR":
            raise click.ClickException(f"{path} is {convention}; SimpleFreeFieldHRIR is needed")
        responses, sample_rate = file["Data.IR"][:], float(file["Data.SamplingRate"][0])
        azimuth, elevation = np.radians(file["SourcePosition"][:, :2]).T
    return responses, direction(azimuth, elevation), sample_rate


def onsets(responses, sample_rate):
    """Return when responses (..., N) first reach ``ONSET`` of their peak, (...) in seconds."""
    size = responses.shape[-1]
    fine = np.abs(np.fft.irfft(np.fft.rfft(responses, 2 * size), 2 * OVERSAMPLING * size))
    fine = fine[..., : OVERSAMPLING * size]
    threshold = ONSET * fine.max(axis=-1, keepdims=True)
    return np.argmax(fine > threshold, axis=-1) / (OVERSAMPLING * sample_rate)


def magnitudes_of(responses):
    """Return the magnitudes (..., F) in dB of responses (..., N), smoothed to ``TAPS`` taps."""
    magnitude = np.abs(np.fft.rfft(responses, 4 * responses.shape[-1]))
    floor = 1e-4 * magnitude.max(axis=-1, keepdims=True)
    short = minimum_phase(np.maximum(magnitude, floor))[..., :TAPS]
    return 20 * np.log10(np.abs(np.fft.rfft(short * np.hanning(2 * TAPS + 1)[TAPS:-1])))


def over_sphere(directions, values, grid):
    """Interpolate values (P, K) at unit directions (P, 3) to the directions (E, A, 3) of a grid."""
    spline = RBFInterpolator(directions, values, kernel="thin_plate_spline", smoothing=1e-3)
    return spline(grid.reshape(-1, 3)).reshape(*grid.shape[:2], -1)


def left_ear(delays, magnitudes, directions):
    """Return the left ear's delays (E, A) and magnitudes (E, A, F), symmetric in both ears."""
    azimuth = np.radians(np.arange(0, 360, STEP))
    elevation = np.radians(np.arange(-90, 91, STEP))
    grid = direction(azimuth, elevation[:, None])
    both = np.concatenate([delays[..., None] * 1e6, magnitudes], axis=-1)
    left = over_sphere(directions, both[:, 0], grid)
    right = over_sphere(directions * [1, -1, 1], both[:, 1], grid)
    mean = (left + right) / 2
    mean[[0, -1]] = mean[[0, -1]].mean(axis=1, keepdims=True)  # one direction at each pole
    return mean[..., 0] * 1e-6, mean[..., 1:]


def equalise(magnitudes, sample_rate):
    """Divide magnitudes (E, A, F) in dB by their diffuse-field average and flatten the bass."""
    weight = np.cos(np.radians(np.arange(-90, 91, STEP)))[:, None, None]
    power = 10 ** (magnitudes / 10)
    diffuse = (weight * power).sum(axis=(0, 1)) / (weight.sum() * magnitudes.shape[1])
    frequency = np.fft.rfftfreq(TAPS, 1 / sample_rate)
    octaves = np.log2(np.maximum(frequency, 1) / FLAT_BELOW)
    measured = np.clip(octaves / np.log2(MEASURED_ABOVE / FLAT_BELOW), 0, 1)
    return measured * (magnitudes - 10 * np.log10(diffuse))


@click.command(help=__doc__)
@click.argument("sofa", type=click.Path(exists=True, dir_okay=False))
@click.argument("output", type=click.Path(dir_okay=False, path_type=Path))
def main(sofa, output):
    responses, directions, sample_rate = read_sofa(sofa)
    delays, magnitudes = left_ear(
        onsets(responses, sample_rate), magnitudes_of(responses), directions
    )
    # sound from the median plane reaches both ears when it reaches the point between them; what
    # differs between elevations is how far the loudspeaker was
    delays -= delays[:, [0, 180 // STEP]].mean(axis=1, keepdims=True)
    unfinished = output.with_name(output.name + ".part")
    with unfinished.open("wb") as file:
        np.savez_compressed(
            file,
            magnitudes=equalise(magnitudes, sample_rate).astype(np.float16),
            delays=delays.astype(np.float32),
            sample_rate=np.float64(sample_rate),
        )
    os.replace(unfinished, output)
    print(f"{output}: {output.stat().st_size / 1e3:.0f} kB, {len(directions)} directions")


if __name__ == "__main__":
    main()
