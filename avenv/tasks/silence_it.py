"""SilenceIt: some of many appliances sound; switch those off, and no others."""

from dataclasses import dataclass
from math import comb

import numpy as np

from avenv.core.errors import SceneError
from avenv.simulation.hands import Act
from avenv.simulation.world import World
from avenv.sounds.sets import load_sounds
from avenv.tasks.episode import Episode, EpisodeSource, Goal, sound_reference
from avenv.tasks.experts import Errand
from avenv.tasks.interaction import InteractionTask
from avenv.tasks.options import InteractionOptions
from avenv.tasks.verdicts import Verdict


@dataclass(frozen=True)
class SilenceItOptions(InteractionOptions):
    """Options of SilenceIt: ``most`` things sound at once, at most."""

    most: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.most <= 10:
            raise ValueError(f"most is {self.most!r}; accepted: 1 to 10")


class SilenceIt(InteractionTask):
    """Switch off what sounds; switching anything else on or off ends the episode."""

    Options = SilenceItOptions
    options: SilenceItOptions
    instruction = "Switch off every device that is sounding, and no other."
    samples_ahead = True

    def check_world(self, world: World) -> None:
        """Check that there are at least two appliances that only sound tells on from off."""
        found = appliances(world)
        if len(found) < 2:
            raise SceneError(
                f"{world.name}: SilenceIt needs two things that can be switched off by hand and "
                f"look the same on and off; found: {found or 'none'}"
            )

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode in which one to ``most`` appliances sound."""
        quiet = dict.fromkeys(switches(world), "off")
        silent = world.with_states(quiet)
        known = self.candidates(silent, "interact", appliances(world))
        if len(known) < 2:
            raise SceneError(f"{world.name}: of {appliances(world)} only {known} can be got at")
        count = int(rng.integers(1, min(self.options.most, len(known) - 1), endpoint=True))
        chosen = sorted(rng.choice(known, count, replace=False).tolist())
        sources = tuple(self._source(rng, silent, name) for name in chosen)
        return self.episode(
            rng,
            world,
            [Errand("interact", name) for name in chosen],
            states=quiet | dict.fromkeys(chosen, "on"),
            sources=sources,
            goals=tuple(Goal(source=k, object=name) for k, name in enumerate(chosen)),
            instruction=self.instruction,
        )

    def _source(self, rng: np.random.Generator, world: World, name: str) -> EpisodeSource:
        """Return an appliance that has always sounded, in a variant of its own sound."""
        state = switches(world)[name].states["on"]
        rate = self.simulator.settings.sample_rate
        sound = load_sounds(self.variant(rng, str(state.sound)), rate)[0]
        offset = int(rng.integers(len(sound.signal))) / rate
        return EpisodeSource(sound_reference(sound), state.place.mouth, offset=offset, object=name)

    def errands(self, row: int) -> list[Errand]:
        """Return those of the things that still run."""
        states = self.simulator.state.here[row].compiled.states
        goals = [str(goal.object) for goal in self.episodes[row].goals]
        return [Errand("interact", name) for name in goals if states[name] == "on"]

    def verdict(self, row: int, act: Act) -> Verdict:
        """Only to switch off what sounded is right."""
        wanted = {goal.object for goal in self.episodes[row].goals}
        return Verdict.RIGHT if act.thing in wanted and act.was == "on" else Verdict.WRONG

    def foreseen(self, episode: Episode) -> list[dict[str, str]]:
        """Return that one thing after another falls silent."""
        return [{str(goal.object): "off"} for goal in episode.goals]

    def chance(self, row: int) -> float:
        """Return how likely it is to pick just those that sound among all that might."""
        known = self._known(row)
        return 1 / comb(len(known), len(self.episodes[row].goals))

    def guess(self, row: int) -> Errand:
        """Return to use the nearest appliance that has not been used."""
        left = [n for n in self._known(row) if n not in self._done(row)]
        return self.nearest(row, [Errand("interact", name) for name in left])

    def _known(self, row: int) -> list[str]:
        world = self.simulator.state.here[row]
        return self.candidates(world, "interact", appliances(world))

    def _done(self, row: int) -> set[str]:
        return {str(goal.object) for goal in self.episodes[row].goals} - {
            errand.thing for errand in self.errands(row)
        }


def switches(world: World) -> dict:
    """Return the things of a world that sound when on and are silent when off, by name."""
    compiled = world.compiled
    return {
        compiled.objects[s.object].name: s
        for s in compiled.switches
        if {"on", "off"} <= set(s.states) and s.states["on"].sound and not s.states["off"].sound
    }


def appliances(world: World) -> list[str]:
    """Return the names of those that nobody can see whether they are on."""
    return [
        name for name, s in switches(world).items() if s.looks_like("on") == s.looks_like("off")
    ]
