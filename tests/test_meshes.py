"""Meshes as scenes: what formats, names, colours and pictures mean."""

import json
import warnings

import numpy as np
import pytest
import trimesh
from mesh_support import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    box,
    corner_color,
    export,
    pbr,
    png,
    quad_gltf,
    room_with_block,
)
from numpy.testing import assert_allclose

import avenv
from avenv.core.errors import SceneError, SceneWarning
from avenv.scene import CATEGORIES
from avenv.scene.materials import material
from avenv.scene.meshes import inspect_mesh
from avenv.scene.meshes.rules import words_of
from avenv.simulation.loading import load_scene

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
