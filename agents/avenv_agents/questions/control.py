"""Which of four recordings is the same scene with one thing changed, filmed again."""

from dataclasses import replace

import numpy as np

from avenv_agents.questions.clips import Sounding
from avenv_agents.questions.groups import Group, Member
from avenv_agents.questions.spatial import still
from avenv_agents.questions.stage import Stage

CHANGES = {
    "same": "nothing has changed",
    "closed": "the door between the camera and what sounds has been closed",
    "moved": "what sounds has been moved to another place, in front of the camera",
    "round": "the camera has turned round",
    "bare": "all carpets have been taken out of the home",
}
"""What is said of each; a group has four of them, the last one in place of the one before it where
there are carpets, every other time."""


def changed(stage: Stage) -> Group | None:
    """In which recording has this one thing been changed?"""
    pose = stage.pose()
    own = [d for d in stage.doors if pose.room in d[1:3]]
    if not own:
        return None
    name, a, b, place = own[int(stage.rng.integers(len(own)))]
    behind = b if a == pose.room else a
    if stage.world.compiled.states.get(name) is None:
        return None
    near = np.linalg.norm(stage.places - place, axis=1)
    source = stage.draw((stage.room_of == behind) & (near < 3.5))
    azimuth, away = stage.azimuths(pose, stage.places), stage.distances(pose)
    moved = stage.draw(
        stage.in_sight(pose) & (np.abs(azimuth) < np.deg2rad(30)) & (away > 0.8) & (away < 3)
    )
    if source is None or moved is None:
        return None
    # Turning round must change something: the door is on one side.
    [angle] = stage.azimuths(pose, place[None])
    if not np.deg2rad(45) < abs(angle) < np.deg2rad(135):
        return None
    [sound] = stage.sounds()
    first = still(stage, pose, (Sounding(sound, stage.source(source)),), film=False)
    first = replace(first, states={name: "open"})
    variants = {
        "same": first,
        "closed": replace(first, states={name: "closed"}),
        "moved": replace(first, sounds=(Sounding(sound, stage.source(moved)),)),
    }
    if stage.carpeted[pose.room] and stage.carpeted[behind] and stage.rng.integers(2):
        variants["bare"] = replace(first, bare=True)
    else:
        turned = tuple(heading + np.pi for heading in first.headings)
        variants["round"] = replace(first, headings=turned)
    order = [int(k) for k in stage.rng.permutation(4)]
    names = list(variants)
    clips = (first, *(variants[names[k]] for k in order))
    members = tuple(
        Member(
            order.index(k),
            clips,
            f"The first recording is a scene as it is. In which of the other four is it the same "
            f"but that {CHANGES[name]}?",
        )
        for k, name in enumerate(names)
    )
    options = tuple(f"recording {letter}" for letter in ("two", "three", "four", "five"))
    return Group("", options, members, "hard")
