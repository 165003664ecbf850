"""A small home in Habitat's world, written in the layouts of its datasets.

A room of 6 x 4 m and 3 m high with its floor at 0, and in it a table, 1 x 0.8 x 2 m (x, y, z),
whose middle is at (1, 0.4, -0.5). In avenv's axes the room is x -3..3, y -2..2, z 0..3, and the
table x 0.5..1.5, y -0.5..1.5, z 0..0.8.
"""

import json

import numpy as np
import trimesh

from avenv.scene import CATEGORIES

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


def bounds(compiled, name):
    number = [thing.name for thing in compiled.objects].index(name)
    points = compiled.triangles[compiled.object == number].reshape(-1, 3)
    return np.array([points.min(axis=0), points.max(axis=0)])


def category(compiled, name):
    return next(CATEGORIES[o.category] for o in compiled.objects if o.name == name)


def materials(compiled, name):
    number = [thing.name for thing in compiled.objects].index(name)
    rows = np.unique(compiled.surface[compiled.object == number])
    return {compiled.surfaces.names[row] for row in rows}
