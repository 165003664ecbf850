"""What tasks share in which one thing is to be opened once a cue was heard, and soon after."""

from dataclasses import dataclass, replace

import numpy as np

from avenv.simulation.events import Event
from avenv.simulation.hands import Act
from avenv.simulation.world import World
from avenv.tasks.episode import Episode, EpisodeSource, Goal
from avenv.tasks.experts import Errand
from avenv.tasks.interaction import InteractionTask
from avenv.tasks.options import InteractionOptions
from avenv.tasks.verdicts import Verdict


@dataclass(frozen=True)
class CueOptions(InteractionOptions):
    """Options of a task with a cue.

    Attributes:
        time_to_act: seconds from the cue within which the thing is to be opened.
        spread: seconds over which the time of the cue is spread, evenly. It begins when anybody
            could have come to the thing, so that whoever is there and listens can do it.
    """

    time_to_act: float = 5.0
    spread: float = 60.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.time_to_act < np.inf:
            raise ValueError(f"time_to_act is {self.time_to_act!r}; accepted: more than 0 s")
        if not self.time_to_act <= self.spread < np.inf:
            raise ValueError(
                f"spread is {self.spread!r}; accepted: {self.time_to_act} (time_to_act) or more s"
            )


class CueTask(InteractionTask):
    """Be there, wait for the cue, and open the one thing: neither before nor late."""

    Options = CueOptions
    options: CueOptions

    def cued_episode(
        self,
        rng: np.random.Generator,
        world: World,
        thing: str,
        cue: EpisodeSource,
        states: dict[str, str],
        others: tuple[EpisodeSource, ...] = (),
        after: dict[str, str] | None = None,
    ) -> Episode:
        """Return an episode in which a thing is to be opened after a cue.

        Args:
            rng: to draw from.
            world: the scene.
            thing: name of what is to be opened.
            cue: what is heard then; when, is drawn here.
            states: in which it begins.
            others: what else sounds.
            after: states that things get into at the cue.
        """
        episode = self.episode(rng, world, [Errand("interact", thing)], states=states)
        earliest = self.seconds_to(episode.geodesic_distance or 0.0)
        time = earliest + float(rng.uniform(0, self.options.spread))
        events = (Event(time, after),) if after else ()
        return replace(
            episode,
            sources=(replace(cue, onset=time), *others),
            events=(*episode.events, *events),
            goals=(Goal(source=0, object=thing),),
            instruction=self.instruction,
            seed=-1,
        )

    def cue(self, row: int) -> float:
        """Return the second at which the cue is heard."""
        return float(self.episodes[row].sources[0].onset or 0.0)

    def goal(self, row: int) -> str:
        """Return the name of what is to be opened."""
        return str(self.episodes[row].goals[0].object)

    def errands(self, row: int) -> list[Errand]:
        """Return to open the thing: to get ready for it until the cue."""
        time = self.simulator.state.time[row]
        return [Errand("interact", self.goal(row), bool(time > self.cue(row)))]

    def verdict(self, row: int, act: Act) -> Verdict:
        """Before the cue it is premature."""
        if act.thing != self.goal(row):
            return Verdict.WRONG
        when = self.simulator.state.time[row] - self.simulator.settings.step_time
        return Verdict.RIGHT if when > self.cue(row) else Verdict.PREMATURE

    def is_solved(self, row: int) -> bool:
        """Return True: there is one act that is right."""
        return True

    def is_too_late(self, row: int) -> bool:
        """Return whether the time after the cue has run out."""
        return bool(self.simulator.state.time[row] > self.cue(row) + self.options.time_to_act)

    def foreseen(self, episode: Episode) -> list[dict[str, str]]:
        """Return what happens at the cue, and that the thing is opened."""
        events = [dict(event.states) for event in episode.events]
        return [*events, {str(episode.goals[0].object): "open"}]

    def chance(self, row: int) -> float:
        """Return how likely a time is right at which somebody opens the thing without a cue."""
        return self.options.time_to_act / self.options.spread

    def guess(self, row: int) -> Errand:
        """Return to open the thing as soon as that is as likely to be right as ever."""
        episode = self.episodes[row]
        best = self.seconds_to(episode.geodesic_distance or 0.0) + self.options.time_to_act
        time = self.simulator.state.time[row]
        return Errand("interact", self.goal(row), bool(time > best - 0.5))
