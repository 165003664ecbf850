"""Where is what is heard: side, distance, number, motion, sight, doors, what a turn would do."""

from collections.abc import Sequence

import numpy as np

from avenv.core.frames import wrap_angle
from avenv_agents.questions.clips import Clip, Sounding
from avenv_agents.questions.groups import Group, Member
from avenv_agents.questions.stage import SECONDS, Points, Pose, Stage

TURN = np.deg2rad(60)
"""That the head turns to the left, so that ahead and behind sound different."""

NARROW = np.deg2rad(28)
SIDES = {"ahead": 0.0, "left": np.pi / 2, "behind": np.pi, "right": -np.pi / 2}
FAR, NEAR = 4.0, 0.8


def still(
    stage: Stage, pose: Pose, sounds: tuple[Sounding, ...], turn: float = 0.0, film: bool = True
) -> Clip:
    """Return a clip of a head at a pose that turns to the left by some radians."""
    place = float(pose.place[0]), float(pose.place[1])
    headings = pose.heading, pose.heading + turn
    return Clip(stage.reference, SECONDS, (place, place), headings, sounds, is_film=film)


def side(stage: Stage) -> Group | None:
    """On which side of the camera is it?"""
    pose = stage.pose()
    azimuth, away = stage.azimuths(pose, stage.places), stage.distances(pose)
    fair = stage.in_sight(pose) & (away > NEAR) & (away < FAR)
    found = [
        stage.draw(fair & (np.abs(wrap_angle(azimuth - angle)) < NARROW))
        for angle in SIDES.values()
    ]
    if any(place is None for place in found):
        return None
    [sound] = stage.sounds()
    members = tuple(
        Member(k, (still(stage, pose, (Sounding(sound, stage.source(place)),), TURN),))
        for k, place in enumerate(found)
        if place is not None
    )
    near = max(float(np.linalg.norm(p - pose.place)) for p in found if p is not None)
    return Group(
        "The camera turns to its left by 60 degrees. Where was the source of the sound when it "
        "began to turn?",
        ("ahead of the camera", "to its left", "behind it", "to its right"),
        members,
        "easy" if near < 2.5 else "hard",
        ("ahead", "left", "behind", "right"),
    )


def nearer(stage: Stage) -> Group | None:
    """Which of two equal sounds, one after the other, is nearer?"""
    pose = stage.pose()
    away, seen = stage.distances(pose), stage.in_sight(pose)
    close = stage.draw(seen & (away > NEAR) & (away < 2.0))
    if close is None:
        return None
    ratio = away / np.linalg.norm(close - pose.place)
    far = stage.draw(seen & (ratio > 1.8) & (away < 8))
    if far is None:
        return None
    [sound] = stage.sounds()
    members = []
    for k, order in enumerate(((close, far), (far, close))):
        times = ((0.2, order[0]), (2.2, order[1]))
        sounds = tuple(Sounding(sound, stage.source(p), t, 1.4) for t, p in times)
        members.append(Member(k, (still(stage, pose, sounds),)))
    apart = float(np.linalg.norm(far - pose.place) / np.linalg.norm(close - pose.place))
    return Group(
        "The same sound is played twice, equally loud at two places. Which one is nearer to the "
        "camera?",
        ("the first", "the second"),
        tuple(members),
        "easy" if apart > 3 else "hard",
        ("first", "second"),
    )


def count(stage: Stage) -> Group | None:
    """How many things sound?"""
    pose = stage.pose()
    azimuth, away = stage.azimuths(pose, stage.places), stage.distances(pose)
    fair = stage.in_sight(pose) & (away > NEAR) & (away < FAR)
    found, free = [], fair
    for _ in range(3):
        place = stage.draw(free)
        if place is None:
            return None
        found.append(place)
        own = stage.azimuths(pose, place[None])[0]
        free = free & (np.abs(wrap_angle(azimuth - own)) > np.deg2rad(40))
    sounds = stage.sounds(3)
    order = stage.rng.permutation(3)
    sources = [Sounding(sounds[k], stage.source(found[k])) for k in order]
    members = tuple(
        Member(n, (still(stage, pose, tuple(sources[: n + 1]), TURN),)) for n in range(3)
    )
    return Group(
        "How many different things sound at the same time?",
        ("one", "two", "three"),
        members,
        "hard",
        ("one", "two", "three"),
    )


def motion(stage: Stage) -> Group | None:
    """Does the camera walk towards what sounds, or away from it?"""
    pose = stage.pose()
    ahead = stage.azimuths(pose, stage.places)
    away, seen = stage.distances(pose), stage.in_sight(pose)
    end = stage.draw(
        seen & stage.in_sight(pose, 0.3) & (np.abs(ahead) < np.deg2rad(60))
        & (away > 1.2) & (away < 3.0)
    )  # fmt: skip
    if end is None:
        return None
    heading = float(np.arctan2(*(end - pose.place)[::-1]))
    walking = Pose(pose.place, heading, pose.room)
    azimuth = stage.azimuths(walking, stage.places)
    beyond = np.linalg.norm(stage.places - end, axis=1)
    step = float(np.linalg.norm(end - pose.place))
    ahead_of = seen & (np.abs(azimuth) < NARROW) & (away > step + 0.7) & (away < 7)
    behind = seen & (np.abs(azimuth) > np.pi - NARROW) & (away > 0.7) & (beyond < 7)
    places = stage.draw(ahead_of), stage.draw(behind)
    if places[0] is None or places[1] is None:
        return None
    [sound] = stage.sounds()
    ends = tuple(map(float, pose.place)), tuple(map(float, end))
    members = tuple(
        Member(
            k,
            (
                Clip(
                    stage.reference, SECONDS, ends, (heading, heading),  # type: ignore[arg-type]
                    (Sounding(sound, stage.source(place)),),
                ),
            ),
        )
        for k, place in enumerate(places)
        if place is not None
    )  # fmt: skip
    return Group(
        "The camera walks straight on. Does it come nearer to what sounds?",
        ("it comes nearer", "it gets further away"),
        members,
        "easy" if step > 2 else "hard",
    )


def sight(stage: Stage) -> Group | None:
    """Is there a straight line to what sounds, or something between?"""
    pose = stage.pose()
    away, seen = stage.distances(pose), stage.in_sight(pose)
    # Not even past an edge: from nowhere above or below either.
    hidden = ~(seen | stage.in_sight(pose, 2.0) | stage.in_sight(pose, 0.3))
    place = stage.draw(seen & (away > 2) & (away < 6))
    if place is None:
        return None
    far = float(np.linalg.norm(place - pose.place))
    rooms = stage.room_of != pose.room
    behind = stage.draw(hidden & rooms & (np.abs(away / far - 1) < 0.25))
    if behind is None:
        return None
    [sound] = stage.sounds()
    members = tuple(
        Member(k, (still(stage, pose, (Sounding(sound, stage.source(p)),), TURN),))
        for k, p in enumerate((place, behind))
    )
    return Group(
        "Is the source of the sound in sight of the camera, were it to look there, or is there a "
        "wall or a door between?",
        ("nothing is between", "a wall or a door is between"),
        members,
        "easy" if far < 3.5 else "hard",
    )


def door(stage: Stage) -> Group | None:
    """Through which of two doors does it come?"""
    pose = stage.pose()
    own = [
        (b if a == pose.room else a, place) for _, a, b, place in stage.doors if pose.room in (a, b)
    ]
    if len(own) < 2:
        return None
    picked = stage.rng.choice(len(own), 2, replace=False)
    doors = [own[k] for k in picked]
    angles = stage.azimuths(pose, np.array([place for _, place in doors]))
    places = _behind(stage, pose, doors)
    if places is None:
        return None
    [sound] = stage.sounds()
    members = tuple(
        Member(k, (still(stage, pose, (Sounding(sound, stage.source(p)),), TURN),))
        for k, p in enumerate(places)
    )
    options = tuple(f"the door at {clock(float(angle))} o'clock" for angle in angles)
    return Group(
        "The sound comes from another room. 12 o'clock is where the camera looks at the beginning, "
        "3 o'clock is to its right. Through which door does it come?",
        options,
        members,
        "hard",
    )


def room(stage: Stage) -> Group | None:
    """In which room does it sound, this one or one of two next to it?"""
    pose = stage.pose()
    own = [
        (b if a == pose.room else a, place) for _, a, b, place in stage.doors if pose.room in (a, b)
    ]
    if len(own) < 2:
        return None
    doors = [own[k] for k in stage.rng.choice(len(own), 2, replace=False)]
    names = [stage.name_of(row) for row in (pose.room, *(row for row, _ in doors))]
    away = stage.distances(pose)
    here = stage.draw(
        stage.in_sight(pose) & (stage.room_of == pose.room) & (away > NEAR) & (away < FAR)
    )
    there = _behind(stage, pose, doors)
    if len(set(names)) < 3 or here is None or there is None:
        return None
    [sound] = stage.sounds()
    members = tuple(
        Member(k, (still(stage, pose, (Sounding(sound, stage.source(p)),), TURN),))
        for k, p in enumerate((here, *there))
    )
    first, second = (clock(float(stage.azimuths(pose, place[None])[0])) for _, place in doors)
    return Group(
        f"The camera is in the {names[0]}. The door at {first} o'clock leads to the {names[1]}, "
        f"the one at {second} o'clock to the {names[2]}; 12 o'clock is where the camera looks at "
        "the beginning, 3 o'clock is to its right. In which room does it sound?",
        tuple(f"in the {name}" for name in names),
        members,
        "hard",
        tuple(names),
    )


def _behind(
    stage: Stage, pose: Pose, doors: Sequence[tuple[int, Points]]
) -> tuple[Points, Points] | None:
    """Return a place behind each of two doors to which the way through the other is a long one.

    Args:
        stage: the home.
        pose: of the head.
        doors: of each the row of the room behind it, and where it is (2,).
    """
    angles = stage.azimuths(pose, np.array([place for _, place in doors]))
    if abs(float(wrap_angle(angles[0] - angles[1]))) < np.deg2rad(60):
        return None
    through = [
        np.linalg.norm(place - pose.place) + np.linalg.norm(stage.places - place, axis=1)
        for _, place in doors
    ]
    places = []
    for k, (row, place) in enumerate(doors):
        near = np.linalg.norm(stage.places - place, axis=1)
        there = (stage.room_of == row) & (near < 4)
        places.append(stage.draw(there & (through[k] < through[1 - k] - 1.5)))
    first, second = places
    return None if first is None or second is None else (first, second)


def louder(stage: Stage) -> Group | None:
    """Would a quarter turn to the left make it louder in the left ear?"""
    pose = stage.pose()
    azimuth, away = stage.azimuths(pose, stage.places), stage.distances(pose)
    fair = stage.in_sight(pose) & (away > NEAR) & (away < 3)
    # From the left it comes to be ahead; from the right, behind, out of the head's shadow.
    places = [
        stage.draw(fair & (np.abs(wrap_angle(azimuth - angle)) < NARROW))
        for angle in (np.pi / 2, -np.pi / 2)
    ]
    if places[0] is None or places[1] is None:
        return None
    [sound] = stage.sounds()
    members = tuple(
        Member(k, (still(stage, pose, (Sounding(sound, stage.source(p)),)),))
        for k, p in enumerate(places)
        if p is not None
    )
    return Group(
        "If the camera turned to its left by 90 degrees, would the sound become louder or quieter "
        "in its left ear?",
        ("quieter", "louder"),
        members,
        "easy",
    )


def clock(azimuth: float) -> int:
    """Return the hour at which something is that is so many radians to the left."""
    return round(-azimuth / (np.pi / 6)) % 12 or 12
