"""MovingAudioGoal: catch up with somebody who walks about and is heard.

Younes et al. 2023, "Catch Me If You Hear Me: Audio-Visual Navigation in Complex Unmapped
Environments with Moving Sounds". A stop succeeds beside the place where the source is *then*.
``spl`` is what they call dynamic SPL: the shortest way is that to the earliest place where the
source can be met.
"""

from dataclasses import dataclass, replace

import numpy as np

from avenv.core.suggest import accepted
from avenv.navigation import GeodesicField
from avenv.simulation.emitters import Trajectory
from avenv.simulation.world import World
from avenv.sounds.recipes import SPLITS
from avenv.sounds.sets import load_sounds
from avenv.tasks.aims import STRAY
from avenv.tasks.episode import Episode, EpisodeSource, Goal, sound_reference
from avenv.tasks.navigation import NavigationTask
from avenv.tasks.options import NavigationOptions
from avenv.tasks.walkers import LEG, WALKERS, stroll

ANY = "any"


@dataclass(frozen=True, kw_only=True)
class MovingAudioGoalOptions(NavigationOptions):
    """Options of MovingAudioGoal.

    Attributes:
        who: walks: a name in ``WALKERS``, or ``"any"`` of them.
        seconds: that it is on its way; then it stays where it is.
        sounds: ``"heard"``, or ``"unheard"``: the variants of each kind that are kept back for
            evaluation.
    """

    who: str = ANY
    seconds: float = 125.0
    sounds: str = "heard"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, known in (("who", (ANY, *WALKERS)), ("sounds", SPLITS)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; {accepted(getattr(self, name), known)}"
                )
        if not 0 < self.seconds <= 3600:
            raise ValueError(f"seconds is {self.seconds!r}; accepted: up to 3600")


class MovingAudioGoal(NavigationTask):
    """Catch up with what moves about and sounds, and stop beside it.

    The shortest way is that to where a body that walks straight on meets it first.
    """

    Options = MovingAudioGoalOptions
    options: MovingAudioGoalOptions
    instruction = "Walk to what sounds and moves, and stop beside it."
    samples_ahead = True
    forgives = False

    def check_world(self, world: World) -> None:
        """Check that a scene is large enough to walk about in."""
        stroll(np.random.default_rng(0), self, world, WALKERS["person"], LEG)

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode in which somebody walks about."""
        names = list(WALKERS) if self.options.who == ANY else [self.options.who]
        walker = WALKERS[names[rng.integers(len(names))]]
        kind = walker.kinds[rng.integers(len(walker.kinds))]
        look = walker.look or kind
        kind += "" if self.options.sounds == "heard" else f"/{self.options.sounds}"
        sound = load_sounds(kind, self.simulator.settings.sample_rate).sample(rng)
        path, times = stroll(rng, self, world, walker, self.options.seconds)
        offset = int(rng.integers(len(sound.signal))) / sound.sample_rate
        reference = sound_reference(sound)
        source = EpisodeSource(reference, path[0], path, times, offset=offset, look=look)
        episode = self.episode(rng, world, Goal(path[0]))
        changed = replace(episode, goals=(Goal(source=0),), sources=(source,))
        return replace(changed, geodesic_distance=None, oracle_actions=None, seed=-1)

    def measure(self, episode: Episode, world: World, field: GeodesicField) -> tuple[float, int]:
        """Return how far it is to where the source can be met first, and the actions thither."""
        number = episode.goals[0].source
        if number is None or not episode.sources[number].path:
            return super().measure(episode, world, field)
        source, step = episode.sources[number], self.simulator.settings.step_time
        way = Trajectory(source.path, source.times)
        start = np.array(episode.start)
        away = self.field(world, (*episode.start, source.position[2]))
        # Where it stays in the end, a body gets there at some time.
        times = np.arange(0.0, source.times[-1] + 2 * step, step)
        places = np.array([way.at(time) for time in times.tolist()])
        reach = times * self.options.forward_step / step
        reach[-1] = np.inf
        first = int(np.argmax(away.at(places[:, :2]) <= reach))
        there = self.field(world, tuple(places[first].tolist()))
        actions = self.count_oracle_actions(world, start, episode.heading, there)
        return float(there.at([start])[0]), actions

    @property
    def _oracle_settings(self) -> tuple[float, float, float]:
        step, turn, stop = super()._oracle_settings
        # While the body says stop, the source goes on, and it may have gone on before.
        fastest = max(walker.speed for walker in WALKERS.values())
        return step, turn, max(step, stop - fastest * self.simulator.settings.step_time - STRAY)
