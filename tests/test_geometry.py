"""Ray queries: the hits of an independent ray caster, no leaks, and input that is not triangles."""

import numpy as np
import pytest
import trimesh
from support import furnished, shoebox, solid
from trimesh.ray.ray_pyembree import RayMeshIntersector

from avenv.core import parallel
from avenv.geometry import build_bvh, cast_rays, lines_of_sight
from avenv.geometry.bvh import MAX_DEPTH

FLAT = furnished()


def random_rays(number, seed=0):
    rng = np.random.default_rng(seed)
    origins = rng.uniform([0.2, 0.2, 0.1], [9.8, 7.8, 2.6], (number, 3))
    directions = rng.normal(size=(number, 3))
    return origins, directions / np.linalg.norm(directions, axis=1, keepdims=True)


def depth_of(bvh):
    depth = np.ones(len(bvh.child), int)
    for node in range(len(depth)):  # children stand behind their parents
        children = bvh.child[node][np.isfinite(bvh.boxes[node, 0])]
        depth[children[children > 0]] = depth[node] + 1
    return depth.max()


def test_hits_agree_with_embree():
    origins, directions = random_rays(10_000)
    distance, triangle = cast_rays(FLAT.bvh, origins, directions)
    mesh = trimesh.Trimesh(**trimesh.triangles.to_kwargs(FLAT.triangles), process=False)
    embree = RayMeshIntersector(mesh, scale_to_box=False)
    expected, ray, place = embree.intersects_id(
        origins, directions, multiple_hits=False, return_locations=True
    )
    assert set(ray) == set(np.flatnonzero(np.isfinite(distance)))
    np.testing.assert_allclose(
        distance[ray], np.linalg.norm(place - origins[ray], axis=1), atol=1e-4
    )
    # Some solids of the flat share faces; there the two may name different triangles.
    assert np.mean(triangle[ray] == expected) > 0.99


def test_lines_of_sight_agree_with_the_closest_hit():
    starts, _ = random_rays(5_000, seed=1)
    ends, _ = random_rays(5_000, seed=2)
    distance, _ = cast_rays(FLAT.bvh, starts, ends - starts)
    clear = lines_of_sight(FLAT.bvh, starts, ends)
    assert 0.1 < clear.mean() < 0.9
    np.testing.assert_array_equal(clear, distance > np.linalg.norm(ends - starts, axis=1))


@pytest.mark.parametrize("shape", ["box", "ball"])
def test_rays_at_edges_and_corners_never_leak(shape):
    mesh = (
        solid((5.0, 4.0, 3.0), (2.5, 2.0, 1.5)) if shape == "box" else trimesh.creation.icosphere(2)
    )
    bvh = build_bvh(mesh.triangles)
    corners = mesh.triangles.astype(np.float32).astype(float)
    share = np.linspace(0, 1, 33)[:, None, None, None]
    targets = ((1 - share) * corners + share * np.roll(corners, -1, axis=1)).reshape(-1, 3)
    rng = np.random.default_rng(3)
    for start in mesh.centroid + rng.uniform(-0.3, 0.3, (20, 3)):
        starts = np.broadcast_to(start, targets.shape)
        distance, triangle = cast_rays(bvh, starts, targets - starts)
        assert triangle.min() >= 0
        np.testing.assert_allclose(distance, np.linalg.norm(targets - starts, axis=1), atol=1e-5)


def test_rays_along_the_axes_hit_flat_walls():
    bvh = shoebox((5.0, 4.0, 3.0)).bvh
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    distance, _ = cast_rays(bvh, np.tile([1.0, 1.0, 1.0], (6, 1)), 3.0 * axes)
    np.testing.assert_allclose(distance, [4, 3, 2, 1, 1, 1], atol=1e-6)


def test_a_surface_at_either_end_does_not_block_the_view():
    bvh = shoebox((5.0, 4.0, 3.0)).bvh
    wall, opposite, outside = (0.0, 1.0, 1.0), (5.0, 2.0, 1.5), (5.1, 2.0, 1.5)
    clear = lines_of_sight(bvh, [wall, wall, wall], [opposite, outside, wall])
    np.testing.assert_array_equal(clear, [True, False, True])


def test_max_distance_ends_a_ray():
    bvh = shoebox((5.0, 4.0, 3.0)).bvh
    distance, triangle = cast_rays(bvh, [[1, 1, 1]], [[1, 0, 0]], max_distance=3.9)
    assert distance[0] == np.inf
    assert triangle[0] == -1


def test_no_triangles_and_triangles_without_area_are_never_hit():
    point = np.ones((1, 3, 3))
    line = np.array([[[0, 0, 0], [1, 1, 1], [2, 2, 2]]], float)
    for triangles in (np.zeros((0, 3, 3)), point, line):
        distance, triangle = cast_rays(build_bvh(triangles), [[1, 1, 0]], [[0, 0, 1]])
        assert distance[0] == np.inf
        assert triangle[0] == -1
    both = np.concatenate([line, [[[0, 0, 3], [3, 0, 3], [0, 3, 3]]]])
    distance, triangle = cast_rays(build_bvh(both), [[1, 1, 0]], [[0, 0, 1]])
    assert distance[0] == pytest.approx(3.0)
    assert triangle[0] == 1


@pytest.mark.parametrize("spread", ["same place", "each half as far"])
def test_awkward_triangles_make_a_tree_of_bounded_depth(spread):
    triangles = np.tile(np.eye(3, dtype=np.float32), (5_000, 1, 1))
    if spread == "each half as far":
        triangles = triangles[:120] * 2.0 ** -np.arange(120, dtype=np.float32)[:, None, None]
        triangles = triangles[np.linalg.norm(triangles, axis=(1, 2)) > 1e-15]
    bvh = build_bvh(triangles)
    assert depth_of(bvh) < MAX_DEPTH
    _, triangle = cast_rays(bvh, [[2, 2, 2]], [[-1, -1, -1]])
    assert triangle[0] >= 0


def test_results_do_not_depend_on_the_thread_count():
    origins, directions = random_rays(10_000, seed=4)
    results = []
    for threads in (1, 2):
        parallel.set_num_threads(threads)
        results.append(cast_rays(FLAT.bvh, origins, directions))
    parallel.set_num_threads(None)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("origins", "directions", "message"),
    [
        ([[0, 0, np.nan]], [[1, 0, 0]], r"origins\[0\] is not finite"),
        ([[0, 0, 0]], [[np.inf, 0, 0]], r"directions\[0\] is not finite"),
        ([[0, 0, 0]], [[0, 0, 0]], r"directions\[0\] is zero"),
        ([[0, 0, 0]], [[1, 0, 0], [0, 1, 0]], "both must be"),
        ([[0, 0]], [[1, 0]], "both must be"),
    ],
)
def test_rays_that_are_none_are_refused(origins, directions, message):
    with pytest.raises(ValueError, match=message):
        cast_rays(FLAT.bvh, origins, directions)


def test_triangles_that_are_none_are_refused():
    broken = np.zeros((3, 3, 3))
    broken[2, 1, 0] = np.nan
    with pytest.raises(ValueError, match="triangle 2 has a coordinate that is not finite"):
        build_bvh(broken)
    with pytest.raises(ValueError, match=r"\(T, 3, 3\) is needed"):
        build_bvh(np.zeros((3, 3)))
