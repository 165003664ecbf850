"""What must hold of a home besides what ``check_scene`` sees to."""

from shapely import Polygon

from avenv.scene.layout import Layout
from avenv.scene.objects import PlacedObject
from avenv.scene.openings import doorways
from avenv.scene.plan import footprint

_FLAT = 0.03  # m: what is lower lies on the floor, and others may stand on it
_PLAY = 0.01  # m that the boxes round two things may overlap
_BEFORE_DOOR = 0.4  # m on either side of a doorway that are part of it


def objects_in_doorways(layout: Layout) -> list[tuple[str, str]]:
    """Return the names of objects that stand in a doorway or right before it, and of its door."""
    found = []
    for door in layout.doors:
        zones = [z.buffer(-_PLAY) for z in doorways(door, layout.rooms, _BEFORE_DOOR)]
        for thing in layout.objects:
            low = thing.position[2] - layout.rooms[thing.room].floor
            if thing.size[2] <= _FLAT or low > door.spec.height - _PLAY:
                continue
            if any(zone.intersects(_outline(thing)) for zone in zones):
                found.append((thing.name, door.name))
    return found


def _outline(thing: PlacedObject) -> Polygon:
    return Polygon(footprint(thing.position[:2], thing.heading, *thing.size[:2]))
