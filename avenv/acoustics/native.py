"""The backend of this package: early paths and a late field, for many listeners at once.

docs/acoustics.md has the method.
"""

import math
import warnings
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics.air import SPEED_OF_SOUND, air_absorption
from avenv.acoustics.batch import ResponseBatch, as_length, as_output, check_batch
from avenv.acoustics.ears.layouts import ChannelLayout, make_layout
from avenv.acoustics.ears.microphones import MicrophoneArray
from avenv.acoustics.field import SourceField, source_field
from avenv.acoustics.late.noise import late_noise
from avenv.acoustics.late.tracing import late_at
from avenv.acoustics.paths.directivity import gains_towards, make_directivity
from avenv.acoustics.paths.search import allocate_paths, find_paths
from avenv.acoustics.response import assemble, assemble_coincident
from avenv.acoustics.scene import AcousticScene, prepare
from avenv.acoustics.settings import AcousticSettings
from avenv.core import parallel
from avenv.core.bands import OCTAVE_CENTRES, bands_for
from avenv.core.kernels import kernel
from avenv.core.memo import Memo
from avenv.core.pinned import Pinned, opened

__all__ = ["QUESTION_SETTINGS", "Engine", "prepare"]

Array = NDArray[np.float32]


QUESTION_SETTINGS = AcousticSettings(max_time=4.0)
"""Of a response that may take as long as its room rings."""

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
        self.layout: ChannelLayout = make_layout(layout, sample_rate, hrtf)
        self.settings = settings or AcousticSettings()
        self.length = as_length(length, self.settings, sample_rate)
        self._bin_samples = float(self.settings.bin * sample_rate)
        whole = max(self.length, round(self.settings.max_time * sample_rate))
        self._noise = late_noise(self.layout, whole, self.settings.seed).up_to(self.length)
        self._bins = int(np.ceil(self.length / self._bin_samples))
        self._air = _pressure_loss(bands_for(sample_rate), self.settings)
        self._all_air = _pressure_loss(np.asarray(OCTAVE_CENTRES), self.settings)
        self._heard_with = Pinned((self.layout, self._noise))
        self._lately = _Lately()

    @property
    def channels(self) -> int:
        """Number of ears or microphones."""
        return self.layout.filters.shape[2]

    def source_field(
        self, scene: AcousticScene, source: ArrayLike, ear_height: float
    ) -> SourceField:
        """Return what listeners at ``ear_height`` need to know of a source (3,); see there."""
        return source_field(scene, source, ear_height, self.settings)

    def responses(self, batch: ResponseBatch, out: Array | None = None) -> Array:
        """Compute the responses (J, channels, length) of a batch, into ``out`` if given.

        A listener nearer than 1 cm to the source hears it as from 1 cm. Where no sound arrives
        within the length the response is zero, and a warning names the places.

        Raises:
            ValueError: as ``check_batch`` and ``as_output``, or the gains of the scene's materials
                are not finite.
        """
        batch = check_batch(batch)
        out = as_output(out, (len(batch.listeners), self.channels, self.length))
        jobs = list(_jobs(batch))
        keys = [_place(job) for job in jobs]
        heard = [_Heard(self._lately.get(key, job)) for key, job in zip(keys, jobs, strict=True)]
        parallel.run(self._respond, zip(jobs, heard, out, strict=True))
        for key, job, one in zip(keys, jobs, heard, strict=True):
            self._lately.put(key, job, one.sound)
            if one.silent:
                seconds = self.length / self.layout.sample_rate
                warnings.warn(f"no sound gets {_places(job)} within {seconds:.3g} s", stacklevel=2)
        return out

    def decay_length(self, batch: ResponseBatch) -> int:
        """Return the samples after which all responses of a batch have decayed by 60 dB.

        Raises:
            ValueError: as ``responses``.
        """
        batch = check_batch(batch)
        seconds = np.full((len(batch.listeners), 1), _RINGING)
        parallel.run(self._decay, zip(_jobs(batch), seconds, strict=True))
        return int(np.ceil(seconds.max(initial=_RINGING) * self.layout.sample_rate))

    def _respond(self, job: "_Job", heard: "_Heard", out: Array) -> None:
        sound = heard.sound = heard.sound or _propagate(job, self._air, self._bins)
        kernel = assemble_coincident if self.layout.coincident else assemble
        heard.silent = not kernel(
            sound.length, sound.gain, sound.arrival, sound.distance, sound.energy, sound.moment,
            self._bin_samples, job.heading, self._heard_with, out,
        )  # fmt: skip

    def _decay(self, job: "_Job", seconds: NDArray[np.float64]) -> None:
        """Write the seconds after which a millionth of the energy at a listener is to come."""
        width = self.settings.bin
        sound = _propagate(job, self._all_air, job.field.late.energy.shape[1])
        early = (sound.gain.astype(np.float64) ** 2).sum(axis=1)
        bins = (sound.length / (SPEED_OF_SOUND * width)).astype(int)
        energy = np.bincount(bins, early, minlength=len(sound.energy)).astype(np.float64)
        energy[: len(sound.energy)] += sound.energy.sum(axis=1)
        to_come = np.cumsum(energy[::-1])[::-1]
        last = np.flatnonzero(to_come > 1e-6 * to_come[:1]).max(initial=0)
        seconds[0] = (last + 1) * width + _RINGING


class _Job(NamedTuple):
    """One row of a batch."""

    field: SourceField
    listener: NDArray[np.float64]
    heading: float
    directivity: str
    facing: float


def _jobs(batch: ResponseBatch) -> Iterator[_Job]:
    """Yield the rows of a checked batch."""
    fields = [batch.fields[k] for k in batch.field_of.tolist()]
    headings, facings = np.asarray(batch.headings).tolist(), np.asarray(batch.facings).tolist()
    return map(_Job, fields, batch.listeners, headings, batch.directivities, facings)


class _Sound(NamedTuple):
    """What reaches a listener: P early paths, and the energy and moment of K time bins.

    As little as may be, for 256 of them are remembered, and read again from caches.
    """

    length: Array
    gain: Array
    arrival: Array
    distance: float
    energy: Array
    moment: Array


@dataclass(slots=True)
class _Heard:
    """What a job comes to."""

    sound: _Sound | None
    silent: bool = False


class _Lately:
    """What reached some listeners lately: who only turns the head is reached by the same."""

    def __init__(self, number: int = 256) -> None:
        self._number = number
        self._sounds = Memo()

    def get(self, key: tuple, job: _Job) -> _Sound | None:
        """Return what was found for the ``_place`` of a job, if that is remembered."""
        source, sound = self._sounds.get(key, (None, None))
        return sound if source is not None and source() is job.field.tree.position else None

    def put(self, key: tuple, job: _Job, sound: _Sound | None) -> None:
        """Remember what was found for the ``_place`` of a job, and forget the oldest."""
        if sound is not None:
            self._sounds[key] = weakref.ref(job.field.tree.position), sound
            if len(self._sounds) > self._number:
                del self._sounds[next(iter(self._sounds))]


def _place(job: _Job) -> tuple:
    """Return what is the same for jobs that the same sound reaches, whatever their heading."""
    place = id(job.field.tree.position), *job.listener.tolist()
    return *place, job.directivity, job.facing if job.directivity != "omni" else 0.0


def _propagate(job: _Job, air: NDArray[np.float64], bins: int) -> _Sound:
    """Return what reaches the listener of a job, in as many bands as ``air`` has."""
    field, ear = job.field, job.listener
    paths = allocate_paths(field.tree, len(air))
    bins = min(field.late.energy.shape[1] + 1, bins)  # the last may be handed on, see _late_level
    energy, moment = np.empty((bins, len(air)), np.float32), np.empty((bins, 3), np.float32)
    count = propagate(field.pinned, air, ear, paths, energy, moment)
    if count < 0:
        raise ValueError(f"gains are not finite {_places(job)}; check the scene's materials")
    length, gain, arrival = (
        column[:count].copy() for column in (paths.length, paths.gain, paths.arrival)
    )
    if job.directivity != "omni":
        pattern = make_directivity(job.directivity, OCTAVE_CENTRES[: len(air)])
        gain *= gains_towards(pattern, paths.departure[:count], job.facing)
        energy *= pattern.power.astype(np.float32)
    distance = math.dist(ear.tolist(), field.tree.position[0].tolist())
    return _Sound(length, gain, arrival, distance, energy, moment)


@kernel
def propagate(field, air, ear, paths, energy, moment):
    """Fill paths, and energy (K, B) and moment (K, 3), with what reaches an ear (3,) of a source.

    Of its ``SourceField.pinned``. Returns how many paths there are; -1 if the energy of anything
    is not finite.
    """
    scene, tree, late = opened(field)
    count = find_paths(scene, tree, air, ear, paths)
    late_at(late, scene.bvh, ear[0], ear[1], ear[2], energy, moment)
    total = 0.0
    for p in range(count):
        for b in range(len(air)):
            total += abs(paths.gain[p, b])
    for k in range(len(energy)):
        for b in range(len(air)):
            total += energy[k, b]
    return count if total < np.inf else -1


def _places(job: _Job) -> str:
    source, ear = job.field.tree.position[0].tolist(), job.listener.tolist()
    return f"from the source at {source} to the listener at {ear}"


def _pressure_loss(
    frequencies: NDArray[np.float64], settings: AcousticSettings
) -> NDArray[np.float64]:
    """Return the attenuation (B,) of pressure by air in Np per metre."""
    decibels = air_absorption(frequencies, settings.temperature, settings.humidity)
    return decibels * (np.log(10) / 20)
