"""Mesh files from anywhere: broken and hostile ones, and YAML that names one."""

import json
import struct
import warnings
import zlib

import numpy as np
import pytest
from mesh_support import (
    RED,
    WHITE,
    box,
    export,
    pbr,
    png,
    quad_gltf,
    room_with_block,
)
from numpy.testing import assert_allclose

import avenv
from avenv.core.errors import SceneError, SceneWarning
from avenv.scene.meshes import inspect_mesh
from avenv.simulation.loading import load_scene
from avenv.simulation.survey import survey
from avenv.tasks.goals import standing_point

# --- broken and hostile files ---------------------------------------------------------------------


OUTSIDE = (
    "../secret.png", "/etc/passwd", "file:///etc/passwd", "http://localhost/x.png",
    "C:\\secret.png", "a/../../secret.png", "%2e%2e/secret.png", "..\\secret.png",
)  # fmt: skip


@pytest.mark.parametrize("reference", OUTSIDE)
def test_geometry_out_of_the_folder_is_refused(tmp_path, reference):
    folder = tmp_path / "scene"
    folder.mkdir()
    header = quad_gltf(folder / "quad.gltf")
    header["buffers"][0]["uri"] = reference
    (folder / "quad.gltf").write_text(json.dumps(header))
    with pytest.raises(SceneError, match=r"quad\.gltf: buffers\[0\]\.uri"):
        load_scene(folder / "quad.gltf")
    (folder / "a.yaml").write_text(json.dumps({"mesh": reference.replace("png", "glb")}))
    with pytest.raises(SceneError, match=r"a\.yaml: mesh"):
        load_scene(folder / "a.yaml")


@pytest.mark.parametrize("reference", OUTSIDE)
def test_looks_out_of_the_folder_are_not_read_and_the_surface_is_plain(tmp_path, reference):
    folder = tmp_path / "scene"
    folder.mkdir()
    png(tmp_path / "secret.png", [[RED]])
    quad_gltf(folder / "quad.gltf", reference)
    corners = "v 0 0 0\nv 2 0 0\nv 0 0 2\nusemtl m\nf 1 2 3\n"
    (folder / "a.obj").write_text(f"mtllib a.mtl\n{corners}")
    (folder / "a.mtl").write_text(f"newmtl m\nKd 0 1 0\nmap_Kd {reference}\n")
    (folder / "b.obj").write_text(f"mtllib {reference}\n{corners}")
    told = {"quad.gltf": r"images\[0\]\.uri", "a.obj": "newmtl 'm': map_Kd", "b.obj": "mtllib"}
    for name, place in told.items():
        with pytest.warns(SceneWarning, match=rf"{name}: missing or unreadable.*{place}"):
            compiled = load_scene(folder / name).compiled
        assert compiled.images == ()
        assert len(compiled.triangles)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    folder = tmp_path / "scene"
    folder.mkdir()
    png(tmp_path / "secret.png", [[RED]])
    (folder / "inside.png").symlink_to(tmp_path / "secret.png")
    quad_gltf(folder / "quad.gltf", "inside.png")
    with pytest.warns(SceneWarning, match="out of the scene's folder"):
        assert load_scene(folder / "quad.gltf").compiled.images == ()


def test_a_huge_picture_is_not_decoded(tmp_path):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    size = struct.pack(">IIBBBBB", 12000, 12000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(bomb)
    quad_gltf(tmp_path / "quad.gltf", "bomb.png")
    with pytest.warns(SceneWarning, match=r"images\[0\].*the image has 12000 x 12000 pixels"):
        assert load_scene(tmp_path / "quad.gltf").compiled.images == ()


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
        (lambda h: [a.update(count=5) for a in h["accessors"][:2]], r"accessors\[0\] ends beyond"),
        (lambda h: h["accessors"][0].pop("bufferView"), r"accessors\[0\] is compressed or empty"),
        (lambda h: h["accessors"][1].update(count=3), r"TEXCOORD_0.*3 VEC2; expected 4"),
        (lambda h: h["accessors"][1].update(type="VEC3"), r"TEXCOORD_0.*expected 4 VEC2"),
        (lambda h: h["bufferViews"][0].update(byteLength=10**9), r"bufferViews\[0\] ends beyond"),
        (lambda h: h["buffers"][0].update(byteLength=10**9), r"buffers\[0\]\.byteLength"),
        (lambda h: h["buffers"][0].update(uri="gone.bin"), r"buffers\[0\]\.uri.*missing"),
        (lambda h: h["buffers"][0].update(uri="data:;base64,%%%"), "broken base64"),
        (lambda h: h["buffers"][0].update(uri="data:;base64,ü"), "broken base64"),
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
    with pytest.warns(SceneWarning, match=r"2 storeys, z = 0\.00, 3\.50 m, and bodies walk on"):
        _, report = inspect_mesh(path)
    assert [z for z, _ in report.floors] == pytest.approx([0.0, 3.5], abs=1e-6)
    assert "storey 2 at z = 3.50 m (20 m²)" in str(report)
    [room] = avenv.import_mesh(path, floor=3.5).rooms
    assert (room.name, room.floor, room.height) == ("storey 2", 3.5, pytest.approx(3.0))
    with pytest.raises(SceneError, match=r"floor is 1\.7; the storeys' floors are z = 0.*3\.50 m"):
        avenv.import_mesh(path, floor=1.7)
    moved, report = inspect_mesh(path, floor=3.5, centre=True)
    assert report.moved == pytest.approx((-2.5, -2, -3.5))
    assert moved.rooms[0].floor == 0
    assert_allclose(moved.bounds, [[-2.5, -2, -3.5], [2.5, 2, 3.0]], atol=1e-6)
    assert not any("storeys" in text or "eyes" in text for text in report.warnings)


@pytest.mark.filterwarnings("ignore::avenv.core.errors.SceneWarning")
def test_what_lies_in_another_storey_is_no_goal(tmp_path):
    lower, upper = box((5, 4, 3), (2.5, 2, 1.5), inwards=True), box((5, 4, 3), (2.5, 2, 5), True)
    export({"lower": lower, "upper": upper}, tmp_path / "two.glb", [pbr("oak", WHITE)] * 2)
    sources = "sources: [{position: [2, 3, 4.5], sound: phone}, {position: [2, 3, 1], sound: dog}]"
    (tmp_path / "two.yaml").write_text(f"mesh: two.glb\n{sources}\n")
    world = load_scene(tmp_path / "two.yaml")
    assert (world.walkable.level, world.walkable.above) == pytest.approx((0.0, 3.5))
    up, down = (source.position for source in world.compiled.sources)
    assert standing_point(world, world.walkable, down, 1.25) == pytest.approx(down[:2])
    with pytest.raises(SceneError, match=r"z = 4\.50 m, in another storey"):
        standing_point(world, world.walkable, up, 1.25)
    assert "nobody can walk up to the source 'phone'" in survey(world).warnings


def test_a_mesh_in_map_coordinates_is_offered_to_be_centred(tmp_path):
    far = np.array([412_300.0, 5_655_000.0, 87.0])
    room = box((6, 4, 3), np.add(far, (0, 0, 1.5)), inwards=True)
    lines = ["v {:.3f} {:.3f} {:.3f}".format(*v) for v in room.vertices]
    lines += ["f {} {} {}".format(*(f + 1)) for f in room.faces]
    (tmp_path / "map.obj").write_text("\n".join(lines))
    with pytest.raises(SceneError, match=r"from the origin.*centre=True") as caught:
        avenv.import_mesh(tmp_path / "map.obj", up="Z")
    assert "unit=" not in str(caught.value)
    with pytest.warns(SceneWarning):
        scene, report = inspect_mesh(tmp_path / "map.obj", up="Z", centre=True)
    assert_allclose(scene.bounds, [[-3, -2, 0], [3, 2, 3]], atol=1e-3)
    assert report.moved == pytest.approx(tuple(-far), abs=1e-3)
    assert "moved by -412,300.00, -5,655,000.00, -87.00 m" in str(report)


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
