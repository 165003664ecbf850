"""What is written as GLB, and what comes back from it."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh
from mesh_support import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    corner_color,
    png,
    quad_gltf,
)
from numpy.testing import assert_allclose

import avenv
from avenv.core.errors import SceneError
from avenv.scene.materials import material
from avenv.simulation.loading import load_scene


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
