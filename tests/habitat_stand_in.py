"""What avenv uses of ``habitat_sim``, with the names and conventions of its bindings.

Each member says where habitat-sim (main, May 2026) binds it. Nothing else is here, so that a test
fails as soon as avenv uses more.
"""

from types import SimpleNamespace

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


class Simulator:
    """``habitat_sim.Simulator`` (src_python/habitat_sim/simulator.py; SimBindings.cpp)."""

    def __init__(self, stage, objects=(), categories=(), articulated=()):
        self._stage = Attributes(stage)
        self.objects, self.articulated = dict(objects), dict(articulated)
        self._default_agent_id = 0
        self._sensors = {}
        self._agents = [SimpleNamespace(scene_node=SceneNode())]
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
        if isinstance(agent_ids, list):
            return {number: {"rgb": np.zeros((4, 4, 4), np.uint8)} for number in agent_ids}
        return {"rgb": np.zeros((4, 4, 4), np.uint8)}

    def stand(self, position, turn=0.0):
        """Put the agent on the floor, turned about y by radians; for tests only."""
        node = self._agents[0].scene_node
        node.absolute_translation = np.array(position, float)
        node.rotation = SimpleNamespace(
            scalar=np.cos(turn / 2), vector=np.array([0, np.sin(turn / 2), 0])
        )
