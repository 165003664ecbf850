"""Rooms are closed shells that openings join: no cracks, right volumes, right positions."""

import numpy as np
import pytest
import trimesh
from numpy.testing import assert_allclose

from avenv.geometry import cast_rays
from avenv.scene import CATEGORIES, SceneSpec, compile_scene
from avenv.scene.plan import counter_clockwise, inset, triangulate

T = 0.12  # default wall thickness
BUILT = ("floor", "ceiling", "wall", "window")

L_SHAPE = [[0, 0], [4, 0], [4, 3], [2, 3], [2, 5], [0, 5]]


def mesh_of(scene, kinds=BUILT):
    chosen = [k for k, thing in enumerate(scene.objects) if thing.kind in kinds]
    triangles = scene.triangles[np.isin(scene.object, chosen)]
    return trimesh.Trimesh(**trimesh.triangles.to_kwargs(triangles))


def three_rooms(turn=0.0, **door):
    """Return an L-shaped room, one that fills its corner, and a raised one along both."""
    c, s = np.cos(turn), np.sin(turn)

    def at(*points):
        return (np.array(points, float) @ [[c, s], [-s, c]]).tolist()

    return SceneSpec.from_dict({
        "name": "three",
        "rooms": [
            {"name": "a", "polygon": at(*L_SHAPE)},
            {"name": "b", "polygon": at((4, 0), (4, 5), (7, 5), (7, 0)),
             "height": 2.4, "elevation": 0.1},
            {"name": "c", "polygon": at((2, 3), (4, 3), (4, 5), (2, 5))},
        ],
        "doors": [
            {"between": ["a", "b"], "position": at((4, 1.5))[0], **door},
            {"between": ["b", "c"], "kind": "passage", "height": 2.4},
            {"between": ["c", "a"], "position": at((2, 4))[0], "into": "a", **door},
        ],
        "windows": [
            {"room": "a", "position": at((0, 2))[0]},
            {"room": "a", "position": at((0, 3.5))[0], "height": 0.5, "sill": 1.6},
            {"room": "b", "position": at((7, 2))[0], "sill": 0, "height": 2.4},
        ],
    })  # fmt: skip


@pytest.mark.parametrize("turn", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("kind", ["door", "passage"])
def test_the_shell_is_closed(turn, kind):
    mesh = mesh_of(compile_scene(three_rooms(turn, kind=kind)))
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    # Clear areas by hand: outlines less T per run, times the heights.
    rooms = (3.88 * 4.88 - 2 * 2) * 2.6 + 2.88 * 4.88 * 2.4 + 1.88 * 1.88 * 2.6
    tunnels = 0.9 * T * (2.05 + 2.4 + 2.05)
    niches = 1.2 * T / 2 * (1.2 + 0.5 + 2.4)
    assert mesh.volume == pytest.approx(-(rooms + tunnels + niches), rel=1e-5)
    assert mesh.area_faces.min() > 1e-3  # no slivers


def test_no_ray_escapes():
    scene = compile_scene(three_rooms(0.3, kind="passage"))
    rng = np.random.default_rng(0)
    room = scene.rooms[0]
    origin = np.array([*room.polygon[:3].mean(axis=0), 1.0])
    directions = rng.normal(size=(20_000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    corners = mesh_of(scene).vertices - origin  # right at the edges, where cracks would be
    directions = np.concatenate([directions, corners / np.linalg.norm(corners, axis=1)[:, None]])
    origins = np.broadcast_to(origin, directions.shape)
    distance, _ = cast_rays(scene.bvh, origins.copy(), directions)
    assert np.all(np.isfinite(distance))


def test_surfaces_face_the_air():
    scene = compile_scene(three_rooms())
    names = [thing.name for thing in scene.objects]
    floor, ceiling = (scene.object == names.index(n) for n in ("a/floor", "a/ceiling"))
    assert_allclose(scene.normals[floor], [[0, 0, 1]] * floor.sum())
    assert_allclose(scene.normals[ceiling], [[0, 0, -1]] * ceiling.sum())
    pane = scene.object == names.index("b-window")
    assert_allclose(scene.normals[pane], [[-1, 0, 0]] * pane.sum(), atol=1e-6)
    assert_allclose(scene.triangles[pane][..., 0], 7.0)  # on the centre line
    walls = scene.object == names.index("c/walls")
    middle = np.array([3, 4, 1.3])
    inward = middle - scene.triangles[walls].mean(axis=1)
    assert np.all(np.einsum("td,td->t", inward, scene.normals[walls]) > 0)


def test_texture_coordinates_are_metres():
    scene = compile_scene(three_rooms(0.3))
    edges = np.roll(scene.triangles, -1, axis=1) - scene.triangles
    uv_edges = np.roll(scene.uv, -1, axis=1) - scene.uv
    lengths = np.linalg.norm(edges, axis=2)
    there = np.any(scene.normals, axis=1)  # a door has no leaf in both of its places
    assert_allclose(np.linalg.norm(uv_edges, axis=2)[there], lengths[there], atol=1e-4)


def test_every_kind_has_its_category():
    scene = compile_scene(three_rooms())
    part_of = {"frame": "window", "skirting": "wall"}
    for thing in scene.objects:
        assert CATEGORIES[thing.category] == part_of.get(thing.kind, thing.kind)
    assert CATEGORIES[:6] == ("void", "floor", "ceiling", "wall", "door", "window")


def blocked(scene, start, end):
    """Return whether anything is between two points."""
    ray = np.subtract(end, start)
    length = np.linalg.norm(ray)
    distance, _ = cast_rays(scene.bvh, np.array([start], float), ray[None] / length)
    return distance[0] < length


def test_doors_open_and_close():
    through = ((3, 1.5, 1), (5, 1.5, 1))
    assert not blocked(compile_scene(three_rooms()), *through)
    shut = compile_scene(three_rooms(state="closed"))
    assert blocked(shut, *through)
    # Not even along the rim of the leaf is there a gap.
    rim = [(y, z) for y in (1.0501, 1.9499) for z in np.linspace(0.101, 2.149, 9)]
    assert all(blocked(shut, (3.5, y, z), (4.5, y, z)) for y, z in rim)


@pytest.mark.parametrize(
    ("hinge", "into", "x", "y"),
    [
        # Seen from a, looking along +x, left is +y; the leaf hangs beside the opening.
        ("left", "a", (3.035, 3.935), (1.95, 1.99)),
        ("right", "a", (3.035, 3.935), (1.01, 1.05)),
        ("left", "b", (4.065, 4.965), (1.01, 1.05)),
        ("right", "b", (4.065, 4.965), (1.95, 1.99)),
    ],
)
def test_an_open_leaf_hangs_beside_its_opening(hinge, into, x, y):
    spec = three_rooms().to_dict()
    spec["doors"][0] |= {"hinge": hinge, "into": into}
    scene = compile_scene(SceneSpec.from_dict(spec))
    number = [thing.name for thing in scene.objects].index("a-b")
    there = (scene.object == number) & np.any(scene.normals, axis=1)
    handle = scene.surface == scene.surfaces.names.index("steel")
    leaf = scene.triangles[there & ~handle].reshape(-1, 3)
    grip = scene.triangles[there & handle].reshape(-1, 3)
    free_end = x[0] if into == "a" else x[1]
    assert grip[:, 0].mean() == pytest.approx(free_end, abs=0.15)
    assert_allclose((grip[:, 1].min() + grip[:, 1].max()) / 2, np.mean(y), atol=1e-5)
    assert_allclose(leaf[:, 0].min(), x[0], atol=1e-5)
    assert_allclose(leaf[:, 0].max(), x[1], atol=1e-5)
    assert_allclose(leaf[:, 1].min(), y[0], atol=1e-5)
    assert_allclose(leaf[:, 1].max(), y[1], atol=1e-5)


def test_inset_moves_every_side():
    clear = inset(np.array(L_SHAPE, float), 0.1)
    assert_allclose(clear, [[0.1, 0.1], [3.9, 0.1], [3.9, 2.9], [1.9, 2.9], [1.9, 4.9], [0.1, 4.9]])


def test_needless_corners_go():
    square = [[0, 0], [0, 1], [0, 2], [2, 2], [2, 0], [1, 0], [0, 0]]
    assert_allclose(counter_clockwise(square), [[0, 0], [2, 0], [2, 2], [0, 2]])


@pytest.mark.parametrize("seed", range(5))
def test_triangles_fill_a_polygon_and_use_its_corners(seed):
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 20))
    star = rng.uniform(0.5, 2, 20)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    polygon = np.stack([star, (star + np.roll(star, -1, axis=0)) / 2], axis=1).reshape(-1, 2)
    cut = triangulate(polygon)
    assert cut.shape == (38, 3)
    assert set(cut.ravel()) == set(range(40))
    areas = np.linalg.det(polygon[cut[:, 1:]] - polygon[cut[:, :1]]) / 2
    assert np.all(areas > 0)
    x, y = polygon.T
    assert_allclose(areas.sum(), (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
