"""What all navigation tasks share: four actions, reward, metrics and ground truth.

A task says how an episode is built (`sample_episode`) and what success is (`succeeded`); it knows
no pixels. Definitions of the metrics: Anderson et al. 2018, "On Evaluation of Embodied Navigation
Agents" (success, SPL); Datta et al. 2020, "Integrating Egocentric Localization for More Realistic
Point-Goal Navigation Agents" (SoftSPL); Chen et al. 2021, "Learning to Set Waypoints for
Audio-Visual Navigation" (SNA).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.core import frames
from avenv.navigation import FieldCache, GeodesicField, follower
from avenv.simulation.emitters import Emitter
from avenv.simulation.simulator import Simulator
from avenv.sounds import SoundSet
from avenv.tasks.episode import Episode
from avenv.tasks.goals import standing_point

STOP, FORWARD, TURN_LEFT, TURN_RIGHT = (
    follower.STOP,
    follower.FORWARD,
    follower.TURN_LEFT,
    follower.TURN_RIGHT,
)

ORACLE_LIMIT = 100_000
"""Actions after which the oracle would be given up; far more than any home takes."""


@dataclass(frozen=True)
class NavigationRules:
    """The numbers of a navigation task.

    Attributes:
        success_radius: metres walked; serves reward, termination and metrics alike.
        success_reward: added when a stop succeeds.
        step_penalty: subtracted at every action.
        forward_step: metres of one forward action.
        turn_angle: degrees of one turn action.
        max_steps: actions after which an episode is truncated.
        min_distance: metres; the least geodesic distance from start to source.
    """

    success_radius: float = 1.0
    success_reward: float = 10.0
    step_penalty: float = 0.01
    forward_step: float = 0.25
    turn_angle: float = 15.0
    max_steps: int = 500
    min_distance: float = 2.0

    def __post_init__(self) -> None:
        for name in ("success_radius", "forward_step", "turn_angle", "max_steps", "min_distance"):
            if not 0 < getattr(self, name) < np.inf:
                raise ValueError(f"{name} is {getattr(self, name)!r}; accepted: more than 0")
        for name in ("success_reward", "step_penalty"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)!r}; accepted: a finite number")
        if self.turn_angle > 180:
            raise ValueError(f"turn_angle is {self.turn_angle!r}; accepted: up to 180 degrees")
        if self.success_radius < self.forward_step:
            raise ValueError(
                f"success_radius is {self.success_radius!r}; accepted: forward_step "
                f"({self.forward_step}) or more, so that no step leaps over the goal"
            )
        if self.min_distance < self.success_radius:
            raise ValueError(
                f"min_distance is {self.min_distance!r}; accepted: success_radius "
                f"({self.success_radius}) or more, so that no episode starts solved"
            )


class NavigationTask(ABC):
    """Walk to the source and stop there, for a batch of E environments.

    Args:
        simulator: the bodies that walk.
        sounds: what may sound.
        rules: the numbers of the task.
    """

    action_space = spaces.Discrete(4)
    Rules: type[NavigationRules] = NavigationRules

    def __init__(self, simulator: Simulator, sounds: SoundSet, rules: NavigationRules):
        count = simulator.num_envs
        self.simulator = simulator
        self.sounds = sounds
        self.rules = rules
        self.episodes: dict[int, Episode] = {}
        self._fields: dict[int, GeodesicField] = {}
        self._field_cache = FieldCache()
        self._distance = np.zeros(count)
        self._start_distance = np.ones(count)
        self._oracle_actions = np.ones(count)
        self._path_length = np.zeros(count)
        self._actions = np.zeros(count, np.int64)
        self._collisions = np.zeros(count, np.int64)
        self._stopped = np.zeros(count, bool)

    def sample_scene(self, rng: np.random.Generator) -> int:
        """Return the number of a scene, each as likely as the others."""
        return int(rng.integers(len(self.simulator.worlds)))

    @abstractmethod
    def sample_episode(self, rng: np.random.Generator, scene: int | None = None) -> Episode:
        """Return a new episode, in the scene of this number or else in one that it draws.

        Raises:
            SceneError: a scene has no room for one.
        """

    @abstractmethod
    def succeeded(self) -> NDArray[np.bool_]:
        """Return whether each environment (E,) is where it should be, if it stops now."""

    def background(self, episode: Episode) -> Sequence[Emitter]:
        """Return what sounds in an episode besides its source: nothing, unless a task says so."""
        return ()

    def begin(self, row: int, episode: Episode) -> None:
        """Start an episode in one environment.

        Raises:
            ValueError: the episode does not fit the scenes or the sounds.
            SceneError: its source is where no sound can be.
        """
        field = self._check(episode)
        sound = self.sounds[episode.sound]
        own = self.simulator.worlds[episode.scene].compiled.sources
        thing = next((s.object for s in own if s.position == episode.source), None)
        emitter = Emitter(episode.source, sound, episode.level, episode.offset, object=thing)
        emitters = [emitter, *self.background(episode)]
        self.simulator.place(
            row, episode.scene, episode.start, episode.heading, emitters, episode.seed
        )
        self.episodes[row] = episode
        self._fields[row] = field
        self._start_distance[row] = episode.geodesic_distance
        self._oracle_actions[row] = episode.oracle_actions
        self._path_length[row] = 0.0
        self._actions[row] = 0
        self._collisions[row] = 0
        self._stopped[row] = False
        self._measure([row])

    def act(
        self, actions: NDArray[np.int64], active: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Carry out one action (E,) in each active environment (E,).

        Returns:
            reward, terminated, truncated: (E,) each; zero and False where not active.
        """
        forward = active & (actions == FORWARD)
        left, right = active & (actions == TURN_LEFT), active & (actions == TURN_RIGHT)
        turn = np.deg2rad(self.rules.turn_angle) * (left.astype(float) - right)
        moved, collided = self.simulator.move(self.rules.forward_step * forward, turn)
        self._path_length += moved
        self._collisions += collided
        self._actions += active
        self._stopped |= active & (actions == STOP)

        before = self._distance.copy()
        self._measure(np.flatnonzero(forward).tolist())
        solved = self._stopped & active & self.succeeded()
        reward = before - self._distance + self.rules.success_reward * solved
        reward -= self.rules.step_penalty
        terminated = self._stopped & active
        truncated = active & ~terminated & (self._actions >= self.rules.max_steps)
        return np.where(active, reward, 0.0), terminated, truncated

    def metrics(self) -> dict[str, NDArray[np.float64]]:
        """Return the metrics of the episodes so far, (E,) each."""
        success = (self._stopped & self.succeeded()).astype(np.float64)
        start, distance = self._start_distance, self._distance
        efficiency = start / np.maximum(start, self._path_length)
        normalized = distance / start
        oracle = self._oracle_actions
        return {
            "success": success,
            "spl": success * efficiency,
            "soft_spl": np.maximum(0.0, 1.0 - normalized) * efficiency,
            "sna": success * oracle / np.maximum(oracle, self._actions),
            "distance_to_goal": distance.copy(),
            "normalized_distance_to_goal": normalized,
            "num_actions": self._actions.astype(np.float64),
            "path_length": self._path_length.copy(),
            "collisions": self._collisions.astype(np.float64),
        }

    def truth(self) -> dict[str, NDArray]:
        """Return what an agent would like to know: where the source is, (E,) each.

        Angles in radians in the body frame, distances in metres. ``source_visible``: in the field
        of view with nothing in between; ``source_audible``: it is sounding.
        """
        simulator = self.simulator
        offset = simulator.source_position() - simulator.ears()
        heard = frames.to_body(offset, simulator.heading)
        azimuth, elevation = frames.azimuth_elevation(heard)
        return {
            "source_azimuth": azimuth,
            "source_elevation": elevation,
            "source_distance": np.linalg.norm(offset, axis=1),
            "geodesic_distance": self._distance.copy(),
            "source_visible": simulator.source_in_view() & simulator.line_of_sight(),
            "source_audible": simulator.source_is_sounding(),
        }

    def oracle_actions(self) -> NDArray[np.int64]:
        """Return the action (E,) that a body with a map would take."""
        return np.array([self._oracle_action(row) for row in range(self.simulator.num_envs)])

    def field(self, scene: int, source: tuple[float, float, float]) -> GeodesicField:
        """Return the walking distance to a source, everywhere in a scene."""
        world = self.simulator.worlds[scene]
        goal = standing_point(world, source, self.simulator.body.eye_height)
        return self._field_cache.get(world.walkable, goal)

    def count_oracle_actions(
        self, scene: int, start: NDArray[np.float64], heading: float, field: GeodesicField
    ) -> int:
        """Return how many actions the oracle needs, its stop included."""
        grid = self.simulator.worlds[scene].walkable
        return follower.count_actions(
            grid, field, start, heading, *self._oracle_settings, limit=ORACLE_LIMIT
        )

    @property
    def _oracle_settings(self) -> tuple[float, float, float]:
        rules = self.rules
        # A tenth inside the radius, so that rounding never decides an episode.
        return rules.forward_step, np.deg2rad(rules.turn_angle), 0.9 * rules.success_radius

    def _oracle_action(self, row: int) -> int:
        simulator = self.simulator
        return follower.next_action(
            simulator.here[row].walkable,
            self._fields[row],
            simulator.position[row],
            float(simulator.heading[row]),
            *self._oracle_settings,
        )

    def _check(self, episode: Episode) -> GeodesicField:
        """Return the field of an episode, if it fits the scenes and the sounds."""
        for name, value, count in (
            ("scene", episode.scene, len(self.simulator.worlds)),
            ("sound", episode.sound, len(self.sounds)),
        ):
            if not (isinstance(value, int | np.integer) and 0 <= value < count):
                raise ValueError(f"episode.{name} is {value!r}; accepted: 0 to {count - 1}")
        numbers = (*episode.start, episode.heading, *episode.source, episode.level)
        if not np.isfinite(numbers).all():
            raise ValueError(f"{episode} has a number that is not finite")
        if not (0 < episode.geodesic_distance < np.inf and episode.oracle_actions >= 1):
            raise ValueError(
                f"episode.geodesic_distance is {episode.geodesic_distance} and oracle_actions "
                f"{episode.oracle_actions}; accepted: more than 0 m, and 1 or more"
            )
        world = self.simulator.worlds[episode.scene]
        if not world.walkable.is_walkable([episode.start])[0]:
            raise ValueError(
                f"episode.start is {episode.start}; accepted: a place on the floor of {world.name} "
                "where a body can stand"
            )
        field = self.field(episode.scene, episode.source)
        if not np.isfinite(field.at([episode.start])[0]):
            raise ValueError(
                f"episode.start is {episode.start}; there is no way from there to the source at "
                f"{episode.source} in {world.name}"
            )
        return field

    def _measure(self, rows: Iterable[int]) -> None:
        for row in rows:
            self._distance[row] = self._fields[row].at(self.simulator.position[row : row + 1])[0]
