"""What a world is made of: spec, builder, materials, object catalogue, compile."""

from avenv.scene.builder import SceneBuilder
from avenv.scene.compile import CATEGORIES, compile_scene
from avenv.scene.compiled import CompiledScene, Room, SceneObject, SceneSource, SurfaceTable
from avenv.scene.episode_spec import EpisodeSourceSpec, EpisodeSpec, EventSpec
from avenv.scene.episodes import find_heading
from avenv.scene.files import find_scene, scene_names
from avenv.scene.object_spec import ObjectSpec
from avenv.scene.opening_spec import DoorSpec, WindowSpec
from avenv.scene.placed import check_scene
from avenv.scene.spec import RoomSpec, SceneSpec, SourceSpec

__all__ = [
    "CATEGORIES",
    "CompiledScene",
    "DoorSpec",
    "EpisodeSourceSpec",
    "EpisodeSpec",
    "EventSpec",
    "ObjectSpec",
    "Room",
    "RoomSpec",
    "SceneBuilder",
    "SceneObject",
    "SceneSource",
    "SceneSpec",
    "SourceSpec",
    "SurfaceTable",
    "WindowSpec",
    "check_scene",
    "compile_scene",
    "find_heading",
    "find_scene",
    "scene_names",
]
