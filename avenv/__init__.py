"""avenv: audio-visual environments for embodied agents.

Gymnasium environments that render what a robot sees and what it hears as it moves through homes.

    import gymnasium as gym, avenv
    env = gym.make("avenv/AudioGoal-v0", scenes="apartment")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import gymnasium as _gymnasium

if TYPE_CHECKING:
    from avenv import (
        acoustics,
        benchmark,
        env,
        navigation,
        recording,
        scene,
        sounds,
        tasks,
        vector,
        vision,
        wrappers,
    )
    from avenv.api import geodesic_distance, impulse_response, render_view
    from avenv.cameras import Camera
    from avenv.errors import AvenvError, SceneError, SoundError
    from avenv.export import export_glb
    from avenv.scene import SceneBuilder, SceneSpec
    from avenv.scene.meshes import import_mesh
    from avenv.vision import CameraNoise
    from avenv.world import World, load_scene

__version__ = "0.1.0"

TASK_NAMES = ("AudioGoal",)
"""Tasks that are registered with Gymnasium, as ``avenv/<name>-v0``."""

_HOMES = {
    "AvenvError": "avenv.errors",
    "Camera": "avenv.cameras",
    "CameraNoise": "avenv.vision",
    "SceneBuilder": "avenv.scene",
    "SceneError": "avenv.errors",
    "SceneSpec": "avenv.scene",
    "SoundError": "avenv.errors",
    "World": "avenv.world",
    "export_glb": "avenv.export",
    "geodesic_distance": "avenv.api",
    "import_mesh": "avenv.scene.meshes",
    "impulse_response": "avenv.api",
    "load_scene": "avenv.world",
    "render_view": "avenv.api",
}
_ROOMS = (
    "acoustics",
    "benchmark",
    "env",
    "navigation",
    "recording",
    "scene",
    "sounds",
    "tasks",
    "vector",
    "vision",
    "wrappers",
)

__all__ = [
    "AvenvError",
    "Camera",
    "CameraNoise",
    "SceneBuilder",
    "SceneError",
    "SceneSpec",
    "SoundError",
    "World",
    "acoustics",
    "benchmark",
    "env",
    "export_glb",
    "geodesic_distance",
    "import_mesh",
    "impulse_response",
    "load_scene",
    "navigation",
    "recording",
    "render_view",
    "scene",
    "sounds",
    "tasks",
    "vector",
    "vision",
    "wrappers",
]


def __getattr__(name: str) -> Any:
    # Importing the simulator costs a second (Numba); `import avenv` alone only registers.
    if name in _ROOMS:
        return import_module(f"avenv.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'avenv' has no attribute {name!r}")


for _task in TASK_NAMES:
    _gymnasium.register(
        id=f"avenv/{_task}-v0",
        entry_point="avenv.env:Env",
        vector_entry_point="avenv.vector:BatchEnv",
        kwargs={"task": _task},
    )
