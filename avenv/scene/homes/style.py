"""How a home looks: which materials its rooms and things are made of."""

from collections.abc import Mapping

import numpy as np

from avenv.scene.catalogue import kind
from avenv.scene.homes.tables import table

_PALETTE = 3  # materials of one class that a home uses


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
        self._drawn: dict[tuple[str, str, str], str] = {}
        self.door: str = _one(rows["doors"], rng)

    def surface(self, options: list[str]) -> str:
        """Return the material of a floor, walls or ceiling that may be of any of some classes."""
        name = _one(options, self._rng)
        if name in table("styles")["per_room"]:
            return _one(table("styles")["surfaces"][name], self._rng)
        return self._surfaces[name]

    def materials(self, name: str, room: str) -> Mapping[str, str]:
        """Return materials for the parts of a kind where they are not the catalogue's."""
        parts = table("styles")["parts"].get(name, {})
        suite = next((s[0] for s in table("styles")["suites"] if name in s), name)
        own = kind(name).materials
        chosen = {part: self._draw(class_, suite, room) for part, class_ in parts.items()}
        return {part: material for part, material in chosen.items() if material != own[part]}

    def _draw(self, class_: str, suite: str, room: str) -> str:
        """Return the material of a class for things of a suite in a room."""
        if class_ not in self._classes:
            return class_  # a material
        key = (class_, suite, room)
        if key not in self._drawn:
            self._drawn[key] = _one(self._classes[class_], self._rng)
        return self._drawn[key]


def _one(options: list[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
