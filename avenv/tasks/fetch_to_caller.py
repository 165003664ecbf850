"""FetchToCaller: a voice says what it wants; find the thing and bring it to whoever calls."""

from dataclasses import dataclass, replace

import numpy as np

from avenv.core.errors import SceneError
from avenv.scene.states import HELD
from avenv.simulation.hands import Act, held_thing, portable
from avenv.simulation.simulator import Simulator
from avenv.simulation.world import SOURCE_HEIGHT, World
from avenv.tasks.episode import Episode, EpisodeSource, Goal, sound_reference
from avenv.tasks.experts import Errand
from avenv.tasks.interaction import InteractionTask
from avenv.tasks.options import InteractionOptions
from avenv.tasks.requests import Requests
from avenv.tasks.verdicts import Verdict


@dataclass(frozen=True)
class FetchToCallerOptions(InteractionOptions):
    """Options of FetchToCaller.

    Attributes:
        success_radius: metres on foot from the caller within which to stop with the thing.
        latest: seconds by which the voice has begun.
        voices: a folder of recordings, each named for the kind of thing that it asks for
            (``anna/cushion.wav``); empty: avenv's own.
    """

    success_radius: float = 1.0
    latest: float = 3.0
    voices: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_least(0.5, "success_radius", "latest")


class FetchToCaller(InteractionTask):
    """Pick up what a voice asks for, and stop with it beside whoever calls."""

    Options = FetchToCallerOptions
    options: FetchToCallerOptions
    verbs = ("pick", "put", "wait")
    samples_ahead = True
    instruction = "Find what the voice asks for, bring it to the caller and stop there."

    def __init__(self, simulator: Simulator, options: FetchToCallerOptions):
        super().__init__(simulator, options)
        self.requests = Requests(options.voices, simulator.settings.sample_rate)
        self.sounds = self.requests.sounds

    def check_world(self, world: World) -> None:
        """Check that there are two kinds of things to carry that voices have words for."""
        if len(found := self.requests.things(world, portable(world))) < 2:
            raise SceneError(
                f"{world.name}: FetchToCaller needs two kinds of things to carry that voices ask "
                f"for, as {', '.join(self.requests.kinds[:4])}; found: {list(found) or 'none'}"
            )

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode in which a voice somewhere asks for a thing elsewhere."""
        things = self.requests.things(world, self.candidates(world, "pick", portable(world)))
        if len(things) < 2:
            raise SceneError(f"{world.name}: only {list(things)} can be got at; two are needed")
        kind = list(things)[int(rng.integers(len(things)))]
        picks = [Errand("pick", name) for name in things[kind]]
        places = world.places_for(self.simulator.body)
        away = np.min([self.planner.field(world, pick).at(places) for pick in picks], axis=0)
        far = places[np.isfinite(away) & (away >= self.options.min_distance)]
        if len(far) == 0:
            raise SceneError(
                f"{world.name}: no place for a caller is {self.options.min_distance} m or more on "
                f"foot from {things[kind]}; accepted: a larger scene or a smaller min_distance"
            )
        x, y = far[int(rng.integers(len(far)))].tolist()
        height = world.level_for(self.simulator.body) + SOURCE_HEIGHT
        voice = EpisodeSource(
            sound_reference(self.requests.draw(rng, kind, self.variant)),
            (x, y, height),
            onset=float(rng.uniform(0.5, self.options.latest)),
            directivity="speech",
            facing=float(rng.uniform(-np.pi, np.pi)),
        )
        bring = Errand("stop", "caller", place=(x, y))
        episode = self.episode(
            rng,
            world,
            picks[:1],
            others=(*picks[1:], bring),
            sources=(voice,),
            goals=(Goal(source=0), *(Goal(object=pick.thing) for pick in picks)),
            instruction=self.instruction,
        )
        way = min(
            self.way(world, np.array(episode.start), [pick])
            + float(self.planner.field(world, bring).at(self.planner.field(world, pick).goals)[0])
            for pick in picks
        )
        return replace(episode, geodesic_distance=way, seed=-1)

    def wanted(self, row: int) -> list[str]:
        """Return the names of the things that are as asked for."""
        return [str(goal.object) for goal in self.episodes[row].goals[1:]]

    def errands(self, row: int) -> list[Errand]:
        """Return to pick up one of the things, then to stop with it beside the caller."""
        held, wanted = held_thing(self.simulator.state.here[row]), self.wanted(row)
        if held in wanted:
            return [self._bring(row)]
        return [Errand("pick", name) for name in wanted] if held is None else []

    def _bring(self, row: int) -> Errand:
        x, y, _ = self.episodes[row].sources[0].position
        return Errand("stop", "caller", place=(x, y))

    def verdict(self, row: int, act: Act) -> Verdict:
        """To pick up what is asked for is right, to put it down again as one likes."""
        if act.verb == "put":
            return Verdict.NOTHING
        return Verdict.RIGHT if act.thing in self.wanted(row) else Verdict.WRONG

    def is_right_to_stop(self, row: int) -> bool:
        """Return whether the body holds the thing beside the caller."""
        world, here = self.simulator.state.here[row], self.simulator.state.position[row][None]
        beside = self.planner.field(world, self._bring(row)).at(here)[0]
        held = held_thing(world) in self.wanted(row)
        return held and bool(beside <= self.options.success_radius)

    def foreseen(self, episode: Episode) -> list[dict[str, str]]:
        """Return that the thing is picked up; of several, the first."""
        return [{str(episode.goals[1].object): HELD}]

    def chance(self, row: int) -> float:
        """Return how likely are one of the things, and a stop somewhere on the floor."""
        world = self.simulator.state.here[row]
        beside = self.planner.field(world, self._bring(row))
        share = beside.share_within(self.options.success_radius)
        return share * len(self.wanted(row)) / len(portable(world))

    def guess(self, row: int) -> Errand | str:
        """Return to pick up the nearest thing, and to stop with it."""
        world = self.simulator.state.here[row]
        if held_thing(world) is not None:
            return "stop"
        names = self.candidates(world, "pick", portable(world))
        return self.nearest(row, [Errand("pick", name) for name in names])
