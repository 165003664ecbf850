"""An audio sensor for a live ``habitat_sim.Simulator``, with the calls that its users know.

    sensor = avenv.habitat.attach(sim)
    sensor.setAudioSourceTransform([3.1, 1.5, -4.2])
    response = sim.get_sensor_observations()["audio_sensor"]     # (channels, samples)

habitat-sim's own (docs/AUDIO.md, ``AudioSensor.h``) is a build with a closed library. This one is
avenv's acoustics, and needs nothing of habitat-sim but its Python interface.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics import ResponseBatch, find_backend
from avenv.habitat.ambisonics import as_habitat
from avenv.habitat.axes import from_habitat, heading_of
from avenv.habitat.configuration import AudioSensorSpec, read_spec
from avenv.habitat.live import LiveScene, things_of
from avenv.habitat.materials import HabitatMaterial, read_materials
from avenv.habitat.replay import Replay
from avenv.scene.compiled import CompiledScene
from avenv.simulation.warmup import warm_up
from avenv.simulation.world import World


class AudioSensor:
    """Hears one source or many in the scene of a simulator.

    Positions and rotations are Habitat's. A response is (channels, samples) float32 and begins when
    the source emits; at 1 m in the free field its direct sound has the height ``globalVolume``, as
    there. The same scene, places and seed have the same response, bit for bit.

    Args:
        sim: a ``habitat_sim.Simulator``; None where ``scene`` or ``replay`` is given.
        spec: a description of the sensor: habitat-sim's ``AudioSensorSpec``, in either dialect, or
            ``avenv.habitat.AudioSensorSpec``; by default binaural at 44.1 kHz.
        scene: what to hear in place of the simulator's own scene: a ``CompiledScene``.
        hrtf: SOFA file of the head that listens.
        seed: of the late field's rays and noise.
        replay: the recording to hear in place of a simulator: an ``avenv.habitat.Replay``.

    Raises:
        ValueError: the specification asks for what there is not.
    """

    def __init__(
        self,
        sim: Any = None,
        spec: Any = None,
        scene: CompiledScene | None = None,
        hrtf: Any = None,
        seed: int = 0,
        replay: Replay | None = None,
    ):
        if sum(given is not None for given in (sim, scene, replay)) != 1:
            raise ValueError(
                "accepted: one of sim (a simulator), scene (a compiled scene), replay (a recording)"
            )
        warm_up()
        self.spec = AudioSensorSpec() if spec is None else spec
        self._sim, self._given, self._replay = sim, scene, replay
        self._hearing = read_spec(self.spec)
        self._backend = find_backend(self._hearing.backend)
        settings = self._hearing.settings
        self._settings = type(settings)(**{**vars(settings), "seed": seed})
        self._hrtf = {} if hrtf is None else {"hrtf": hrtf}
        self._materials: Mapping[str, HabitatMaterial] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget sources, listener and scene, as if the sensor were new; materials stay."""
        self._sources: dict[int, NDArray[np.float64]] = {}
        self._listener: tuple[NDArray[np.float64], float] | None = None
        self._live: LiveScene | None = None
        self._world: World | None = None
        self._responses: dict[int, NDArray[np.float32]] = {}

    @property
    def sample_rate(self) -> int:
        """Of the responses, Hz."""
        return self._hearing.sample_rate

    # -- as habitat-sim names it -------------------------------------------------------------------

    def setAudioSourceTransform(self, position: ArrayLike, source: int = 0) -> None:  # noqa: N802
        """Place a source at (x, y, z); others than the first have numbers of their own."""
        self._sources[int(source)] = _place("source", position)
        self._responses.pop(int(source), None)

    def setAudioListenerTransform(  # noqa: N802
        self, position: ArrayLike, rotation: ArrayLike = (1.0, 0.0, 0.0, 0.0)
    ) -> None:
        """Place the listener at (x, y, z), turned by the quaternion (w, x, y, z)."""
        self._listener = _place("listener", position), heading_of(rotation)
        self._responses = {}

    def setAudioMaterialsJSON(self, path: Any) -> None:  # noqa: N802
        """Use the materials of a file, by semantic category, from the next response on."""
        self._materials = read_materials(path)
        self._live, self._world, self._responses = None, None, {}

    def runSimulation(self, sim: Any = None) -> None:  # noqa: N802
        """Compute the responses of all sources in the scene as it is now.

        Args:
            sim: the simulator, where another than that of the beginning is meant.

        Raises:
            ValueError: there is no source or no listener yet.
            SceneError: one of them is inside a solid or outside the scene.
        """
        if sim is not None and sim is not self._sim:
            self._sim, self._live, self._world = sim, None, None
        numbers = sorted(self._sources) or [self.first_source]
        if self._listener is None:
            raise ValueError("there is no listener; call setAudioListenerTransform first")
        world = self._scene()
        place, heading = self._listener
        ambisonics = self._hearing.layout.startswith("ambisonics")
        unit = self._hearing.unit
        prepared = world.acoustics_for(self._hearing.backend)
        head = prepared.check_position((unit * place).tolist(), "listener")
        engine = self._backend.Engine(
            self._hearing.sample_rate, self._hearing.layout, settings=self._settings, **self._hrtf
        )
        fields = [
            engine.source_field(prepared, unit * self._sources[n], float(head[2])) for n in numbers
        ]
        batch = ResponseBatch(
            fields,
            np.arange(len(fields)),
            np.tile(head, (len(fields), 1)),
            0.0 if ambisonics else heading,
        )
        heard = engine.responses(batch) * np.float32(self._hearing.gain)
        if ambisonics:
            order = int(self._hearing.layout[-1])
            heard = np.stack([as_habitat(response, order) for response in heard])
        self._responses = dict(zip(numbers, heard, strict=True))

    def getIR(self, source: int = 0) -> NDArray[np.float32]:  # noqa: N802
        """Return the latest response (channels, samples) of a source.

        Raises:
            ValueError: there is none; call ``runSimulation`` first.
        """
        if source not in self._responses:
            raise ValueError(
                f"source {source} has no response yet; accepted: after runSimulation, one of "
                f"{sorted(self._responses)}"
            )
        return self._responses[source]

    def sourceIsVisible(self, source: int = 0) -> bool:  # noqa: N802
        """Return whether nothing stands between a source and the listener."""
        from avenv.geometry import lines_of_sight

        if self._listener is None or source not in self._sources:
            raise ValueError("sourceIsVisible needs a listener and a source")
        unit = self._hearing.unit
        ends = unit * self._listener[0][None], unit * self._sources[source][None]
        return bool(lines_of_sight(self._scene().compiled.bvh, *ends)[0])

    def setListenerHRTF(self, path: Any) -> None:  # noqa: N802
        """Hear with the head of a SOFA file from now on."""
        self._hrtf = {"hrtf": path}
        self._responses = {}

    # -- beyond it ---------------------------------------------------------------------------------

    def listen(self, position: ArrayLike, rotation: ArrayLike) -> NDArray[np.float32]:
        """Return the response of the first source to a listener; all calls in one."""
        self.setAudioListenerTransform(position, rotation)
        self.runSimulation()
        return self.getIR(self.first_source)

    @property
    def first_source(self) -> int:
        """The lowest number of its sources.

        Raises:
            ValueError: there is no source yet.
        """
        if not self._sources:
            raise ValueError("there is no source; call setAudioSourceTransform first")
        return min(self._sources)

    def _scene(self) -> World:
        """Return the scene as it is now; the same as long as nothing moved."""
        if self._given is not None:
            compiled = self._given
        else:
            if self._live is None:
                materials = None if not self._hearing.materials else self._materials
                plain = not self._hearing.materials
                replay = self._replay
                things = partial(things_of, self._sim) if replay is None else replay.things
                self._live = LiveScene(things, self._hearing.unit, materials, plain)
            compiled = self._live.compiled
        if self._world is None or self._world.compiled is not compiled:
            self._world = World(compiled)
        return self._world


def _place(what: str, position: ArrayLike) -> NDArray[np.float64]:
    place = np.asarray(position, np.float64)
    if place.shape != (3,) or not np.isfinite(place).all():
        raise ValueError(f"{what} is {position!r}; accepted: (x, y, z), finite")
    return from_habitat(place)
