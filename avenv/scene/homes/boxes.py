"""Equal boxes of different stuff, put into a scene: what is in them, and of what, only sound tells.

``homes:val/3+boxes`` is a home with such boxes, ``homes:val+boxes`` are fifty, ``apartment+boxes``
is an authored scene. They stand at walls, in the rooms with the most room, in nobody's way.
"""

from itertools import product
from typing import Any

import numpy as np

from avenv.core.errors import SceneError
from avenv.core.vectors import norm
from avenv.scene.homes.poses import poses
from avenv.scene.homes.space import Box, Pose, Space, box_of, space_of
from avenv.scene.placed import PlacedScene, free_name, lay_out
from avenv.scene.spec import SceneSpec

SUFFIX = "+boxes"
"""What follows the reference of a scene that is to have boxes."""

COUNT = 4
"""Boxes of a scene."""

KINDS = ("wooden_box", "metal_box", "cardboard_box", "plastic_box")

_SIZE = (0.3, 0.4, 0.34)
_PAINT = ("white_lacquer", "blue_lacquer", "green_lacquer", "black_lacquer")
_GAP = 0.03  # m to the wall
_APART = 0.9  # m from the middle of one box to that of the next
_FRONT = 0.6  # m of floor before a box that stay free


def without_boxes(reference: str) -> str | None:
    """Return the reference of a scene that is to have boxes; None: it is to have none."""
    return reference.removesuffix(SUFFIX) if reference.endswith(SUFFIX) else None


def with_boxes(spec: SceneSpec) -> SceneSpec:
    """Return a scene with ``COUNT`` boxes that look alike: always the same ones for one scene.

    No two are of the same stuff and both hollow or both full.

    Raises:
        SceneError: there is no room for so many.
    """
    rng = np.random.default_rng(int(spec.content_hash, 16))
    placed = lay_out(spec)
    spots = _spots(placed, rng)
    if len(spots) < COUNT:
        raise SceneError(
            f"{spec.name}: there is room for {len(spots)} boxes; accepted: a scene with free walls "
            f"for {COUNT}"
        )
    stuffs = list(product(KINDS, (False, True)))
    chosen = rng.permutation(len(stuffs))[:COUNT].tolist()
    paint = _PAINT[int(rng.integers(len(_PAINT)))]
    taken = {thing.name for thing in placed.objects}
    boxes: list[dict[str, Any]] = []
    for (room, (x, y, heading)), number in zip(spots, chosen, strict=True):
        kind, full = stuffs[number]
        name = free_name("box", taken)
        taken.add(name)
        boxes.append({
            "kind": kind, "name": name, "room": room, "position": [round(x, 3), round(y, 3)],
            "facing": round(float(np.rad2deg(heading)) % 360, 1), "size": list(_SIZE),
            "materials": {"body": paint, "lid": paint}, **({"full": True} if full else {}),
        })  # fmt: skip
    data = spec.to_dict()
    objects = [*data.get("objects", []), *boxes]
    return SceneSpec.from_dict({**data, "name": spec.name + SUFFIX, "objects": objects})


def _spots(placed: PlacedScene, rng: np.random.Generator) -> list[tuple[str, Pose]]:
    """Return rooms and poses for up to ``COUNT`` boxes."""
    spaces = {}
    for number, room in enumerate(placed.rooms):
        space = space_of(placed, number)
        for thing in placed.objects:
            if thing.room == number:
                place = (*thing.position[:2], thing.heading)
                space.add(box_of(place, thing.size, thing.position[2] - room.floor))
        spaces[room.spec.name] = space
    free = {name: space.walkable_area() for name, space in spaces.items()}
    found: list[tuple[str, Pose]] = []
    for name in sorted(free, key=lambda name: -free[name]):
        if free[name] == 0:
            continue
        found += [(name, pose) for pose in _fitting(spaces[name], COUNT - len(found), rng)]
        if len(found) == COUNT:
            break
    return found


def _fitting(space: Space, count: int, rng: np.random.Generator) -> list[Pose]:
    """Return up to ``count`` poses in a room in which boxes are in nobody's way."""
    found: list[Pose] = []
    for pose in poses({"at": "wall", "gap": _GAP}, _SIZE, space, rng):
        if len(found) == count:
            break
        if any(norm(pose[0] - x, pose[1] - y) < _APART for x, y, _ in found):
            continue
        if not (space.fits(box_of(pose, _SIZE)) and space.is_clear(_before(pose))):
            continue
        point = space.checkpoint()
        space.add(box_of(pose, _SIZE))
        if all(map(space.can_approach, [*found, pose])):
            found.append(pose)
        else:
            space.restore(point)
    return found


def _before(pose: Pose) -> Box:
    """Return the floor before a box."""
    x, y, heading = pose
    away = (_SIZE[0] + _FRONT) / 2 + 0.01
    there = x + away * np.cos(heading), y + away * np.sin(heading), heading
    return box_of(there, (_FRONT, _SIZE[1], 1.0), 0.05)
