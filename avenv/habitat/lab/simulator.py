"""avenv as a simulator of habitat-lab's.

A step of Habitat's is one of ours: ``step`` lets ``step_time`` pass, and ``step_physics`` nothing.
Places and rotations are Habitat's on the outside (``avenv.habitat.axes``).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import quaternion
from gym import spaces
from habitat.config.default import get_agent_config
from habitat.core.registry import registry
from habitat.core.simulator import (
    AgentState,
    Observations,
    SensorSuite,
    ShortestPathPoint,
    Simulator,
)
from numpy.typing import ArrayLike, NDArray

from avenv.core.frames import forward
from avenv.envs.batch import Outcome
from avenv.habitat.agent import MOTIONS
from avenv.habitat.axes import from_habitat, heading_of, quaternion_of, to_habitat
from avenv.habitat.lab.batch import make_batch
from avenv.habitat.lab.episodes import as_avenv
from avenv.habitat.lab.sensors import make_sensors
from avenv.navigation import (
    FieldCache,
    GeodesicField,
    WalkableGrid,
    follower,
    move,
    shortest_path,
)
from avenv.simulation.world import World

_ONE = np.ones(1, bool)
_ACTIONS_AT_MOST = 10_000


@registry.register_simulator(name="Avenv-v0")
class AvenvSimulator(Simulator):
    """One body in avenv's homes.

    What it sees and how it moves is taken from Habitat's fields: the agent's ``sim_sensors``,
    ``radius``, ``height`` and ``max_climb``, ``forward_step_size`` and ``turn_angle``. All else are
    ``options`` of ``avenv.envs.batch.Batch``, such as ``scenes`` and ``sounds``.

    Args:
        config: ``habitat.simulator``, an ``AvenvSimulatorConfig``.

    Raises:
        ValueError: an option or a sensor is unknown or out of range.
        SceneError, SoundError: a scene or sound cannot be used.
    """

    def __init__(self, config: Any):
        self.habitat_config = config
        self.batch = make_batch(config)
        sensors = get_agent_config(config).sim_sensors
        self._sensors = SensorSuite(make_sensors(sensors, self.batch.simulator.space))
        self._fields = FieldCache()
        self._episode: Any = None
        self.outcome: Outcome | None = None

    # -- episodes ----------------------------------------------------------------------------------

    def reconfigure(self, config: Any, episode: Any = None) -> None:
        """Take note of the episode that the next ``reset`` begins."""
        self.habitat_config = config
        self._episode = episode

    def reset(self) -> Observations:
        """Begin the episode."""
        if self._episode is None:
            self.batch.reset([0])
        else:
            self.batch.reset([0], {0: as_avenv(self._episode, self.batch)})
            state = self.get_agent_state()
            self._episode.start_position = state.position.tolist()  # now its floor is known
        self.outcome = None
        return self._observe()

    def seed(self, seed: int) -> None:
        """Restart the random stream of episodes that nobody gives."""
        self.batch.seed(0, seed)

    def close(self, destroy: bool = True) -> None:
        """Let nothing more be made ready."""
        self.batch.close()

    # -- steps -------------------------------------------------------------------------------------

    def step(self, action: int | None, *args: Any, **kwargs: Any) -> Observations:
        """Act and let a step of time pass; None: only look and listen.

        Raises:
            ValueError: there is no such action.
        """
        if action is not None:
            names = self.action_names
            if not 0 <= int(action) < len(names):
                raise ValueError(f"action is {action!r}; accepted: 0 to {len(names) - 1}: "
                                 f"{', '.join(names)}")  # fmt: skip
            self.outcome = self.batch.step(np.array([int(action)]), _ONE)
        return self._observe()

    def step_physics(self, delta: float) -> None:
        """Do nothing: time passes in ``step``."""

    def _observe(self) -> Observations:
        seen = {name: rows[0] for name, rows in self.batch.observe().items()}
        return self._sensors.get_observations(seen)

    @property
    def action_names(self) -> tuple[str, ...]:
        """The actions' names, in order: habitat-lab's of the first four, then the task's own."""
        return (*MOTIONS, *self.batch.task.actions.names[len(MOTIONS) :])

    @property
    def action_space(self) -> spaces.Discrete:
        """The numbers of the actions."""
        return spaces.Discrete(len(self.action_names))

    @property
    def sensor_suite(self) -> SensorSuite:
        """The agent's sensors."""
        return self._sensors

    @property
    def previous_step_collided(self) -> bool:
        """Whether something was in the way in the last step."""
        return bool(self.batch.simulator.state.collided[0])

    # -- poses -------------------------------------------------------------------------------------

    def get_agent_state(self, agent_id: int = 0) -> AgentState:
        """Return where the body stands, in Habitat's world."""
        if agent_id != 0:
            raise ValueError(f"agent_id is {agent_id!r}; accepted: 0, for there is one body")
        state = self.batch.simulator.state
        feet = np.append(state.position[0], state.level[0])
        rotation = quaternion.from_float_array(quaternion_of(float(state.heading[0])))
        return AgentState(to_habitat(feet).astype(np.float32), rotation)

    def set_agent_state(
        self, position: ArrayLike, rotation: Any, agent_id: int = 0, reset_sensors: bool = True
    ) -> bool:
        """Put the body elsewhere, without time passing; return whether it can stand there.

        Args:
            position: (x, y, z) on the floor.
            rotation: (x, y, z, w), or a quaternion.
            agent_id: 0.
            reset_sensors: as habitat-lab has it; nothing is kept.
        """
        place = from_habitat(position)[:2]
        heading = heading_of(_wxyz(rotation))
        if not self._grid.is_walkable(place[None])[0]:
            return False
        self.batch.simulator.place(0, place, heading)
        return True

    def get_observations_at(
        self,
        position: ArrayLike | None = None,
        rotation: Any = None,
        keep_agent_at_new_pose: bool = False,
    ) -> Observations | None:
        """Return what would be seen elsewhere; None: nobody can stand there.

        What is heard is what was heard last: sound takes time.
        """
        before = self.get_agent_state()
        to = before.position if position is None else position
        if not self.set_agent_state(to, before.rotation if rotation is None else rotation):
            return None
        seen = self._observe()
        if not keep_agent_at_new_pose:
            self.set_agent_state(before.position, before.rotation)
        return seen

    @property
    def up_vector(self) -> NDArray[np.float64]:
        """The direction up, in Habitat's world."""
        return np.array([0.0, 1.0, 0.0])

    @property
    def forward_vector(self) -> NDArray[np.float64]:
        """The direction in which a body without rotation looks."""
        return np.array([0.0, 0.0, -1.0])

    # -- ways --------------------------------------------------------------------------------------

    def geodesic_distance(
        self, position_a: ArrayLike, position_b: ArrayLike, episode: Any = None
    ) -> float:
        """Return the metres on foot from a point to the nearest of one or more; inf: no way."""
        start = self._grid.nearest_walkable(from_habitat(position_a)[None, :2])
        return float(self._field(position_b).at(start)[0])

    def get_straight_shortest_path_points(
        self, position_a: ArrayLike, position_b: ArrayLike
    ) -> list[NDArray[np.float32]]:
        """Return the corners of the shortest way, both ends among them; none: there is no way."""
        field = self._field(position_b)
        start = self._grid.nearest_walkable(from_habitat(position_a)[None, :2])
        if not np.isfinite(field.at(start)[0]):
            return []
        way = shortest_path(self._grid, field, start[0])
        level = np.full((len(way), 1), self._grid.level)
        return list(to_habitat(np.hstack([way, level])).astype(np.float32))

    def action_space_shortest_path(
        self, source: AgentState, targets: Sequence[AgentState], agent_id: int = 0
    ) -> list[ShortestPathPoint]:
        """Return how the oracle walks to the nearest of some places; none: there is no way."""
        field = self._field([target.position for target in targets])
        place = from_habitat(source.position)[:2]
        heading = heading_of(_wxyz(source.rotation))
        grid, options = self._grid, self.batch.task.options
        if not np.isfinite(field.at(place[None])[0]):
            return []
        step, turn = options.forward_step, float(np.deg2rad(options.turn_angle))
        near = max(0.9 * options.success_radius, step)
        way: list[ShortestPathPoint] = []
        for _ in range(_ACTIONS_AT_MOST):
            action = follower.next_action(grid, field, place, heading, step, turn, near)
            at = to_habitat(np.append(place, grid.level)).tolist()
            w, x, y, z = quaternion_of(heading).tolist()
            way.append(ShortestPathPoint(at, [x, y, z, w], action))
            if action == follower.STOP:
                break
            if action == follower.FORWARD:
                ends, _ = move(grid, place[None], step * forward(np.array([heading])))
                place = ends[0]
            else:
                heading += turn if action == follower.TURN_LEFT else -turn
        return way

    def is_navigable(self, point: ArrayLike) -> bool:
        """Return whether a body can stand at a point on the floor."""
        return bool(self._grid.is_walkable(from_habitat(point)[None, :2])[0])

    def sample_navigable_point(self) -> list[float]:
        """Return a random place to stand."""
        place = self._grid.sample(self.batch.draws_from(0), 1)[0]
        return list(to_habitat(np.append(place, self._grid.level)).tolist())

    def render(self, mode: str = "rgb") -> NDArray:
        """Return the picture of the first camera that sees colours.

        Raises:
            ValueError: there is none, or another mode is asked for.
        """
        pictures = [
            rows[0] for name, rows in self.batch.observe().items()
            if name == "rgb" or name.endswith("/rgb")
        ]  # fmt: skip
        if mode not in ("rgb", "rgb_array") or not pictures:
            raise ValueError(f"mode is {mode!r}; accepted: 'rgb', with a camera that sees colours")
        return pictures[0]

    @property
    def _world(self) -> World:
        return self.batch.simulator.state.here[0]

    @property
    def _grid(self) -> WalkableGrid:
        return self._world.walkable_for(self.batch.simulator.body)

    def _field(self, goals: ArrayLike) -> GeodesicField:
        """Return the distances to the nearest of one or more places in Habitat's world."""
        places = np.atleast_2d(from_habitat(goals))[:, :2]
        return self._fields.get(self._grid, places)


def _wxyz(rotation: Any) -> NDArray[np.float64]:
    """Return a quaternion, or habitat-lab's (x, y, z, w), as (w, x, y, z)."""
    if isinstance(rotation, quaternion.quaternion):
        return np.asarray(quaternion.as_float_array(rotation), np.float64)
    x, y, z, w = np.asarray(rotation, np.float64)
    return np.array([w, x, y, z])
