"""Bridges to habitat-sim and its people: sound for it, its scenes and files, its agents.

habitat-sim itself is not on the package index; what needs it is handed a simulator by its user, and
imports nothing of it.
"""

from avenv.habitat.agent import HabitatAgent
from avenv.habitat.attaching import attach
from avenv.habitat.configuration import AudioSensorSpec
from avenv.habitat.graphs import Graph, read_graph, write_graph
from avenv.habitat.materials import HabitatMaterial, read_materials
from avenv.habitat.navmesh import FloorComparison, Navmesh, compare_navmesh, read_navmesh
from avenv.habitat.recorded import register_rirs
from avenv.habitat.replay import Replay, read_keyframes
from avenv.habitat.rirs import export_rirs
from avenv.habitat.sensor import AudioSensor
from avenv.habitat.soundspaces import challenge_data, read_episodes
from avenv.habitat.stream import AudioStream
from avenv.habitat.vision import register_vision
from avenv.habitat.walks import graph_episodes

__all__ = [
    "AudioSensor",
    "AudioSensorSpec",
    "AudioStream",
    "FloorComparison",
    "Graph",
    "HabitatAgent",
    "HabitatMaterial",
    "Navmesh",
    "Replay",
    "attach",
    "challenge_data",
    "compare_navmesh",
    "export_rirs",
    "graph_episodes",
    "read_episodes",
    "read_graph",
    "read_keyframes",
    "read_materials",
    "read_navmesh",
    "register_rirs",
    "register_vision",
    "write_graph",
]
