"""What avenv uses of ``habitat_sim``, with the names and conventions of its bindings.

Each member says where habitat-sim (main, May 2026) binds it. Nothing else is here, so that a test
fails as soon as avenv uses more.
"""

import json
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np


class Vector(np.ndarray):
    """Stands for ``magnum.Vector3``, which NumPy reads as an array."""


class SceneNode:
    """``habitat_sim.scene.SceneNode`` (SceneBindings.cpp, magnum's Python bindings)."""

    def __init__(self):
        self.absolute_translation = np.zeros(3)
        self.rotation = SimpleNamespace(scalar=1.0, vector=np.zeros(3))  # magnum.Quaternion


class Attributes:
    """``AbstractObjectAttributes`` (AttributesBindings.cpp)."""

    def __init__(self, path, up=(0, 1, 0), front=(0, 0, -1), scale=(1, 1, 1)):
        self.handle = str(path)
        self.render_asset_handle = str(path)
        self.render_asset_fullpath = str(path)
        self.orient_up, self.orient_front = np.array(up, float), np.array(front, float)
        self.scale = np.array(scale, float)


class RigidObject:
    """``ManagedRigidObject`` (PhysicsObjectBindings.cpp)."""

    def __init__(self, attributes, translation, semantic_id=0):
        self.creation_attributes = attributes
        self.transformation = np.eye(4)  # magnum.Matrix4, which NumPy reads row by row
        self.transformation[:3, 3] = translation
        self.com_correction = np.zeros(3)
        self.semantic_id = semantic_id


class ArticulatedObject:
    """``ManagedArticulatedObject`` (PhysicsObjectBindings.cpp), joints of one position each."""

    def __init__(self, urdf, translation, joints, semantic_id=0):
        # ``ArticulatedObjectAttributes`` (AttributesBindings.cpp)
        self.creation_attributes = SimpleNamespace(
            urdf_filepath=str(urdf), urdf_fullpath=str(urdf), semantic_id=semantic_id
        )
        self.transformation = np.eye(4)
        self.transformation[:3, 3] = translation
        self.global_scale = 1.0
        self._names, self.joint_positions = list(joints), list(joints.values())

    def get_link_ids(self):
        return list(range(len(self._names)))

    def get_link_joint_name(self, link_id):
        return self._names[link_id]

    def get_link_joint_pos_offset(self, link_id):
        return link_id

    def get_link_num_joint_pos(self, link_id):
        return 1


class Camera:
    """A sensor as tables of sensors hold them: drawn, read, placed and closed by habitat-sim."""

    def __init__(self):
        self.node = SceneNode()

    def draw_observation(self):  # habitat_sim.sensors.sensor_wrapper, simulator.py before
        pass

    def get_observation(self):
        return np.zeros((4, 4, 4), np.uint8)

    def set_transformation_from_spec(self):  # SensorBindings.cpp
        pass

    def close(self):
        pass


class SensorSuite(dict):
    """``habitat_sim.sensors.sensor_suite.SensorSuite`` (up to v0.3.3)."""


class Agent:
    """``habitat_sim.Agent`` up to v0.3.3, with a table of its own (src_python agent/agent.py)."""

    def __init__(self, sensors):
        self.scene_node = SceneNode()
        self._sensors = SensorSuite(sensors)

    def _table(self):
        return self._sensors

    def set_state(self, position, turn):
        for sensor in self._table().values():
            sensor.set_transformation_from_spec()
        self.scene_node.absolute_translation = np.array(position, float)
        self.scene_node.rotation = SimpleNamespace(
            scalar=np.cos(turn / 2), vector=np.array([0, np.sin(turn / 2), 0])
        )


class LaterAgent(Agent):
    """``habitat_sim.Agent`` from v0.3.4 on: its sensors are those of its node in the scene."""

    def __init__(self, sensors):
        self.scene_node = SceneNode()
        self.scene_node.subtree_sensors = dict(sensors)  # SceneBindings.cpp

    @property
    def sensors(self):
        return self.scene_node.subtree_sensors

    @property
    def _sensors(self):
        return self.sensors

    def _table(self):
        return self.sensors


class Simulator:
    """``habitat_sim.Simulator`` (src_python/habitat_sim/simulator.py; SimBindings.cpp)."""

    def __init__(self, stage, objects=(), categories=(), articulated=(), agent=Agent):
        self._stage = Attributes(stage)
        self.objects, self.articulated = dict(objects), dict(articulated)
        self._default_agent_id = 0
        self._sensors = {"rgb": Camera()}
        self._agents = [agent(self._sensors)]
        self.semantic_scene = SimpleNamespace(
            objects=[
                SimpleNamespace(category=SimpleNamespace(name=lambda name=name: name))
                for name in categories
            ]
        )

    def get_stage_initialization_template(self):
        return self._stage

    def get_rigid_object_manager(self):
        return SimpleNamespace(get_objects_by_handle_substring=lambda: dict(self.objects))

    def get_articulated_object_manager(self):
        return SimpleNamespace(get_objects_by_handle_substring=lambda: dict(self.articulated))

    def get_agent(self, number):
        return self._agents[number]

    def get_sensor_observations(self, agent_ids=0):
        for sensor in self._sensors.values():
            sensor.draw_observation()
        seen = {name: sensor.get_observation() for name, sensor in self._sensors.items()}
        return {n: dict(seen) for n in agent_ids} if isinstance(agent_ids, list) else seen

    def reset(self):
        return self.get_sensor_observations(agent_ids=[0])[0]

    def close(self):
        for sensor in self._sensors.values():
            sensor.close()

    def stand(self, position, turn=0.0):
        """Put the agent on the floor, turned about y by radians; for tests only."""
        self._agents[0].set_state(position, turn)


class SimulatorOfPictures:
    """``habitat_sim.Simulator`` that draws: rays through pixel centres, cast by Embree.

    It takes a ``Configuration`` of a ``SimulatorConfiguration`` and agents (simulator.py), whose
    sensors are ``CameraSensorSpec`` (SensorBindings.cpp).
    """

    stage: dict = {}  # noqa: RUF012 (what was opened last, for tests)
    gpu_device_id = None

    def __init__(self, config):
        self._agent = SimpleNamespace(set_state=self._set_state)
        self.reconfigure(config)

    def reconfigure(self, config):
        import trimesh

        path = Path(config.sim_cfg.scene_id)
        kind = type(self)
        kind.stage, kind.gpu_device_id = json.loads(path.read_text()), config.sim_cfg.gpu_device_id
        self._mesh = trimesh.load(path.with_name(kind.stage["render_asset"]), force="mesh")
        self._specs = config.agents[0].sensor_specifications

    def get_agent(self, number):
        return self._agent

    def _set_state(self, state):
        from scipy.spatial.transform import Rotation

        self._position = np.asarray(state.position, float)
        self._turn = Rotation.from_quat(state.rotation)  # (x, y, z, w)

    def get_sensor_observations(self, agent_ids=0):
        return {spec.uuid: self._draw(spec) for spec in self._specs}

    def _draw(self, spec):
        height, width = spec.resolution
        half = np.tan(np.deg2rad(float(spec.hfov)) / 2)
        x = (np.arange(width) + 0.5) / width * 2 - 1
        y = (1 - (np.arange(height) + 0.5) / height * 2) * height / width
        ways = np.stack([*np.meshgrid(half * x, half * y), -np.ones((height, width))], axis=-1)
        ahead = self._turn.apply(ways.reshape(-1, 3))
        places = np.tile(self._position, (len(ahead), 1))
        hits, rays, triangles = self._mesh.ray.intersects_location(places, ahead, False)
        out = np.zeros(len(ahead), np.float32)
        # The ways are 1 long along the optical axis, so that their shares are depths.
        out[rays] = np.linalg.norm(hits - places[rays], axis=1) / np.linalg.norm(
            ahead[rays], axis=1
        )
        if spec.sensor_type == "DEPTH":
            return out.reshape(height, width)
        rgba = np.zeros((len(ahead), 4), np.uint8)
        rgba[rays, :3] = 40 * (triangles[:, None] % [3, 5, 7])
        return rgba.reshape(height, width, 4)

    def close(self):
        pass


def stand_in_modules():
    """Return modules to be put in the place of ``habitat_sim`` and ``magnum``."""
    habitat_sim, magnum = ModuleType("habitat_sim"), ModuleType("magnum")
    habitat_sim.Simulator = SimulatorOfPictures
    habitat_sim.SimulatorConfiguration = SimpleNamespace  # SimBindings.cpp
    habitat_sim.CameraSensorSpec = SimpleNamespace  # SensorBindings.cpp
    habitat_sim.SensorType = SimpleNamespace(COLOR="COLOR", DEPTH="DEPTH")
    habitat_sim.AgentConfiguration = SimpleNamespace  # agent/agent.py
    habitat_sim.AgentState = SimpleNamespace
    habitat_sim.Configuration = lambda sim_cfg, agents: SimpleNamespace(
        sim_cfg=sim_cfg, agents=agents
    )
    magnum.Vector3 = lambda *xyz: np.array(xyz)
    return {"habitat_sim": habitat_sim, "magnum": magnum}
