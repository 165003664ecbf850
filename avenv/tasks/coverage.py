"""Which floor has been explored, and how well a map of the walls agrees with them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from avenv.core import frames
from avenv.geometry import lines_of_sight
from avenv.navigation import GeodesicField, WalkableGrid, follower, geodesic_field
from avenv.simulation.state import State
from avenv.tasks.options import MotionOptions

TILE = 0.2
"""Metres between the points of floor that are counted."""

Points = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CoverageOptions(MotionOptions):
    """What counts as covered, and how much of it is enough.

    Attributes:
        share: of the floor that must be covered when the body stops.
        reach: metres to which a chirp, or a look, covers the floor.
        eyes: whether the sector ahead counts as covered all the time.
        sector: degrees of it.
    """

    share: float = 0.9
    reach: float = 3.0
    eyes: bool = False
    sector: float = 90.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, most in (("share", 1.0), ("reach", 20.0), ("sector", 360.0)):
            if not 0 < getattr(self, name) <= most:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; accepted: more than 0, up to {most}"
                )
        if self.actions != "discrete":
            raise ValueError(f"actions is {self.actions!r}; accepted here: 'discrete'")


class Coverage:
    """The floor that one can walk to, and which of it has been covered.

    Args:
        grid: where one can walk.

    Attributes:
        points: (P, 2) every ``TILE`` metres of the floor.
        open: (P,) which have not been covered yet.
    """

    def __init__(self, grid: WalkableGrid):
        every = max(1, round(TILE / grid.cell))
        iy, ix = np.nonzero(grid.islands[::every, ::every] == 1)
        self.points = grid.origin + grid.cell * (every * np.column_stack([ix, iy]) + 0.5)
        self.open = np.ones(len(self.points), bool)
        self._aim: tuple[int, GeodesicField] | None = None  # where ``next_action`` goes
        self._area = (every * grid.cell) ** 2

    @property
    def share(self) -> float:
        """The share of the floor that has been covered."""
        return 1.0 - float(np.mean(self.open))

    def area(self, points: NDArray[np.bool_]) -> float:
        """Return the floor in m² that some of the points (P,) stand for."""
        return self._area * float(np.count_nonzero(points))

    def look(self, state: State, row: int, options: CoverageOptions, chirped: bool) -> None:
        """Take note of the floor that a body has covered where it is now.

        A chirp tells of the floor all round up to the next wall, and eyes of the sector ahead;
        without either a body knows where it stands.
        """
        if chirped:
            self.open &= ~self.within(state, row, options.reach)
        elif options.eyes:
            width = float(np.deg2rad(options.sector))
            self.open &= ~self.within(state, row, options.reach, width)
        else:
            self.open &= ~self.within(state, row, state.body.radius + TILE)

    def within(
        self, state: State, row: int, reach: float, width: float = 2 * np.pi
    ) -> NDArray[np.bool_]:
        """Return which points (P,) that are not covered lie before a body, with no wall between.

        Furniture that is lower than the eye hides nothing.

        Args:
            state: of the bodies.
            row: of the body.
            reach: metres, at most.
            width: radians of the sector ahead; by default all round.
        """
        found, eye, heading = self.open.copy(), state.eyes()[row], state.heading[row]
        way = self.points - eye[:2]
        distance = np.hypot(*way.T)
        off = np.abs(frames.wrap_angle(np.arctan2(way[:, 1], way[:, 0]) - heading))
        found &= (distance <= reach) & ((off <= width / 2) | (distance < TILE))
        some = np.flatnonzero(found)
        ends = np.column_stack([self.points[some], np.full(len(some), eye[2])])
        bvh = state.here[row].compiled.bvh
        found[some] = lines_of_sight(bvh, np.tile(eye, (len(some), 1)), ends)
        return found

    def next_action(
        self, grid: WalkableGrid, here: Points, heading: float, options: MotionOptions
    ) -> int:
        """Return the next action on the way to the nearest floor that has not been covered.

        STOP: there is no such way, or it is here.
        """
        if (aim := self.nearest(grid, here)) is None:
            return follower.STOP
        step, turn = options.forward_step, float(np.deg2rad(options.turn_angle))
        return follower.next_action(grid, aim, here, heading, step, turn, step)

    def nearest(self, grid: WalkableGrid, here: Points) -> GeodesicField | None:
        """Return the distances to the nearest floor that has not been covered; None: no way."""
        if self._aim is None or not self.open[self._aim[0]] or self._aim[1].grid is not grid:
            left = np.flatnonzero(self.open)
            distances = geodesic_field(grid, here).at(self.points[left])
            if not np.isfinite(distances).any():
                return None
            nearest = int(left[np.argmin(distances)])
            self._aim = nearest, geodesic_field(grid, self.points[nearest])
        return self._aim[1]


def outline(grid: WalkableGrid, pose: Points) -> Points:
    """Return points (N, 2) of the outline of all that stands about the floor one can walk to.

    They are the middles of the cells at which what one cannot walk through begins: the feet of
    walls, and furniture; ahead of a pose (x, y, heading) and to its left.
    """
    solid = grid.clearance < grid.cell
    beside = ndimage.distance_transform_edt(grid.islands != 1) * grid.cell
    edge = solid & ndimage.binary_dilation(~solid) & (beside <= grid.radius + 2 * grid.cell)
    iy, ix = np.nonzero(edge)
    way = grid.origin + grid.cell * (np.column_stack([ix, iy]) + 0.5) - pose[:2]
    return frames.to_body(np.column_stack([way, np.zeros(len(way))]), pose[2])[:, :2]


def wall_iou(points: Points, walls: NDArray[np.bool_], origin: Points, cell: float) -> float:
    """Return the intersection over union of the walls of a map with an outline.

    Args:
        points: (N, 2) of the outline, metres.
        walls: (ny, nx) the map: which of its squares hold something that one cannot walk through.
        origin: (2,) the lower corner of square (0, 0), metres.
        cell: side of a square, metres.
    """
    squares = np.floor((points - origin) / cell).astype(int)
    there = {(int(x), int(y)) for x, y in squares}
    iy, ix = np.nonzero(walls)
    mapped = set(zip(ix.tolist(), iy.tolist(), strict=True))
    return len(there & mapped) / max(1, len(there | mapped))
