"""Triangles, the hierarchy over them, and ray queries."""

from avenv.geometry.bvh import BVH, build_bvh
from avenv.geometry.lanes import local_array
from avenv.geometry.queries import cast_rays, closest_hit, lines_of_sight, segment_is_clear

__all__ = [
    "BVH",
    "build_bvh",
    "cast_rays",
    "closest_hit",
    "lines_of_sight",
    "local_array",
    "segment_is_clear",
]
