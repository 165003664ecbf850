"""WaitForCue: a machine beeps when it is done; open it then, for to open it before is unsafe."""

from dataclasses import dataclass

import numpy as np

from avenv.core.errors import SceneError
from avenv.scene.states import Switch
from avenv.simulation.world import World
from avenv.sounds.sets import load_sounds
from avenv.tasks.cued import CueOptions, CueTask
from avenv.tasks.episode import Episode, EpisodeSource, sound_reference
from avenv.tasks.silence_it import appliances, switches

BEEP = 3.0
"""Seconds that it beeps."""


@dataclass(frozen=True)
class WaitForCueOptions(CueOptions):
    """Options of WaitForCue: it is to be opened within ten seconds."""

    time_to_act: float = 10.0
    spread: float = 80.0


class WaitForCue(CueTask):
    """Be there when the machine beeps, and open it only then."""

    Options = WaitForCueOptions
    instruction = "A machine is on. Open it when it beeps, not before."
    samples_ahead = True

    def check_world(self, world: World) -> None:
        """Check that there is a machine with a door, whose sound alone tells that it runs."""
        if not machines(world):
            raise SceneError(
                f"{world.name}: WaitForCue needs a machine that runs, is off and opens, as a "
                f"dishwasher; found things that run: {list(switches(world)) or 'none'}"
            )

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode in which one machine runs, and is done some time."""
        quiet = dict.fromkeys(switches(world), "off")
        found = self.candidates(world.with_states(quiet), "interact", list(machines(world)))
        if not found:
            raise SceneError(f"{world.name}: nobody can get at {list(machines(world))}")
        name = found[int(rng.integers(len(found)))]
        running, rate = machines(world)[name].states["on"], self.simulator.settings.sample_rate
        hum = load_sounds(self.variant(rng, str(running.sound)), rate)[0]
        beep = load_sounds(f"{self.variant(rng, 'alarm_clock')}?style=beeps", rate)[0]
        mouth = running.place.mouth
        return self.cued_episode(
            rng,
            world,
            name,
            EpisodeSource(sound_reference(beep), mouth, duration=BEEP),
            quiet | {name: "on"},
            (EpisodeSource(sound_reference(hum), mouth, object=name),),
            {name: "off"},
        )


def machines(world: World) -> dict[str, Switch]:
    """Return the things that run behind a door and look alike whether they do, by name."""
    known = set(appliances(world))
    return {n: s for n, s in switches(world).items() if n in known and "open" in s.states}
