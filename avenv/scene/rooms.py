"""Put the rooms of a spec in place, or say what is wrong with their polygons."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from shapely import Polygon

from avenv.scene.plan import SNAP, Points, Segment, counter_clockwise, inset, sides
from avenv.scene.problems import Problems
from avenv.scene.spec import RoomSpec, SceneSpec


@dataclass(frozen=True)
class PlacedRoom:
    """A room with its walls in place.

    Attributes:
        spec: what it was made of.
        centre_line: (N, 2) its corners on the centre lines of the walls, counter-clockwise.
        clear: (N, 2) the corners of its clear floor; corner k belongs to corner k of the above.
    """

    spec: RoomSpec
    centre_line: Points
    clear: Points

    @property
    def floor(self) -> float:
        """Level of the floor, metres."""
        return self.spec.elevation

    @property
    def ceiling(self) -> float:
        """Level of the ceiling, metres."""
        return self.spec.elevation + self.spec.height

    @cached_property
    def shape(self) -> Polygon:
        """The clear floor."""
        return Polygon(self.clear)

    @cached_property
    def axes(self) -> list[Segment]:
        """The centre lines of its walls."""
        return sides(self.centre_line)

    @cached_property
    def walls(self) -> list[Segment]:
        """The clear walls, faces towards the room on their left; wall k lies along axis k."""
        return sides(self.clear)

    def to_axis(self, wall: int) -> Points:
        """Return the way (2,) from a clear wall to its centre line, half as far as to the back."""
        inward = self.walls[wall].inward
        return inward * ((self.axes[wall].start - self.walls[wall].start) @ inward)


def place_rooms(spec: SceneSpec, problems: Problems) -> list[PlacedRoom]:
    """Inset every room by half the wall's thickness; note bad polygons and overlaps."""
    placed = {}
    for k, room in enumerate(spec.rooms):
        try:
            centre_line = counter_clockwise(room.polygon)
            clear = inset(centre_line, spec.wall_thickness / 2)
        except ValueError as error:
            problems.add(f"rooms[{k}].polygon", f"the room {room.name!r} has a bad shape: {error}")
            continue
        placed[k] = PlacedRoom(room, centre_line, clear)
    shapes = {k: Polygon(room.centre_line) for k, room in placed.items()}
    for i, j in combinations(placed, 2):
        area = shapes[i].intersection(shapes[j]).area
        if area > SNAP:
            problems.add(
                f"rooms[{j}].polygon",
                f"the room {spec.rooms[j].name!r} overlaps {spec.rooms[i].name!r} by "
                f"{area:.3g} m2; rooms may only share edges",
            )
    return list(placed.values())
