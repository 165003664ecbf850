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

import avenv
from avenv.core.errors import SceneError, SceneWarning
from avenv.scene.meshes import inspect_mesh
from avenv.simulation.world import (
    load_scene,
)

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
