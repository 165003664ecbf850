"""A small home in Habitat's world, written in the layouts of its datasets.

A room of 6 x 4 m and 3 m high with its floor at 0, and in it a table, 1 x 0.8 x 2 m (x, y, z),
whose middle is at (1, 0.4, -0.5). In avenv's axes the room is x -3..3, y -2..2, z 0..3, and the
table x 0.5..1.5, y -0.5..1.5, z 0..0.8.
"""

import json
import shutil

import numpy as np
import trimesh

from avenv.scene import CATEGORIES
from avenv.simulation.worlds import load_worlds

ROOM, TABLE = ((6, 3, 4), (0, 1.5, 0)), ((1, 0.8, 2), (1, 0.4, -0.5))  # extents, centre; Y up
IN_ROOM = [[-3, -2, 0], [3, 2, 3]]
AT_TABLE = [[0.5, -0.5, 0], [1.5, 1.5, 0.8]]
Z_UP = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])  # of Y-up points
Z_AXES = {"up": [0, 0, 1], "front": [0, 1, 0]}


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def box(extents, centre, inwards=False, matrix=None):
    shape = trimesh.creation.box(extents)
    shape.apply_translation(centre)
    if inwards:
        shape.invert()
    return shape if matrix is None else shape.apply_transform(matrix)


def save(path, *shapes, color=None):
    """Write shapes as one mesh, with a material of a colour that no rule knows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = trimesh.util.concatenate(shapes)
    look = trimesh.visual.material.PBRMaterial(name="scan", baseColorFactor=color or [255, 0, 255])
    whole.visual = trimesh.visual.TextureVisuals(material=look)
    whole.export(path)
    return path


def scan(path, matrix=Z_UP):
    """Write room and table as one mesh, as a scan is; by default with Z up."""
    return save(path, box(*ROOM, True, matrix), box(*TABLE, False, matrix))


def labelled_ply(path, ids, matrix=Z_UP, of="face"):
    """Write room and table as a PLY with an object_id of faces, the table's floor cut finer."""
    shapes = [box(*ROOM, True, matrix), box(*TABLE, False, matrix).subdivide()]
    points, faces, rows, first = [], [], [], 0
    for shape, number in zip(shapes, ids, strict=True):
        points += [" ".join(map(str, p)) for p in shape.vertices.tolist()]
        faces += [f"3 {' '.join(str(k + first) for k in f)} {number}" for f in shape.faces.tolist()]
        rows += [number] * len(shape.faces)
        first += len(shape.vertices)
    header = [
        "ply", "format ascii 1.0", f"element vertex {len(points)}", "property float x",
        "property float y", "property float z", f"element face {len(faces)}",
        "property list uchar int vertex_indices", "property int object_id", "end_header",
    ]  # fmt: skip
    return write(path, "\n".join([*header, *points, *faces]) + "\n")


def category(compiled, name):
    return next(CATEGORIES[o.category] for o in compiled.objects if o.name == name)


def materials(compiled, name):
    number = [thing.name for thing in compiled.objects].index(name)
    rows = np.unique(compiled.surface[compiled.object == number])
    return {compiled.surfaces.names[row] for row in rows}


HOUSE = """ASCII 1.1
H room label 0 0 4 1 0 2 2 1 0 1 0 0 0 0 0 -3 -2 0 3 2 3 0 0 0 0 0
L 0 1 x 0 0 0 -3 -2 0 3 2 3 0 0 0 0 0
R 0 0 0 0 k 0 0 0 -3 -2 0 3 2 3 3 0 0 0 0
S 0 0 0 f 0 0 0 0 0 1 -3 -2 0 3 2 0 0 0 0 0 0
V 0 0 f -3 -2 0 0 0 1 0 0 0
V 1 0 f 3 -2 0 0 0 1 0 0 0
V 2 0 f 3 2 0 0 0 1 0 0 0
V 3 0 f -3 2 0 0 0 1 0 0 0
C 0 1 wall 1 wall 0 0 0 0 0
C 1 2 dining#table 5 table 0 0 0 0 0
O 7 0 0 0 0 1.5 1 0 0 0 1 0 3 2 1.5 0 0 0 0 0 0 0 0
O 9 0 1 1 0.5 0.4 1 0 0 0 1 0 0.5 1 0.4 0 0 0 0 0 0 0 0
"""


FRIDGE = """<?xml version="1.0"?>
<robot name="fridge">
  <link name="body"><visual><origin xyz="0 0.9 0"/><geometry><box size="0.6 1.8 0.6"/></geometry>
    </visual></link>
  <link name="door"><visual><origin rpy="0 0 0" xyz="0.3 0.9 0"/>
    <geometry><mesh filename="door.glb" scale="1 2 1"/></geometry></visual></link>
  <joint name="hinge" type="revolute"><parent link="body"/><child link="door"/>
    <origin xyz="-0.3 0 0.35"/><axis xyz="0 1 0"/></joint>
</robot>
"""


def cad_dataset(root):
    """Write a dataset as ReplicaCAD and HSSD have them, its scenes in folders; return its root."""
    save(root / "stages/deep/shell.glb", box(*ROOM, True))
    write(root / "stages/shell.stage_config.json", {"render_asset": "deep/shell.glb"})
    # Half as wide, and twice as deep before the scale; turned by a quarter about y in the scene.
    save(root / "objects/a/b/plank.glb", box((1, 0.8, 1), (0, 0.4, 0)))
    write(root / "objects/a/plank.object_config.json",
          {"render_asset": "b/plank.glb", "semantic_id": 12})  # fmt: skip
    save(root / "urdf/fridge/door.glb", box((0.6, 0.9, 0.1), (0, 0, 0)))
    write(root / "urdf/fridge/fridge.urdf", FRIDGE)
    write(root / "urdf/fridge/fridge.ao_config.json",
          {"urdf_filepath": "fridge.urdf", "semantic_id": 13})  # fmt: skip
    classes = [{"id": 12, "name": "table"}, {"id": 13, "name": "refrigerator"}]
    write(root / "semantics/lexicon.json", {"classes": classes})
    loop = [[-3, 0, -2], [3, 0, -2], [3, 0, 2], [-3, 0, 2]]
    write(root / "semantics/one.semantic_config.json", {
        "semantic_descriptor_filename": "lexicon.json",
        "region_annotations": [{"name": "r0", "label": "kitchen", "poly_loop": loop,
                                "floor_height": 0.0, "extrusion_height": 3.0}]})  # fmt: skip
    instance = {
        "stage_instance": {"template_name": "shell"},
        "default_lighting": "none",
        "translation_origin": "asset_local",
        "object_instances": [{"template_name": "tabletop", "translation": [1, 0, -0.5],
                              "rotation": [np.sqrt(0.5), 0, np.sqrt(0.5), 0],
                              "non_uniform_scale": [2, 1, 1]}],
        "articulated_object_instances": [{
            "template_name": "fridge", "translation": [-2, 0, 1], "fixed_base": True,
            "initial_joint_pose": {"hinge": -np.pi / 2}}],
    }  # fmt: skip
    write(root / "configs/scenes/one.scene_instance.json", instance)
    closed = {**instance, "articulated_object_instances": [
        {"template_name": "fridge", "translation": [-2, 0, 1]}]}  # fmt: skip
    write(root / "configs/scenes/two.scene_instance.json",
          {**closed, "semantic_scene_instance": "kitchens"})  # fmt: skip
    write(root / "cad.scene_dataset_config.json", {
        "stages": {"paths": {".json": ["stages"]}},
        "objects": {"paths": {".json": ["objects/*"]}, "configs": [
            {"original_file": "objects/a/plank.object_config.json", "template_handle": "tabletop",
             "attributes": {"mass": 4}}]},
        "articulated_objects": {"paths": {".json": ["urdf/*"]}},
        "scene_instances": {
            "default_attributes": {"semantic_scene_instance":
                                   "%%CONFIG_NAME_AS_ASSET_FILENAME%%.semantic_config.json"},
            "paths": {".json": ["configs/scenes"]}},
        "semantic_scene_descriptor_instances": {
            "paths": {".json": ["semantics"]}, "kitchens": "semantics/one.semantic_config.json"},
    })  # fmt: skip
    return root


def changed(cad, tmp_path, name, text):
    """Load the first scene of a copy of a dataset in which a file is another, or gone."""
    copy = tmp_path / "copy"
    shutil.copytree(cad, copy)
    file = copy / name
    file.unlink() if text is None else file.write_text(text)
    return load_worlds(f"habitat:{copy}")[0]
