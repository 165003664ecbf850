"""Homes of sets, ready when they are asked for: those used last in memory, all on disk."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from avenv.core import cache
from avenv.core.cache import bytes_within
from avenv.core.locks import make_lock
from avenv.core.memory import give_back
from avenv.scene.stored import StoredScene

if TYPE_CHECKING:
    from avenv.simulation.world import World

_MAKERS = ("scene",)

Home = tuple[str, int]
"""A split and a number."""


class StoredHome(NamedTuple):
    """A home as it is kept on disk.

    Attributes:
        scene: as it was compiled.
        doors: (D, 2) float64 width and height of each, metres.
    """

    scene: StoredScene
    doors: NDArray[np.float64]


class HomeStore:
    """The homes of a process: the same one for whoever asks, made once at a time.

    Homes without end would take memory without end, so it is their bytes that are bounded: those of
    a home, and of what was derived of it. The homes used last stay; one that a body is in, or that
    anybody else holds, lives as long as it is held and is found here meanwhile. Safe for several
    threads, and after a fork.

    Args:
        make: what makes a home of a split and a number.
        limit: bytes that the homes used last may take.
    """

    def __init__(self, make: "Callable[[str, int], World]", limit: int):
        self._make, self._limit = make, limit
        self._process = os.getpid()
        self._lock = make_lock()
        self._kept: OrderedDict[Home, World] = OrderedDict()
        self._alive: WeakValueDictionary[Home, World] = WeakValueDictionary()
        self._making: dict[Home, threading.Lock] = {}
        self._sizes: dict[Home, tuple[Any, int]] = {}
        self._lived = 0  # homes that were alive when last looked

    def get(self, split: str, number: int) -> "World":
        """Return a home; if another thread is making it, wait for that.

        Raises:
            SceneError: it cannot be made.
        """
        home = split, number
        with self._lock:
            if self._process != os.getpid():  # those who were making homes stayed behind a fork
                self._process, self._making = os.getpid(), {}
            if (world := self._alive.get(home)) is not None:
                return self._use(home, world)
            making = self._making.setdefault(home, threading.Lock())
        with making:
            with self._lock:
                if (world := self._alive.get(home)) is not None:
                    return self._use(home, world)
            give_back()  # what making the one before took
            try:
                world = self._make(split, number)
                with self._lock:
                    self._alive[home] = world
                    self._lived = max(self._lived, len(self._alive))
                    self._use(home, world)
                    self._make_room()
            finally:
                with self._lock:
                    self._making.pop(home, None)
        return world

    def tidy(self) -> None:
        """Return to the system what homes took that are gone since, if there are any."""
        with self._lock:
            lived, self._lived = self._lived, len(self._alive)
        if self._lived < lived:
            give_back()

    def resize(self, limit: int) -> None:
        """Keep no more than ``limit`` bytes of homes from now on, but for those that are held."""
        if limit < 0:
            raise ValueError(f"limit is {limit}; accepted: bytes, 0 or more")
        with self._lock:
            self._limit = limit
            self._make_room()

    @property
    def used(self) -> int:
        """Bytes of the homes that are kept."""
        with self._lock:
            return sum(self._size(home) for home in self._kept)

    def _use(self, home: Home, world: "World") -> "World":
        self._kept[home] = world
        self._kept.move_to_end(home)
        return world

    def _make_room(self) -> None:
        """Let go of the homes used least recently; the latest stays in any case."""
        used = sum(self._size(home) for home in self._kept)
        while used > self._limit and len(self._kept) > 1:
            used -= self._size(next(iter(self._kept)))
            home, _ = self._kept.popitem(last=False)
            self._sizes.pop(home, None)

    def _size(self, home: Home) -> int:
        """Return the bytes of a home; they are counted again when more was derived of it."""
        world = self._kept[home]
        derived = world.derived
        if home not in self._sizes or self._sizes[home][0] != derived:
            self._sizes[home] = derived, bytes_within(world)
        return self._sizes[home][1]


def home_key(split: str, number: int) -> str:
    """Return the name under which a home is kept on disk, of this version's making."""
    return f"home-{split}-{number}-{cache.code_digest(*_MAKERS)}"
