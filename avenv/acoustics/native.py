"""Impulse responses of many listeners at once, and of one."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics.air import SPEED_OF_SOUND, air_absorption
from avenv.acoustics.ears.layouts import Layout, make_layout
from avenv.acoustics.ears.microphones import MicrophoneArray
from avenv.acoustics.field import SourceField, check_position, source_field
from avenv.acoustics.late.tracing import late_at
from avenv.acoustics.paths.directivity import gains_towards, make_directivity
from avenv.acoustics.paths.search import Paths, allocate_paths, find_paths
from avenv.acoustics.response import assemble, assemble_coincident, late_noise
from avenv.acoustics.scene import AcousticScene
from avenv.acoustics.settings import AcousticSettings
from avenv.core import parallel
from avenv.core.bands import OCTAVE_CENTRES, bands_for
from avenv.scene.compiled import CompiledScene

Array = NDArray[np.float32]


class ResponseJob(NamedTuple):
    """One response to compute.

    Attributes:
        scene: where it is.
        field: of the source, from the engine's ``source_field``.
        listener: (3,) world metres.
        heading: of the listener, radians.
        directivity: of the source, a name in ``DIRECTIVITIES``.
        facing: heading of the source, radians.
    """

    scene: AcousticScene
    field: Any
    listener: NDArray[np.float64]
    heading: float = 0.0
    directivity: str = "omni"
    facing: float = 0.0


def as_length(length: int | None, settings: AcousticSettings, sample_rate: int) -> int:
    """Return the samples of a response, by default those of ``settings.max_time``.

    Raises:
        ValueError: the length is not a whole number or less than 1.
    """
    if length is None:
        return round(settings.max_time * sample_rate)
    if not isinstance(length, Integral) or length < 1:
        raise ValueError(f"length is {length!r}; accepted: whole samples, 1 or more")
    return int(length)


_WHOLE_DECAY = AcousticSettings(max_time=4.0)
_RINGING = 0.02  # seconds that the filters of ears and octaves may ring on


class Engine:
    """Computes responses of one layout and length; stateless but for caches.

    Attributes:
        layout: what a listener hears with.
        length: samples of a response.
        settings: of the propagation.
    """

    def __init__(
        self,
        sample_rate: int,
        layout: str | MicrophoneArray = "binaural",
        length: int | None = None,
        settings: AcousticSettings | None = None,
        hrtf: str | PathLike[str] | None = None,
    ) -> None:
        """Make an engine; ``length`` is by default that of ``settings.max_time``.

        Raises:
            ValueError: as ``make_layout`` and ``as_length``.
        """
        self.settings = settings or AcousticSettings()
        self.length = as_length(length, self.settings, sample_rate)
        self.layout: Layout = make_layout(layout, sample_rate, hrtf)
        self._bin_samples = float(self.settings.bin * sample_rate)
        whole = max(self.length, round(self.settings.max_time * sample_rate))
        noise = late_noise(self.layout, whole, self.settings.seed)
        self._noise = np.ascontiguousarray(noise[..., : self.length])
        self._bins = int(np.ceil(self.length / self._bin_samples))
        self._air = _pressure_loss(bands_for(sample_rate), self.settings)

    def source_field(
        self,
        compiled: CompiledScene,
        scene: AcousticScene,
        source: ArrayLike,
        ear_height: float,
    ) -> SourceField:
        """Return what listeners at ``ear_height`` need to know of a source (3,); see there."""
        return source_field(compiled, scene, source, ear_height, self.settings)

    def responses(self, jobs: Sequence[tuple], out: Array | None = None) -> Array:
        """Compute the responses (J, channels, length) of many jobs, into ``out`` if given.

        Each job is a ``ResponseJob`` or a tuple of its first fields. Where no sound arrives within
        the length the response is zero, and a warning names the places.

        Raises:
            ValueError: a listener's position or a heading is not finite, a directivity is unknown,
                or the gains of the scene's materials are not finite.
        """
        shape = (len(jobs), self.layout.filters.shape[2], self.length)
        if out is None:
            out = np.empty(shape, np.float32)
        elif out.shape != shape or out.dtype != np.float32:
            raise ValueError(f"out is {out.dtype} {out.shape}; accepted: float32 {shape}")
        full = [ResponseJob(*job) for job in jobs]
        for number, job in enumerate(full):
            _check(job, number)
        silent = np.zeros(len(full), np.bool_)
        parallel.run(
            self._respond, ((job, out[j], silent[j : j + 1]) for j, job in enumerate(full))
        )
        for j in np.flatnonzero(silent).tolist():
            seconds = self.length / self.layout.sample_rate
            warnings.warn(f"no sound gets {_places(full[j])} within {seconds:.3g} s", stacklevel=2)
        return out

    def _respond(self, job: ResponseJob, out: Array, silent: NDArray[np.bool_]) -> None:
        sound = _propagate(job, self._air, self._bins)
        distance = math.dist(job.listener, job.field.tree.position[0])
        out[:] = 0
        kernel = assemble_coincident if self.layout.coincident else assemble
        kernel(
            sound.paths.length, sound.paths.gain, sound.paths.arrival, sound.number, distance,
            sound.energy, sound.moment, self._bin_samples, float(job.heading), self.layout,
            self._noise, out,
        )  # fmt: skip
        silent[0] = not (out[:, ::64].any() or out.any())  # a few samples mostly tell


class _Sound(NamedTuple):
    """What reaches a listener: early paths, and the energy and moment of K time bins."""

    paths: Paths
    number: int
    energy: Array
    moment: Array


def _propagate(job: ResponseJob, air: NDArray[np.float64], bins: int) -> _Sound:
    """Return what reaches the listener of a job, in as many bands as ``air`` has."""
    field, ear = job.field, np.asarray(job.listener, np.float64)
    paths = allocate_paths(field.tree, len(air))
    count = find_paths(job.scene, field.tree, air, ear, paths)
    bins = min(field.late.energy.shape[1], bins)
    energy, moment = np.empty((bins, len(air)), np.float32), np.empty((bins, 3), np.float32)
    x, y, z = ear.tolist()
    late_at(field.late, job.scene.bvh, x, y, z, energy, moment)
    if job.directivity != "omni":
        pattern = make_directivity(job.directivity, OCTAVE_CENTRES[: len(air)])
        paths.gain[:count] *= gains_towards(pattern, paths.departure[:count], job.facing)
        energy *= pattern.power.astype(np.float32)
    if not math.isfinite(paths.gain[:count].sum() + energy.sum()):
        raise ValueError(f"gains are not finite {_places(job)}; check the scene's materials")
    return _Sound(paths, count, energy, moment)


def _check(job: ResponseJob, number: int) -> None:
    """Raise ``ValueError`` if there is no such listener or source."""
    if not all(map(math.isfinite, job.listener)):
        raise ValueError(f"jobs[{number}]: listener is {job.listener}; accepted: metres")
    for name, angle in (("heading", job.heading), ("facing", job.facing)):
        if not math.isfinite(angle):
            raise ValueError(f"jobs[{number}]: {name} is {angle}; accepted: finite radians")
    make_directivity(job.directivity, OCTAVE_CENTRES)


def _places(job: ResponseJob) -> str:
    source, ear = job.field.tree.position[0].tolist(), np.asarray(job.listener).tolist()
    return f"from the source at {source} to the listener at {ear}"


def _pressure_loss(
    frequencies: NDArray[np.float64], settings: AcousticSettings
) -> NDArray[np.float64]:
    """Return the attenuation (B,) of pressure by air in Np per metre."""
    decibels = air_absorption(frequencies, settings.temperature, settings.humidity)
    return decibels * (np.log(10) / 20)


def impulse_response(
    compiled: CompiledScene,
    scene: AcousticScene,
    source: ArrayLike,
    listener: ArrayLike,
    heading: float = 0.0,
    layout: str | MicrophoneArray = "binaural",
    sample_rate: int = 16000,
    length: int | None = None,
    seed: int | None = None,
    settings: AcousticSettings | None = None,
    hrtf: str | PathLike[str] | None = None,
    directivity: str = "omni",
    facing: float = 0.0,
) -> Array:
    """Return the impulse response (channels, samples) from a source to a listener.

    Where no sound arrives it is zero, and a warning says so.

    Args:
        compiled: the scene.
        scene: its acoustic tables.
        source: (3,) world metres.
        listener: (3,) centre of the head, world metres; nearer than 1 cm to the source, it is as
            loud as at 1 cm.
        heading: of the listener, radians.
        layout: a name in ``LAYOUTS`` or an array of microphones, see ``make_layout``.
        sample_rate: Hz; octave bands whose centre is not below half of it are left out.
        length: samples; by default until the sound has decayed by 60 dB.
        seed: of the late field's rays and noise, instead of the settings' own.
        settings: of the propagation; by default the usual ones, with a longest decay of 4 s.
        hrtf: SOFA file of the head, for the binaural layout.
        directivity: of the source, a name in ``DIRECTIVITIES``.
        facing: heading of the source, radians.

    Raises:
        SceneError: a position is inside a solid, outside the scene or not a position.
        ValueError: another argument is out of range.
    """
    settings = settings or _WHOLE_DECAY
    if seed is not None:
        settings = replace(settings, seed=seed)
    ear = check_position(compiled, scene, listener, "listener")
    make_layout(layout, sample_rate, hrtf)  # what is wrong with it is said before the rays fly
    field = source_field(compiled, scene, source, float(ear[2]), settings)
    job = ResponseJob(scene, field, ear, heading, directivity, facing)
    if length is None:
        length = int(np.ceil(_decay_time(job, settings) * sample_rate))
    return Engine(sample_rate, layout, length, settings, hrtf).responses([job])[0]


def _decay_time(job: ResponseJob, settings: AcousticSettings) -> float:
    """Return the seconds after which a millionth of the energy at a listener is still to come."""
    _check(job, 0)
    air = _pressure_loss(np.asarray(OCTAVE_CENTRES), settings)
    sound = _propagate(job, air, job.field.late.energy.shape[1])
    early = (sound.paths.gain[: sound.number].astype(np.float64) ** 2).sum(axis=1)
    bins = (sound.paths.length[: sound.number] / (SPEED_OF_SOUND * settings.bin)).astype(int)
    energy = np.bincount(bins, early, minlength=len(sound.energy)).astype(np.float64)
    energy[: len(sound.energy)] += sound.energy.sum(axis=1)
    to_come = np.cumsum(energy[::-1])[::-1]
    last = np.flatnonzero(to_come > 1e-6 * to_come[0]).max(initial=0)
    return (last + 1) * settings.bin + _RINGING
