"""Do picture and sound belong together: in time, and thing by thing?"""

from dataclasses import replace

import numpy as np

from avenv_agents.questions.clips import Sounding
from avenv_agents.questions.groups import Group, Member
from avenv_agents.questions.spatial import still
from avenv_agents.questions.stage import Points, Pose, Stage

LATE = {
    "0.8 s early": -0.8, "0.4 s early": -0.4, "in time": 0.0, "0.4 s late": 0.4, "0.8 s late": 0.8,
}  # fmt: skip
"""Seconds by which the sound is later than the picture."""

ABOVE, LOW, HIGH = 0.05, 0.3, 1.6
"""Metres above a thing at which what sounds on it is; heights of the lowest and the highest."""

WITHIN, CLOSE = np.deg2rad(38), 0.45
"""Radians within which a thing is in the picture, and by which two of them are apart."""


def offset(stage: Stage) -> Group | None:
    """Is the sound early, late, or in time, and by how much, as the camera turns?"""
    pose = stage.pose()
    away = stage.distances(pose)
    place = stage.draw(stage.in_sight(pose) & (away > 0.8) & (away < 4))
    if place is None:
        return None
    [sound] = stage.sounds()
    clip = still(stage, pose, (Sounding(sound, stage.source(place)),))
    # The ears turn throughout, however late: where they rested, they would tell.
    margin = max(LATE.values())
    headings = tuple(pose.heading + turn for turn in stage.swaying(margin))
    clip = replace(clip, headings=headings, margin=margin)
    members = tuple(Member(k, (replace(clip, late=s),)) for k, s in enumerate(LATE.values()))
    return Group(
        "The camera turns to and fro. Does the sound follow its turns in time, or is it early or "
        "late, and by how much?",
        tuple(f"the sound is {name}" for name in LATE),
        members,
        "easy" if float(np.linalg.norm(place - pose.place)) < 2.5 else "hard",
    )


def which(stage: Stage) -> Group | None:
    """On which of two things that are seen does it sound?"""
    pose = stage.pose()
    names, tops = _in_view(stage, pose)
    if len(names) < 2:
        return None
    azimuth = stage.azimuths(pose, tops[:, :2])
    far = np.abs(azimuth[:, None] - azimuth) > CLOSE
    pairs = np.argwhere(far & np.tri(len(names), k=-1, dtype=bool))
    if not len(pairs):
        return None
    pair = pairs[int(stage.rng.integers(len(pairs)))]
    [sound] = stage.sounds()
    members = tuple(
        Member(k, (still(stage, pose, (Sounding(sound, _point(tops[row])),)),))
        for k, row in enumerate(pair)
    )
    apart = abs(float(azimuth[pair[0]] - azimuth[pair[1]]))
    return Group(
        "Both things are in the picture. A small loudspeaker lies on one of them. On which?",
        tuple(f"the {names[row]}" for row in pair),
        members,
        "easy" if apart > 0.7 else "hard",
        tuple(names[row] for row in pair),
    )


def mirrored(stage: Stage) -> Group | None:
    """Do picture and sound disagree about left and right?"""
    pose = stage.pose()
    names, tops = _in_view(stage, pose)
    if not names:
        return None
    row = int(stage.rng.integers(len(names)))
    [sound] = stage.sounds()
    clip = still(stage, pose, (Sounding(sound, _point(tops[row])),))
    headings = tuple(pose.heading + turn for turn in stage.swaying())
    clip = replace(clip, headings=headings)
    members = tuple(Member(k, (replace(clip, swapped=bool(k)),)) for k in range(2))
    return Group(
        f"A small loudspeaker lies on the {names[row]}, which is ahead. The camera turns to and "
        "fro. Does what it hears agree with what it sees, or are its ears exchanged?",
        ("they agree", "left and right are exchanged"),
        members,
        "easy" if float(np.linalg.norm(tops[row, :2] - pose.place)) < 2.5 else "hard",
    )


def _in_view(stage: Stage, pose: Pose) -> tuple[list[str], Points]:
    """Return the things in the picture of which there is one, by kind, and points above them."""
    things = [t for t in stage.things() if t.room == pose.room and t.size[2] > LOW]
    kinds = [t.kind for t in things]
    things = [t for t in things if kinds.count(t.kind) == 1]
    if not things:
        return [], np.zeros((0, 3))
    tops = np.array([[*t.position[:2], t.position[2] + t.size[2] + ABOVE] for t in things])
    azimuth = stage.azimuths(pose, tops[:, :2])
    away = np.linalg.norm(tops[:, :2] - pose.place, axis=1)
    fair = (
        (np.abs(azimuth) < WITHIN) & (away > 1) & (away < 5)
        & (tops[:, 2] < stage.level + HIGH) & stage.sees(pose, tops)
    )  # fmt: skip
    return [t.kind.replace("_", " ") for t, is_fair in zip(things, fair, strict=True) if is_fair], (
        tops[fair]
    )


def _point(point: Points) -> tuple[float, float, float]:
    return float(point[0]), float(point[1]), float(point[2])
