"""Put an audio sensor among the observations of a ``habitat_sim.Simulator``.

habitat-sim goes through its tables of sensors itself, draws each and places each by its node in the
scene (``Simulator.get_sensor_observations``, ``Agent.set_state``), so that ours must be found there
by its name and by nothing else.
"""

from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.habitat.axes import rotation_of
from avenv.habitat.sensor import AudioSensor


def attach(sim: Any, spec: Any = None, agent: int | None = None, **options: Any) -> AudioSensor:
    """Give a simulator an audio sensor, and return it.

    What ``sim.get_sensor_observations`` returns has the response under the sensor's ``uuid``
    besides, and so has what ``sim.reset`` and ``sim.step`` return; ``agent._sensors[uuid]`` is the
    sensor, which goes where the agent goes. A simulator that is reconfigured has new agents, of
    which it has the sensor from its next observations on.

    Args:
        sim: a ``habitat_sim.Simulator``.
        spec: as ``AudioSensor`` takes it.
        agent: number of the agent that listens; by default the simulator's default agent.
        **options: of ``AudioSensor``.

    Raises:
        ValueError: there is a sensor of this name already.
    """
    sensor = AudioSensor(sim, spec, **options)
    name = str(sensor.spec.uuid)
    number = int(getattr(sim, "_default_agent_id", 0)) if agent is None else agent
    observe = sim.get_sensor_observations
    heard: frozenset[str] = getattr(observe, "heard", frozenset())
    if name in heard or _finds(sim.get_agent(number), name):
        raise ValueError(f"the simulator has a sensor {name!r} already; accepted: another uuid")
    _let_find(sim.get_agent(number), name, sensor)

    @wraps(observe)
    def with_sound(*args: Any, **kwargs: Any) -> Any:
        seen = observe(*args, **kwargs)
        which = kwargs.get("agent_ids", args[0] if args else 0)  # as there
        mine = seen.get(number) if isinstance(which, list | tuple) else seen
        if mine is not None and (isinstance(which, list | tuple) or which == number):
            body = sim.get_agent(number)
            if not _finds(body, name):
                _let_find(body, name, sensor)
            node = body.scene_node
            rotation = _quaternion(node.rotation)
            feet = np.asarray(node.absolute_translation, np.float64)
            offset = np.asarray(getattr(sensor.spec, "position", (0.0, 0.0, 0.0)), np.float64)
            sensor.setAudioListenerTransform(feet + rotation_of(rotation) @ offset, rotation)
            sensor.runSimulation(sim)
            mine[name] = sensor.getIR(sensor.first_source)
        return seen

    with_sound.heard = heard | {name}  # type: ignore[attr-defined]
    sim.get_sensor_observations = with_sound
    return sensor


def _finds(agent: Any, name: str) -> bool:
    """Say whether an agent's table has a sensor of this name, though it may not list it."""
    try:
        return agent._sensors[name] is not None
    except KeyError:
        return False


def _let_find(agent: Any, name: str, sensor: AudioSensor) -> None:
    """Let ``agent._sensors[name]`` be our sensor, and the rest of the table as it was."""
    kind = type(agent)
    if "_sensors" in vars(agent):  # up to v0.3.3 a dictionary of the agent's own, SensorSuite
        suite = type(agent._sensors)
        before = getattr(suite, "__missing__", lambda _, asked: _raise(asked))

        def missing(table: Any, asked: str) -> Any:
            return sensor if asked == name else before(table, asked)

        agent._sensors.__class__ = type(suite.__name__, (suite,), {"__missing__": missing})
    else:  # later a property of all agents, that looks into the scene
        earlier = kind._sensors
        its_own = property(lambda self: _Table(earlier.fget(self), name, sensor))
        agent.__class__ = type(kind.__name__, (kind,), {"_sensors": its_own})


def _raise(name: str) -> Any:
    raise KeyError(name)


class _Table(dict):
    """A table of sensors that finds one more by its name, and does not list it."""

    def __init__(self, before: Any, name: str, sensor: AudioSensor):
        super().__init__(before.items())
        self._before, self._name, self._sensor = before, name, sensor

    def __missing__(self, name: str) -> Any:
        return self._sensor if name == self._name else self._before[name]


def _quaternion(rotation: Any) -> NDArray[np.float64]:
    """Return a rotation of Magnum's, numpy-quaternion's or numbers as (w, x, y, z)."""
    if hasattr(rotation, "scalar"):
        return np.array([rotation.scalar, *np.asarray(rotation.vector)], np.float64)
    if hasattr(rotation, "w"):
        return np.array([rotation.w, rotation.x, rotation.y, rotation.z], np.float64)
    return np.asarray(rotation, np.float64)
