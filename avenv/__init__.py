"""avenv: audio-visual environments for embodied agents.

Gymnasium environments that render what a robot sees and what it hears as it moves through homes::

    import gymnasium as gym, avenv
    env = gym.make("avenv/AudioGoal-v0", scenes="apartment")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from avenv.tasks.registry import register_all

if TYPE_CHECKING:
    from avenv import (
        acoustics,
        benchmark,
        drawing,
        envs,
        navigation,
        recording,
        scene,
        simulation,
        sounds,
        tasks,
        vision,
    )
    from avenv.core.errors import AvenvError, SceneError, SoundError
    from avenv.scene import SceneBuilder, SceneSpec
    from avenv.scene.meshes import import_mesh
    from avenv.simulation.cameras import Camera
    from avenv.simulation.export import export_glb
    from avenv.simulation.loading import load_scene
    from avenv.simulation.questions import geodesic_distance, impulse_response, render_view
    from avenv.simulation.walks import render_audio
    from avenv.simulation.world import World
    from avenv.vision import CameraNoise

__version__ = "0.1.0"

_HOMES = {
    "AvenvError": "avenv.core.errors",
    "AcousticSettings": "avenv.acoustics",
    "Body": "avenv.simulation.body",
    "Camera": "avenv.simulation.cameras",
    "CameraNoise": "avenv.vision",
    "Episode": "avenv.tasks.episode",
    "SceneBuilder": "avenv.scene",
    "SceneError": "avenv.core.errors",
    "SceneSpec": "avenv.scene",
    "SoundError": "avenv.core.errors",
    "World": "avenv.simulation.world",
    "export_glb": "avenv.simulation.export",
    "geodesic_distance": "avenv.simulation.questions",
    "import_mesh": "avenv.scene.meshes",
    "impulse_response": "avenv.simulation.questions",
    "load_scene": "avenv.simulation.loading",
    "render_audio": "avenv.simulation.walks",
    "render_view": "avenv.simulation.questions",
}
_ROOMS = (
    "acoustics",
    "benchmark",
    "drawing",
    "envs",
    "navigation",
    "recording",
    "scene",
    "simulation",
    "sounds",
    "tasks",
    "vision",
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
    "drawing",
    "envs",
    "export_glb",
    "geodesic_distance",
    "import_mesh",
    "impulse_response",
    "load_scene",
    "navigation",
    "recording",
    "render_audio",
    "render_view",
    "scene",
    "simulation",
    "sounds",
    "tasks",
    "vision",
]


def __getattr__(name: str) -> Any:
    # Importing the simulator costs a second (Numba); `import avenv` alone only registers.
    if name in _ROOMS:
        return import_module(f"avenv.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'avenv' has no attribute {name!r}")


register_all()
