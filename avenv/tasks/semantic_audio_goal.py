"""SemanticAudioGoal: find the thing that sounded, though it may have fallen silent long before.

Chen, Al-Halah & Grauman 2021, "Semantic Audio-Visual Navigation" (SAVi): the sound is that of a
thing of the scene and fits it, and lasts N(15, 9) s, 5 s at least; a stop within 1 m of the thing
succeeds, and SWS is the share of episodes solved when the sound is over. There it sounds from the
beginning; that it begins at U[0, 5] s, and the distractor with DSR, are of Zeng et al. 2026,
"Semantic Audio-Visual Navigation in Continuous Environments" (SAVN-CE).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.core.suggest import accepted
from avenv.scene.compiled import SceneSource
from avenv.simulation.simulator import Simulator
from avenv.simulation.world import World
from avenv.sounds.builtin import parse_name
from avenv.sounds.recipes import SPLITS
from avenv.sounds.sets import load_sounds
from avenv.tasks.episode import Episode, EpisodeSource, Goal, Point, sound_reference
from avenv.tasks.goals import category_of, sounding_things
from avenv.tasks.metrics import sws
from avenv.tasks.navigation import NavigationTask
from avenv.tasks.options import NavigationOptions


@dataclass(frozen=True, kw_only=True)
class SemanticAudioGoalOptions(NavigationOptions):
    """Options of SemanticAudioGoal.

    Attributes:
        sounds: ``"heard"``, or ``"unheard"``: the variants of each kind that are kept back for
            evaluation.
        distractor: whether a thing of another category sounds too, as long as the goal does but at
            times of its own. The instruction names the goal's category then.
        latest_onset: second by which the sound has begun.
        duration: seconds that it lasts, on average,
        duration_spread: their standard deviation, and
        shortest: the least.
    """

    sounds: str = "heard"
    distractor: bool = False
    latest_onset: float = 5.0
    duration: float = 15.0
    duration_spread: float = 9.0
    shortest: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sounds not in SPLITS:
            raise ValueError(f"sounds is {self.sounds!r}; {accepted(self.sounds, SPLITS)}")
        for name in ("latest_onset", "duration_spread"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} is {getattr(self, name)!r}; accepted: 0 or more")
        if not 0.01 <= self.shortest <= self.duration < np.inf:
            raise ValueError(
                f"shortest is {self.shortest!r} and duration {self.duration!r}; accepted: "
                "0.01 <= shortest <= duration"
            )


class SemanticAudioGoal(NavigationTask):
    """Find the thing that sounded, even if it has fallen silent."""

    Options = SemanticAudioGoalOptions
    options: SemanticAudioGoalOptions
    instruction = "Find the thing that sounds and stop there."
    samples_ahead = True

    def __init__(self, simulator: Simulator, options: SemanticAudioGoalOptions):
        super().__init__(simulator, options)
        own = ("sws", "dsr") if options.distractor else ("sws",)
        self.headline = (*NavigationTask.headline, *own)
        self._in_silence = np.zeros(simulator.num_envs, bool)
        self._misled = np.zeros(simulator.num_envs, bool)

    def check_world(self, world: World) -> None:
        """Check that a scene has things that sound, of two categories if one is to distract."""
        things = sounding_things(world, self.simulator.body)
        found = sorted({category_of(world, thing) for thing in things})
        needed = 1 + self.options.distractor
        if len(found) < needed:
            raise SceneError(
                f"{world.name}: things that sound and can be walked up to are of the categories "
                f"{found}; SemanticAudioGoal needs {needed} of them"
            )

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode in which one thing sounds, or two."""
        things = sounding_things(world, self.simulator.body)
        thing = things[int(rng.integers(len(things)))]
        category = category_of(world, thing)
        sources = [self._source(rng, thing)]
        if self.options.distractor:
            others = [other for other in things if category_of(world, other) != category]
            sources.append(self._source(rng, others[rng.integers(len(others))]))
        goal = Goal(thing.position, source=0, object=thing.object, category=category)
        words = f"Find the {category.replace('_', ' ')}." if self.options.distractor else ""
        return self.episode(rng, world, goal, sources=tuple(sources), instruction=words)

    def _source(self, rng: np.random.Generator, thing: SceneSource) -> EpisodeSource:
        options = self.options
        named = parse_name(thing.sound)
        kind = thing.sound if named is None or named.variant is not None else named.kind
        if named is not None and named.variant is None and options.sounds != "heard":
            kind = f"{kind}/{options.sounds}"
        sound = load_sounds(kind, self.simulator.settings.sample_rate).sample(rng)
        seconds = rng.normal(options.duration, options.duration_spread)
        return EpisodeSource(
            sound_reference(sound),
            thing.position,
            level=thing.level,
            offset=int(rng.integers(len(sound.signal))) / sound.sample_rate,
            onset=float(rng.uniform(0, options.latest_onset)),
            duration=float(max(seconds, options.shortest)),
            object=thing.object,
        )

    def _current_metrics(self) -> dict[str, NDArray[np.float64]]:
        metrics = super()._current_metrics()
        for row, episode in self.episodes.items():
            goal, emitters = episode.goals[0].source, self.simulator.state.emitters(row)
            time = float(self.simulator.state.time[row])
            self._in_silence[row] = goal is not None and emitters[goal].ends <= time
            self._misled[row] = self._stopped[row] and any(
                self._is_beside(row, source.position)
                for number, source in enumerate(episode.sources)
                if number != goal
            )
        metrics["sws"] = sws(metrics["success"], self._in_silence)
        if self.options.distractor:
            metrics["dsr"] = self._misled.astype(np.float64)
        return metrics

    def _is_beside(self, row: int, place: Point) -> bool:
        """Return whether one body is as near to a place as it should be to its goal."""
        state = self.simulator.state
        try:
            field = self.field(state.here[row], place)
        except SceneError:  # nobody can stand there
            return False
        return bool(field.at(state.position[row : row + 1])[0] <= self.options.success_radius)
