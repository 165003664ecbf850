"""Scenes in files, many of them: loaded when they are asked for, those used last kept."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from avenv.core.locks import make_lock

if TYPE_CHECKING:
    from avenv.simulation.world import World

KEPT = 4
"""Worlds that stay though nobody holds them."""


class SceneFiles:
    """A part of a ``WorldList`` whose worlds are loaded from files.

    Attributes:
        references: what ``load`` takes, one for each world.
    """

    def __init__(self, references: Sequence[str], load: "Callable[[str], World]"):
        self.references = tuple(references)
        self._load, self._lock = load, make_lock()
        self._kept: OrderedDict[str, World] = OrderedDict()
        self._alive: WeakValueDictionary[str, World] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self.references)

    def get(self, number: int) -> "World":
        """Return a world: the same as long as anybody holds it.

        Raises:
            SceneError: it cannot be loaded.
        """
        reference = self.references[number]
        with self._lock:
            world = self._alive.get(reference)
            if world is None:
                world = self._alive[reference] = self._load(reference)
            self._kept[reference] = world
            self._kept.move_to_end(reference)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return world

    def __reduce__(self) -> tuple:
        return SceneFiles, (self.references, self._load)
