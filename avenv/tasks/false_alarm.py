"""FalseAlarm: an alarm is heard, from the smoke alarm or from a television; tell which, and act.

Half of the episodes are real. The alarm is then to be switched off; else it is right to stop.
"""

from dataclasses import dataclass

import numpy as np

from avenv.core.errors import SceneError
from avenv.simulation.hands import Act
from avenv.simulation.world import World
from avenv.sounds.sets import load_sounds
from avenv.tasks.episode import Episode, EpisodeSource, Goal, sound_reference
from avenv.tasks.experts import Errand
from avenv.tasks.interaction import InteractionTask
from avenv.tasks.options import InteractionOptions
from avenv.tasks.silence_it import switches
from avenv.tasks.verdicts import Verdict


@dataclass(frozen=True)
class FalseAlarmOptions(InteractionOptions):
    """Options of FalseAlarm.

    Attributes:
        latest: seconds by which the alarm has begun.
        deadline: seconds from then within which to act, or to stop.
    """

    latest: float = 10.0
    deadline: float = 90.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("latest", "deadline"):
            if not 0 < getattr(self, name) < np.inf:
                raise ValueError(f"{name} is {getattr(self, name)!r}; accepted: more than 0 s")


class FalseAlarm(InteractionTask):
    """Switch the smoke alarm off if it is that which sounds; stop if it is the television."""

    Options = FalseAlarmOptions
    options: FalseAlarmOptions
    headline = ("success", "efficiency", "misled_acts", "premature_acts", "wrong_acts")
    instruction = "Switch off the smoke alarm if it is real. If it is the tv, stop."
    samples_ahead = True

    def check_world(self, world: World) -> None:
        """Check that there is a smoke alarm, and a television."""
        lacking = [kind for kind in ("smoke_alarm", "tv") if not _of_kind(world, kind)]
        if lacking:
            raise SceneError(
                f"{world.name}: FalseAlarm needs a smoke_alarm and a tv that can be switched; "
                f"found: no {' and no '.join(lacking)}, of {list(switches(world))}"
            )

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode with a real alarm or a false one; either way both things are on."""
        alarms, tv = _of_kind(world, "smoke_alarm"), _of_kind(world, "tv")[0]
        states = dict.fromkeys(switches(world), "off") | dict.fromkeys((tv, alarms[0]), "on")
        if not self.candidates(world.with_states(states), "interact", alarms[:1]):
            raise SceneError(f"{world.name}: nobody can get at {alarms[0]!r}")
        is_real, rate = rng.random() < 0.5, self.simulator.settings.sample_rate
        programme = load_sounds(self.variant(rng, "tv"), rate)[0]
        alarm = load_sounds(self.variant(rng, "smoke_alarm"), rate)[0]
        culprit = alarms[0] if is_real else tv
        mouths = {name: s.states["on"].place.mouth for name, s in switches(world).items()}
        begins = float(rng.uniform(1.0, self.options.latest))
        sources = (
            EpisodeSource(sound_reference(alarm), mouths[culprit], onset=begins, object=culprit),
            EpisodeSource(sound_reference(programme), mouths[tv], object=tv),
        )
        return self.episode(
            rng,
            world,
            [Errand("interact", alarms[0])],
            states=states,
            sources=sources,
            goals=(Goal(source=0, object=culprit), Goal(object=alarms[0])),
            instruction=self.instruction,
        )

    def is_real(self, row: int) -> bool:
        """Return whether it is the smoke alarm that sounds."""
        sounding, alarm = (goal.object for goal in self.episodes[row].goals)
        return sounding == alarm

    def has_begun(self, row: int, before: float = 0.0) -> bool:
        """Return whether the alarm had begun so many seconds ago."""
        onset = self.episodes[row].sources[0].onset or 0.0
        return bool(self.simulator.state.time[row] - before > onset)

    def errands(self, row: int) -> list[Errand]:
        """Return to switch off the smoke alarm, if that is what sounds."""
        alarm = str(self.episodes[row].goals[1].object)
        runs = self.simulator.state.here[row].compiled.states[alarm] == "on"
        wanted = runs and self.is_real(row)
        return [Errand("interact", alarm, self.has_begun(row))] if wanted else []

    def idle(self, row: int) -> str:
        """Return to listen until the alarm begins."""
        return "stop" if self.has_begun(row) else "wait"

    def verdict(self, row: int, act: Act) -> Verdict:
        """To act on the smoke alarm is right where it sounds, once it does."""
        if act.thing != self.episodes[row].goals[1].object:
            return Verdict.WRONG
        if not self.has_begun(row, self.simulator.settings.step_time):
            return Verdict.PREMATURE
        return Verdict.RIGHT if self.is_real(row) else Verdict.MISLED

    def is_right_to_stop(self, row: int) -> bool:
        """Return whether the alarm that has begun is a false one."""
        return self.has_begun(row, self.simulator.settings.step_time) and not self.is_real(row)

    def is_too_late(self, row: int) -> bool:
        """Return whether the time to act has run out."""
        return self.has_begun(row, self.options.deadline)

    def foreseen(self, episode: Episode) -> list[dict[str, str]]:
        """Return that the smoke alarm is switched off."""
        return [{str(episode.goals[1].object): "off"}]

    def chance(self, row: int) -> float:
        """Return one half: so many alarms are real."""
        return 0.5

    def guess(self, row: int) -> Errand:
        """Return to act as if the alarm were real, once it must have begun."""
        late = self.simulator.state.time[row] > self.options.latest
        return Errand("interact", str(self.episodes[row].goals[1].object), bool(late))


def _of_kind(world: World, kind: str) -> list[str]:
    compiled = world.compiled
    return [n for n in switches(world) if compiled.objects[compiled.row_of[n]].kind == kind]
