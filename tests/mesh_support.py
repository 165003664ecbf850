"""Small mesh files of every kind, for the tests of imports and exports."""

import base64
import json

import numpy as np
import trimesh
from PIL import Image

Y_UP = trimesh.transformations.rotation_matrix(-np.pi / 2, (1, 0, 0))
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def box(extents, centre=(0, 0, 0), inwards=False):
    mesh = trimesh.creation.box(extents)
    mesh.apply_translation(centre)
    if inwards:
        mesh.invert()
    return trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)


def box_file(path, extents, centre, inwards=False, name="oak"):
    """Write a box of a material, in the axes of the file, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mesh = box(extents, centre, inwards)
    mesh.visual = trimesh.visual.TextureVisuals(material=pbr(name, [1.0, 1.0, 1.0]))
    mesh.export(path)
    return path


def bounds(compiled, name):
    """Return the least and the greatest corner (2, 3) of an object of a compiled scene."""
    number = [thing.name for thing in compiled.objects].index(name)
    points = compiled.triangles[compiled.object == number].reshape(-1, 3)
    return np.array([points.min(axis=0), points.max(axis=0)])


def room_with_block():
    """Return a 5 x 4 x 3 m room and a block of 1 x 1 x 0.7 m in it, Z up."""
    return {
        "shell": box((5, 4, 3), (2.5, 2, 1.5), inwards=True),
        "block": box((1, 1, 0.7), (2, 2, 0.35)),
    }


def export(meshes, path, materials=(), y_up=True):
    """Write named meshes with trimesh, each with its own material if there are any."""
    scene = trimesh.Scene()
    for k, (name, mesh) in enumerate(meshes.items()):
        mesh = mesh.copy()
        if y_up:
            mesh.apply_transform(Y_UP)
        if materials:
            mesh.visual = trimesh.visual.TextureVisuals(material=materials[k])
        scene.add_geometry(mesh, node_name=name, geom_name=name)
    scene.export(path)
    return path


def pbr(name, color=None, **fields):
    factor = None if color is None else [*color, 1.0]
    return trimesh.visual.material.PBRMaterial(name=name, baseColorFactor=factor, **fields)


def quad_gltf(path, image=None, material=None, uv=((0, 0), (1, 0), (1, 1), (0, 1)), **primitive):
    """Write a 2 x 2 m floor as glTF text; uv as the file has them: v runs down the image."""
    corners = np.array([(0, 0, 0), (2, 0, 0), (2, 0, -2), (0, 0, -2)], "<f4")
    indices, coordinates = np.array([0, 1, 2, 0, 2, 3], "<u4"), np.array(uv, "<f4")
    blobs = [corners.tobytes(), coordinates.tobytes(), indices.tobytes()]
    starts = np.concatenate([[0], np.cumsum([len(b) for b in blobs])]).tolist()
    (path.parent / "quad.bin").write_bytes(b"".join(blobs))
    header = {
        "asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "ground"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2,
                                    "material": 0, **primitive}]}],
        "materials": [{"name": "tiles", "pbrMetallicRoughness": {}, **(material or {})}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5126, "count": 4, "type": "VEC2"},
            {"bufferView": 2, "componentType": 5125, "count": 6, "type": "SCALAR"},
        ],
        "bufferViews": [{"buffer": 0, "byteOffset": a, "byteLength": len(b)}
                        for a, b in zip(starts[:-1], blobs, strict=True)],
        "buffers": [{"uri": "quad.bin", "byteLength": starts[-1]}],
    }  # fmt: skip
    if image is not None:
        header["images"], header["textures"] = [{"uri": image}], [{"source": 0}]
        header["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}
    path.write_text(json.dumps(header))
    return header


def png(path, rows):
    Image.fromarray(np.array(rows, np.uint8)).save(path)


def corner_color(compiled, x, y):
    """Return the texel that shows at the corner of the triangles next to (x, y)."""
    corners = compiled.triangles[..., :2].reshape(-1, 2)
    near = int(np.argmin(np.linalg.norm(corners - (x, y), axis=1)))
    triangle, corner = divmod(near, 3)
    inwards = compiled.uv[triangle].mean(axis=0)
    u, v = compiled.uv[triangle, corner] * 0.9 + 0.1 * inwards
    image = compiled.images[0]
    height, width = image.shape[:2]
    return tuple(image[int((1 - v) * height), int(u * width)][:3])


class Gltf:
    """Builds a glTF file as text, its arrays in a data URI."""

    def __init__(self):
        self.blob, self.views, self.accessors = b"", [], []

    def array(self, values, kind="<f4", **fields):
        """Add an array (N, width); return its accessor's row."""
        values = np.atleast_2d(np.asarray(values, kind))
        width = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}[values.shape[1]]
        code = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}[kind[-2:]]
        self.accessors.append({"bufferView": self.view(values.tobytes()), "componentType": code,
                               "count": len(values), "type": width, **fields})  # fmt: skip
        return len(self.accessors) - 1

    def scalars(self, values, kind="<u2"):
        """Add an array (N,) of integers."""
        return self.array(np.asarray(values)[:, None], kind)

    def view(self, data):
        """Add bytes, on a multiple of four; return the row of their buffer view."""
        self.blob += b"\0" * (-len(self.blob) % 4)
        self.views.append({"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)})
        self.blob += data
        return len(self.views) - 1

    def box(self, extents=(1, 1, 1)):
        """Add a box; return a primitive."""
        mesh = box(extents)
        return {"attributes": {"POSITION": self.array(mesh.vertices)},
                "indices": self.scalars(mesh.faces.ravel())}  # fmt: skip

    def write(self, path, nodes, primitives, **fields):
        """Write the file: one mesh of these primitives, nodes as they stand."""
        uri = "data:application/octet-stream;base64," + base64.b64encode(self.blob).decode()
        header = {
            "asset": {"version": "2.0"}, "nodes": nodes, "meshes": [{"primitives": primitives}],
            "accessors": self.accessors, "bufferViews": self.views,
            "buffers": [{"uri": uri, "byteLength": len(self.blob)}], **fields,
        }  # fmt: skip
        path.write_text(json.dumps(header))
        return path
