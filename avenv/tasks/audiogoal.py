"""AudioGoal: walk to the sounding source and stop there (Chen et al. 2020, "SoundSpaces")."""

from dataclasses import dataclass, replace

import numpy as np

from avenv.core.errors import SceneError, SoundError
from avenv.core.suggest import accepted
from avenv.simulation.simulator import Simulator
from avenv.simulation.world import SOURCE_HEIGHT, World
from avenv.simulation.worlds import WorldList
from avenv.sounds import Sound, SoundSet
from avenv.sounds.sets import SoundSpec, load_sounds
from avenv.tasks.episode import Episode, EpisodeSource, Goal, Point, sound_reference
from avenv.tasks.navigation import NavigationTask
from avenv.tasks.options import NavigationOptions


@dataclass(frozen=True, kw_only=True)
class AudioGoalOptions(NavigationOptions):
    """Options of AudioGoal.

    Attributes:
        goals: ``"anywhere"``: the source is at one of the places of the walkable floor, a metre
            high; ``"sources"``: it is one of the sources that the scene names.
        sounds: a sound set, as ``load_sounds`` takes it, or ``"scene"``: each source plays the
            sound that the scene gives it (with ``goals="sources"`` only).
        background: ``"none"``, or ``"scene"``: the sources that the scene names, but for the goal,
            always sound too, each with the first of its sounds.
    """

    goals: str = "anywhere"
    sounds: SoundSpec = "builtin:heard"
    background: str = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, known in (("goals", ("anywhere", "sources")), ("background", ("none", "scene"))):
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f"{name} is {value!r}; {accepted(value, known)}")
        if self.sounds == "scene" and self.goals != "sources":
            raise ValueError("sounds is 'scene'; that needs goals='sources'")


class AudioGoal(NavigationTask):
    """Find the one thing that sounds."""

    Options = AudioGoalOptions
    instruction = "Walk to what sounds and stop there."
    options: AudioGoalOptions
    sounds: SoundSet
    samples_ahead = True

    def __init__(self, simulator: Simulator, options: AudioGoalOptions):
        super().__init__(simulator, options)
        for world in simulator.worlds.at_hand:
            self.check_world(world)
        rate = simulator.settings.sample_rate
        self._own: dict[str, list[int]] = {}
        if options.sounds == "scene":
            own = _sounds_of(simulator.worlds, rate)
            # Two sources may share sounds: "phone" and "phone/1".
            unique = {s.name: s for sounds in own.values() for s in sounds}
            names = list(unique)
            self._own = {key: [names.index(s.name) for s in own[key]] for key in own}
            self.sounds = load_sounds(list(unique.values()), rate)
        else:
            self.sounds = load_sounds(options.sounds, rate)
        self._background: dict[str, Sound] = {}
        if options.background == "scene":
            own = _sounds_of(simulator.worlds, rate)
            self._background = {key: sounds[0] for key, sounds in own.items()}

    def check_world(self, world: World) -> None:
        """Check that a scene names sources where ``goals`` asks for them."""
        if self.options.goals == "sources" and not world.compiled.sources:
            raise SceneError(f"{world.name}: sources is empty; goals='sources' needs one")

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode whose start is at least ``min_distance`` from the source, on foot."""
        place, sound, level, thing = self._sample_source(rng, world)
        episode = self.episode(rng, world, Goal(place), seed=0)  # its own comes last
        offset = int(rng.integers(len(sound.signal))) / sound.sample_rate
        reference = sound_reference(sound)
        source = EpisodeSource(reference, place, level=level, offset=offset, object=thing)
        goal = Goal(place, source=0, object=thing)
        sources = (source, *self._others(world, place))
        return replace(episode, goals=(goal,), sources=sources, seed=-1)

    def _sample_source(
        self, rng: np.random.Generator, world: World
    ) -> tuple[Point, Sound, float, str | None]:
        """Return place, sound, level and thing of a source."""
        if self.options.goals == "anywhere":
            places = world.places_for(self.simulator.body)
            x, y = places[rng.integers(len(places))]
            sound = self.sounds[int(rng.integers(len(self.sounds)))]
            height = world.level_for(self.simulator.body) + SOURCE_HEIGHT
            return (float(x), float(y), height), sound, 0.0, None
        source = world.compiled.sources[rng.integers(len(world.compiled.sources))]
        playable = self._own.get(source.sound, range(len(self.sounds)))
        sound = self.sounds[int(rng.choice(playable))]
        return source.position, sound, source.level, source.object

    def _others(self, world: World, place: Point) -> list[EpisodeSource]:
        """Return the other sources of the scene where ``background`` is ``"scene"``."""
        if not self._background:
            return []
        others = []
        for source in world.compiled.sources:
            if source.position != place:
                sound = self._background[source.sound]
                reference = sound_reference(sound)
                others.append(
                    EpisodeSource(
                        reference, source.position, level=source.level, object=source.object
                    )
                )
        return others


def _sounds_of(worlds: WorldList, sample_rate: int) -> dict[str, SoundSet]:
    """Return what the sources of the scenes play, by what the scenes call it."""
    sets: dict[str, SoundSet] = {}
    for sound, who in worlds.sounds.items():
        try:
            sets[sound] = load_sounds(sound, sample_rate)
        except SoundError as error:
            raise SoundError(f"{who}: {error}") from error
    return sets
