"""FindFallen: something falls out of sight; find it, pick it up and put it on a table."""

from dataclasses import dataclass, replace

import numpy as np

from avenv.core.errors import SceneError
from avenv.scene import CATEGORIES
from avenv.scene.states import HELD, is_put
from avenv.simulation.events import Event
from avenv.simulation.hands import Act
from avenv.simulation.world import World
from avenv.tasks.episode import Episode, Goal
from avenv.tasks.experts import Errand
from avenv.tasks.interaction import InteractionTask
from avenv.tasks.options import InteractionOptions
from avenv.tasks.verdicts import Verdict


@dataclass(frozen=True)
class FindFallenOptions(InteractionOptions):
    """Options of FindFallen: ``latest`` is the second by which something has fallen."""

    latest: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_least(0.5, "latest")


class FindFallen(InteractionTask):
    """Put what has fallen, and is heard to fall once, on a table."""

    Options = FindFallenOptions
    options: FindFallenOptions
    verbs = ("pick", "put", "wait")
    instruction = "Find what falls, pick it up and put it on a table."
    samples_ahead = True

    def check_world(self, world: World) -> None:
        """Check that there is something that falls and can be carried, and a table."""
        if not (breakables(world) and tables(world)):
            raise SceneError(
                f"{world.name}: FindFallen needs a thing that can fall and be carried, and a table;"
                f" found: {breakables(world) or 'no such thing'}, {tables(world) or 'no table'}"
            )

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode in which one thing falls that cannot be seen from the start."""
        things = breakables(world)
        for name in rng.permutation(things).tolist():
            fallen, held = (world.with_states({name: state}) for state in ("fallen", HELD))
            found = self.candidates(fallen, "pick", [name])
            if not (found and self.candidates(held, "put", tables(world))):
                continue
            place = fallen.compiled.objects[fallen.compiled.row_of[name]].position
            fall = Event(float(rng.uniform(0.5, self.options.latest)), {name: "fallen"})
            try:
                return self._episode(rng, world, fallen, fall, Goal(place, object=name))
            except SceneError:  # it is in sight from everywhere
                continue
        raise SceneError(f"{world.name}: none of {things} can fall out of sight and be put away")

    def _episode(
        self, rng: np.random.Generator, world: World, fallen: World, fall: Event, goal: Goal
    ) -> Episode:
        x, y, z = goal.position or (0.0, 0.0, 0.0)
        pick = Errand("pick", str(goal.object))
        episode = self.episode(
            rng,
            world,
            [pick],
            unseen=(x, y, z + 0.1),
            known=fallen,
            events=(fall,),
            goals=(goal,),
            instruction=self.instruction,
        )
        held = world.with_states({pick.thing: HELD})
        here = self.planner.field(fallen, pick).goals[:1]  # all are beside the thing
        puts = [Errand("put", name) for name in self.candidates(held, "put", tables(world))]
        on = min(float(self.planner.field(held, put).at(here)[0]) for put in puts)
        way = (episode.geodesic_distance or 0.0) + on
        return replace(episode, geodesic_distance=way, seed=-1)

    def thing(self, row: int) -> str:
        """Return the name of what falls."""
        return str(self.episodes[row].goals[0].object)

    def errands(self, row: int) -> list[Errand]:
        """Return to pick up what has fallen, then to put it on any of the tables."""
        world, thing = self.simulator.state.here[row], self.thing(row)
        state = world.compiled.states[thing]
        if state == HELD:
            return [Errand("put", name) for name in self.candidates(world, "put", tables(world))]
        return [Errand("pick", thing)] if state == "fallen" or is_put(state) else []

    def idle(self, row: int) -> str:
        """Return to wait for the fall."""
        return "wait"

    def verdict(self, row: int, act: Act) -> Verdict:
        """It is right to pick up what has fallen, and to put it on a table."""
        if act.thing != self.thing(row):
            return Verdict.WRONG
        if act.verb == "pick":
            fell = act.was == "fallen" or is_put(str(act.was))
            return Verdict.RIGHT if fell else Verdict.PREMATURE
        on_table = act.on in tables(self.simulator.state.here[row])
        return Verdict.RIGHT if on_table else Verdict.NOTHING

    def is_solved(self, row: int) -> bool:
        """Return whether it was put down rightly."""
        act = self.last_act[row]
        return act is not None and act.verb == "put"

    def foreseen(self, episode: Episode) -> list[dict[str, str]]:
        """Return the fall, and that the thing is picked up."""
        thing = str(episode.goals[0].object)
        return [*(dict(event.states) for event in episode.events), {thing: HELD}]


def breakables(world: World) -> list[str]:
    """Return the names of the things that can fall, and be carried then."""
    compiled = world.compiled
    return [n for n in compiled.states if {"fallen", HELD} <= set(compiled.possible_states(n))]


def tables(world: World) -> list[str]:
    """Return the names of the tables."""
    number = CATEGORIES.index("table")
    return [thing.name for thing in world.compiled.objects if thing.category == number]
