"""How a home looks: which materials its rooms and things are made of."""

from collections.abc import Mapping

import numpy as np

from avenv.scene.catalogue import kind
from avenv.scene.homes.tables import table

_PALETTE = 3  # materials of one class that a home uses
_PER_ROOM = ("colour", "feature", "wet_tile")


class Style:
    """The choices of one home, drawn once."""

    def __init__(self, rng: np.random.Generator):
        rows = table("styles")
        self._rng = rng
        self._surfaces = {name: _one(options, rng) for name, options in rows["surfaces"].items()}
        self._classes = {
            name: [options[k] for k in rng.permutation(len(options))[:_PALETTE]]
            for name, options in rows["classes"].items()
        }
        self._kinds: dict[tuple[str, str], dict[str, str]] = {}
        self.door: str = _one(rows["doors"], rng)

    def surface(self, options: list[str]) -> str:
        """Return the material of a floor, walls or ceiling that may be of any of some classes."""
        name = _one(options, self._rng)
        if name in _PER_ROOM:
            return _one(table("styles")["surfaces"][name], self._rng)
        return self._surfaces[name]

    def materials(self, name: str, room: str) -> Mapping[str, str]:
        """Return materials for the parts of a kind where they are not the catalogue's."""
        key = (name, room)
        if key not in self._kinds:
            parts = table("styles")["parts"].get(name, {})
            drawn = {group: _one(self._classes[group], self._rng) if group in self._classes
                     else group for group in dict.fromkeys(parts.values())}  # fmt: skip
            own = kind(name).materials
            self._kinds[key] = {
                part: drawn[group] for part, group in parts.items() if own[part] != drawn[group]
            }
        return self._kinds[key]


def _one(options: list[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
