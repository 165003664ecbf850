"""Meshes as scenes: what formats, names and colours mean, and what comes back from an export."""

import json
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.testing import assert_allclose
from PIL import Image

import avenv
from avenv.errors import SceneError, SceneWarning
from avenv.scene import CATEGORIES
from avenv.scene.materials import material
from avenv.scene.meshes import inspect_mesh
from avenv.scene.meshes.rules import words_of
from avenv.world import load_scene

Y_UP = trimesh.transformations.rotation_matrix(-np.pi / 2, (1, 0, 0))
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def box(extents, centre=(0, 0, 0), inwards=False):
    mesh = trimesh.creation.box(extents)
    mesh.apply_translation(centre)
    if inwards:
        mesh.invert()
    return trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)


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


# --- formats, axes, units -------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["glb", "gltf", "obj", "ply", "stl"])
def test_every_format_gives_the_same_room(tmp_path, ending):
    path = tmp_path / f"room.{ending}"
    meshes = room_with_block()
    if ending in ("ply", "stl"):
        trimesh.util.concatenate(list(meshes.values())).export(path)
    else:
        export(meshes, path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SceneWarning)
        world = load_scene(path)
    report = world.report
    assert report.triangles == 24
    assert report.size == pytest.approx((5, 4, 3), abs=1e-5)
    assert sum(s.area for s in report.surfaces) == pytest.approx(94 + 4.8, rel=1e-5)
    assert [height for height, _ in report.floors] == pytest.approx([0.0], abs=1e-6)
    assert report.open_share == 0
    assert not world.compiled.double_sided.any()
    assert world.walkable.islands.max() == 1
    assert avenv.geodesic_distance(world, (0.5, 2), (4.5, 2)) > 4.2, "round the block"


def test_objects_keep_their_names_and_tell_their_kind(tmp_path):
    path = export({"Coffee_Table.003": box((1, 1, 1)), "sofaLeft": box((2, 1, 1), (3, 0, 0)),
                   "Thing": box((1, 1, 1), (6, 0, 0))}, tmp_path / "a.glb",
                  [pbr("a", WHITE)] * 3)  # fmt: skip
    objects = load_scene(path).compiled.objects
    found = {o.name: CATEGORIES[o.category] for o in objects}
    assert found == {"Coffee_Table.003": "table", "sofaLeft": "sofa", "Thing": "void"}
    sofa = next(o for o in objects if o.name == "sofaLeft")
    assert sofa.position == pytest.approx((3, 0, -0.5), abs=1e-5)
    assert sofa.size == pytest.approx((2, 1, 1), abs=1e-5)


def test_axes_and_units_can_be_told(tmp_path):
    meshes = {k: m.copy().apply_scale(1000) for k, m in room_with_block().items()}
    path = export(meshes, tmp_path / "mm.obj", y_up=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SceneWarning)
        scene = avenv.import_mesh(path, up="Z", unit="mm")
        assert_allclose(scene.bounds, [[0, 0, 0], [5, 4, 3]], atol=1e-4)
        again = avenv.import_mesh(path, up="Z", unit=0.001)
    assert again.fingerprint == scene.fingerprint


def test_a_size_that_no_home_has_tells_what_to_pass(tmp_path):
    meshes = {"a": room_with_block()["shell"].apply_scale(100)}
    path = export(meshes, tmp_path / "cm.stl", y_up=False)
    with pytest.raises(SceneError, match=r"cm\.stl: would be 300 m high.*unit='cm'"):
        avenv.import_mesh(path)
    with pytest.raises(SceneError, match=r"1000 m.*unit='mm'"):
        avenv.import_mesh(export({"a": meshes["a"].apply_scale(10)}, path, y_up=False))


def test_a_mirrored_node_still_faces_outwards(tmp_path):
    scene = trimesh.Scene()
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    scene.add_geometry(box((1, 1, 1), (2, 0, 0)), node_name="box", transform=mirror)
    scene.export(tmp_path / "mirrored.glb")
    with pytest.warns(SceneWarning):
        compiled = load_scene(tmp_path / "mirrored.glb").compiled
    outwards = compiled.triangles.mean(axis=1) - compiled.triangles.reshape(-1, 3).mean(axis=0)
    assert (np.einsum("td,td->t", compiled.normals, outwards) > 0).all()
    assert_allclose(compiled.bounds[:, 0], [-2.5, -1.5], atol=1e-6)


def test_an_obj_with_faces_of_five_corners_and_objects(tmp_path):
    corners = [(0, 0), (4, 0), (6, 2), (4, 4), (0, 4)]
    lines = [f"v {x} 0 {-y}" for x, y in corners] + ["v 0 1 0", "v 1 1 0", "v 0 1 -1"]
    lines += ["o floor", "usemtl Marble", "f 1 2 3 4 5", "o shelf", "usemtl oak", "f 6 7 8"]
    (tmp_path / "five.obj").write_text("\n".join(lines))
    with pytest.warns(SceneWarning, match="without texture or colour"):
        compiled = load_scene(tmp_path / "five.obj").compiled
    assert [o.name for o in compiled.objects] == ["floor", "shelf"]
    assert compiled.surfaces.names == ("marble", "oak")
    floor = compiled.triangles[compiled.object == 0].astype(float)
    area = np.linalg.norm(np.cross(floor[:, 1] - floor[:, 0], floor[:, 2] - floor[:, 0]), axis=1)
    assert area.sum() / 2 == pytest.approx(20.0)  # shoelace: 4 x 4 and a triangle of 4 x 2 / 2
    assert (compiled.normals[compiled.object == 0][:, 2] > 0.99).all()


# --- materials ------------------------------------------------------------------------------------


def test_materials_come_by_rule_then_by_colour_then_by_default(tmp_path):
    meshes = {f"part{k}": box((1, 1, 1), (2 * k, 0, 0)) for k in range(4)}
    looks = [pbr("KitchenTiles_02", WHITE), pbr("mat1", (0.48, 0.27, 0.11)),  # as oak's sRGB
             pbr("mat2", (0.9, 0.0, 0.9)), pbr("walnut.001", WHITE)]  # fmt: skip
    scene, report = inspect_mesh(export(meshes, tmp_path / "a.glb", looks))
    assert {s.name: (s.material, s.how) for s in report.surfaces} == {
        "KitchenTiles_02": ("ceramic_tile", "by rule"),
        "mat1": ("oak", "by colour"),
        "mat2": ("furnishings", "by default"),
        "walnut.001": ("walnut", "by rule"),
    }
    expected = {"by the file": 0, "by rule": 0.5, "by colour": 0.25, "by default": 0.25}
    assert report.coverage == pytest.approx(expected)
    assert "by rule 50.0%, by colour 25.0%, by default 25.0%" in str(report)
    row = scene.surfaces.names.index("ceramic_tile")
    assert_allclose(scene.surfaces.absorption[row], material("ceramic_tile").absorption)
    # A box is a solid, so each of its surfaces carries half of the loss in dB.
    half = 10 ** (-np.array(material("ceramic_tile").transmission_loss) / 20)
    assert_allclose(scene.surfaces.transmission[row], np.minimum(half, 0.01 + half), rtol=1e-5)


def test_own_rules_go_before_the_shipped_ones(tmp_path):
    path = export({"a": box((1, 1, 1)), "b": box((1, 1, 1), (2, 0, 0))}, tmp_path / "a.glb",
                  [pbr("floor_tiles", WHITE), pbr("x17", (1.0, 0.0, 1.0))])  # fmt: skip
    rules = tmp_path / "rules.yaml"
    rules.write_text("materials:\n  - {regex: '^floor_', material: cork}\ndefault: brick\n")
    assert set(avenv.import_mesh(path, rules=rules).surfaces.names) == {"cork", "brick"}
    named = avenv.import_mesh(path, materials={"x17": "steel"}, default="felt")
    assert set(named.surfaces.names) == {"ceramic_tile", "steel"}
    assert "felt" in avenv.import_mesh(path, default="felt").surfaces.names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("materials: [{words: [a], material: oka}]", r"materials\[0\].*'oka'.*'oak'"),
        ("materials: [{material: oak}]", r"materials\[0\].*needs words or a regex"),
        ("materials: [{regex: '(', material: oak}]", r"materials\[0\].*cannot be read"),
        ("colors: [{color: red, material: oak}]", r"colors\[0\]\.color"),
        ("categories: {settle: soffa}", r"categories\.settle.*'sofa'"),
        ("rules: []", "unknown field"),
    ],
)  # fmt: skip
def test_wrong_rules_are_named(tmp_path, text, message):
    path = export({"a": box((1, 1, 1))}, tmp_path / "a.glb")
    (tmp_path / "rules.yaml").write_text(text)
    with pytest.raises(SceneError, match=message):
        avenv.import_mesh(path, rules=tmp_path / "rules.yaml")
    with pytest.raises(SceneError, match=r"default.*'oka'"):
        avenv.import_mesh(path, default="oka")


@pytest.mark.parametrize(
    ("name", "words"),
    [("WoodFloors_02", "wood floor"), ("glass.001", "glass"), ("KÜCHE-Fliese", "küche fliese"),
     ("tvStand", "tv stand"), ("42", "")],
)  # fmt: skip
def test_names_are_cut_into_words(name, words):
    assert words_of(name) == words


# --- pictures on surfaces -------------------------------------------------------------------------


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


def test_a_texture_lies_as_the_file_has_it(tmp_path):
    png(tmp_path / "four.png", [[RED, GREEN], [BLUE, WHITE]])
    quad_gltf(tmp_path / "quad.gltf", "four.png")
    compiled = load_scene(tmp_path / "quad.gltf").compiled
    assert compiled.surfaces.texture == ("image:0",)
    assert compiled.images[0].shape == (2, 2, 4)
    # glTF: uv (0, 0) is the upper left of the image. The file's corner (0, 0, 0) has it, and
    # (2, 0, -2), which is (2, 2) in the world, has the lower right.
    assert corner_color(compiled, 0, 0) == RED
    assert corner_color(compiled, 2, 0) == GREEN
    assert corner_color(compiled, 2, 2) == WHITE
    assert corner_color(compiled, 0, 2) == BLUE
    assert_allclose(compiled.surfaces.color[0], [0.5, 0.5, 0.5], atol=1e-6)  # the mean of the four


def test_a_texture_may_be_turned_and_tinted(tmp_path):
    png(tmp_path / "four.png", [[WHITE, GREEN], [BLUE, RED]])
    header = quad_gltf(tmp_path / "quad.gltf", "four.png")
    base = header["materials"][0]["pbrMetallicRoughness"]
    base["baseColorFactor"] = [0.5, 1.0, 1.0, 1.0]
    # The picture turns clockwise by 90 degrees about (0, 0), and is shifted back to where it was.
    turn = {"rotation": np.pi / 2, "offset": [0, 1]}
    base["baseColorTexture"]["extensions"] = {"KHR_texture_transform": turn}
    (tmp_path / "quad.gltf").write_text(json.dumps(header))
    compiled = load_scene(tmp_path / "quad.gltf").compiled
    half = 188  # sRGB of half the light
    assert corner_color(compiled, 0, 0) == BLUE
    assert corner_color(compiled, 2, 0) == (half, 255, 255)
    assert corner_color(compiled, 2, 2) == GREEN
    assert corner_color(compiled, 0, 2) == (half, 0, 0)


@pytest.mark.parametrize(("mode", "alphas"), [("OPAQUE", [255, 255]), ("BLEND", [0, 255])])
def test_what_is_cut_out_of_a_texture(tmp_path, mode, alphas):
    png(tmp_path / "leaf.png", [[(9, 9, 9, 60), (9, 9, 9, 200)]])
    quad_gltf(tmp_path / "quad.gltf", "leaf.png", {"alphaMode": mode})
    assert load_scene(tmp_path / "quad.gltf").compiled.images[0][0, :, 3].tolist() == alphas


def test_the_cutoff_of_a_mask_is_kept(tmp_path):
    png(tmp_path / "leaf.png", [[(9, 9, 9, 60), (9, 9, 9, 200)]])
    quad_gltf(tmp_path / "q.gltf", "leaf.png", {"alphaMode": "MASK", "alphaCutoff": 0.9})
    assert load_scene(tmp_path / "q.gltf").compiled.images[0][0, :, 3].tolist() == [0, 0]


def test_a_missing_texture_is_a_warning_and_the_colour_is_kept(tmp_path):
    header = quad_gltf(tmp_path / "quad.gltf", "gone.png")
    header["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [0.2, 0.4, 0.6, 1.0]
    (tmp_path / "quad.gltf").write_text(json.dumps(header))
    with pytest.warns(SceneWarning, match=r"quad\.gltf: missing.*gone\.png") as caught:
        compiled = load_scene(tmp_path / "quad.gltf").compiled
    assert len(caught) == 1
    assert compiled.images == ()
    assert_allclose(compiled.surfaces.color[0], [0.2, 0.4, 0.6], rtol=1e-6)


def test_what_has_no_colour_takes_that_of_its_material(tmp_path):
    meshes = {"a": box((1, 1, 1)), "b": box((1, 1, 1), (2, 0, 0))}
    path = export(meshes, tmp_path / "a.glb", [pbr("Brick"), pbr("Carpet")])
    with pytest.warns(SceneWarning, match="without texture or colour") as caught:
        table = load_scene(path).compiled.surfaces
    assert len(caught) == 1
    assert table.texture == ("brick", "carpet")
    assert_allclose(table.color[0], material("brick").color, rtol=1e-6)


def test_colours_of_corners_are_kept(tmp_path):
    left, right = box((1, 1, 1)), box((1, 1, 1), (2, 0, 0))
    both = trimesh.util.concatenate([left, right])
    both.visual.vertex_colors = [(*RED, 255)] * 8 + [(*BLUE, 255)] * 8
    both.export(tmp_path / "two.ply")
    compiled = load_scene(tmp_path / "two.ply").compiled
    colors = compiled.surfaces.color[compiled.surface]
    assert_allclose(colors, np.where(np.arange(24)[:, None] < 12, [[1, 0, 0]], [[0, 0, 1]]))


def test_an_mtl_gives_colours_and_pictures(tmp_path):
    png(tmp_path / "wood.png", [[(120, 80, 40)]])
    (tmp_path / "m.mtl").write_text(
        "newmtl first\nKd 1 0.5 0\nnewmtl second\nKd 0.3 0.3 0.3\nmap_Kd -s 2 2 1 wood.png\n"
    )
    (tmp_path / "m.obj").write_text(
        "mtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 0 0 -1\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\n"
        "usemtl first\nf 1 2 3\nusemtl second\nf 1/1 2/2 4/3\n"
    )
    compiled = load_scene(tmp_path / "m.obj").compiled
    assert compiled.surfaces.texture == ("plain", "image:0")
    assert_allclose(compiled.surfaces.color[0], [1, 0.214, 0], atol=1e-3)  # sRGB 0.5 is 0.214
    assert compiled.images[0].tolist() == [[[120, 80, 40, 255]]]
    assert_allclose(compiled.uv[compiled.surface == 1][0], [[0, 0], [1, 0], [0, 1]])


def test_a_camera_sees_the_picture_on_the_floor(tmp_path):
    png(tmp_path / "four.png", [[RED, GREEN], [BLUE, WHITE]])
    quad_gltf(tmp_path / "quad.gltf", "four.png")
    view = avenv.render_view(tmp_path / "quad.gltf", (1, 1, 1), pitch=-np.pi / 2, size=(64, 64))
    # Looking down with the head to +x: up in the picture is x = 2, left is y = 2.
    corners = view["rgb"][[8, 8, -8, -8], [8, -8, 8, -8]].astype(int)
    assert [np.flatnonzero(c > 0.8 * c.max()).tolist() for c in corners] == [
        [0, 1, 2], [1], [2], [0],
    ]  # fmt: skip


def test_a_texture_that_spans_a_whole_building_is_not_lost(tmp_path):
    png(tmp_path / "four.png", [[RED, GREEN], [BLUE, WHITE]])
    # The floor shows a thousandth of the picture, right of its middle and above it: green.
    small = [(0.7 + 1e-3 * u, 0.2 + 1e-3 * v) for u, v in ((0, 0), (1, 0), (1, 1), (0, 1))]
    quad_gltf(tmp_path / "quad.gltf", "four.png", uv=small)
    view = avenv.render_view(tmp_path / "quad.gltf", (1, 1, 1), pitch=-np.pi / 2, size=(32, 32))
    red, green, blue = view["rgb"][16, 16].astype(int)
    assert green > 2 * max(red, blue)


# --- solids and sheets ----------------------------------------------------------------------------


def test_solids_are_told_from_sheets(tmp_path):
    lid_off = box((1, 1, 1), (12, 0, 0))
    lid_off.update_faces(lid_off.face_normals[:, 2] < 0.5)
    meshes = {
        "solid": box((1, 1, 1)),
        "open": lid_off,
        "room": box((4, 4, 3), (20, 0, 0), inwards=True),
        "house": box((4, 4, 3), (30, 0, 0)),  # to be entered, though it faces outwards
        "inside out": box((1, 1, 1), (40, 0, 0), inwards=True),
    }
    path = export(meshes, tmp_path / "five.glb", [pbr("oak", WHITE)] * 5)
    compiled = load_scene(path).compiled
    sheets = {
        thing.name: bool(compiled.double_sided[compiled.object == k].all())
        for k, thing in enumerate(compiled.objects)
    }
    assert sheets == {
        "solid": False, "open": True, "room": False, "house": True, "inside out": True,
    }  # fmt: skip
    rows = [compiled.surface[compiled.double_sided == sheet][0] for sheet in (False, True)]
    solid, sheet = compiled.surfaces.transmission[rows]
    assert_allclose(sheet, solid**2, rtol=1e-5)  # the whole loss in dB, not half of it


def test_open_edges_are_measured(tmp_path):
    lid_off = box((1, 1, 1))
    lid_off.update_faces(lid_off.face_normals[:, 2] < 0.5)
    _, report = inspect_mesh(export({"a": lid_off}, tmp_path / "a.glb", [pbr("oak", WHITE)]))
    # Four of twelve edges lie on the rim; besides, each of five faces has a diagonal.
    assert report.open_share == pytest.approx(4 / (12 + 5 * np.sqrt(2)), rel=1e-5)
    assert report.sheets == 1.0


# --- broken and hostile files ---------------------------------------------------------------------

OUTSIDE = (
    "../secret.png", "/etc/passwd", "file:///etc/passwd", "http://localhost/x.png",
    "C:\\secret.png", "a/../../secret.png", "%2e%2e/secret.png", "..\\secret.png",
)  # fmt: skip


@pytest.mark.parametrize("reference", OUTSIDE)
def test_references_out_of_the_folder_are_refused(tmp_path, reference):
    folder = tmp_path / "scene"
    folder.mkdir()
    png(tmp_path / "secret.png", [[RED]])
    header = quad_gltf(folder / "quad.gltf", reference)
    with pytest.raises(SceneError, match=r"quad\.gltf: images\[0\]\.uri"):
        load_scene(folder / "quad.gltf")
    header["buffers"][0]["uri"] = reference
    (folder / "quad.gltf").write_text(json.dumps(header))
    with pytest.raises(SceneError, match=r"quad\.gltf: buffers\[0\]\.uri"):
        load_scene(folder / "quad.gltf")
    corners = "v 0 0 0\nv 1 0 0\nv 0 0 1\nusemtl m\nf 1 2 3\n"
    (folder / "a.obj").write_text(f"mtllib {reference}\n{corners}")
    with pytest.raises(SceneError, match=r"a\.obj: mtllib"):
        load_scene(folder / "a.obj")
    (folder / "a.mtl").write_text(f"newmtl m\nmap_Kd {reference}\n")
    (folder / "a.obj").write_text(f"mtllib a.mtl\n{corners}")
    with pytest.raises(SceneError, match=r"a\.mtl: newmtl 'm': map_Kd"):
        load_scene(folder / "a.obj")
    (folder / "a.yaml").write_text(json.dumps({"mesh": reference.replace("png", "glb")}))
    with pytest.raises(SceneError, match=r"a\.yaml: mesh"):
        load_scene(folder / "a.yaml")


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = tmp_path / "scene"
    folder.mkdir()
    png(tmp_path / "secret.png", [[RED]])
    (folder / "inside.png").symlink_to(tmp_path / "secret.png")
    quad_gltf(folder / "quad.gltf", "inside.png")
    with pytest.raises(SceneError, match="out of the scene's folder"):
        load_scene(folder / "quad.gltf")


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    size = struct.pack(">IIBBBBB", 12000, 12000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(bomb)
    quad_gltf(tmp_path / "quad.gltf", "bomb.png")
    with pytest.raises(SceneError, match=r"images\[0\]: the image has 12000 x 12000 pixels"):
        load_scene(tmp_path / "quad.gltf")


def test_a_huge_mesh_is_refused_before_it_is_built(tmp_path):
    limit = r"has 10,000,000 triangles; at most 4,000,000"
    header = quad_gltf(tmp_path / "quad.gltf")
    header["accessors"][2]["count"] = 30_000_000
    (tmp_path / "quad.gltf").write_text(json.dumps(header))
    with pytest.raises(SceneError, match=limit):
        load_scene(tmp_path / "quad.gltf")
    (tmp_path / "a.ply").write_bytes(
        b"ply\nformat binary_little_endian 1.0\nelement vertex 3\nproperty float x\n"
        b"element face 10000000\nproperty list uchar int vertex_indices\nend_header\n"
    )
    with pytest.raises(SceneError, match=limit):
        load_scene(tmp_path / "a.ply")
    with (tmp_path / "a.stl").open("wb") as file:  # a sparse file
        file.seek(80)
        file.write(struct.pack("<I", 10_000_000))
        file.truncate(84 + 50 * 10_000_000)
    with pytest.raises(SceneError, match=limit):
        load_scene(tmp_path / "a.stl")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h["asset"].update(version="1.0"), r"asset\.version"),
        (lambda h: h.update(extensionsRequired=["KHR_draco"]), "extensionsRequired: KHR_draco"),
        (lambda h: h["nodes"][0].update(children=[0]), "root, and the child"),
        (lambda h: h["nodes"][0].update(mesh=7), r"nodes\[0\]\.mesh.*7"),
        (lambda h: h["nodes"][0].update(scale=[1, 2]), r"nodes\[0\]\.scale"),
        (lambda h: h["accessors"][0].update(count=-1), r"accessors\[0\]\.count"),
        (lambda h: h["accessors"][0].update(count=5), r"accessors\[0\] ends beyond"),
        (lambda h: h["accessors"][0].pop("bufferView"), r"accessors\[0\] is sparse, compressed"),
        (lambda h: h["bufferViews"][0].update(byteLength=10**9), r"bufferViews\[0\] ends beyond"),
        (lambda h: h["buffers"][0].update(byteLength=10**9), r"buffers\[0\]\.byteLength"),
        (lambda h: h["buffers"][0].update(uri="gone.bin"), r"buffers\[0\]\.uri.*missing"),
        (lambda h: h["buffers"][0].update(uri="data:;base64,%%%"), "broken base64"),
        (lambda h: h["meshes"][0]["primitives"][0].update(mode=1), "has no faces"),
        (lambda h: h.update(nodes=[]), r"scenes\[0\]\.nodes"),
        (lambda h: h.update(accessors="x"), "accessors"),
    ],
)  # fmt: skip
def test_a_wrong_header_is_an_error_with_its_field(tmp_path, change, message):
    header = quad_gltf(tmp_path / "quad.gltf")
    change(header)
    (tmp_path / "quad.gltf").write_text(json.dumps(header))
    with pytest.raises(SceneError, match=rf"(?s)quad\.gltf.*{message}"):
        load_scene(tmp_path / "quad.gltf")


def test_numbers_that_are_none_and_empty_meshes_are_refused(tmp_path):
    mesh = box((1, 1, 1))
    mesh.vertices[0, 0] = np.nan
    mesh.export(tmp_path / "nan.ply")
    with pytest.raises(SceneError, match=r"nan\.ply.*no finite numbers"):
        load_scene(tmp_path / "nan.ply")
    (tmp_path / "empty.obj").write_text("v 0 0 0\nv 1 0 0\n")
    with pytest.raises(SceneError, match="has no faces"):
        load_scene(tmp_path / "empty.obj")
    (tmp_path / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nf 1 2 2\n")
    with pytest.raises(SceneError, match="no faces with an area"):
        load_scene(tmp_path / "flat.obj")
    (tmp_path / "back.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 0 1\nf -3 -2 -1\n")
    with pytest.raises(SceneError, match="absolute numbers"):
        load_scene(tmp_path / "back.obj")
    with pytest.raises(SceneError, match="no such file"):
        load_scene(tmp_path / "gone.glb")


@pytest.mark.parametrize("ending", ["glb", "obj", "ply", "stl"])
def test_broken_files_are_errors_that_name_them(tmp_path, ending):
    whole = export({"a": box((2, 2, 2))}, tmp_path / f"whole.{ending}", y_up=False).read_bytes()
    path, rng = tmp_path / f"broken.{ending}", np.random.default_rng(0)
    refused: list[str] = []
    for k in range(60):
        data = bytearray(whole[: len(whole) * k // 60] if k % 2 else whole)
        for place in rng.integers(0, min(len(whole), 400), 0 if k % 2 else 3):
            data[min(place, len(data) - 1)] = rng.integers(256)
        path.write_bytes(bytes(data))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SceneWarning)
            try:
                avenv.import_mesh(path)
            except SceneError as error:
                refused.append(str(error))
    assert len(refused) >= 20
    assert all("broken" in message for message in refused)


# --- YAML that names a mesh -----------------------------------------------------------------------


def test_a_yaml_file_adds_sources_to_a_mesh(tmp_path):
    export(room_with_block(), tmp_path / "room.glb", [pbr("plaster", WHITE)] * 2)
    (tmp_path / "scene.yaml").write_text(
        "mesh: room.glb\nname: cell\nmaterials: {plaster: brick}\nsources:\n"
        "  - {on: block, sound: phone}\n  - {position: [4, 3, 1], sound: kettle, level: -3}\n"
    )
    world = load_scene(tmp_path / "scene.yaml")
    assert world.name == "cell"
    assert world.compiled.surfaces.names == ("brick",)
    phone, kettle = world.compiled.sources
    assert (phone.name, phone.sound) == ("block", "phone")
    assert phone.position == pytest.approx((2, 2, 0.72), abs=1e-6)
    assert (kettle.name, kettle.position, kettle.level) == ("kettle", (4, 3, 1), -3)


def test_a_storey_can_be_chosen(tmp_path):
    lower, upper = box((5, 4, 3), (2.5, 2, 1.5), inwards=True), box((5, 4, 3), (2.5, 2, 5), True)
    path = export({"lower": lower, "upper": upper}, tmp_path / "two.glb", [pbr("oak", WHITE)] * 2)
    _, report = inspect_mesh(path)
    assert [z for z, _ in report.floors] == pytest.approx([0.0, 3.5], abs=1e-6)
    assert load_scene(path).walkable is not None
    room = avenv.import_mesh(path, floor=3.5).rooms[0]
    assert room.floor == 3.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mesh: room.glb\nupp: Y", "unknown field.*'up'"),
        ("mesh: room.glb\nup: X", "up: .*'Y' or 'Z'"),
        ("mesh: room.glb\nunit: 0", "unit"),
        ("mesh: gone.glb", "no such file"),
        ("mesh: room.glb\nrules: gone.yaml", "cannot be read"),
        ("mesh: room.glb\nsources: [{on: blok, sound: phone}]", "'block'"),
        ("mesh: room.glb\nsources: [{on: block}]", r"sources\[0\]\.sound"),
        ("mesh: room.glb\nsources: [{position: [1, 1, 1], sound: gone.wav}]", r"gone\.wav"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named(tmp_path, text, message):
    export(room_with_block(), tmp_path / "room.glb", [pbr("plaster", WHITE)] * 2)
    (tmp_path / "scene.yaml").write_text(text)
    with pytest.raises(SceneError, match=f"(?s){message}"):
        load_scene(tmp_path / "scene.yaml")


# --- export ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flat():
    builder = avenv.SceneBuilder("flat")
    builder.room("den", size=(4, 3.5))
    builder.room("hall", at=(4, 0), size=(2, 3.5), floor="ceramic_tile")
    builder.door("den", "hall")
    builder.place("sofa", at=(0.6, 1.75))
    builder.place("table", at=(2.2, 1.0), name="desk")
    builder.place("phone", on="desk")
    builder.place("plant", at=(0.5, 3.0))
    builder.source(on="phone")
    return load_scene(builder.build())


@pytest.fixture(scope="module")
def returned(flat, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "flat.glb"
    avenv.export_glb(flat, path)
    return load_scene(path)


def visible(compiled):
    return np.any(compiled.normals, axis=1)


def test_an_export_comes_back_with_the_same_geometry(flat, returned):
    before, after = flat.compiled, returned.compiled

    def rows(scene):
        kept = visible(scene)
        return sorted(zip(scene.triangles[kept].reshape(-1, 9).tolist(),
                          [scene.objects[k].name for k in scene.object[kept]],
                          scene.double_sided[kept].tolist(), strict=True))  # fmt: skip

    assert rows(before) == rows(after)
    assert returned.report.coverage["by the file"] == 1
    assert after.sources == before.sources
    assert [r.name for r in after.rooms] == [r.name for r in before.rooms]
    kinds = {o.name: (o.kind, o.category, o.room) for o in before.objects}
    assert all(kinds[o.name] == (o.kind, o.category, o.room) for o in after.objects)


def test_an_export_comes_back_with_the_same_surfaces(flat, returned):
    def sound(scene):
        table, kept = scene.surfaces, visible(scene)
        values = np.concatenate([table.absorption, table.scattering, table.transmission], axis=1)
        return {
            (*scene.triangles[t].ravel().tolist(), table.names[scene.surface[t]],
             *values[scene.surface[t]].tolist())
            for t in np.flatnonzero(kept)
        }  # fmt: skip

    before, after = flat.compiled, returned.compiled
    assert sound(before) == sound(after)
    looks = dict(zip(after.surfaces.names, after.surfaces.color, strict=True))
    for name, color in zip(before.surfaces.names, before.surfaces.color, strict=True):
        assert_allclose(looks[name], color, atol=0.01)


def test_an_export_sounds_and_is_walked_as_the_scene(flat, returned):
    assert np.array_equal(flat.walkable.islands, returned.walkable.islands)
    ends = (*flat.places[0], 1.2), (*flat.places[-1], 1.25)
    t30 = [
        avenv.acoustics.measures(avenv.impulse_response(w, *ends, layout="mono")[0], 16000)["t30"]
        for w in (flat, returned)
    ]
    assert t30[1] == pytest.approx(t30[0], rel=0.1)


def test_other_programs_find_names_textures_and_axes(flat, tmp_path):
    avenv.export_glb(flat, tmp_path / "flat.glb")
    scene = trimesh.load_scene(tmp_path / "flat.glb")
    assert {"den/floor", "sofa", "phone"} <= set(scene.graph.nodes)
    low, high = scene.bounds
    assert high[1] - low[1] == pytest.approx(np.ptp(flat.compiled.bounds[:, 2]), abs=1e-5)
    materials = {g.visual.material.name: g.visual.material for g in scene.geometry.values()}
    assert {"oak_parquet", "ceramic_tile", "plaster"} <= set(materials)
    picture = materials["oak_parquet"].baseColorTexture
    assert min(picture.size) >= 64
    mean = np.asarray(picture.convert("RGB"), float).mean(axis=(0, 1)) / 255
    assert_allclose(mean**2.2, material("oak_parquet").color, rtol=0.15)


def test_an_image_texture_survives_an_export(tmp_path):
    png(tmp_path / "four.png", [[RED, GREEN], [BLUE, WHITE]])
    quad_gltf(tmp_path / "quad.gltf", "four.png")
    before = load_scene(tmp_path / "quad.gltf")
    avenv.export_glb(before, tmp_path / "again.glb")
    after = load_scene(tmp_path / "again.glb").compiled
    assert_allclose(after.images[0], before.compiled.images[0])
    assert corner_color(after, 2, 0) == GREEN


def test_an_edited_export_with_wrong_notes_is_refused(flat, tmp_path):
    avenv.export_glb(flat, tmp_path / "flat.glb")
    data = (tmp_path / "flat.glb").read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    header = json.loads(data[20 : 20 + length])
    header["scenes"][0]["extras"]["avenv"]["sources"][0]["sound"] = "../../secret.wav"
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    whole = struct.pack("<4sIIII", b"glTF", 2, 20 + len(text) + len(rest), len(text), 0x4E4F534A)
    (tmp_path / "bad.glb").write_bytes(whole + text + rest)
    with pytest.raises(SceneError, match=r"bad\.glb: extras\.avenv\.sources\[0\]\.sound"):
        load_scene(tmp_path / "bad.glb")


def test_an_export_needs_a_glb_path(flat, tmp_path):
    with pytest.raises(ValueError, match=r"\.glb"):
        avenv.export_glb(flat, tmp_path / "flat.obj")
    assert list(Path(tmp_path).iterdir()) == []
