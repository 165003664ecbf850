"""Is it safe to believe one's ears: alarms on a screen, and acts before their time."""

from dataclasses import replace

import numpy as np

from avenv_agents.questions.clips import Sounding
from avenv_agents.questions.groups import Group, Member
from avenv_agents.questions.spatial import still
from avenv_agents.questions.stage import SECONDS, Points, Pose, Stage, around, point_of

ASIDE = np.deg2rad(35)
"""Radians by which a television and a real alarm are off the middle of the picture."""

GAP = 0.4
"""Metres before the screen of a television at which it sounds, and before a door that is seen."""

RING = 1.0
"""Seconds for which a bell rings."""
FIRST, LATER = 0.2, 1.9
"""Seconds before which it does not, and between the two times at which it may."""
AFTER = 0.5
"""Seconds from the beginning of its ringing, or of the other time, to the door's opening."""


def alarm(stage: Stage) -> Group | None:
    """Is it a real alarm, or one on a television?

    The television is on the left or on the right, and so is what sounds, as far away and as high:
    neither the picture nor the sound says alone whether they are at one place.
    """
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
    mouth = np.append(centre[:2] + GAP * towards / away, centre[2])
    if not stage.sees(pose, mouth[None])[0]:
        return None
    facing = float(np.arctan2(*-towards[::-1]))
    sides = np.array([1, -1])  # on which the television is
    others = around(pose, facing - 2 * ASIDE * sides, away - GAP, mouth[2])
    if not stage.sees(pose, others).all() or not stage.holds(pose.room, others[:, :2]).all():
        return None
    sound = f"smoke_alarm/{int(stage.rng.integers(4))}"
    members = []
    for side, other in zip(sides, others, strict=True):
        seen = replace(pose, heading=facing - float(side) * ASIDE)
        members += [
            Member(k, (still(stage, seen, (Sounding(sound, point_of(point)),)),))
            for k, point in enumerate((other, mouth))
        ]
    return Group(
        "There is a television in the picture. A smoke alarm is heard: either a real one "
        "somewhere else in the room, or one in what the television plays. Which is it?",
        ("a real one", "the television"),
        tuple(members),
        "easy" if away < 3 else "hard",
    )


def premature(stage: Stage) -> Group | None:
    """Was a door opened while its bell rang, or before or after that?

    Which of two events comes first cannot be asked in a balanced way: where it is the bell, that
    rings earlier on average, and who hears it alone is right more often than not. So both have two
    times, which are the same or not.
    """
    pose = stage.pose()
    own = [d for d in stage.doors if pose.room in d[1:3]]
    angles = [float(stage.azimuths(pose, d[3][None])[0]) for d in own]
    near = [float(np.linalg.norm(d[3] - pose.place)) for d in own]
    fair = [
        k for k, door in enumerate(own)
        if abs(angles[k]) < np.deg2rad(35) and 1.2 < near[k] < 4
        and {"open", "closed"} <= set(_states(stage, door[0])) and _is_seen(stage, pose, door[3])
    ]  # fmt: skip
    if not fair:
        return None
    k = fair[int(stage.rng.integers(len(fair)))]
    away = stage.distances(pose)
    place = stage.draw(stage.in_sight(pose) & (away > 1) & (away < 5))
    if place is None:
        return None
    sound = f"doorbell/{int(stage.rng.integers(4))}"
    first = float(stage.rng.uniform(FIRST, SECONDS - LATER - RING - FIRST))
    times, members = (first, first + LATER), []
    for rung in times:
        clip = still(stage, pose, (Sounding(sound, stage.source(place), rung, RING),))
        for time in times:
            closed, change = {own[k][0]: "closed"}, (time + AFTER, {own[k][0]: "open"})
            member = replace(clip, states=closed, change=change)
            members.append(Member(int(time != rung), (member,)))
    return Group(
        "A door may be opened while its bell rings, and neither before nor after that. Was it?",
        ("it was opened while the bell rang", "it was opened too early or too late"),
        tuple(members),
        "easy",
    )


def _is_seen(stage: Stage, pose: Pose, door: Points) -> bool:
    """Return whether nothing stands before the middle of a door (2,), open or closed."""
    towards = pose.place - door
    before = door + GAP * towards / np.linalg.norm(towards)
    return bool(stage.sees(pose, np.array([[*before, stage.level + 1.0]]))[0])


def _states(stage: Stage, name: str) -> tuple[str, ...]:
    compiled = stage.world.compiled
    return tuple(compiled.possible_states(name)) if name in compiled.states else ()
