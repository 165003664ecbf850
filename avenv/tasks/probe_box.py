"""ProbeBox: boxes that look alike are of different stuff, and hollow or full; knock to tell which.

One of them is asked for in words, as the hollow metal box. To pick up another ends the episode.
"""

from collections import Counter

import numpy as np

from avenv.core.errors import SceneError
from avenv.scene.catalogue import kind, kind_names
from avenv.scene.states import HELD
from avenv.simulation.hands import Act
from avenv.simulation.world import World
from avenv.sounds.sets import load_sounds
from avenv.tasks.episode import Episode, Goal, sound_reference
from avenv.tasks.experts import Errand
from avenv.tasks.interaction import InteractionTask
from avenv.tasks.verdicts import Verdict


class ProbeBox(InteractionTask):
    """Knock on the boxes, and pick up the one that is asked for."""

    verbs = ("tap", "pick", "wait")
    samples_ahead = True
    instruction = "Knock on the boxes and pick up the one that is asked for."

    def check_world(self, world: World) -> None:
        """Check that there are at least two boxes that look alike and sound different."""
        if len(boxes(world)) < 2:
            found = [thing.name for thing in world.compiled.objects if _is_box(thing.kind)]
            raise SceneError(
                f"{world.name}: ProbeBox needs two boxes or more of one size and the same looks, "
                "of different stuff or one full and one not, as homes:val+boxes has them; found "
                f"boxes: {found or 'none'}"
            )

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode in which one of the boxes is asked for."""
        known = boxes(world)
        names = self.candidates(world, "tap", self.candidates(world, "pick", list(known)))
        if len(names) < 2:
            raise SceneError(f"{world.name}: of the boxes {list(known)} only {names} can be got at")
        goal = names[int(rng.integers(len(names)))]
        rate = self.simulator.settings.sample_rate
        knocks = {name: load_sounds(self._knock(rng, world, name), rate)[0] for name in names}
        return self.episode(
            rng,
            world,
            [Errand("tap", goal)],
            others=[Errand("tap", name) for name in names],
            knocks={name: sound_reference(sound) for name, sound in knocks.items()},
            goals=(Goal(object=goal),),
            instruction=f"Knock on the boxes and pick up the {known[goal]}.",
        )

    def _knock(self, rng: np.random.Generator, world: World, name: str) -> str:
        """Return the name of what one box sounds like in an episode."""
        box = world.compiled.objects[world.compiled.row_of[name]]
        stuff = str(kind(box.kind).falls).removeprefix("impact_")
        filling = "full" if box.full else "hollow"
        return f"{self.variant(rng, f'rap_{stuff}')}?filling={filling}"

    def errands(self, row: int) -> list[Errand]:
        """Return to knock on the box that is asked for, and to pick it up."""
        goal = str(self.episodes[row].goals[0].object)
        if self.simulator.state.here[row].compiled.states[goal] == HELD:
            return []
        heard = any(emitter.object == goal for emitter in self.simulator.state.emitters(row))
        return [Errand("pick" if heard else "tap", goal)]

    def verdict(self, row: int, act: Act) -> Verdict:
        """One may knock on anything; only to pick up the one box is right."""
        if act.verb == "tap":
            return Verdict.NOTHING
        is_asked_for = act.thing == self.episodes[row].goals[0].object
        return Verdict.RIGHT if is_asked_for else Verdict.WRONG

    def foreseen(self, episode: Episode) -> list[dict[str, str]]:
        """Return that the box is picked up."""
        return [{str(episode.goals[0].object): HELD}]

    def chance(self, row: int) -> float:
        """Return how likely it is to pick the right one of the boxes."""
        return 1 / len(self.episodes[row].knocks)

    def guess(self, row: int) -> Errand:
        """Return to pick up the nearest of the boxes."""
        return self.nearest(row, [Errand("pick", name) for name in self.episodes[row].knocks])


def boxes(world: World) -> dict[str, str]:
    """Return the boxes of a world that look alike, by name, with what each is, as in words.

    Of several groups the largest; what two boxes are is not among them.
    """
    compiled = world.compiled
    groups: dict[object, dict[str, str]] = {}
    for row, box in enumerate(compiled.objects):
        if not _is_box(box.kind) or box.name not in compiled.states:
            continue
        looks = box.size, tuple(np.unique(compiled.surface[compiled.object == row]).tolist())
        stuff = box.kind.removesuffix("_box")
        told = f"{'full' if box.full else 'hollow'} {stuff} box"
        groups.setdefault(looks, {})[box.name] = told
    found = max(groups.values(), key=len, default={})
    often = Counter(found.values())
    return {name: told for name, told in found.items() if often[told] == 1}


def _is_box(name: str) -> bool:
    return name in kind_names() and kind(name).category == "box"
