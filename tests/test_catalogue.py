"""The catalogue of objects: each kind is a sound, seen and touched thing of the size it claims."""

from functools import cache

import numpy as np
import pytest
import shapely
from scipy import sparse

from avenv.core.errors import SceneError
from avenv.scene.catalogue import build_mesh, categories, kind, kind_names
from avenv.scene.furniture import BUILDERS
from avenv.scene.materials import material
from avenv.scene.primitives import (
    along_x,
    along_y,
    ball,
    box,
    cylinder,
    hoop,
    lathe,
    move,
    prism,
    soft_box,
    tube,
    turn,
)  # fmt: skip
from avenv.sounds import KINDS


def sizes(name):
    k = kind(name)
    return [k.size, k.min_size, k.max_size]


@cache
def solids(name, size):
    """Return the closed bodies an object is made of: triangles that hang together by corners."""
    bodies = []
    for part in build_mesh(name, size):
        if not part.sheet:
            places = np.round(part.triangles.reshape(-1, 3).astype(float) * 1e5).astype(np.int64)
            key = places @ [1, 2**20, 2**40]  # one number per place on a grid of 10 microns
            corner = np.unique(key, return_inverse=True)[1].reshape(-1, 3)
            links = (np.ones(corner.size), (np.repeat(np.arange(len(corner)), 3), corner.ravel()))
            table = sparse.csr_array(links)
            label = sparse.csgraph.connected_components(table @ table.T)[1]
            bodies += [
                (part.triangles[label == k].astype(float), corner[label == k])
                for k in range(label.max() + 1)
            ]
    return bodies


@pytest.mark.parametrize("name", kind_names())
def test_row_makes_sense(name):
    k = kind(name)
    assert k.category in categories()
    assert k.mounted in ("floor", "top", "wall", "ceiling")
    heard = {k.sound, k.falls, *(state.sound for state in k.states.values())}
    assert heard <= {None, *KINDS}
    assert all(a <= b <= c for a, b, c in zip(k.min_size, k.size, k.max_size, strict=True))
    for name in k.materials.values():
        material(name)


def test_tables_agree():
    assert set(kind_names()) == set(BUILDERS)
    assert {kind(name).category for name in kind_names()} == set(categories())


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
        for triangles, corner in solids(name, size):
            start, end = corner.ravel(), np.roll(corner, -1, axis=1).ravel()
            ways, count = np.unique(start * 10**6 + end, return_counts=True)
            assert (count == 1).all(), "two faces run along an edge in the same direction"
            assert np.array_equal(ways, np.unique(end * 10**6 + start)), "an edge is open"
            a, b, c = triangles.transpose(1, 0, 2)
            assert np.einsum("nd,nd->", a - a[0], np.cross(b - a[0], c - a[0])) > 0, "inside out"


@pytest.mark.parametrize("name", kind_names())
def test_no_two_solids_share_a_face(name):
    """Faces in one plane that look the same way and overlap would fight for the same pixels."""
    for size in sizes(name):
        bodies = [triangles for triangles, _ in solids(name, size)]
        owner = np.repeat(np.arange(len(bodies)), [len(b) for b in bodies])
        triangles = np.concatenate(bodies)
        a, b, c = triangles.transpose(1, 0, 2)
        normal = np.cross(b - a, c - a)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        offset = np.einsum("nd,nd->n", normal, a)
        planes = {}
        for row, key in enumerate(
            np.round(np.column_stack([normal * 1e3, offset / 5e-4])).tolist()
        ):
            planes.setdefault(tuple(key), []).append(row)
        for rows in planes.values():
            if len(set(owner[rows])) == 1:
                continue
            if normal[rows[0], 2] < -0.99 and abs(offset[rows[0]]) < 1e-6:
                continue  # what stands on the floor is not seen from below
            flat = {}
            axis = int(np.argmax(np.abs(normal[rows[0]])))
            for row in rows:
                polygon = shapely.Polygon(np.delete(triangles[row], axis, axis=1))
                flat.setdefault(owner[row], []).append(polygon)
            faces = [shapely.union_all(polygons) for polygons in flat.values()]
            for k, face in enumerate(faces):
                for other in faces[k + 1 :]:
                    assert face.intersection(other).area < 1e-6, (
                        size,
                        normal[rows[0]],
                        face.bounds,
                    )


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


def test_things_that_differ_in_materials_alone_share_triangles_that_nobody_can_write_to():
    size = (0.41, 0.47, 0.9)
    one, other = build_mesh("chair", size), build_mesh("chair", size, {"seat": "leather"})
    for a, b in zip(one, other, strict=True):
        assert np.shares_memory(a.triangles, b.triangles)
        assert np.shares_memory(a.uv, b.uv)
        with pytest.raises(ValueError, match="read-only"):
            a.triangles[0] = 0.0


def test_unknown_things_are_named_with_what_would_be_accepted():
    with pytest.raises(SceneError, match="no object kind 'armchiar'; did you mean 'armchair'"):
        kind("armchiar")
    with pytest.raises(SceneError, match="chair has no part 'wheels'; known are: frame, seat"):
        build_mesh("chair", materials={"wheels": "oak"})
    with pytest.raises(SceneError, match="no material 'oka'"):
        build_mesh("chair", materials={"seat": "oka"})
    with pytest.raises(SceneError, match=r"chair has size .*accepted are .0.4, 0.36, 0.7. to"):
        build_mesh("chair", (5, 0.5, 0.9))


def volume(mesh):
    """Return the volume inside a closed mesh by the divergence theorem."""
    a, b, c = mesh.transpose(1, 0, 2)
    return np.einsum("nd,nd->", a, np.cross(b, c)) / 6


def polygon_area(sides, radius):
    return sides / 2 * radius**2 * np.sin(2 * np.pi / sides)


@pytest.mark.parametrize(
    ("mesh", "expected"),
    [
        (box((0, 1), (-2, 0), (1, 4)), 6.0),
        (prism([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)], (0, 2)), 6.0),  # an L: concave
        (cylinder((1, 2), 0.5, (0, 3), 8), 3 * polygon_area(8, 0.5)),
        (lathe([(0.5, 0), (0, 1)], 12), polygon_area(12, 0.5) / 3),  # a cone
        (lathe([(1, 0), (1, 1), (0.5, 1), (0.5, 0.5)], 12),  # a bowl
         polygon_area(12, 1) - 0.5 * polygon_area(12, 0.5)),
        (tube([(0, 0, 0), (3, 4, 0)], 0.1, 6), 5 * polygon_area(6, 0.1)),
        (ball((1, 1, 1), (1, 2, 3), 96, 48), 4 / 3 * np.pi * 6),
        (hoop(1.0, 0.1, 96), 2 * np.pi * 0.1**2 / 2),  # Pappus: a square on its corner, turned
        (soft_box((0, 1), (0, 1), (0, 1), 1e-6), 1.0),
    ],
)  # fmt: skip
def test_solids_hold_the_volume_of_their_formula(mesh, expected):
    assert volume(mesh) == pytest.approx(expected, rel=5e-3)
    for moved in (move(mesh, 1, -2, 3), turn(mesh, 0.7, axis=1), along_x(mesh), along_y(mesh)):
        assert volume(moved) == pytest.approx(volume(mesh))


def test_moves_take_the_axes_where_they_say():
    tall = box((0, 1), (0, 2), (0, 3))
    assert along_x(tall).max(axis=(0, 1)) == pytest.approx((3, 1, 2))
    assert along_y(tall).max(axis=(0, 1)) == pytest.approx((2, 3, 1))
    quarter = turn(tall, np.pi / 2)  # x goes to y, y to -x
    assert quarter.min(axis=(0, 1)) == pytest.approx((-2, 0, 0))
    assert quarter.max(axis=(0, 1)) == pytest.approx((0, 1, 3))


@pytest.mark.parametrize("size", sizes("rug"))
def test_a_rugs_field_rises_gently_from_its_border(size):
    """A rim that stands upright, a few millimetres high, is lit from the side: a dark line."""
    [field] = [part for part in build_mesh("rug", size) if part.name == "field"]
    a, b, c = np.moveaxis(field.triangles.astype(float), 1, 0)
    normal = np.cross(b - a, c - a)
    steep = np.abs(normal[:, 2]) / np.linalg.norm(normal, axis=1)
    assert steep.min() > np.cos(np.radians(20))
