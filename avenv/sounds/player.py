"""Sound that can be played where it is shown, in a notebook."""

from base64 import b64encode
from dataclasses import dataclass
from html import escape
from io import BytesIO

import numpy as np
import soundfile
from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Player:
    """Shows samples as an element that plays them.

    Attributes:
        samples: (N,), or (C, N): of more than two channels the first two are played.
        sample_rate: Hz.
        caption: in words.
        loudest: amplitude of the loudest sample as it is played; None: as it is, cut off at 1.
            Responses to an impulse are quiet by nature.
    """

    samples: ArrayLike
    sample_rate: int
    caption: str = ""
    loudest: float | None = 0.5

    def __post_init__(self) -> None:
        shape = np.shape(self.samples)
        if len(shape) not in (1, 2) or 0 in shape:
            raise ValueError(f"samples have the shape {shape}; accepted: (N,) or (C, N)")

    def wav(self) -> bytes:
        """Return what is played as a WAV file of 16 bits."""
        sound = np.atleast_2d(np.asarray(self.samples, np.float64))[:2]
        if self.loudest is not None:
            sound = sound * (self.loudest / max(np.abs(sound).max(), 1e-12))
        file = BytesIO()
        soundfile.write(file, np.clip(sound, -1, 1).T, self.sample_rate, "PCM_16", format="WAV")
        return file.getvalue()

    def _repr_html_(self) -> str:
        data = b64encode(self.wav()).decode()
        words = f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else ""
        label = escape(self.caption or "sound", quote=True)
        return (
            f'<figure>{words}<audio controls aria-label="{label}" '
            f'src="data:audio/wav;base64,{data}"></audio></figure>'
        )
