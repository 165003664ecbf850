"""One sound."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SoundError

MIN_SAMPLE_RATE = 8000
"""Hz; below this the alarms and the consonants would lose what makes them recognisable."""


@dataclass(frozen=True, eq=False)
class Sound:
    """A mono sound that is played in a loop.

    Attributes:
        name: unique in its set, e.g. ``"phone/3"`` or ``"alarms/bell.wav"``.
        kind: what makes the sound, e.g. ``"phone"``.
        signal: (N,) float32 at ``sample_rate``, sample N is followed by sample 0.
        sample_rate: Hz.
        origin: where it comes from: a file, or a synthesiser.
        licence: the terms it may be used under, ``""`` where nobody has said.
    """

    name: str
    kind: str
    signal: NDArray[np.float32]
    sample_rate: int
    origin: str = ""
    licence: str = ""

    @property
    def duration(self) -> float:
        """Length of one turn of the loop in seconds."""
        return len(self.signal) / self.sample_rate


def check_rate(sample_rate: int) -> None:
    """Raise a SoundError unless the sample rate can carry the sounds."""
    if sample_rate < MIN_SAMPLE_RATE:
        raise SoundError(f"sample_rate is {sample_rate} Hz; at least {MIN_SAMPLE_RATE} is needed")
