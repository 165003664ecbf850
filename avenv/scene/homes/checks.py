"""What must hold of a home besides what ``check_scene`` sees to."""

from avenv.scene.catalogue import kind
from avenv.scene.openings import doorways
from avenv.scene.placed import PlacedScene
from avenv.scene.spec import SceneSpec

_LIVED_IN = ("bedroom", "living_room", "kitchen")
_FLAT = 0.03  # m: what is lower lies on the floor, and others may stand on it
_PLAY = 0.01  # m that the boxes round two things may overlap
_BEFORE_DOOR = 0.4  # m on either side of a doorway that are part of it


def objects_in_doorways(placed: PlacedScene) -> list[tuple[str, str]]:
    """Return the names of objects that stand in a doorway or right before it, and of its door."""
    found = []
    for door in placed.doors:
        zones = [z.buffer(-_PLAY) for z in doorways(door, placed.rooms, _BEFORE_DOOR)]
        for thing in placed.objects:
            low = thing.position[2] - placed.rooms[thing.room].floor
            if thing.size[2] <= _FLAT or low > door.spec.height - _PLAY:
                continue
            if any(zone.intersects(thing.outline) for zone in zones):
                found.append((thing.name, door.name))
    return found


def lacks(home: SceneSpec) -> list[str]:
    """Return what a home does not have of what every home should, in words."""
    outer = [door for door in home.doors if door.is_outer]
    if not outer:
        return ["a front door"]
    sounding = {source.on for source in home.sources}
    found = {(thing.kind, thing.room) for thing in home.objects if thing.name in sounding}
    missing = [f"a {name} at its front door" for name in ("doorbell", "letter_box")
               if (name, outer[0].between[0]) not in found]  # fmt: skip
    if "smoke_alarm" not in {name for name, _ in found}:
        missing.append("a smoke alarm")
    bright = {window.room for window in home.windows}
    missing += [f"a window in its {room.name}" for room in home.rooms
                if room.type in _LIVED_IN and room.name not in bright]  # fmt: skip
    if not any("held" in kind(thing.kind).states for thing in home.objects):
        missing.append("a thing to carry")
    return missing
