"""AudioGoal: walk to the sounding source and stop there (Chen et al. 2020, "SoundSpaces")."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError, SoundError
from avenv.simulation.emitters import Emitter
from avenv.simulation.simulator import Simulator
from avenv.simulation.world import WorldList
from avenv.sounds import Sound, SoundSet
from avenv.sounds.sets import SoundSpec, load_sounds
from avenv.tasks.episode import Episode
from avenv.tasks.navigation import NavigationRules, NavigationTask

SOURCE_HEIGHT = 1.0
TRIES = 1000


@dataclass(frozen=True)
class AudioGoalRules(NavigationRules):
    """Rules of AudioGoal.

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
        if self.goals not in ("anywhere", "sources"):
            raise ValueError(f"goals is {self.goals!r}; accepted: 'anywhere', 'sources'")
        if self.background not in ("none", "scene"):
            raise ValueError(f"background is {self.background!r}; accepted: 'none', 'scene'")
        if self.sounds == "scene" and self.goals != "sources":
            raise ValueError("sounds is 'scene'; that needs goals='sources'")


class AudioGoal(NavigationTask):
    """Find the one thing that sounds."""

    Rules = AudioGoalRules
    rules: AudioGoalRules

    def __init__(self, simulator: Simulator, rules: AudioGoalRules):
        for world in simulator.worlds.at_hand:
            if rules.goals == "sources" and not world.compiled.sources:
                raise SceneError(f"{world.name}: sources is empty; goals='sources' needs one")
        rate = simulator.sensors.sample_rate
        self._own: dict[str, list[int]] = {}
        if rules.sounds == "scene":
            own = _sounds_of(simulator.worlds, rate)
            # Two sources may share sounds: "phone" and "phone/1".
            unique = {s.name: s for sounds in own.values() for s in sounds}
            names = list(unique)
            self._own = {key: [names.index(s.name) for s in own[key]] for key in own}
            sounds = load_sounds(list(unique.values()), rate)
        else:
            sounds = load_sounds(rules.sounds, rate)
        self._background: dict[str, Sound] = {}
        if rules.background == "scene":
            own = _sounds_of(simulator.worlds, rate)
            self._background = {key: sounds[0] for key, sounds in own.items()}
        super().__init__(simulator, sounds, rules)

    def sample_episode(self, rng: np.random.Generator, scene: int | None = None) -> Episode:
        """Return an episode whose start is at least ``min_distance`` from the source, on foot."""
        if scene is None:
            scene = self.sample_scene(rng)
        source, sound, level = self._sample_source(scene, rng)
        field = self.field(scene, source)
        grid = self.simulator.worlds[scene].walkable
        starts = grid.sample(rng, TRIES)
        distances = field.at(starts)
        allowed = np.flatnonzero(np.isfinite(distances) & (distances >= self.rules.min_distance))
        if len(allowed) == 0:
            raise SceneError(
                f"{self.simulator.worlds[scene].name}: no place to start from is "
                f"{self.rules.min_distance} m or more on foot from the source at "
                f"({source[0]:.2f}, {source[1]:.2f}); "
                "accepted: a larger scene or a smaller min_distance"
            )
        start = starts[allowed[0]]
        heading = float(rng.uniform(-np.pi, np.pi))
        return Episode(
            scene=scene,
            start=(float(start[0]), float(start[1])),
            heading=heading,
            source=source,
            sound=sound,
            offset=int(rng.integers(len(self.sounds[sound].signal))),
            level=level,
            geodesic_distance=float(distances[allowed[0]]),
            oracle_actions=self.count_oracle_actions(scene, start, heading, field),
        )

    def background(self, episode: Episode) -> list[Emitter]:
        """Return the other sources of the scene where ``background`` is ``"scene"``."""
        if not self._background:
            return []
        return [
            Emitter(
                source.position, self._background[source.sound], source.level, object=source.object
            )
            for source in self.simulator.worlds[episode.scene].compiled.sources
            if source.position != episode.source
        ]

    def succeeded(self) -> NDArray[np.bool_]:
        """Return whether each body is within the success radius, on foot."""
        return self._distance <= self.rules.success_radius

    def _sample_source(
        self, scene: int, rng: np.random.Generator
    ) -> tuple[tuple[float, float, float], int, float]:
        world = self.simulator.worlds[scene]
        if self.rules.goals == "anywhere":
            x, y = world.places[rng.integers(len(world.places))]
            return (float(x), float(y), SOURCE_HEIGHT), int(rng.integers(len(self.sounds))), 0.0
        source = world.compiled.sources[rng.integers(len(world.compiled.sources))]
        playable = self._own.get(source.sound, range(len(self.sounds)))
        return source.position, int(rng.choice(playable)), source.level


def _sounds_of(worlds: WorldList, sample_rate: int) -> dict[str, SoundSet]:
    """Return what the sources of the scenes play, by what the scenes call it."""
    sets: dict[str, SoundSet] = {}
    for sound, who in worlds.sounds.items():
        try:
            sets[sound] = load_sounds(sound, sample_rate)
        except SoundError as error:
            raise SoundError(f"{who}: {error}") from error
    return sets
