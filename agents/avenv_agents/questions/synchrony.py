"""Do picture and sound belong together: in time, and thing by thing?"""

from dataclasses import replace

import numpy as np

from avenv_agents.questions.clips import Sounding
from avenv_agents.questions.groups import Group, Member
from avenv_agents.questions.spatial import still
from avenv_agents.questions.stage import Points, Pose, Stage, around, point_of

LATE = {
    "0.8 s early": -0.8, "0.4 s early": -0.4, "in time": 0.0, "0.4 s late": 0.4, "0.8 s late": 0.8,
}  # fmt: skip
"""Seconds by which the sound is later than the picture."""

ABOVE, LOW, HIGH = 0.05, 0.3, 1.6
"""Metres above a thing at which what sounds on it is; heights of the lowest and the highest."""

WITHIN, CLOSE = np.deg2rad(38), 0.45
"""Radians within which a thing is in the picture, and by which two of them are apart."""

BEFORE, SHOWN = 0.85, 0.5
"""Share of the way to the nearer of two things at which it sounds, and share of the time for which
a thing is in the picture of a camera that turns."""


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
    """Before which of two things that are seen does it sound?

    It is as far away and as high before the one as before the other, and as far to one side: who
    hears it alone knows the side, and not what is there.
    """
    pose = stage.pose()
    names, tops = _in_view(stage, pose)
    if len(names) < 2:
        return None
    azimuth = stage.azimuths(pose, tops[:, :2])
    far = np.abs(azimuth[:, None] - azimuth) > CLOSE
    pairs = np.argwhere(far & np.tri(len(names), k=-1, dtype=bool))
    if not len(pairs):
        return None
    pair = stage.rng.permutation(pairs[int(stage.rng.integers(len(pairs)))])
    between = replace(pose, heading=pose.heading + float(azimuth[pair].mean()))
    away = BEFORE * float(np.linalg.norm(tops[pair, :2] - pose.place, axis=1).min())
    points = around(pose, pose.heading + azimuth[pair], away, tops[pair, 2].mean())
    if not stage.sees(pose, points).all():
        return None
    [sound] = stage.sounds()
    members = tuple(
        Member(k, (still(stage, between, (Sounding(sound, point_of(point)),)),))
        for k, point in enumerate(points)
    )
    apart = abs(float(azimuth[pair[0]] - azimuth[pair[1]]))
    return Group(
        "Both things are in the picture. A loudspeaker too small to be seen hangs between the "
        "camera and one of them. Which one?",
        tuple(f"the {names[row]}" for row in pair),
        members,
        "easy" if apart > 0.7 else "hard",
        tuple(names[row] for row in pair),
    )


def mirrored(stage: Stage) -> Group | None:
    """Do picture and sound disagree about left and right?

    Each sound is heard with a picture and with its mirror image, and each picture is seen with a
    sound and with its mirror image: neither alone tells whether they agree.
    """
    pose = stage.pose()
    names, tops = _in_view(stage, pose)
    if not names:
        return None
    row = int(stage.rng.integers(len(names)))
    sways = np.array(stage.swaying())
    shown = np.abs(stage.azimuths(pose, tops[row : row + 1, :2]) - sways) < WITHIN
    if shown.mean() < SHOWN:
        return None
    [sound] = stage.sounds()
    clip = still(stage, pose, (Sounding(sound, point_of(tops[row])),))
    clip = replace(clip, headings=tuple(float(x) for x in pose.heading + sways))
    members = tuple(
        Member(int(flipped != swapped), (replace(clip, flipped=flipped, swapped=swapped),))
        for flipped in (False, True)
        for swapped in (False, True)
    )
    return Group(
        f"A small loudspeaker lies on the {names[row]}. The camera turns to and fro. Does what it "
        "hears agree with what it sees, or are left and right exchanged?",
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
