"""AnswerDoor: somebody rings at an outer door; open that door then, and never before."""

from dataclasses import dataclass

import numpy as np

from avenv.core.errors import SceneError
from avenv.simulation.hands import Act
from avenv.simulation.world import World
from avenv.sounds.sets import load_sounds
from avenv.tasks.cued import CueOptions, CueTask
from avenv.tasks.doors import outer_doors
from avenv.tasks.episode import Episode, EpisodeSource, sound_reference
from avenv.tasks.verdicts import Verdict

RING, AGAIN = 3.0, 5.0
"""Seconds that the bell is heard, and from one ring to the next."""


@dataclass(frozen=True)
class AnswerDoorOptions(CueOptions):
    """Options of AnswerDoor: who has rung waits for twenty seconds."""

    time_to_act: float = 20.0
    spread: float = 100.0


class AnswerDoor(CueTask):
    """Open the outer door whose bell rings, while somebody waits there."""

    Options = AnswerDoorOptions
    instruction = "When the bell rings, answer the door, and not before."
    samples_ahead = True

    def check_world(self, world: World) -> None:
        """Check that there is an outer door that opens, and a doorbell."""
        if not bells(world):
            kinds = [thing.name for thing in world.compiled.objects if thing.kind == "doorbell"]
            raise SceneError(
                f"{world.name}: AnswerDoor needs an outer door with a leaf, and a doorbell; found: "
                f"outer doors {outer_doors(world) or 'none'}, doorbells {kinds or 'none'}"
            )

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode in which the bell of one outer door rings."""
        found, quiet = bells(world), dict.fromkeys(outer_doors(world), "closed")
        doors = self.candidates(world.with_states(quiet), "interact", list(found))
        if not doors:
            raise SceneError(f"{world.name}: nobody can get at the outer doors {list(found)}")
        door = doors[int(rng.integers(len(doors)))]
        compiled = world.compiled
        bell = next(s for s in compiled.switches if s.object == compiled.row_of[found[door]])
        mouth = next(iter(bell.states.values())).place.mouth
        rate = self.simulator.settings.sample_rate
        ring = load_sounds(self.variant(rng, "doorbell"), rate)[0]
        cue = EpisodeSource(
            sound_reference(ring), mouth, duration=RING, period=AGAIN, object=found[door]
        )
        return self.cued_episode(rng, world, door, cue, quiet)

    def verdict(self, row: int, act: Act) -> Verdict:
        """Only outer doors matter: to open another than that which rang is wrong."""
        outer = act.thing in outer_doors(self.simulator.state.here[row])
        return super().verdict(row, act) if outer else Verdict.NOTHING

    def chance(self, row: int) -> float:
        """Return how likely a door and a time are right."""
        return super().chance(row) / len(bells(self.simulator.state.here[row]))


def bells(world: World) -> dict[str, str]:
    """Return the outer doors that have a bell, by name, with the nearest doorbell of each."""
    compiled = world.compiled
    things = {thing.name: np.array(thing.position) for thing in compiled.objects}
    known = [thing.name for thing in compiled.objects if thing.kind == "doorbell" and thing.state]
    found: dict[str, str] = {}
    for door in outer_doors(world):
        free = [name for name in known if name not in found.values()]
        if free:
            away = [float(np.linalg.norm(things[name] - things[door])) for name in free]
            found[door] = free[int(np.argmin(away))]
    return found
