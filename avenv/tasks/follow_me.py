"""FollowMe: keep near somebody who walks and talks from room to room, but not too near."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avenv.navigation import GeodesicField, follower
from avenv.simulation.simulator import Simulator
from avenv.simulation.world import World
from avenv.sounds.sets import SoundSpec, load_sounds
from avenv.tasks.actions import MOTIONS, STOP
from avenv.tasks.episode import Episode, EpisodeSource, Goal, sound_reference
from avenv.tasks.following import LOOK_OUT, best_place
from avenv.tasks.navigation import NavigationTask
from avenv.tasks.options import NavigationOptions
from avenv.tasks.task import Judgement
from avenv.tasks.walkers import LEG, TALKER, stroll

WAIT = len(MOTIONS)
WAYS = ("spl", "soft_spl", "sna", "normalized_distance_to_goal")
REPLAN = 2
"""Steps for which the oracle walks to one place before it looks for a better one."""
IN_BAND = 0.1
"""Reward of a step at whose end the body is where it should be."""


@dataclass(frozen=True, kw_only=True)
class FollowMeOptions(NavigationOptions):
    """Options of FollowMe.

    Attributes:
        success_radius: metres on foot from the person, at most.
        near: metres, at least.
        share: of the time that a body must be between the two to have followed.
        seconds: that the person walks; then the episode is over.
        farthest: metres from the start to the person, at most.
        sounds: of the person, as ``load_sounds`` takes them; by default talk that means nothing.
    """

    success_radius: float = 2.0
    near: float = 0.7
    share: float = 0.5
    seconds: float = 60.0
    farthest: float = 4.0
    sounds: SoundSpec = "tv?cast=interview&music=0.0&applause=0.0"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.near < self.success_radius - self.forward_step:
            least = self.success_radius - self.forward_step
            raise ValueError(f"near is {self.near!r}; accepted: more than 0, less than {least}")
        if not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share!r}; accepted: up to 1")
        if not (0 < self.seconds <= 3600 and self.farthest > self.min_distance):
            raise ValueError(
                f"seconds is {self.seconds!r} and farthest {self.farthest!r}; accepted: up to "
                f"3600, and more than min_distance ({self.min_distance})"
            )


class FollowMe(NavigationTask):
    """Follow somebody who walks and talks: not too far off and not too near."""

    Options = FollowMeOptions
    options: FollowMeOptions
    headline = ("success", "time_in_band")
    instruction = "Follow the person who speaks, within two metres but not too near."
    samples_ahead = True
    more = ("wait",)
    forgives = False

    def __init__(self, simulator: Simulator, options: FollowMeOptions):
        super().__init__(simulator, options)
        self.sounds = load_sounds(options.sounds, simulator.settings.sample_rate)
        self._inside = np.zeros(simulator.num_envs)  # seconds
        self._places: dict[int, GeodesicField] = {}  # where the oracle goes

    def check_world(self, world: World) -> None:
        """Check that a scene is large enough to walk about in."""
        stroll(np.random.default_rng(0), self, world, TALKER, LEG)

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode in which somebody walks about and talks."""
        path, times = stroll(rng, self, world, TALKER, self.options.seconds)
        assert self.sounds is not None
        sound = self.sounds[int(rng.integers(len(self.sounds)))]
        source = EpisodeSource(sound_reference(sound), path[0], path, times, look=TALKER.look)
        episode = self.episode(rng, world, Goal(path[0]), farthest=self.options.farthest)
        return replace(episode, goals=(Goal(source=0),), sources=(source,), seed=-1)

    def begun(self, row: int) -> None:
        """Begin to count the time."""
        self._inside[row] = 0
        self._places.pop(row, None)

    def cost(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far bodies are from where they should be, metres."""
        near, far = self.options.near, self.options.success_radius
        return np.maximum(0.0, np.maximum(distance - far, near - distance))

    def notice(self, active: NDArray[np.bool_]) -> None:
        """Count the time; the episode is over when the walk is."""
        self._inside[active & (self.cost(self._distance) == 0)] += self.simulator.settings.step_time
        self._stopped |= active & (self.simulator.state.time >= self.options.seconds)

    def judge(self, active: NDArray[np.bool_], *rest: NDArray) -> Judgement:
        """Judge a step: every moment in the band counts, and enough of them most."""
        before = self._inside.copy()
        reward, terminated = super().judge(active, *rest)
        return Judgement(reward + IN_BAND * (self._inside > before), terminated)

    def chance(self, row: int) -> float:
        """Return 0: nobody keeps near somebody else by guessing."""
        return 0.0

    def succeeded(self) -> NDArray[np.bool_]:
        """Return whether bodies (E,) have been in the band for long enough of the whole walk."""
        return self._inside >= self.options.share * self.options.seconds

    def caption(self, row: int) -> list[str]:
        """Return how far the person is, and for how long the body has been where it should."""
        inside = f"{self._inside[row]:.0f} of {self.simulator.state.time[row]:.0f} s in the band"
        return [f"a person, {self._distance[row]:.1f} m on foot", inside]

    def _current_metrics(self) -> dict[str, NDArray[np.float64]]:
        own = {"time_in_band": self._inside / self.options.seconds}
        metrics = super()._current_metrics() | own
        # There is no shortest way to weigh by.
        return {k: v for k, v in metrics.items() if k not in WAYS}

    def oracle_action(self, row: int) -> int:
        """Return the next action on the way to where it is best to wait for the person."""
        state, options = self.simulator.state, self.options
        if int(state.steps[row]) % REPLAN == 0:
            emitter = state.emitters(row)[self.episodes[row].goals[0].source or 0]
            times = float(state.time[row]) + LOOK_OUT
            people = np.array([emitter.at(time) for time in times.tolist()])
            band = options.near, options.success_radius
            last = self._places.pop(row).goals if row in self._places else people[:1, :2]
            if (place := best_place(self.simulator, row, people, band, last)) is not None:
                self._places[row] = self.field(state.here[row], place)
        if (field := self._places.get(row)) is None:  # the person is in another room
            action = super().oracle_action(row)
        else:
            where = field.grid, field, state.position[row], float(state.heading[row])
            step, turn, _ = self._oracle_settings
            action = follower.next_action(*where, step, turn, step)
        return WAIT if action == STOP else action
