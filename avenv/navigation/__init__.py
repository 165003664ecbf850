"""Where a body can be and how it gets there: walkable grid, geodesics, motion, the oracle."""

from avenv.navigation import follower
from avenv.navigation.building import build_grid, find_grid
from avenv.navigation.geodesic import FieldCache, GeodesicField, geodesic_field, shortest_path
from avenv.navigation.grid import WalkableGrid
from avenv.navigation.motion import move, move_some

__all__ = [
    "FieldCache",
    "GeodesicField",
    "WalkableGrid",
    "build_grid",
    "find_grid",
    "follower",
    "geodesic_field",
    "move",
    "move_some",
    "shortest_path",
]
