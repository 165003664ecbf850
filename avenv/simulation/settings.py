"""What a body senses, as plain data: the names of its sensors and the numbers they share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

from avenv.acoustics import MicrophoneArray, make_layout
from avenv.core.records import as_record
from avenv.core.suggest import accepted
from avenv.simulation.body import EYE_HEIGHT
from avenv.simulation.cameras import Camera, as_camera, as_noise
from avenv.simulation.noise import MicrophoneNoise, PoseNoise
from avenv.simulation.sensors.table import sensor_names
from avenv.vision import SENSORS as PICTURES
from avenv.vision import CameraNoise, check_light
from avenv.vision.camera.optics import as_size, check_hfov


@dataclass(frozen=True)
class SensorSettings:
    """The sensors of a body and their settings.

    Attributes:
        names: which observations to make, of ``sensor_names()``; may be empty if there are cameras.
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
        microphone_noise: what ears or microphones add: a ``MicrophoneNoise``, its fields, or None.
        pose_noise: how ``pose`` goes wrong: a ``PoseNoise``, its fields, or None.
        mel_bands: of ``logmel``.
        max_lag: of ``gcc_phat``, samples to either side.

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
    microphone_noise: MicrophoneNoise | None = None
    pose_noise: PoseNoise | None = None
    mel_bands: int = 64
    max_lag: int = 16

    def __post_init__(self) -> None:
        # YAML and JSON bring lists and mappings; the fields promise tuples and records.
        object.__setattr__(self, "cameras", _as_cameras(self.cameras))
        object.__setattr__(self, "names", _as_names(self.names, bool(self.cameras)))
        object.__setattr__(self, "camera_noise", as_noise("camera_noise", self.camera_noise))
        for name, kind in (("microphone_noise", MicrophoneNoise), ("pose_noise", PoseNoise)):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, as_record(f"{name} is", value, kind))
        check_light(self.light)
        for name in ("sample_rate", "step_time", "window"):
            if not isinstance(getattr(self, name), int | float):
                raise ValueError(f"{name} is {getattr(self, name)!r}; accepted: a number")
        object.__setattr__(self, "image_size", as_size("image_size", self.image_size))
        object.__setattr__(self, "hfov", check_hfov(self.hfov))
        if self.mel_bands < 1 or self.max_lag < 0:
            raise ValueError(
                f"mel_bands is {self.mel_bands!r} and max_lag {self.max_lag!r}; accepted: 1 or "
                "more, and 0 or more"
            )
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

    def ahead(self, eye_height: float = EYE_HEIGHT) -> Camera | None:
        """Return the camera that the plain options describe, if any of its pictures is wanted."""
        pictures = tuple(name for name in self.names if name in PICTURES)
        if not pictures:
            return None
        return Camera(
            "",
            pictures,
            self.image_size,
            self.hfov,
            position=(0.0, 0.0, eye_height),
            noise=self.camera_noise,
        )


def _as_names(names: Any, has_cameras: bool) -> tuple[str, ...]:
    """Return names of sensors as a tuple; ``ValueError`` where one is unknown or named twice."""
    known = sensor_names()
    plain = (names,) if isinstance(names, str) else names
    plain = tuple(plain) if isinstance(plain, Iterable) else ()
    if not plain and not (has_cameras and isinstance(names, Iterable)):
        raise ValueError(f"sensors is {names!r}; accepted: one or more of {', '.join(known)}")
    for name in plain:
        if name not in known:
            raise ValueError(f"sensors has {name!r}; {accepted(name, known)}")
    twice = sorted({name for name in plain if plain.count(name) > 1})
    if twice:
        raise ValueError(f"sensors has {', '.join(map(repr, twice))} twice; accepted: each once")
    return plain


def _as_cameras(cameras: Any) -> tuple[Camera, ...]:
    if not isinstance(cameras, Sequence) or isinstance(cameras, str):
        raise ValueError(f"cameras is {cameras!r}; accepted: a list of cameras")
    made = tuple(as_camera(camera) for camera in cameras)
    names = [camera.name for camera in made]
    for name in names:
        if not name or names.count(name) > 1:
            raise ValueError(f"cameras are named {names}; accepted: names that differ, none empty")
    return made
