"""What voices ask for: avenv's own recorded words, or a folder of a user's recordings."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from avenv.core.errors import SoundError
from avenv.core.suggest import accepted
from avenv.scene.catalogue import kind, kind_names
from avenv.scene.states import HELD
from avenv.simulation.world import World
from avenv.sounds import Sound, SoundSet, load_sounds
from avenv.sounds.recipes import RECIPES


class Requests:
    """Sounds that ask for things that can be carried.

    Args:
        voices: a folder of recordings, each named for the kind of thing that it asks for
            (``anna/cushion.wav``); empty: avenv's own.
        sample_rate: Hz.

    Attributes:
        kinds: of things that are asked for.
        sounds: the recordings of the folder; None: avenv's own.

    Raises:
        SoundError: the folder cannot be read, or a recording is named for nothing that one carries.
    """

    def __init__(self, voices: str, sample_rate: int):
        self._rate = sample_rate
        self.sounds: SoundSet | None = load_sounds(voices, sample_rate) if voices else None
        if self.sounds is None:
            self.kinds = RECIPES["request"].words("thing")
            return
        self.kinds = tuple(sorted({Path(name).stem for name in self.sounds.names}))
        carried = [name for name in kind_names() if HELD in kind(name).states]
        for name in self.kinds:
            if name not in carried:
                raise SoundError(
                    f"voices is {voices!r} and asks for {name!r}; {accepted(name, carried)}"
                )

    def things(self, world: World, names: Sequence[str]) -> dict[str, list[str]]:
        """Return those of some things of a world that are asked for, by kind."""
        compiled = world.compiled
        kinds = {name: compiled.objects[compiled.row_of[name]].kind for name in names}
        return {
            thing: [name for name in names if kinds[name] == thing]
            for thing in sorted(set(kinds.values()) & set(self.kinds))
        }

    def draw(self, rng: np.random.Generator, thing: str, variant: Callable[..., str]) -> Sound:
        """Return a sound that asks for a kind of thing.

        Args:
            rng: to draw from.
            thing: the kind.
            variant: draws the name of a variant of avenv's own, given ``rng`` and its kind.
        """
        if self.sounds is None:
            return load_sounds(f"{variant(rng, 'request')}?thing={thing}", self._rate)[0]
        mine = [k for k, name in enumerate(self.sounds.names) if Path(name).stem == thing]
        return self.sounds[mine[int(rng.integers(len(mine)))]]
