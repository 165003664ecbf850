"""Panoramas against an independent ray caster, against directions by hand, and without borders."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from support import from_meshes, furnished, shoebox, solid, surfaces

from avenv.core import parallel
from avenv.core.frames import azimuth_elevation, body_rotation, direction
from avenv.vision import Optics, make_renderer, prepare, render_view

ALL = ("rgb", "depth", "semantic", "instance", "normal")


def look(scene, position, heading=0.0, pitch=0.0, size=(96, 48), sensors=ALL):
    return render_view(scene, position, heading, pitch, size, None, sensors, "equirectangular")


def directions(size):
    """Return the unit rays (H, W, 3) of a panorama's pixel centres in the camera's axes."""
    width, height = size
    column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return direction(np.pi * (1 - 2 * column / width), np.pi * (0.5 - row / height))


def cast(scene, origin, rays):
    """Return distance (N,) and triangle (N,) of Embree's first hits from in front; 0, -1: none."""
    corners = scene.triangles.reshape(-1, 3).astype(float)
    mesh = trimesh.Trimesh(corners, np.arange(len(corners)).reshape(-1, 3), process=False)
    caster = trimesh.ray.ray_pyembree.RayMeshIntersector(mesh)
    origins = np.broadcast_to(np.asarray(origin, float), rays.shape)
    triangle, ray, points = caster.intersects_id(
        origins, rays, return_locations=True, multiple_hits=True
    )
    front = np.einsum("id,id->i", scene.normals[triangle], rays[ray]) < 0
    triangle, ray, points = triangle[front], ray[front], points[front]
    reach = np.linalg.norm(points - origin, axis=1)
    distance, hit = np.zeros(len(rays)), np.full(len(rays), -1)
    for k in np.argsort(-reach):
        distance[ray[k]], hit[ray[k]] = reach[k], triangle[k]
    return distance, hit


def away_from_edges(hit, scene):
    """Mask the pixels whose eight neighbours show the same plane: no edge or silhouette is near."""
    normals = np.where(hit[..., None] >= 0, scene.normals[hit], 0)
    offset = np.einsum("ijk,ijk->ij", normals, scene.triangles[hit, 0])
    same = np.ones(hit.shape, bool)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            near = np.roll(normals, (down, right), (0, 1)), np.roll(offset, (down, right), (0, 1))
            same &= (np.abs(near[0] - normals).max(axis=-1) < 1e-4) & (
                np.abs(near[1] - offset) < 1e-4
            )
    return same


@pytest.mark.parametrize(
    ("position", "heading", "pitch"),
    [((2.0, 2.0, 1.5), 0.3, 0.0), ((7.5, 1.2, 1.8), -2.0, -0.7), ((2.5, 0.6, 0.4), 2.9, 1.2)],
)
def test_every_pixel_shows_what_a_ray_caster_finds(position, heading, pitch):
    scene, size = furnished(), (160, 80)
    view = look(scene, position, heading, pitch, size)
    rays = directions(size).reshape(-1, 3) @ body_rotation(heading, pitch).T
    distance, hit = (a.reshape(size[::-1]) for a in cast(scene, np.array(position), rays))
    kept = away_from_edges(hit, scene)
    kept[[0, -1]] = False  # the neighbours of the poles are not those in the array
    assert kept.mean() > 0.6
    wanted = np.minimum(distance, 10)[kept]
    error = np.abs(view["depth"][..., 0][kept] - wanted)
    assert np.mean(error < 1e-3) > 0.995
    assert np.median(error) < 1e-5
    assert np.mean((view["instance"][..., 0] == scene.object[hit] + 1)[kept]) > 0.995
    assert np.mean((view["semantic"][..., 0] == scene.category[hit])[kept]) > 0.995
    normals = view["normal"] @ body_rotation(heading, pitch).T
    same = np.abs(normals - scene.normals[hit]).max(axis=-1) < 1e-4
    assert same[kept].mean() > 0.995


def test_things_stand_where_their_azimuth_and_elevation_say():
    places = [(2, 0, 0), (0, 2, 0), (-2, 0.4, 0), (0, -2, 0), (0.3, 0.1, 2), (0.2, -0.3, -2)]
    boxes = [solid((0.4, 0.4, 0.4), p) for p in places]
    size, turn = (128, 64), body_rotation(0.5, 0.2)
    seen = look(from_meshes(boxes, surfaces((0.1, 0, 0))), (0, 0, 0), 0.5, 0.2, size)["instance"]
    for k, place in enumerate(places):
        azimuth, elevation = azimuth_elevation(np.array(place) @ turn)
        column = int((0.5 - azimuth / 2 / np.pi) * size[0])  # the middle is ahead, left is left
        row = int((0.5 - elevation / np.pi) * size[1])
        assert seen[row, column, 0] == k + 1
    assert set(np.unique(seen)) == set(range(7))


def test_a_panorama_turns_with_the_camera_without_a_border_anywhere():
    scene = shoebox((5, 4, 3))
    scene = replace(scene, surfaces=replace(scene.surfaces, texture=("brick",)))
    size, columns = (256, 128), 37  # the cube's borders then lie elsewhere in the picture
    first = look(prepare(scene), (1.8, 1.5, 1.3), size=size)
    turned = look(prepare(scene), (1.8, 1.5, 1.3), 2 * np.pi * columns / 256, size=size)
    depth = np.roll(first["depth"], columns, axis=1)
    np.testing.assert_allclose(depth, turned["depth"], rtol=0.05)  # a pixel
    assert np.mean(np.abs(depth - turned["depth"]) < 1e-5) > 0.97
    error = np.abs(np.roll(first["rgb"], columns, axis=1).astype(float) - turned["rgb"])
    assert error.mean() < 3
    # a border, at ±45° and ±135°, would show as columns that fit worse than the rest
    borders = np.arange(32, 256, 64)[:, None] + [-1, 0, columns - 1, columns]
    assert error[:, borders % 256].mean() < 1.2 * error.mean()


def test_the_distance_to_a_ball_around_the_camera_is_the_same_everywhere():
    ball = trimesh.creation.icosphere(4, 2.0)
    ball.invert()
    view = look(from_meshes([ball], surfaces((0.1, 0, 0))), (0, 0, 0), 0.3, 0.1)
    np.testing.assert_allclose(view["depth"], 2.0, rtol=0.003)  # as flat as the facets are
    np.testing.assert_allclose(view["normal"], -directions((96, 48)), atol=0.09)


def test_far_walls_are_ten_metres_away_and_nothing_is_nothing():
    view = look(shoebox((50, 50, 4)), (25, 25, 2))
    assert view["depth"].max() == 10
    assert view["depth"][24, 0, 0] == 10
    nothing = look(from_meshes([solid((1, 1, 1), (3, 0, 0))], surfaces((0.1, 0, 0))), (0, 0, 0))
    for picture in nothing.values():
        assert not picture[:, :24].any()
        assert picture[24, 48].any()


def test_panoramas_depend_on_neither_threads_nor_batch():
    raster, rng = prepare(furnished()), np.random.default_rng(2)
    positions = rng.uniform(0.5, 3.5, (5, 3)) * [1, 1, 0.5]
    rotations = body_rotation(rng.uniform(-3, 3, 5), rng.uniform(-1, 1, 5))

    def draw(rows, threads):
        renderer = make_renderer(len(rows), Optics((50, 30), "equirectangular"), ALL)
        parallel.set_num_threads(threads)
        try:
            renderer.draw([raster], [0] * len(rows), positions[rows], rotations[rows])
        finally:
            parallel.set_num_threads(None)
        return renderer.pictures

    together = draw(range(5), 2)
    for row in range(5):
        for name, picture in draw([row], 1).items():
            np.testing.assert_array_equal(picture[0], together[name][row])


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (90, 7)])
def test_panoramas_of_any_size_are_drawn(size):
    view = look(shoebox(), (2, 2, 1.5), size=size)
    assert view["rgb"].shape == (size[1], size[0], 3)
    assert (view["depth"] > 0).all()
