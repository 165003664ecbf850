"""MultiAudioGoal: several things sound; go to each and say ``found``.

Wani et al. 2020, "MultiON: Benchmarking Semantic Map Memory using Multi-Object Navigation" (a told
order, ``found``, progress, PPL); Kondoh & Kanezaki 2023, "Multi-Goal Audio-Visual Navigation Using
Sound Direction Map" (sounding goals in any order).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.simulation.simulator import Simulator
from avenv.simulation.world import SOURCE_HEIGHT, World
from avenv.sounds.sets import SoundSpec, load_sounds
from avenv.tasks.episode import Episode, EpisodeSource, Goal, sound_reference
from avenv.tasks.goals import places_apart
from avenv.tasks.multi_goal import MultiGoalTask
from avenv.tasks.options import NavigationOptions
from avenv.tasks.tour import MOST


@dataclass(frozen=True, kw_only=True)
class MultiAudioGoalOptions(NavigationOptions):
    """Options of MultiAudioGoal.

    Attributes:
        count: how many things sound, each of another kind, 1 to 6.
        ordered: whether they are to be found in the order that the instruction tells.
        apart: metres on foot from one to the next, at least.
        sounds: a sound set, as ``load_sounds`` takes it.
    """

    count: int = 3
    ordered: bool = False
    apart: float = 2.5
    sounds: SoundSpec = "builtin:heard"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.count <= MOST:
            raise ValueError(f"count is {self.count!r}; accepted: 1 to {MOST}")
        if not 2 * self.success_radius < self.apart < np.inf:
            raise ValueError(
                f"apart is {self.apart!r}; accepted: more than twice success_radius "
                f"({self.success_radius}), so that nobody is beside two things"
            )


class MultiAudioGoal(MultiGoalTask):
    """Go to all that sounds, and say at each that you have found it.

    What is found falls silent. Who says so where nothing is, or out of turn, has failed.
    """

    Options = MultiAudioGoalOptions
    options: MultiAudioGoalOptions
    instruction = "Find all that sounds, in any order."
    samples_ahead = True

    def __init__(self, simulator: Simulator, options: MultiAudioGoalOptions):
        super().__init__(simulator, options, options.ordered)
        self.sounds = load_sounds(options.sounds, simulator.settings.sample_rate)
        self._kinds = sorted(set(self.sounds.kinds))
        if len(self._kinds) < options.count:
            raise ValueError(
                f"sounds has {len(self._kinds)} kinds; accepted: {options.count}, as many as count"
            )

    def check_world(self, world: World) -> None:
        """Check that a scene is large enough for so many things so far apart."""
        self._places(np.random.default_rng(0), world)

    def _places(self, rng: np.random.Generator, world: World) -> NDArray[np.float64]:
        options, places = self.options, world.places_for(self.simulator.body)
        level = world.level_for(self.simulator.body)
        found = places_apart(
            rng, places, options.count, options.apart,
            lambda place: self.field(world, (*place.tolist(), level)).at(places),
        )  # fmt: skip
        if len(found) < options.count:
            raise SceneError(
                f"{world.name}: {len(found)} places are {options.apart} m apart on foot; "
                f"{self.name} needs {options.count}"
            )
        return found

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode in which things sound at places far apart."""
        assert self.sounds is not None
        kinds = rng.permutation(self._kinds)[: self.options.count].tolist()
        height = world.level_for(self.simulator.body) + SOURCE_HEIGHT
        sources = []
        for kind, (x, y) in zip(kinds, self._places(rng, world).tolist(), strict=True):
            of_kind = [n for n, other in enumerate(self.sounds.kinds) if other == kind]
            sound = self.sounds[int(rng.choice(of_kind))]
            offset = int(rng.integers(len(sound.signal))) / sound.sample_rate
            sources.append(EpisodeSource(sound_reference(sound), (x, y, height), offset=offset))
        goals = tuple(Goal(source.position, source=k) for k, source in enumerate(sources))
        words = f"Find the {', then the '.join(kinds)}." if self.options.ordered else ""
        episode = self.episode(rng, world, Goal(goals[0].position), instruction=words)
        changed = replace(episode, goals=goals, sources=tuple(sources), geodesic_distance=None)
        return replace(changed, oracle_actions=None, seed=-1)
