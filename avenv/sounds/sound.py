"""One sound."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SoundError
from avenv.sounds.player import Player

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
        origin: where it comes from: the absolute path of its file, which ``load_sounds`` reads
            again, or a synthesiser.
        licence: the terms it may be used under, ``""`` where nobody has said.
        recipe: digest of what it was made from, a file's bytes or a synthesiser's words; ``""``
            for one that is nothing but its samples.
    """

    name: str
    kind: str
    signal: NDArray[np.float32]
    sample_rate: int
    origin: str = ""
    licence: str = ""
    recipe: str = ""

    @property
    def hash(self) -> str:
        """Digest (hexadecimal, 16 digits) of what it is: two sounds that share it are the same.

        Of the recipe of a built-in sound, of a file's bytes: whatever the sample rate, and on every
        machine. Of the samples and their rate where a sound was made of these.
        """
        if self.recipe:
            return self.recipe
        return digest(f"{self.sample_rate} Hz", np.ascontiguousarray(self.signal).tobytes())

    @property
    def duration(self) -> float:
        """Length of one turn of the loop in seconds."""
        return len(self.signal) / self.sample_rate

    def _repr_html_(self) -> str:
        return Player(self.signal, self.sample_rate, self.name)._repr_html_()  # in notebooks


def digest(*parts: str | bytes) -> str:
    """Return a hash (hexadecimal, 16 digits) of texts and bytes, one after another."""
    told = hashlib.sha256()
    for part in parts:
        told.update(part.encode() if isinstance(part, str) else part)
    return told.hexdigest()[:16]


def check_rate(sample_rate: int) -> None:
    """Raise a SoundError unless the sample rate can carry the sounds."""
    if sample_rate < MIN_SAMPLE_RATE:
        raise SoundError(f"sample_rate is {sample_rate} Hz; at least {MIN_SAMPLE_RATE} is needed")
