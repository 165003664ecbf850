"""Turn a SOFA file of head-related impulse responses into the small set that avenv ships.

    python scripts/build_hrtf.py /usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa \
        avenv/acoustics/ears/data/kemar.npz

Any ``SimpleFreeFieldHRIR`` file will do. It goes the way of a file given as ``hrtf=``, and then
the left ear is averaged with the mirrored right one: a dummy head is meant to be symmetric.
"""

import os
from pathlib import Path

import click
import numpy as np

from avenv.acoustics.ears.hrtf import ears_of
from avenv.acoustics.ears.sofa import read_sofa


@click.command(help=__doc__)
@click.argument("sofa", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("output", type=click.Path(dir_okay=False, path_type=Path))
def main(sofa, output):
    try:
        measured = read_sofa(sofa.read_bytes(), str(sofa))
        ears = ears_of(measured, str(sofa))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    delays, magnitudes = map(symmetric, (ears.delays, ears.magnitudes))
    unfinished = output.with_name(output.name + ".part")
    with unfinished.open("wb") as file:
        np.savez_compressed(
            file,
            magnitudes=magnitudes[:, :, 0].astype(np.float16),
            delays=delays[:, :, 0].astype(np.float32),
            sample_rate=np.float64(measured.sample_rate),
        )
    os.replace(unfinished, output)
    size = output.stat().st_size / 1e3
    print(f"{output}: {size:.0f} kB, {len(measured.directions)} directions")


def symmetric(ears):
    """Return ears (E, A, 2, ...) averaged with their mirror image."""
    mirrored = -np.arange(ears.shape[1])
    return (ears + ears[:, mirrored, ::-1]) / 2


if __name__ == "__main__":
    main()
