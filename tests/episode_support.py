"""Two rooms and an episode in them, for tests of what happens there."""

from avenv.envs import Env
from avenv.scene import SceneBuilder
from avenv.sounds import load_sounds
from avenv.tasks import Episode, EpisodeSource, Goal, Reference

QUICK = {"propagation": {"rays": 512, "mirror_rays": 2048, "max_time": 0.5}, "window": 0.5}


def flat_builder():
    """Two rooms with a door between, a vase on a table, and a radio that is off."""
    b = SceneBuilder("flat")
    left = b.room("left", size=(5, 4), floor="carpet")
    b.room("right", size=(4, 4), at=(5, 0), floor="carpet")
    b.door("left", "right", name="door")
    table = left.place("table", at=(0.8, 3.0))
    left.place("vase", on=table)
    b.place("stool", at=(8, 3.4), name="stool")
    b.place("radio", on="stool", name="radio")
    return b


def reference(name):
    sound = load_sounds(name)[0]
    return Reference(sound.name, sound.hash)


def episode(world, **changes):
    """Begin in the left room; a shower runs in the right one."""
    plain = {
        "task": "AudioGoal", "scene": Reference(world.reference, world.content_hash),
        "start": (1.5, 2.0), "heading": 0.0,
        "sources": (EpisodeSource(reference("shower"), (7.5, 1.0, 1.0)),),
        "goals": (Goal(source=0),),
    }  # fmt: skip
    return Episode(**{**plain, **changes})


def begin(world, sensors=("audio",), **changes):
    env = Env(scenes=world, sensors=sensors, sounds="phone", **QUICK)
    observation, info = env.reset(seed=0, options={"episode": episode(world, **changes)})
    return env, observation, info
