"""Is it safe to believe one's ears: alarms on a screen, and acts before their time."""

from dataclasses import replace

import numpy as np

from avenv_agents.questions.clips import Sounding
from avenv_agents.questions.groups import Group, Member
from avenv_agents.questions.spatial import TURN, still
from avenv_agents.questions.stage import SECONDS, Pose, Stage

APART = 0.6
"""Seconds between a ring and the door."""
RING = 0.5


def alarm(stage: Stage) -> Group | None:
    """Is it a real alarm, or one on a television?"""
    pose, screens = stage.pose(), stage.things(("tv",))
    screens = [t for t in screens if t.room == pose.room]
    if not screens:
        return None
    screen = screens[int(stage.rng.integers(len(screens)))]
    centre = np.array(screen.position)
    centre[2] += screen.size[2] / 2
    # In front of the screen, as seen from here.
    towards = pose.place - centre[:2]
    away = float(np.linalg.norm(towards))
    if not 1.2 < away < 5:
        return None
    mouth = np.append(centre[:2] + 0.4 * towards / away, centre[2])
    heading = float(np.arctan2(*-towards[::-1]) + stage.rng.uniform(-0.3, 0.3))
    facing = Pose(pose.place, heading, pose.room)
    azimuth, far = stage.azimuths(facing, stage.places), stage.distances(facing)
    room = stage.world.compiled.rooms[pose.room]
    height = room.height - 0.15
    elsewhere = stage.in_sight(facing, height) & (np.abs(azimuth) > np.deg2rad(75))
    place = stage.draw(elsewhere & (far > 1) & (far < 5))
    if place is None or not stage.sees(facing, mouth[None])[0]:
        return None
    sound = f"smoke_alarm/{int(stage.rng.integers(4))}"
    points = (stage.source(place, height), tuple(map(float, mouth)))
    members = tuple(
        Member(k, (still(stage, facing, (Sounding(sound, point),), TURN),))  # type: ignore[arg-type]
        for k, point in enumerate(points)
    )
    return Group(
        "The picture begins with a television ahead. A smoke alarm is heard: either a real one "
        "somewhere else in the room, or one in what the television plays. Which is it?",
        ("a real one", "the television"),
        members,
        "easy" if away < 3 else "hard",
    )


def premature(stage: Stage) -> Group | None:
    """Was a door opened before the bell rang?"""
    pose = stage.pose()
    own = [d for d in stage.doors if pose.room in d[1:3]]
    angles = [float(stage.azimuths(pose, d[3][None])[0]) for d in own]
    near = [float(np.linalg.norm(d[3] - pose.place)) for d in own]
    fair = [
        k for k, door in enumerate(own)
        if abs(angles[k]) < np.deg2rad(35) and 1.2 < near[k] < 4
        and {"open", "closed"} <= set(_states(stage, door[0]))
    ]  # fmt: skip
    if not fair:
        return None
    k = fair[int(stage.rng.integers(len(fair)))]
    away = stage.distances(pose)
    place = stage.draw(stage.in_sight(pose) & (away > 1) & (away < 5))
    if place is None:
        return None
    sound = f"doorbell/{int(stage.rng.integers(4))}"
    # The middle of both may be at any time, so that neither alone tells much.
    middle = float(stage.rng.uniform(APART, SECONDS - APART))
    members = []
    for answer, sign in enumerate((1, -1)):
        opened, rung = middle - sign * APART / 2, middle + sign * APART / 2
        bell = Sounding(sound, stage.source(place), rung, RING)
        clip = still(stage, pose, (bell,))
        closed, change = {own[k][0]: "closed"}, (opened, {own[k][0]: "open"})
        members.append(Member(answer, (replace(clip, states=closed, change=change),)))
    return Group(
        "A door is to be opened when the bell has rung, and not before. Was it opened too early?",
        ("it was opened before the bell rang", "it was opened after the bell had rung"),
        tuple(members),
        "easy",
    )


def _states(stage: Stage, name: str) -> tuple[str, ...]:
    compiled = stage.world.compiled
    return tuple(compiled.possible_states(name)) if name in compiled.states else ()
