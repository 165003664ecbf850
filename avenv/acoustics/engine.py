"""Impulse responses of many listeners at once, and of one."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv import parallel
from avenv.acoustics.air import air_absorption
from avenv.acoustics.field import SourceField, check_position, source_field
from avenv.acoustics.late import late_at
from avenv.acoustics.layouts import SPEED_OF_SOUND, Layout, make_layout
from avenv.acoustics.paths import allocate_paths, find_paths
from avenv.acoustics.response import assemble, late_noise
from avenv.acoustics.scene import AcousticScene
from avenv.acoustics.settings import AcousticSettings
from avenv.bands import OCTAVE_CENTRES, bands_for
from avenv.scene.compiled import CompiledScene

ResponseJob = tuple[AcousticScene, SourceField, NDArray[np.float64], float]
"""One response: the scene, the field of a source in it, the listener (3,), and its heading."""

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
        layout: str = "binaural",
        length: int | None = None,
        settings: AcousticSettings | None = None,
    ) -> None:
        """Make an engine; ``length`` is by default that of ``settings.max_time``."""
        self.settings = settings or AcousticSettings()
        self.length = length or round(self.settings.max_time * sample_rate)
        self.layout: Layout = make_layout(layout, sample_rate)
        self._bin_samples = float(self.settings.bin * sample_rate)
        whole = max(self.length, round(self.settings.max_time * sample_rate))
        noise = late_noise(self.layout, whole, self.settings.seed)
        self._noise = np.ascontiguousarray(noise[..., : self.length])
        self._air = _pressure_loss(bands_for(sample_rate), self.settings)

    def source_field(
        self,
        compiled: CompiledScene,
        scene: AcousticScene,
        source: Sequence[float] | NDArray[np.float64],
        ear_height: float,
    ) -> SourceField:
        """Return what listeners at ``ear_height`` need to know of a source (3,); see there."""
        return source_field(compiled, scene, source, ear_height, self.settings)

    def responses(
        self, jobs: Sequence[ResponseJob], out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Compute the responses (J, channels, length) of many jobs, into ``out`` if given.

        Where no sound arrives at all the response is zero, and a warning names the places.

        Raises:
            ValueError: a listener's position or heading is not finite.
        """
        shape = (len(jobs), self.layout.filters.shape[2], self.length)
        if out is None:
            out = np.empty(shape, np.float32)
        elif out.shape != shape:
            raise ValueError(f"out has the shape {out.shape}; {shape} is needed")
        for number, (_, _, listener, heading) in enumerate(jobs):
            if not (np.isfinite(listener).all() and np.isfinite(heading)):
                raise ValueError(f"jobs[{number}]: listener {listener}, heading {heading}")
        silent = np.zeros(len(jobs), np.bool_)
        parallel.run(
            self._respond, ((job, out[j], silent[j : j + 1]) for j, job in enumerate(jobs))
        )
        for j in np.flatnonzero(silent).tolist():
            source = jobs[j][1].tree.position[0]
            warnings.warn(
                f"no sound from the source at {source} reaches the listener at {jobs[j][2]}",
                stacklevel=2,
            )
        return out

    def _respond(
        self, job: ResponseJob, out: NDArray[np.float32], silent: NDArray[np.bool_]
    ) -> None:
        scene, field, listener, heading = job
        ear = np.asarray(listener, np.float64)
        paths = allocate_paths(field.tree, len(self._air))
        count = find_paths(scene, field.tree, self._air, ear, paths)
        bins = min(field.late.energy.shape[1], int(np.ceil(self.length / self._bin_samples)))
        energy = np.empty((bins, len(self._air)), np.float32)
        moment = np.empty((bins, 3), np.float32)
        x, y, z = ear.tolist()
        late_at(field.late, scene.bvh, x, y, z, energy, moment)
        silent[0] = count == 0 and not energy.any()
        distance = math.dist(ear, field.tree.position[0])
        out[:] = 0
        assemble(
            paths.length, paths.gain, paths.arrival, count, distance, energy, moment,
            self._bin_samples, float(heading), self.layout, self._noise, out,
        )  # fmt: skip


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
    layout: str = "binaural",
    sample_rate: int = 16000,
    length: int | None = None,
    seed: int | None = None,
    settings: AcousticSettings | None = None,
) -> NDArray[np.float32]:
    """Return the impulse response (channels, samples) from a source to a listener.

    Args:
        compiled: the scene.
        scene: its acoustic tables.
        source: (3,) world metres.
        listener: (3,) centre of the head, world metres.
        heading: of the listener, radians.
        layout: ``"mono"`` or ``"binaural"``.
        sample_rate: Hz.
        length: samples; by default until the sound has decayed by 60 dB.
        seed: of the late field's rays and noise, instead of the settings' own.
        settings: of the propagation; by default the usual ones, with a longest decay of 4 s.

    Raises:
        SceneError: a position is inside a solid, outside the scene or not a position.
        ValueError: another argument is out of range.
    """
    settings = settings or _WHOLE_DECAY
    if seed is not None:
        settings = replace(settings, seed=seed)
    ear = check_position(compiled, scene, np.asarray(listener, np.float64), "listener")
    place = np.asarray(source, np.float64)
    field = source_field(compiled, scene, place, float(ear[2]), settings)
    if length is None:
        length = int(np.ceil(_decay_time(scene, field, ear, settings) * sample_rate))
    engine = Engine(sample_rate, layout, length, settings)
    return engine.responses([(scene, field, ear, float(heading))])[0]


def _decay_time(
    scene: AcousticScene,
    field: SourceField,
    listener: NDArray[np.float64],
    settings: AcousticSettings,
) -> float:
    """Return the seconds after which a millionth of the energy at a listener is still to come."""
    frequencies = np.asarray(OCTAVE_CENTRES)
    paths = allocate_paths(field.tree, len(frequencies))
    count = find_paths(scene, field.tree, _pressure_loss(frequencies, settings), listener, paths)
    late = np.zeros((field.late.energy.shape[1], len(frequencies)), np.float32)
    x, y, z = listener.tolist()
    late_at(field.late, scene.bvh, x, y, z, late, np.zeros((len(late), 3), np.float32))
    early = (paths.gain[:count].astype(np.float64) ** 2).sum(axis=1)
    bins = (paths.length[:count] / (SPEED_OF_SOUND * settings.bin)).astype(int)
    energy = np.bincount(bins, early, minlength=len(late)).astype(np.float64)
    energy[: len(late)] += late.sum(axis=1)
    to_come = np.cumsum(energy[::-1])[::-1]
    last = np.flatnonzero(to_come > 1e-6 * to_come[0]).max(initial=0)
    return (last + 1) * settings.bin + _RINGING
