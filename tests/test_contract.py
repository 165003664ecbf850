"""Every registered environment keeps the contract, and so do its kinds of senses and actions."""

import pytest
from support import task_options, two_rooms

from avenv.envs.testing import EnvContract
from avenv.simulation.world import World
from avenv.tasks import TASKS

WORLD = World(two_rooms())
QUICK = {"scenes": WORLD, "sounds": "phone", "image_size": (24, 16), "window": 0.5}


@pytest.mark.parametrize("name", sorted(TASKS))
class TestTasks(EnvContract):
    @pytest.fixture(autouse=True)
    def _choose(self, name):
        type(self).id = f"avenv/{name}-v0"
        type(self).options = task_options(name)


class TestAllSensors(EnvContract):
    options = QUICK | {
        "sensors": (
            "rgb", "depth", "semantic", "instance", "normal", "audio", "spectrogram", "logmel",
            "interaural", "gcc_phat", "binaural", "pose", "contact", "instruction",
        ),
        "camera_noise": {},
    }  # fmt: skip


class TestContinuous(EnvContract):
    options = QUICK | {"actions": "continuous", "sensors": ("depth", "audio", "pose")}


class TestInexactBodies(EnvContract):
    options = QUICK | {
        "sensors": ("audio", "pose", "contact"),
        "actuation_noise": {},
        "pose_noise": {},
        "microphone_noise": {},
        "body": {"radius": 0.25, "eye_height": 1.5, "ear_height": 1.5},
        "propagation": {"rays": 512},
        "layout": "stereo",
    }


class TestAnechoic(EnvContract):
    options = QUICK | {"sensors": ("audio",), "acoustics": "anechoic"}
