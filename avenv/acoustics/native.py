"""The backend of this package: early paths and a late field, for many listeners at once.

docs/acoustics.md has the method.
"""

import warnings
import weakref
from os import PathLike

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics.air import SPEED_OF_SOUND, air_absorption
from avenv.acoustics.arrivals import room_for, unpacked
from avenv.acoustics.batch import ResponseBatch, Row, as_length, as_output, checked_rows
from avenv.acoustics.ears.layouts import ChannelLayout, make_layout
from avenv.acoustics.ears.microphones import MicrophoneArray
from avenv.acoustics.field import SourceField, source_field
from avenv.acoustics.late.noise import late_noise
from avenv.acoustics.late.tracing import blend_late
from avenv.acoustics.paths.directivity import pinned_directivity, weigh_directions
from avenv.acoustics.paths.search import allocate_paths, gather_paths
from avenv.acoustics.paths.wedges import distance
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
            ValueError: as ``checked_rows`` and ``as_output``, or the gains of the scene's materials
                are not finite.
        """
        jobs = [_Job(row) for row in checked_rows(batch)]
        out = as_output(out, (len(jobs), self.channels, self.length))
        for job in jobs:
            job.sound = self._lately.get(job)
        parallel.run(self._respond, zip(jobs, out, strict=True))
        for job in jobs:
            self._lately.put(job)
            if job.silent:
                seconds = self.length / self.layout.sample_rate
                warnings.warn(
                    f"no sound gets {_places(job.row)} within {seconds:.3g} s", stacklevel=2
                )
        return out

    def decay_length(self, batch: ResponseBatch) -> int:
        """Return the samples after which all responses of a batch have decayed by 60 dB.

        Raises:
            ValueError: as ``responses``.
        """
        rows = checked_rows(batch)
        seconds = np.full((len(rows), 1), _RINGING)
        parallel.run(self._decay, zip(rows, seconds, strict=True))
        return int(np.ceil(seconds.max(initial=_RINGING) * self.layout.sample_rate))

    def _respond(self, job: "_Job", out: Array) -> None:
        if job.sound is None:
            job.sound = _propagate(job.row, self._air, self._bins)
        kernel = assemble_coincident if self.layout.coincident else assemble
        heading = job.row.heading
        job.silent = not kernel(job.sound, self._bin_samples, heading, self._heard_with, out)

    def _decay(self, row: Row, seconds: NDArray[np.float64]) -> None:
        """Write the seconds after which a millionth of the energy at a listener is to come."""
        width, bins = self.settings.bin, row.field.late.energy.shape[1]
        sound = unpacked(_propagate(row, self._all_air, bins))
        early = (sound.gain.astype(np.float64) ** 2).sum(axis=1)
        arrived = (sound.length / (SPEED_OF_SOUND * width)).astype(int)
        energy = np.bincount(arrived, early, minlength=len(sound.energy)).astype(np.float64)
        energy[: len(sound.energy)] += sound.energy.sum(axis=1)
        to_come = np.cumsum(energy[::-1])[::-1]
        last = np.flatnonzero(to_come > 1e-6 * to_come[:1]).max(initial=0)
        seconds[0] = (last + 1) * width + _RINGING


class _Job:
    """One row of a batch, and what it comes to.

    Attributes:
        row: of the batch.
        place: what is the same for rows that the same sound reaches, whatever their heading.
        sound: what reaches the listener, as ``room_for`` packs it.
        silent: whether nothing does in time.
    """

    __slots__ = ("place", "row", "silent", "sound")

    def __init__(self, row: Row) -> None:
        facing = row.facing if row.directivity != "omni" else 0.0
        self.row, self.silent = row, False
        self.sound: Array | None = None
        self.place = id(row.field.tree.position), *row.listener, row.directivity, facing


class _Lately:
    """What reached some listeners lately: who only turns the head is reached by the same."""

    def __init__(self, number: int = 256) -> None:
        self._number = number
        self._sounds = Memo()

    def get(self, job: _Job) -> Array | None:
        """Return the sound that was found for the place of a job, if that is remembered."""
        source, sound = self._sounds.get(job.place, (None, None))
        return sound if source is not None and source() is job.row.field.tree.position else None

    def put(self, job: _Job) -> None:
        """Remember the sound of a job, and forget the oldest."""
        if job.sound is not None:
            self._sounds[job.place] = weakref.ref(job.row.field.tree.position), job.sound
            if len(self._sounds) > self._number:
                del self._sounds[next(iter(self._sounds))]


def _propagate(row: Row, air: NDArray[np.float64], bins: int) -> Array:
    """Return what reaches the listener of a row, in as many bands as ``air`` has."""
    bins = min(row.field.late.energy.shape[1] + 1, bins)  # the last may be handed on: late_level
    pattern = pinned_directivity(row.directivity)
    x, y, z = row.listener
    sound = propagate(row.field.pinned, air, bins, x, y, z, pattern, row.facing)
    if not len(sound):
        raise ValueError(f"what arrives is not finite {_places(row)}; check the scene's materials")
    return sound


@kernel
def propagate(field, air, bins, x, y, z, pattern, facing):
    """Return what reaches a listener at (x, y, z) within so many bins, as ``room_for`` packs it.

    Of a source's ``SourceField.pinned`` and its ``Directivity``, likewise pinned. Nothing, (0,), if
    the energy of anything is not finite.
    """
    scene, tree, late = opened(field)
    ear = np.array((x, y, z))
    bands = len(air)
    paths = allocate_paths(tree, bands)
    count = gather_paths(scene, tree, air, ear, paths)
    packed = room_for(count, bins, bands, distance(ear, tree.position[0]))
    sound = unpacked(packed)
    blend_late(late, scene.bvh, x, y, z, sound.energy, sound.moment)
    weigh_directions(opened(pattern), paths.departure[:count], facing, paths.gain)
    total = 0.0
    for p in range(count):
        sound.length[p] = paths.length[p]
        for b in range(bands):
            sound.gain[p, b] = paths.gain[p, b]
            total += abs(paths.gain[p, b])
        for a in range(3):
            sound.arrival[p, a] = paths.arrival[p, a]
    power = opened(pattern).power
    for k in range(bins):
        for b in range(bands):
            sound.energy[k, b] *= power[b]
            total += sound.energy[k, b]
    return packed if total < np.inf else packed[:0]


def _places(row: Row) -> str:
    source = row.field.tree.position[0].tolist()
    return f"from the source at {source} to the listener at {row.listener}"


def _pressure_loss(
    frequencies: NDArray[np.float64], settings: AcousticSettings
) -> NDArray[np.float64]:
    """Return the attenuation (B,) of pressure by air in Np per metre."""
    decibels = air_absorption(frequencies, settings.temperature, settings.humidity)
    return decibels * (np.log(10) / 20)
