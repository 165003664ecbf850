"""What a body senses: the choice of sensors and the shape of what each one returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from gymnasium import spaces

from avenv.acoustics import MicrophoneArray, make_layout, spectrogram_shape
from avenv.simulation.cameras import EYE_HEIGHT, Camera, as_camera, as_noise, picture_space
from avenv.vision import SENSORS, CameraNoise, check_light
from avenv.vision.camera.optics import as_size, check_hfov
from avenv.vision.camera.pictures import as_names


@dataclass(frozen=True)
class Sensors:
    """The sensors of a body and their settings.

    Attributes:
        names: which observations to make, of ``OBSERVATIONS``; may be empty if there are cameras.
            The pictures among them are those of a camera at the eye that looks straight ahead.
        image_size: (width, height) of its pictures, pixels.
        hfov: its horizontal field of view, degrees.
        camera_noise: what its pictures suffer: a ``CameraNoise``, its fields, or None.
        cameras: more cameras, each a ``Camera`` or its fields; their observations are called
            ``name/sensor``.
        light: in which bodies see their world: ``"full"`` (by day with the lamps on), ``"day"``,
            ``"evening"``, ``"night"``, or ``"random"``: another in each episode.
        sample_rate: of all sound, Hz.
        step_time: simulated seconds between two observations.
        window: seconds of the latest sound in an observation.
        layout: of the ears or microphones: a name in ``avenv.acoustics.LAYOUTS`` or an
            ``avenv.acoustics.MicrophoneArray``.
        hrtf: SOFA file of the head, for the binaural layout; by default KEMAR's is used.

    Raises:
        ValueError: a setting is out of range; the message names it.
    """

    names: Sequence[str] = ("rgb", "depth", "audio", "spectrogram")
    image_size: tuple[int, int] = (128, 128)
    hfov: float = 90.0
    camera_noise: CameraNoise | None = None
    cameras: tuple[Camera, ...] = ()
    light: str = "full"
    sample_rate: int = 16000
    step_time: float = 0.25
    window: float = 1.0
    layout: str | MicrophoneArray = "binaural"
    hrtf: str | PathLike[str] | None = None

    def __post_init__(self) -> None:
        # YAML and JSON bring lists; the fields promise tuples.
        object.__setattr__(self, "cameras", _as_cameras(self.cameras))
        names = as_names(self.names, OBSERVATIONS) if self.names or not self.cameras else ()
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "camera_noise", as_noise("camera_noise", self.camera_noise))
        check_light(self.light)
        for name in ("sample_rate", "step_time", "window"):
            if not isinstance(getattr(self, name), int | float):
                raise ValueError(f"{name} is {getattr(self, name)!r}; accepted: a number")
        object.__setattr__(self, "image_size", as_size("image_size", self.image_size))
        object.__setattr__(self, "hfov", check_hfov(self.hfov))
        if not 8000 <= self.sample_rate <= 96000:
            raise ValueError(f"sample_rate is {self.sample_rate!r}; accepted: 8000 to 96000 Hz")
        if not 0 < self.step_time <= self.window <= 60:
            raise ValueError(
                f"step_time is {self.step_time!r} and window {self.window!r}; accepted: "
                "0 < step_time <= window <= 60 seconds"
            )
        if self.step_samples < 1:
            raise ValueError(
                f"step_time is {self.step_time!r}; accepted: a sample (1 / {self.sample_rate} s) "
                "or more"
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
    def keys(self) -> tuple[str, ...]:
        """The names of all observations."""
        more = (camera.key(name) for camera in self.cameras for name in camera.sensors)
        return (*self.names, *more)

    def eyes(self, eye_height: float = EYE_HEIGHT) -> tuple[Camera, ...]:
        """Return all cameras: the one that the plain options describe, and the others."""
        pictures = tuple(name for name in self.names if name in SENSORS)
        if not pictures:
            return self.cameras
        ahead = Camera(
            "",
            pictures,
            self.image_size,
            self.hfov,
            position=(0.0, 0.0, eye_height),
            noise=self.camera_noise,
        )
        return (ahead, *self.cameras)

    def space(self) -> spaces.Dict:
        """Return the observation space, one entry per chosen sensor."""
        boxes = {
            camera.key(name): picture_space(name, camera.size)
            for camera in self.eyes()
            for name in camera.sensors
        }
        heard = {"audio": self._audio, "spectrogram": self._spectrogram}
        boxes |= {name: heard[name]() for name in self.names if name in heard}
        return spaces.Dict({key: boxes[key] for key in self.keys})

    def _audio(self) -> spaces.Box:
        return spaces.Box(-1.0, 1.0, (self.channels, self.window_samples), np.float32)

    def _spectrogram(self) -> spaces.Box:
        shape = spectrogram_shape(self.window_samples, self.channels)
        # |STFT| of a full-scale wave is at most the sum of the 400-sample Hann window, 200.
        return spaces.Box(0.0, float(np.log1p(200.0)), shape, np.float32)


def _as_cameras(cameras: Any) -> tuple[Camera, ...]:
    if not isinstance(cameras, Sequence) or isinstance(cameras, str):
        raise ValueError(f"cameras is {cameras!r}; accepted: a list of cameras")
    made = tuple(as_camera(camera) for camera in cameras)
    names = [camera.name for camera in made]
    for name in names:
        if not name or names.count(name) > 1:
            raise ValueError(f"cameras are named {names}; accepted: names that differ, none empty")
    return made


OBSERVATIONS = (*SENSORS, "audio", "spectrogram")
"""Every observation that can be chosen by its name."""
