"""The shortest way through several places, on foot."""

from collections.abc import Sequence
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import ArrayLike

from avenv.navigation import GeodesicField

MOST = 6
"""Places whose best order is sought by trying all: 720."""


class Tour:
    """Places to be visited, in the order given or in any.

    Args:
        fields: of the distances to each place.
        ordered: whether the order is given.

    Attributes:
        fields: of the distances to each place.
    """

    def __init__(self, fields: Sequence[GeodesicField], ordered: bool):
        self.fields, self._ordered = tuple(fields), ordered
        places = np.concatenate([field.goals[:1] for field in fields])
        self._between = np.array([field.at(places) for field in fields])
        self._rests: dict[tuple[int, ...], list[tuple[float, tuple[int, ...]]]] = {}

    def best(self, position: ArrayLike, left: Sequence[int]) -> tuple[float, tuple[int, ...]]:
        """Return how long the shortest way from a point (2,) is, and in which order it goes.

        Args:
            position: metres.
            left: numbers of the places that are to be visited, in their order if there is one.
        """
        if not left:
            return 0.0, ()
        key = tuple(left)
        if key not in self._rests:
            self._rests[key] = self._ways_on(key)
        here = np.atleast_2d(np.asarray(position, np.float64))
        lengths = [
            (float(self.fields[order[0]].at(here)[0]) + rest, order)
            for rest, order in self._rests[key]
        ]
        return min(lengths)

    def _ways_on(self, left: tuple[int, ...]) -> list[tuple[float, tuple[int, ...]]]:
        """Return for every place to begin with the shortest way on, and in which order it goes."""
        best: dict[int, tuple[float, tuple[int, ...]]] = {}
        for order in [left] if self._ordered else permutations(left):
            way = float(sum(self._between[b, a] for a, b in pairwise(order))), order
            best[order[0]] = min(way, best.get(order[0], way))
        return list(best.values())
