"""What a body senses: the choice of sensors and the shape of what each one returns."""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike

import numpy as np
from gymnasium import spaces

from avenv.acoustics import MicrophoneArray, make_layout, spectrogram_shape
from avenv.scene import CATEGORIES
from avenv.vision.shading import MAX_DEPTH


@dataclass(frozen=True)
class Sensors:
    """The sensors of a body and their settings.

    Attributes:
        names: which observations to make, of ``OBSERVATIONS``.
        image_size: (width, height) of pictures, pixels.
        hfov: horizontal field of view, degrees.
        sample_rate: of all sound, Hz.
        step_time: simulated seconds between two observations.
        window: seconds of the latest sound in an observation.
        layout: of the ears or microphones: a name in ``avenv.acoustics.LAYOUTS`` or an
            ``avenv.acoustics.MicrophoneArray``.
        hrtf: SOFA file of the head, for the binaural layout; by default KEMAR's is used.

    Raises:
        ValueError: a setting is out of range; the message names it.
    """

    names: tuple[str, ...] = ("rgb", "depth", "audio", "spectrogram")
    image_size: tuple[int, int] = (128, 128)
    hfov: float = 90.0
    sample_rate: int = 16000
    step_time: float = 0.25
    window: float = 1.0
    layout: str | MicrophoneArray = "binaural"
    hrtf: str | PathLike[str] | None = None

    def __post_init__(self) -> None:
        # YAML and JSON bring lists; the fields promise tuples.
        names = (self.names,) if isinstance(self.names, str) else tuple(self.names)
        object.__setattr__(self, "names", names)
        if isinstance(self.image_size, list):
            object.__setattr__(self, "image_size", tuple(self.image_size))
        for name in ("hfov", "sample_rate", "step_time", "window"):
            if not isinstance(getattr(self, name), int | float):
                raise ValueError(f"{name} is {getattr(self, name)!r}; accepted: a number")
        unknown = [name for name in self.names if name not in OBSERVATIONS]
        if unknown or not self.names:
            raise ValueError(
                f"sensors is {self.names!r}; accepted are one or more of {tuple(OBSERVATIONS)}"
            )
        if not (
            isinstance(self.image_size, tuple)
            and len(self.image_size) == 2
            and all(isinstance(side, int) and 1 <= side <= 8192 for side in self.image_size)
        ):
            raise ValueError(
                f"image_size is {self.image_size!r}; accepted: (width, height), 1-8192"
            )
        if not 0 < self.hfov < 180:
            raise ValueError(f"hfov is {self.hfov!r}; accepted: degrees between 0 and 180")
        if not 8000 <= self.sample_rate <= 96000:
            raise ValueError(f"sample_rate is {self.sample_rate!r}; accepted: 8000 to 96000 Hz")
        if not 0 < self.step_time <= self.window <= 60:
            raise ValueError(
                f"step_time is {self.step_time!r} and window {self.window!r}; accepted: "
                "0 < step_time <= window <= 60 seconds"
            )
        make_layout(self.layout, self.sample_rate, self.hrtf)  # raises if there is no such layout

    @property
    def step_samples(self) -> int:
        """Samples of sound in one step."""
        return round(self.step_time * self.sample_rate)

    @property
    def window_samples(self) -> int:
        """Samples of sound in an observation."""
        return round(self.window * self.sample_rate)

    @property
    def channels(self) -> int:
        """Number of ears or microphones."""
        return make_layout(self.layout, self.sample_rate, self.hrtf).delays.shape[-1]

    @property
    def pictures(self) -> tuple[str, ...]:
        """The chosen sensors that the rasteriser fills."""
        return tuple(name for name in self.names if name in ("rgb", "depth", "semantic"))

    def space(self) -> spaces.Dict:
        """Return the observation space, one entry per chosen sensor."""
        return spaces.Dict({name: OBSERVATIONS[name](self) for name in self.names})


def _picture(
    channels: int, high: float, dtype: type[np.generic]
) -> Callable[[Sensors], spaces.Box]:
    def space(sensors: Sensors) -> spaces.Box:
        width, height = sensors.image_size
        return spaces.Box(0, high, (height, width, channels), dtype)  # type: ignore[arg-type]

    return space


def _audio(sensors: Sensors) -> spaces.Box:
    return spaces.Box(-1.0, 1.0, (sensors.channels, sensors.window_samples), np.float32)


def _spectrogram(sensors: Sensors) -> spaces.Box:
    shape = spectrogram_shape(sensors.window_samples, sensors.channels)
    # |STFT| of a full-scale wave is at most the sum of the 400-sample Hann window, 200.
    return spaces.Box(0.0, float(np.log1p(200.0)), shape, np.float32)


OBSERVATIONS: dict[str, Callable[[Sensors], spaces.Box]] = {
    "rgb": _picture(3, 255, np.uint8),
    "depth": _picture(1, float(MAX_DEPTH), np.float32),
    "semantic": _picture(1, len(CATEGORIES) - 1, np.int32),
    "audio": _audio,
    "spectrogram": _spectrogram,
}
"""Every observation there is, with the space it lives in."""
