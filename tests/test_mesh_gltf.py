"""All that a glTF file shows is there: strips, fans, instances, bones, morphs, sparse arrays."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from mesh_support import RED, Gltf, bounds, png, quad_gltf
from numpy.testing import assert_allclose

import avenv
from avenv.core.errors import SceneError, SceneWarning
from avenv.scene.meshes import inspect_mesh

CASES = Path(__file__).parent / "cases"

pytestmark = pytest.mark.filterwarnings("ignore:.*surfaces without texture or colour")

SQUARE = [(0, 0, 0), (2, 0, 0), (2, 2, 0), (0, 2, 0)]


def corners(scene):
    """Return the distinct corners in the file's axes: Y up."""
    points = scene.triangles.reshape(-1, 3)[:, [0, 2, 1]] * (1, 1, -1)
    return sorted(set(map(tuple, np.round(points, 4).tolist())))


# --- faces ----------------------------------------------------------------------------------------


def test_fans_and_instances_are_read():
    assert inspect_mesh(CASES / "fan.gltf")[1].triangles == 14
    scene, report = inspect_mesh(CASES / "instancing.gltf")
    assert report.triangles == 36
    assert [o.name for o in scene.objects] == ["n", "n_2", "n_3"]
    # Boxes of 2 m whose middles lie at x = 0, 5 and 10.
    assert_allclose([bounds(scene, n)[:, 0] for n in ("n", "n_2", "n_3")],
                    [[-1, 1], [4, 6], [9, 11]])  # fmt: skip


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    ("mode", "points", "triangles", "area"),
    [
        (5, [(0, 0, 0), (2, 0, 0), (0, 2, 0), (2, 2, 0), (0, 4, 0)], 3, 6),
        (6, [*SQUARE, (-1, 1, 0)], 3, 5),
        (4, [*SQUARE[:3], *SQUARE[1:]], 2, 4),
    ],
)  # fmt: skip
def test_every_way_to_list_triangles(tmp_path, mode, points, triangles, area, indexed):
    file = Gltf()
    primitive = {"attributes": {"POSITION": file.array(points)}, "mode": mode}
    if indexed:
        primitive["indices"] = file.scalars(range(len(points)))
    scene, report = inspect_mesh(file.write(tmp_path / "a.gltf", [{"mesh": 0}], [primitive]))
    assert report.triangles == triangles
    assert sum(s.area for s in report.surfaces) == pytest.approx(area)
    assert_allclose(scene.normals, [(0, -1, 0)] * triangles, atol=1e-6)  # the file's +z


def test_lines_and_points_are_said_to_be_left_out(tmp_path):
    file = Gltf()
    lines = {"attributes": {"POSITION": file.array(SQUARE)}, "mode": 3}
    with pytest.warns(SceneWarning, match="1 lines and points are left out"):
        inspect_mesh(file.write(tmp_path / "a.gltf", [{"mesh": 0}], [file.box(), lines]))


def test_a_face_that_names_no_corner_is_refused(tmp_path):
    file = Gltf()
    primitive = {"attributes": {"POSITION": file.array(SQUARE)}, "indices": file.scalars([0, 1, 4])}
    with pytest.raises(SceneError, match=r"accessors\[1\]: names corner 4, but there are 4"):
        inspect_mesh(file.write(tmp_path / "a.gltf", [{"mesh": 0}], [primitive]))


# --- places ---------------------------------------------------------------------------------------


def test_instances_are_scaled_turned_and_moved_before_their_node(tmp_path):
    file, half = Gltf(), float(np.sqrt(0.5))
    box = file.box((2, 2, 4))
    attributes = {
        "TRANSLATION": file.array([(0, 0, 0), (10, 0, 0)]),
        "ROTATION": file.array([(0, 0, 0, 1), (0, half, 0, half)]),  # the second by 90 about y
        "SCALE": file.array([(1, 1, 1), (0.5, 0.5, 0.5)]),
    }
    node = {"mesh": 0, "name": "pole", "translation": [0, 3, 0],
            "extensions": {"EXT_mesh_gpu_instancing": {"attributes": attributes}}}  # fmt: skip
    path = file.write(tmp_path / "a.gltf", [node], [box],
                      extensionsRequired=["EXT_mesh_gpu_instancing"])  # fmt: skip
    scene = avenv.import_mesh(path)
    # The file's (x, y, z) is (x, -z, y) here.
    assert_allclose(bounds(scene, "pole"), [[-1, -2, 2], [1, 2, 4]], atol=1e-6)
    assert_allclose(bounds(scene, "pole_2"), [[9, -0.5, 2.5], [11, 0.5, 3.5]], atol=1e-6)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"TRANSLATION": 99}, "TRANSLATION is 99, no accessor"),
        ({"TRANSLATION": "x"}, "TRANSLATION is 'x', no accessor"),
        ({"TRANSLATION": 1}, "TRANSLATION has SCALAR; expected VEC3"),
        ({"TRANSLATION": 2, "SCALE": 0}, "of different lengths"),
    ],
)  # fmt: skip
def test_wrong_instances_are_named(tmp_path, attributes, message):
    file = Gltf()
    box = file.box()
    file.array([(0, 0, 0)])
    node = {"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": {"attributes": attributes}}}
    with pytest.raises(SceneError, match=rf"nodes\[0\]\.EXT_mesh_gpu_instancing.*{message}"):
        inspect_mesh(file.write(tmp_path / "a.gltf", [node], [box]))


def test_many_instances_of_a_large_mesh_are_refused_before_they_are_built(tmp_path):
    file = Gltf()
    box = file.box()
    count = 1_000_000
    file.accessors.append({"bufferView": 0, "componentType": 5126, "count": count, "type": "VEC3"})
    extension = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": 2}}}
    path = file.write(tmp_path / "a.gltf", [{"mesh": 0, "extensions": extension}], [box])
    with pytest.raises(SceneError, match="has 12,000,000 triangles"):
        inspect_mesh(path)


@pytest.mark.parametrize("kind", ["instances", "indices"])
def test_arrays_of_zeros_that_take_no_bytes_are_bounded(tmp_path, kind):
    # A sparse array needs no buffer view: thirty bytes of text could ask for any memory.
    file = Gltf()
    primitive = {**file.box(), "mode": 1 if kind == "instances" else 4}  # a line is no triangle
    empty = {"bufferView": 0, "componentType": 5125}
    file.accessors.append(
        {
            "componentType": 5126,
            "count": 10**9,
            "type": "VEC3",
            "sparse": {"count": 0, "indices": empty, "values": {"bufferView": 0}},
        }
    )
    node = {"mesh": 0}
    if kind == "instances":
        node["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": {"SCALE": 2}}}
    else:
        file.accessors[0] = file.accessors.pop()  # of the corners; there are 12 triangles
    path = file.write(tmp_path / "a.gltf", [node], [primitive])
    with pytest.raises(
        SceneError, match=r"1,000,000,000 (instances|without a buffer view); at most"
    ):
        inspect_mesh(path)


def skinned(file, joints, weights, bind=None):
    primitive = {"attributes": {"POSITION": file.array(SQUARE),
                                "JOINTS_0": file.array(joints, "<u1"),
                                "WEIGHTS_0": file.array(weights)},
                 "indices": file.scalars([0, 1, 2, 0, 2, 3])}  # fmt: skip
    skin = {"joints": [1, 2]}
    if bind is not None:
        skin["inverseBindMatrices"] = file.array([np.asarray(m).T.ravel() for m in bind])
    return primitive, skin


def test_a_skin_lies_as_its_bones_carry_it(tmp_path):
    # The bones are a hundredth in size and the bind matrices a hundredfold: a 2 m square, which
    # its node's own scale must not touch.
    file = Gltf()
    grown = np.diag([100.0, 100.0, 100.0, 1.0])
    primitive, skin = skinned(file, [(0, 1, 0, 0)] * 4,
                              [(1, 0, 0, 0), (1, 0, 0, 0), (0.5, 0.5, 0, 0), (0, 1, 0, 0)],
                              [grown, grown])  # fmt: skip
    nodes = [{"mesh": 0, "skin": 0, "scale": [0.01, 0.01, 0.01]},
             {"scale": [0.01, 0.01, 0.01], "children": [2]},
             {"translation": [0, 0, 200]}]  # fmt: skip
    scene = avenv.import_mesh(
        file.write(tmp_path / "a.gltf", nodes, [primitive], skins=[skin]), up="Y"
    )
    # Joint 1 lies 200 x 0.01 = 2 m along z: corner 3 goes with it, corner 2 half of the way.
    assert corners(scene) == sorted([(0, 0, 0), (2, 0, 0), (2, 2, 1), (0, 2, 2)])


def test_a_skin_without_bind_matrices_and_with_bytes_as_weights(tmp_path):
    file = Gltf()
    primitive, skin = skinned(file, [(1, 0, 0, 0)] * 4, [(1, 0, 0, 0)] * 4)
    weights = file.array([(255, 0, 0, 0)] * 4, "<u1", normalized=True)
    primitive["attributes"]["WEIGHTS_0"] = weights
    nodes = [{"mesh": 0, "skin": 0}, {}, {"translation": [5, 0, 0]}]
    scene = avenv.import_mesh(file.write(tmp_path / "a.gltf", nodes, [primitive], skins=[skin]))
    assert corners(scene) == sorted((x + 5, y, z) for x, y, z in map(tuple, SQUARE))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h["skins"][0].update(joints=[1, 9]), r"skins\[0\]\.joints.*9"),
        (lambda h: h["skins"][0].update(joints=[1]), r"skins\[0\].*joint 1, but there are 1"),
        (lambda h: h["nodes"][0].update(skin=4), r"nodes\[0\]\.skin.*4"),
        (lambda h: h.update(scenes=[{"nodes": [0]}]), r"skins\[0\]\.joints: nodes\[1\] is in no"),
    ],
)  # fmt: skip
def test_wrong_skins_are_named(tmp_path, change, message):
    file = Gltf()
    primitive, skin = skinned(file, [(1, 0, 0, 0)] * 4, [(1, 0, 0, 0)] * 4)
    path = file.write(tmp_path / "a.gltf", [{"mesh": 0, "skin": 0}, {}, {}], [primitive],
                      skins=[skin])  # fmt: skip
    header = json.loads(path.read_text())
    change(header)
    path.write_text(json.dumps(header))
    with pytest.raises(SceneError, match=message):
        inspect_mesh(path)


@pytest.mark.parametrize(("node", "mesh", "lift"), [({}, [0.5, 0], 1.0), ({"weights": [0, 1]},
                         [0.5, 0], 3.0), ({}, [], 0.0)])  # fmt: skip
def test_morphs_count_by_their_default_weights(tmp_path, node, mesh, lift):
    file = Gltf()
    targets = [{"POSITION": file.array([(0, 0, z)] * 4)} for z in (2, 3)]
    primitive = {"attributes": {"POSITION": file.array(SQUARE)}, "targets": targets,
                 "indices": file.scalars([0, 1, 2, 0, 2, 3])}  # fmt: skip
    path = file.write(tmp_path / "a.gltf", [{"mesh": 0, **node}], [],
                      meshes=[{"primitives": [primitive], "weights": mesh}])  # fmt: skip
    assert corners(avenv.import_mesh(path)) == sorted((x, y, lift) for x, y, _ in SQUARE)


def test_sparse_arrays_and_arrays_of_zeros_with_exceptions(tmp_path):
    file = Gltf()
    rows, values = (
        file.view(np.array([1, 2], "<u2").tobytes()),
        file.view(np.array([(4, 0, 0), (4, 5, 0)], "<f4").tobytes()),
    )
    sparse = {"count": 2, "indices": {"bufferView": rows, "componentType": 5123},
              "values": {"bufferView": values}}  # fmt: skip
    dense = file.array(SQUARE, sparse=sparse)
    file.accessors.append({"componentType": 5126, "count": 3, "type": "VEC3", "sparse": sparse})
    primitives = [{"attributes": {"POSITION": dense}, "indices": file.scalars([0, 1, 2, 0, 2, 3])},
                  {"attributes": {"POSITION": 1}}]  # fmt: skip
    scene = avenv.import_mesh(file.write(tmp_path / "a.gltf", [{"mesh": 0}], primitives))
    assert corners(scene) == sorted([(0, 0, 0), (4, 0, 0), (4, 5, 0), (0, 2, 0)])
    assert len(scene.triangles) == 3


def test_quantised_and_strided_positions(tmp_path):
    file = Gltf()
    padded = np.zeros((4, 4), "<i2")
    padded[:, :3] = np.array(SQUARE) * 16383.5
    view = file.view(padded.tobytes())
    file.views[view]["byteStride"] = 8
    file.accessors.append({"bufferView": view, "componentType": 5122, "count": 4, "type": "VEC3",
                           "normalized": True})  # fmt: skip
    primitive = {"attributes": {"POSITION": 0}, "indices": file.scalars([0, 1, 2, 0, 2, 3])}
    path = file.write(tmp_path / "a.gltf", [{"mesh": 0, "scale": [2, 2, 2]}], [primitive],
                      extensionsRequired=["KHR_mesh_quantization"])  # fmt: skip
    assert_allclose(avenv.import_mesh(path).bounds, [[0, 0, 0], [2, 0, 2]], atol=1e-4)


# --- what is not glTF 2.0 -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        {"asset": {"version": "1.0"}, "meshes": {"m": {"primitives": []}}, "nodes": {}},
        {"asset": {"version": 1.1}, "accessors": {}},
        {"meshes": {"m": {}}, "nodes": {"n": {}}},
    ],
)  # fmt: skip
def test_gltf_1_is_named(tmp_path, header):
    (tmp_path / "old.gltf").write_text(json.dumps(header))
    with pytest.raises(SceneError, match=r"old\.gltf: .*this is glTF 1\.0") as caught:
        inspect_mesh(tmp_path / "old.gltf")
    assert len(str(caught.value).splitlines()) == 1
    (tmp_path / "old.glb").write_bytes(struct.pack("<4sIIII", b"glTF", 1, 20, 0, 0))
    with pytest.raises(SceneError, match=r"old\.glb: is GLB version 1, that is glTF 1\.0"):
        inspect_mesh(tmp_path / "old.glb")


# --- looks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("material", "told", "color", "emission"),
    [
        ({"pbrMetallicRoughness": {"baseColorFactor": [1.0000001, 0, 0, 1]}},
         r"baseColorFactor is \[1, 0, 0\], brought into 0\.\.1", (1, 0, 0), 0),
        ({"pbrMetallicRoughness": {"baseColorFactor": [20, 0, -1, 1]}},
         r"baseColorFactor is \[20, 0, -1\]", (1, 0, 0), 0),
        ({"pbrMetallicRoughness": {"baseColorFactor": [0, 1, 0, 1]}, "emissiveFactor": [0, 12, 0]},
         r"emissiveFactor is \[0, 12, 0\]", (0, 1, 0), 1),
        ({"pbrMetallicRoughness": {"baseColorFactor": [0, 1, 0, 1]}, "emissiveFactor": [1, 1, 1],
          "extensions": {"KHR_materials_emissive_strength": {"emissiveStrength": 1e6}}},
         "emissiveStrength is 1e.06; taken as 100", (0, 1, 0), 100),
    ],
)  # fmt: skip
def test_factors_out_of_range_are_brought_into_it_and_told(
    tmp_path, material, told, color, emission
):
    quad_gltf(tmp_path / "quad.gltf", material=material)
    with pytest.warns(SceneWarning, match=rf"materials\[0\].*{told}"):
        table = avenv.import_mesh(tmp_path / "quad.gltf").surfaces
    assert_allclose(table.color, [color])
    assert table.emission == (emission,)


@pytest.mark.parametrize(
    "image", ["C:\\Users\\me\\wood.png", "\\\\server\\wood.png", "/home/me/wood.png",
              "http://localhost/x.png", "data:image/png;base64,%%%", "broken.png", "gone.png",
              "a" * 5000]
)  # fmt: skip
def test_a_texture_that_cannot_be_had_leaves_the_surface_plain(tmp_path, image):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    material = {"pbrMetallicRoughness": {"baseColorFactor": [0, 0, 1, 1]}}
    header = quad_gltf(tmp_path / "quad.gltf", image, material)
    header["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}
    (tmp_path / "quad.gltf").write_text(json.dumps(header))
    with pytest.warns(SceneWarning, match=r"missing or unreadable.*images\[0\]") as told:
        scene = avenv.import_mesh(tmp_path / "quad.gltf")
    assert scene.images == ()
    assert_allclose(scene.surfaces.color, [(0, 0, 1)])
    assert all(len(str(warning.message)) < 600 for warning in told)


def test_extensions_of_looks_are_passed_over_and_told(tmp_path):
    header = quad_gltf(tmp_path / "quad.gltf")
    names = ["KHR_materials_transmission", "KHR_lights_punctual"]
    header["extensionsRequired"] = names
    (tmp_path / "quad.gltf").write_text(json.dumps(header))
    with pytest.warns(SceneWarning, match="KHR_materials_transmission is passed over"):
        _, report = inspect_mesh(tmp_path / "quad.gltf")
    assert report.triangles == 2
    assert all(name in str(report) for name in names)
    for name in ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "ACME_terrain"):
        header["extensionsRequired"] = [name]
        (tmp_path / "quad.gltf").write_text(json.dumps(header))
        with pytest.raises(SceneError, match=f"extensionsRequired: {name} cannot be read"):
            inspect_mesh(tmp_path / "quad.gltf")


def test_a_plain_image_stands_in_for_one_that_cannot_be_read(tmp_path):
    png(tmp_path / "red.png", [[RED]])
    header = quad_gltf(tmp_path / "quad.gltf", "red.png")
    header["images"].append({"uri": "red.ktx2"})
    header["textures"][0]["extensions"] = {"KHR_texture_basisu": {"source": 1}}
    (tmp_path / "quad.gltf").write_text(json.dumps(header))
    scene, report = inspect_mesh(tmp_path / "quad.gltf")
    assert_allclose(scene.surfaces.color, [(1, 0, 0)])
    assert report.warnings == ()


def test_the_glossy_model_has_its_colour_and_texture(tmp_path):
    png(tmp_path / "red.png", [[RED]])
    glossy = {"diffuseFactor": [0.5, 1, 1, 1], "diffuseTexture": {"index": 0}}
    header = quad_gltf(tmp_path / "quad.gltf", "red.png")
    header["materials"] = [{"extensions": {"KHR_materials_pbrSpecularGlossiness": glossy}}]
    header["extensionsRequired"] = ["KHR_materials_pbrSpecularGlossiness"]
    (tmp_path / "quad.gltf").write_text(json.dumps(header))
    scene = avenv.import_mesh(tmp_path / "quad.gltf")
    assert_allclose(scene.surfaces.color, [(0.5, 0, 0)], atol=0.01)
