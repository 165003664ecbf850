"""Lists of worlds, of which most are only made when they are asked for."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from avenv.core.errors import SceneError
from avenv.scene import SceneSpec
from avenv.scene.files import is_habitat_reference
from avenv.scene.homes import HomeSet, find_homes, home_reference, home_sounds, is_reference
from avenv.simulation import loading
from avenv.simulation.loading import habitat_scenes_of, load_scene
from avenv.simulation.scene_files import SceneFiles
from avenv.simulation.world import World

MAX_VISITORS = 8
"""Scenes that episodes name beside the environment's own which are kept."""


class WorldList(Sequence[World]):
    """Worlds by number: those at hand, and homes that are made when they are asked for.

    A set of homes may be endless; ``loading.HOMES`` keeps those used last.

    Args:
        parts: worlds and sets of homes, one after another.
    """

    def __init__(self, parts: Iterable[World | HomeSet | SceneFiles]):
        self._parts = tuple(parts)
        lengths = [1 if isinstance(p, World) else len(p) for p in self._parts]
        self._starts = [0, *accumulate(lengths)]
        self._visitors: OrderedDict[str, World] = OrderedDict()

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, number: Any) -> Any:
        """Return one world."""
        if not 0 <= number < len(self):
            raise IndexError(f"world {number} of {len(self)}")
        k = bisect_right(self._starts, number) - 1
        part = self._parts[k]
        if isinstance(part, World):
            return part
        if isinstance(part, SceneFiles):
            return part.get(number - self._starts[k])
        return loading.HOMES.get(part.split, part.numbers[number - self._starts[k]])

    def reference_of(self, number: int) -> str | None:
        """Return what loads a home of a set, without making it; None for a world at hand."""
        k = bisect_right(self._starts, number) - 1
        part = self._parts[k]
        if isinstance(part, World):
            return None
        if isinstance(part, SceneFiles):
            return part.references[number - self._starts[k]]
        return home_reference(part.split, part.numbers[number - self._starts[k]])

    def find(self, reference: str, content_hash: str) -> World:
        """Return the world that an episode names: one of these, else it is loaded and kept.

        Raises:
            SceneError: it cannot be loaded, or is another than when the episode was made.
        """
        for world in self.at_hand:
            if content_hash == world.content_hash:
                return world
        world = self._visited(reference)
        if world.content_hash != content_hash:
            raise SceneError(
                f"episode.scene: {reference!r} has the hash {world.content_hash} here, and had "
                f"{content_hash} when the episode was made; accepted: the same scene"
            )
        return world

    def _visited(self, reference: str) -> World:
        for part, start in zip(self._parts, self._starts[:-1], strict=True):
            if isinstance(part, SceneFiles) and reference in part.references:
                return self[start + part.references.index(reference)]
        if is_reference(reference):
            homes = find_homes(reference)
            for part, start in zip(self._parts, self._starts[:-1], strict=True):
                if (
                    isinstance(part, HomeSet)
                    and len(homes) == 1
                    and part.split == homes.split
                    and homes.numbers[0] in part.numbers
                ):
                    return self[start + part.numbers.index(homes.numbers[0])]
        if reference not in self._visitors:
            known = [world.reference for world in self.at_hand]
            try:
                self._visitors[reference] = load_scene(reference)
            except SceneError as error:
                raise SceneError(
                    f"episode.scene: none of this environment's scenes {known} has the hash that "
                    f"the episode says, and {reference!r} cannot be loaded: {error}"
                ) from error
            if len(self._visitors) > MAX_VISITORS:
                self._visitors.popitem(last=False)
        return self._visitors[reference]

    @property
    def at_hand(self) -> tuple[World, ...]:
        """The worlds that are no homes of sets."""
        return tuple(part for part in self._parts if isinstance(part, World))

    @property
    def sounds(self) -> dict[str, str]:
        """What sources of these worlds may play, each with a name of who does, for messages."""
        played = {
            source.sound: f"{world.name}: sources, {source.name!r}"
            for world in reversed(self.at_hand) for source in reversed(world.compiled.sources)
        }  # fmt: skip
        if any(isinstance(part, HomeSet) for part in self._parts):
            played |= dict.fromkeys(sorted(home_sounds()), "homes")
        return played


def load_worlds(scenes: Any) -> WorldList:
    """Load one scene, or a list of them; the same scene named twice is loaded once.

    Args:
        scenes: what ``load_scene`` takes; the scenes of a dataset of Habitat's,
            ``"habitat:PATH"``, which are loaded when they are first used; a set of homes,
            ``"homes:train"`` (endless), ``"homes:val"`` or ``"homes:test"``, or some of one,
            ``"homes:train/0-99"``; or an iterable of such, or what this returned. Homes are made
            when they are first used.

    Raises:
        SceneError: the list is empty, or one of the scenes cannot be loaded.
    """
    if isinstance(scenes, WorldList):
        return scenes  # its homes are still to be made
    if isinstance(scenes, str | Path | SceneSpec) or not isinstance(scenes, Iterable):
        scenes = (scenes,)
    loaded: dict[Any, World | HomeSet | SceneFiles] = {}
    parts = []
    for scene in scenes:
        key = str(scene) if isinstance(scene, str | Path) else id(scene)
        if key not in loaded:
            loaded[key] = _part(scene)
        parts.append(loaded[key])
    if not parts:
        raise SceneError("scenes is empty; at least one scene is needed")
    return WorldList(parts)


def _part(scene: Any) -> World | HomeSet | SceneFiles:
    """Return a scene, or many of which none is loaded yet."""
    if is_reference(scene):
        return find_homes(scene)
    if is_habitat_reference(scene) and len(many := habitat_scenes_of(scene)) > 1:
        return SceneFiles(many, load_scene)
    return load_scene(scene)
