"""Pictures against an independent ray caster, against geometry by hand, and against themselves."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from numba.core.runtime import _nrt_python as _nrt
from numba.core.runtime import rtsys
from support import from_meshes, furnished, shoebox, solid, surfaces, two_rooms

from avenv.core import parallel
from avenv.core.frames import body_rotation
from avenv.vision import Optics, make_renderer, prepare, render_view
from avenv.vision.raster.corners import share_corners
from avenv.vision.raster.hierarchy import CLUSTER_SIZE, LANES, split

SIZE = (96, 72)

POSES = [  # position, heading, pitch
    ((2.0, 2.0, 1.5), 0.3, 0.0),
    ((2.0, 2.5, 0.4), 2.4, 0.5),
    ((7.5, 1.2, 1.8), -2.0, -0.7),
    ((2.5, 0.6, 1.2), -1.7, 0.2),
    ((0.12, 3.0, 1.0), 0.9, 0.0),  # 2 cm and less from the wall at x = 0.1, looking along it
    ((3.9, 2.03, 1.2), 0.05, -1.2),
]


def rays(position, heading, pitch, size, hfov):
    """Return origins and directions (H * W, 3), with a unit part along the optical axis."""
    width, height = size
    half = np.tan(hfov / 2)
    column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    left, up = half * (1 - 2 * column / width), half * (height - 2 * row) / width
    body = np.stack([np.ones_like(left), left, up], axis=-1).reshape(-1, 3)
    directions = body @ body_rotation(heading, pitch).T
    return np.broadcast_to(np.asarray(position, float), directions.shape), directions


def cast(scene, pose):
    """Return depth (H, W), 0 for nothing, and triangle (H, W) of Embree's first frontal hits."""
    corners = scene.triangles.reshape(-1, 3).astype(float)
    mesh = trimesh.Trimesh(corners, np.arange(len(corners)).reshape(-1, 3), process=False)
    origins, directions = rays(*pose, SIZE, np.radians(90))
    caster = trimesh.ray.ray_pyembree.RayMeshIntersector(mesh)
    triangle, ray, points = caster.intersects_id(
        origins, directions, return_locations=True, multiple_hits=True
    )
    front = np.einsum("id,id->i", scene.normals[triangle], directions[ray]) < 0
    triangle, ray, points = triangle[front], ray[front], points[front]
    depth = (points - origins[ray]) @ body_rotation(*pose[1:])[:, 0]
    depths, hit = np.zeros(len(origins)), np.full(len(origins), -1)
    for k in np.argsort(-depth):
        if depth[k] > 0:
            depths[ray[k]], hit[ray[k]] = depth[k], triangle[k]
    return depths.reshape(SIZE[::-1]), hit.reshape(SIZE[::-1])


def smooth(depth):
    """Mask the pixels whose neighbours lie at much the same depth: no silhouette runs there."""
    flat = np.ones(depth.shape, bool)
    for axis in (0, 1):
        for step in (-1, 1):
            flat &= np.abs(depth - np.roll(depth, step, axis)) < 0.1 + 0.05 * depth
    return flat


@pytest.mark.parametrize("scene", [furnished(), two_rooms()], ids=["furnished", "two_rooms"])
def test_depth_and_semantics_agree_with_a_ray_caster(scene):
    inside = [p for p in POSES if (np.array(p[0][:2]) < scene.bounds[1, :2]).all()]
    agree = total = same = 0
    for pose in inside:
        depth, hit = cast(scene, pose)
        view = render_view(scene, *pose, size=SIZE)
        kept = smooth(depth)
        agree += np.sum(np.abs(view["depth"][..., 0] - np.minimum(depth, 10))[kept] < 1e-3)
        category = np.where(hit >= 0, scene.category[hit], 0)
        same += np.sum((view["semantic"][..., 0] == category)[kept])
        total += kept.sum()
    assert total > 0.7 * len(inside) * SIZE[0] * SIZE[1]
    assert agree >= 0.999 * total
    assert same >= 0.999 * total


@pytest.mark.parametrize("hfov", [40.0, 90.0, 140.0])
def test_a_wall_straight_ahead_has_one_depth(hfov):
    view = render_view(shoebox((5, 40, 30)), (1.5, 20, 15), hfov=hfov, size=(33, 17))
    np.testing.assert_allclose(view["depth"], 3.5, rtol=1e-5)
    assert view["depth"].shape == (17, 33, 1)


def test_left_is_left_and_up_is_up():
    places = {1: (2, 1, 0), 2: (2, -1, 0), 3: (2, 0, 1), 4: (2, 0, -1)}
    scene = from_meshes([solid((0.5, 0.5, 0.5), p) for p in places.values()], surfaces((0.1, 0, 0)))
    seen = render_view(scene, (0, 0, 0), size=(64, 64))["semantic"][..., 0]
    row, column = np.mgrid[:64, :64] - 31.5
    assert (column[seen == 1] < 0).all()
    assert (column[seen == 2] > 0).all()
    assert (row[seen == 3] < 0).all()
    assert (row[seen == 4] > 0).all()
    assert set(np.unique(seen)) == {0, 1, 2, 3, 4}


def test_the_pictures_of_one_view_show_the_same_triangles():
    colors = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]], np.float32)
    table = surfaces(*[(0.1, 0, 0)] * 3)
    table.color[:] = colors
    boxes = [solid((0.5, 1, 1), (x, y, 0.5)) for x, y in ((2, 0.4), (3, -0.4), (4, 2.2))]
    scene = from_meshes(boxes, table, rows=[0, 1, 2])
    view = render_view(scene, (0, 0, 0.7), size=(80, 60))
    category = view["semantic"][..., 0]
    np.testing.assert_array_equal(view["rgb"].argmax(axis=-1)[category > 0],
                                  category[category > 0] - 1)  # fmt: skip
    np.testing.assert_array_equal(view["depth"][..., 0] > 0, category > 0)
    assert not view["rgb"][category == 0].any()
    assert set(np.unique(category)) == {0, 1, 2, 3}


def test_walls_of_different_direction_differ():
    view = render_view(shoebox((4, 4, 3)), (2, 2, 1.5), heading=np.pi / 4, size=(64, 64))
    left, right, floor, ceiling = (view["rgb"][p].astype(int).sum()
                                   for p in ((32, 2), (32, 61), (63, 32), (0, 32)))  # fmt: skip
    assert len({left, right, floor, ceiling}) == 4
    assert floor > ceiling


def test_nothing_is_hit_in_the_open():
    scene = from_meshes([solid((1, 1, 1), (3, 0, 0))], surfaces((0.1, 0, 0)))
    view = render_view(scene, (0, 0, 0), heading=np.pi)
    assert not any(picture.any() for picture in view.values())


def test_instances_are_rows_of_the_objects():
    boxes = [solid((0.5, 1, 1), (2, y, 0.5)) for y in (1.2, 0, -1.2)]
    scene = from_meshes(boxes, surfaces((0.1, 0, 0)))
    view = render_view(scene, (0, 0, 0.5), size=(60, 40), sensors=["instance", "semantic"])
    assert set(view) == {"instance", "semantic"}
    assert view["instance"].dtype == np.int32
    # from_meshes gives object k the category k + 1, which is what an instance is called
    np.testing.assert_array_equal(view["instance"], view["semantic"])
    assert [view["instance"][20, c, 0] for c in (10, 30, 50)] == [1, 2, 3]


@pytest.mark.parametrize(("heading", "pitch"), [(0.0, 0.0), (0.4, 0.1), (-0.5, -0.1)])
def test_normals_are_those_of_the_walls_in_the_cameras_axes(heading, pitch):
    view = render_view(shoebox((4, 4, 3)), (2, 2, 1.5), heading, pitch, size=(64, 64), hfov=100.0,
                       sensors=["normal", "depth"])  # fmt: skip
    assert view["normal"].dtype == np.float32
    world = view["normal"] @ body_rotation(heading, pitch).T
    np.testing.assert_allclose(world[32, 32], [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(world[63, 32], [0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(world[0, 32], [0, 0, -1], atol=1e-6)
    assert np.abs(view["normal"]).max() <= 1
    # The depths of the centre's neighbours lie on the plane that the normal says.
    ahead, left, up = view["normal"][32, 32]
    focal = 32 / np.tan(np.radians(50))
    column = np.arange(28, 37)
    ray = ahead + left * (31.5 - column) / focal + up * -0.5 / focal
    np.testing.assert_allclose(view["depth"][32, column, 0] * ray, -2.0, rtol=1e-4)


def test_the_back_of_a_sheet_is_turned_to_the_camera():
    scene = from_meshes([solid((2, 2, 2), (0, 0, 0))], surfaces((0.1, 0, 0)))
    scene.double_sided[:] = True
    view = render_view(scene, (0, 0, 0), sensors=["normal"], size=(9, 9))
    np.testing.assert_allclose(view["normal"][4, 4], [-1, 0, 0], atol=1e-6)


def test_depth_is_clipped_at_ten_metres():
    view = render_view(shoebox((30, 10, 10)), (1, 5, 5), hfov=20.0)
    np.testing.assert_array_equal(view["depth"], 10.0)


@pytest.mark.parametrize("double_sided", [False, True])
def test_only_sheets_are_seen_from_behind(double_sided):
    scene = from_meshes([solid((2, 2, 2), (0, 0, 0))], surfaces((0.1, 0, 0)))
    scene.double_sided[:] = double_sided
    view = render_view(scene, (0, 0, 0), size=(16, 16))
    np.testing.assert_allclose(view["depth"], 1.0 if double_sided else 0.0, rtol=1e-5)


def test_a_closed_room_has_no_cracks_at_ten_thousand_poses():
    room, mesh = solid((3, 4, 2.5), (0, 0, 0)), solid((3, 4, 2.5), (0, 0, 0))
    for _ in range(4):
        mesh = mesh.subdivide()
    bumpy = trimesh.creation.icosphere(4, 1.0)
    bumpy.apply_scale((2.0, 3.0, 1.1))
    rng = np.random.default_rng(3)
    # The walls of the bare room reach through the near plane of every camera in it.
    for shell, poses, share in ((room, 6000, 0.96), (mesh, 3000, 0.95), (bumpy, 1000, 0.55)):
        shell.invert()
        raster = prepare(from_meshes([shell], surfaces((0.1, 0, 0))))
        renderer = make_renderer(poses, Optics((21, 15), hfov=100), ["semantic"])
        positions = rng.uniform(-0.5, 0.5, (poses, 3)) * shell.extents * share
        rotations = body_rotation(rng.uniform(-np.pi, np.pi, poses), rng.uniform(-1.5, 1.5, poses))
        renderer.draw([raster], np.zeros(poses, int), positions, rotations)
        assert (renderer.pictures["semantic"] == 1).all()


def test_triangles_without_area_change_nothing():
    scene = furnished(things=20)
    thin = scene.triangles[:50].copy()
    thin[:, 2] = (thin[:, 0] + thin[:, 1]) / 2
    thin[::2, 1] = thin[::2, 0]
    rows = np.r_[np.arange(50), np.arange(len(scene.triangles))]
    more = replace(
        scene, triangles=np.concatenate([thin, scene.triangles]), uv=scene.uv[rows],
        surface=scene.surface[rows], object=scene.object[rows],
        double_sided=scene.double_sided[rows],
    )  # fmt: skip
    for pose in POSES[:3]:
        expected, view = (render_view(s, *pose, size=SIZE) for s in (scene, more))
        np.testing.assert_array_equal(view["semantic"], expected["semantic"])
        np.testing.assert_allclose(view["depth"], expected["depth"], atol=1e-4)


def test_drawing_allocates_scratch_once_per_job_and_nothing_per_picture():
    _nrt.memsys_enable_stats()
    raster = prepare(furnished())

    def allocations(cameras):
        renderer = make_renderer(cameras, Optics((64, 64)), ["rgb", "depth"])
        poses = np.tile([2.0, 2.0, 1.5], (cameras, 1)), np.tile(np.eye(3), (cameras, 1, 1))
        renderer.draw([raster], np.zeros(cameras, int), *poses)
        before = rtsys.get_allocation_stats().alloc
        renderer.draw([raster], np.zeros(cameras, int), *poses)
        return rtsys.get_allocation_stats().alloc - before

    # Two cameras are one job: the second needs nothing that the first has not had.
    assert allocations(2) == allocations(1) > 0


def test_results_depend_on_neither_threads_nor_batch():
    scenes = [prepare(furnished()), prepare(two_rooms())]
    rng = np.random.default_rng(1)
    n = 7
    scene_of = rng.integers(0, 2, n)
    positions = rng.uniform(0.5, 3.5, (n, 3)) * [1, 1, 0.5]
    rotations = body_rotation(rng.uniform(-3, 3, n), rng.uniform(-0.5, 0.5, n))

    def draw(threads, rows):
        renderer = make_renderer(len(rows), Optics((41, 30)), ["rgb", "depth", "semantic"])
        parallel.set_num_threads(threads)
        try:
            renderer.draw(scenes, scene_of[rows], positions[rows], rotations[rows])
        finally:
            parallel.set_num_threads(None)
        return renderer.pictures

    expected = draw(1, range(n))
    for rows in (range(n), range(n)[::-1], *([k] for k in range(n))):
        for name, picture in draw(2, rows).items():
            np.testing.assert_array_equal(picture, expected[name][rows])


def test_only_sensors_asked_for_are_drawn():
    pictures = make_renderer(4, Optics((32, 20)), ["depth", "normal"]).pictures
    assert {name: picture.shape for name, picture in pictures.items()} == {
        "depth": (4, 20, 32, 1),
        "normal": (4, 20, 32, 3),
    }


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"hfov": 180.0}, "hfov"),
        ({"hfov": 0.0}, "hfov"),
        ({"hfov": float("nan")}, "hfov"),
        ({"size": (0, 5)}, "width"),
        ({"size": (5, 100_000)}, "height"),
        ({"sensors": ["sonar"]}, "sonar"),
        ({"position": (0, np.nan, 0)}, "position"),
        ({"position": (0, 0)}, "position"),
        ({"heading": np.inf}, "heading"),
        ({"pitch": np.nan}, "pitch"),
    ],
)
def test_wrong_arguments_are_named(change, word):
    with pytest.raises(ValueError, match=word):
        render_view(**({"scene": shoebox(), "position": (2, 2, 1)} | change))


def test_wrong_batches_are_named():
    renderer = make_renderer(2, Optics((8, 8)), ["rgb"])
    poses = np.ones((2, 3)), np.tile(np.eye(3), (2, 1, 1))
    good = {"scene_of": [0, 0], "positions": poses[0], "rotations": poses[1]}
    bad = {"scene_of": [0, 1], "positions": np.ones(3), "rotations": np.full((2, 3, 3), np.nan)}
    for name, value in bad.items():
        with pytest.raises(ValueError, match=name):
            renderer.draw([prepare(shoebox())], **(good | {name: value}))
    with pytest.raises(ValueError, match="n is 0"):
        make_renderer(0, Optics(), ["rgb"])


def halves(members, points):
    """Yield the clusters that halving at the median makes, by NumPy's own stable sort."""
    if len(members) <= CLUSTER_SIZE:
        yield members
        return
    block = CLUSTER_SIZE * 8 ** int(np.ceil(np.log(len(members) / CLUSTER_SIZE) / np.log(8)) - 1)
    axis = np.argmax(np.ptp(points[members], axis=0))
    ordered = members[np.argsort(points[members, axis], kind="stable")]
    left = -(-len(members) // (2 * block)) * block
    yield from halves(ordered[:left], points)
    yield from halves(ordered[left:], points)


@pytest.mark.parametrize("number", [1, 32, 33, 97, 1000, 3000])
def test_clusters_are_halves_of_halves(number):
    rng = np.random.default_rng(number)
    points = rng.normal(size=(number + 9, 3)).round(1).astype(np.float32)  # many are equal
    points[::5] *= np.float32(-0.0)
    members = np.sort(rng.permutation(number + 9)[:number])
    order, sizes = split(members, points)
    expected = list(halves(members, points))
    np.testing.assert_array_equal(order, np.concatenate(expected))
    assert sizes[: len(expected)].tolist() == list(map(len, expected))
    assert len(sizes) % 8 == 0
    assert not sizes[len(expected) :].any()


def test_clusters_have_each_corner_once_and_boxes_that_fit():
    triangles = np.random.default_rng(0).integers(-2, 3, (70, 3, 3)).astype(np.float32)
    sizes = np.array([32, 32, 6, 0])
    vertices, corners, first, low, high = share_corners(triangles, sizes)
    vectors, ends = vertices.reshape(-1, LANES), np.cumsum(sizes)
    for c in range(3):
        own = vectors[3 * first[c] : 3 * first[c + 1]].reshape(3, -1).T
        some = slice(ends[c] - sizes[c], ends[c])
        np.testing.assert_array_equal(own[corners.T[some]], triangles[some])
        used = own[: corners.T[some].max() + 1]
        assert len(np.unique(used, axis=0)) == len(used)
        assert len(own) - len(used) < LANES
        np.testing.assert_array_equal([low[c], high[c]], [used.min(axis=0), used.max(axis=0)])
    assert (low[3] > high[3]).all()
    assert first[3] == first[4]
