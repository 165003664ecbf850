"""The catalogue of objects: each kind is a sound, seen and touched thing of the size it claims."""

import numpy as np
import pytest
import shapely
import trimesh

from avenv.errors import SceneError
from avenv.scene.catalogue import build_mesh, categories, kind, kind_names
from avenv.scene.furniture import BUILDERS
from avenv.scene.materials import material

BUILTIN_SOUNDS = {
    "phone", "alarm_clock", "smoke_alarm", "doorbell", "kettle", "tap", "fan", "washing_machine",
    "vacuum_cleaner", "microwave", "clock", "music_box", "piano", "dog", "cat", "baby", "tv", "radio",
    "fridge", "shower",
}  # fmt: skip


def sizes(name):
    k = kind(name)
    return [k.size, k.min_size, k.max_size]


def components(part):
    """Split a part's triangles into the solids it is made of, by the corners they share."""
    mesh = trimesh.Trimesh(
        part.triangles.reshape(-1, 3), np.arange(3 * len(part.triangles)).reshape(-1, 3)
    )
    mesh.merge_vertices(digits_vertex=6)
    return mesh.split(only_watertight=False)


def solids(parts):
    return [solid for part in parts if not part.sheet for solid in components(part)]


@pytest.mark.parametrize("name", kind_names())
def test_row_makes_sense(name):
    k = kind(name)
    assert k.category in categories()
    assert k.mounted in ("floor", "top", "wall", "ceiling")
    assert k.sound is None or k.sound in BUILTIN_SOUNDS
    assert all(a <= b <= c for a, b, c in zip(k.min_size, k.size, k.max_size, strict=True))
    for name in k.materials.values():
        material(name)


def test_every_kind_has_a_builder_and_every_builder_a_kind():
    assert set(kind_names()) == set(BUILDERS)


@pytest.mark.parametrize("name", kind_names())
def test_mesh_fills_its_size(name):
    for size in sizes(name):
        corners = np.concatenate([p.triangles.reshape(-1, 3) for p in build_mesh(name, size)])
        x, y, z = size
        low, high = corners.min(axis=0), corners.max(axis=0)
        assert low == pytest.approx((-x / 2, -y / 2, 0), abs=1e-3), size
        assert high == pytest.approx((x / 2, y / 2, z), abs=1e-3), size


@pytest.mark.parametrize("name", kind_names())
def test_mesh_is_made_of_closed_solids_that_face_outwards(name):
    for size in sizes(name):
        for solid in solids(build_mesh(name, size)):
            assert solid.is_watertight, (size, solid.bounds)
            assert solid.is_winding_consistent, (size, solid.bounds)
            assert solid.volume > 0, (size, solid.bounds)


@pytest.mark.parametrize("name", kind_names())
def test_no_two_solids_share_a_face(name):
    """Faces in one plane that look the same way and overlap would fight for the same pixels."""
    for size in sizes(name):
        planes = {}
        for number, solid in enumerate(solids(build_mesh(name, size))):
            for normal, triangle in zip(solid.face_normals, solid.triangles, strict=True):
                offset = round(float(normal @ triangle[0]) / 5e-4)
                axis = int(np.argmax(np.abs(normal)))
                key = (*np.round(normal, 3), offset)
                flat = shapely.Polygon(np.delete(triangle, axis, axis=1))
                planes.setdefault(key, {}).setdefault(number, []).append(flat)
        for key, faces in planes.items():
            if key[2] < -0.99 and key[3] == 0:
                continue  # what stands on the floor is not seen from below
            merged = [shapely.union_all(f) for f in faces.values()]
            for k, face in enumerate(merged):
                for other in merged[k + 1 :]:
                    assert face.intersection(other).area < 1e-6, (size, key, face.bounds)


@pytest.mark.parametrize("name", kind_names())
def test_mesh_is_light_and_textured_in_metres(name):
    parts = build_mesh(name)
    assert 12 <= sum(len(p.triangles) for p in parts) <= 1500
    for part in parts:
        assert part.triangles.dtype == part.uv.dtype == np.float32
        assert part.uv.shape == (len(part.triangles), 3, 2)
        edge, flat = (np.roll(a, 1, axis=1) - a for a in (part.triangles, part.uv))
        lengths = np.linalg.norm(edge, axis=2)
        assert np.linalg.norm(flat, axis=2) == pytest.approx(lengths, abs=1e-5)


def test_parts_take_other_materials():
    default, other = build_mesh("chair"), build_mesh("chair", materials={"seat": "leather"})
    assert [p.material for p in default] == ["oak", "fabric"]
    assert [p.material for p in other] == ["oak", "leather"]
    assert np.array_equal(default[1].triangles, other[1].triangles)


def test_unknown_things_are_named_with_what_would_be_accepted():
    with pytest.raises(SceneError, match="unknown object kind 'armchiar'; did you mean armchair"):
        kind("armchiar")
    with pytest.raises(SceneError, match="chair has no part 'wheels'; it has frame, seat"):
        build_mesh("chair", materials={"wheels": "oak"})
    with pytest.raises(SceneError, match="unknown material 'oka'"):
        build_mesh("chair", materials={"seat": "oka"})
    with pytest.raises(SceneError, match=r"chair has size .*accepted are .0.4, 0.36, 0.7. to"):
        build_mesh("chair", (5, 0.5, 0.9))
