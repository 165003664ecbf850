"""Parallel projections against an independent ray caster and against plans drawn by hand."""

import numpy as np
import pytest
import trimesh
from support import from_meshes, furnished, shoebox, solid, surfaces

from avenv.core.frames import body_rotation
from avenv.vision import Instances, Optics, make_renderer, prepare, render_view

DOWN = -np.pi / 2


def look(scene, position, heading=0.0, pitch=DOWN, size=(80, 60), span=4.0, sensors=("depth",)):
    return render_view(scene, position, heading, pitch, size, None, sensors, "orthographic", span)


def cast(scene, position, heading, pitch, size, span):
    """Return the depth (H, W) that Embree finds along parallel rays, 0 for nothing."""
    corners = scene.triangles.reshape(-1, 3).astype(float)
    mesh = trimesh.Trimesh(corners, np.arange(len(corners)).reshape(-1, 3), process=False)
    column, row = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    metres = span / size[0]
    left, up = (size[0] / 2 - column) * metres, (size[1] / 2 - row) * metres
    axes = body_rotation(heading, pitch)
    origins = position + left.reshape(-1, 1) * axes[:, 1] + up.reshape(-1, 1) * axes[:, 2]
    rays = np.tile(axes[:, 0], (len(origins), 1))
    caster = trimesh.ray.ray_pyembree.RayMeshIntersector(mesh)
    triangle, ray, points = caster.intersects_id(
        origins, rays, return_locations=True, multiple_hits=True
    )
    front = scene.normals[triangle] @ axes[:, 0] < 0
    reach = (points - origins[ray]) @ axes[:, 0]
    depth = np.full(len(origins), np.inf)
    np.minimum.at(depth, ray[front], reach[front])
    return np.where(np.isinf(depth), 0, depth).reshape(size[::-1])


def smooth(depth):
    flat = np.ones(depth.shape, bool)
    for axis in (0, 1):
        for step in (-1, 1):
            flat &= np.abs(depth - np.roll(depth, step, axis)) < 0.1
    return flat


@pytest.mark.parametrize(
    ("position", "heading", "pitch", "span"),
    [
        ((5.0, 4.0, 2.4), 0.0, DOWN, 6.0),
        ((5.0, 4.0, 6.0), 0.7, DOWN, 12.0),  # above the roof, which is solid
        ((2.0, 2.0, 1.4), 0.4, -0.6, 3.0),
        ((6.0, 1.5, 1.4), 2.4, 0.3, 2.0),
    ],
)
def test_depth_agrees_with_a_ray_caster(position, heading, pitch, span):
    scene, size = furnished(), (96, 72)
    wanted = np.minimum(cast(scene, np.array(position), heading, pitch, size, span), 10)
    depth = look(scene, position, heading, pitch, size, span)["depth"][..., 0]
    kept = smooth(wanted)
    assert kept.mean() > 0.7
    assert np.mean(np.abs(depth - wanted)[kept] < 1e-3) > 0.999


def test_a_plan_has_the_scale_of_its_span_and_its_top_is_ahead():
    boxes = [solid((0.5, 0.5, 0.5), p) for p in ((1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0))]
    scene = from_meshes(boxes, surfaces((0.1, 0, 0)))
    seen = look(scene, (0, 0, 2), size=(80, 80), sensors=("instance", "depth", "normal"))
    # heading 0: +X is up in the picture, +Y left; 4 m on 80 pixels make 20 to the metre
    plan = seen["instance"][..., 0]
    wanted = np.zeros((80, 80), int)
    for k, (row, column) in enumerate(((20, 40), (40, 20), (60, 40), (40, 60))):
        wanted[row - 5 : row + 5, column - 5 : column + 5] = k + 1
    np.testing.assert_array_equal(plan, wanted)
    np.testing.assert_allclose(seen["depth"][plan > 0], 1.75, rtol=1e-6)
    # upwards is against the gaze
    np.testing.assert_allclose(seen["normal"][plan > 0], [[-1, 0, 0]] * 400, atol=1e-6)


def test_from_above_one_sees_through_the_ceiling_of_a_room():
    seen = look(shoebox((4, 4, 3)), (2, 2, 5), size=(9, 9))
    np.testing.assert_allclose(seen["depth"], 5.0, rtol=1e-6)


def test_moved_parts_are_moved_in_every_projection():
    boxes = [solid((0.4, 0.4, 0.4), (2, 0, 0)), solid((9, 9, 0.1), (0, 0, -1))]
    raster = prepare(from_meshes(boxes, surfaces((0.1, 0, 0))), movable=[0])
    turn = body_rotation(np.pi / 2)
    moved = Instances(np.zeros((1, 1), np.int32), turn[None, None], np.zeros((1, 1, 3)))
    for optics, pitch in (
        (Optics((40, 40), "orthographic", span=6.0), DOWN),
        (Optics((80, 40), "equirectangular"), 0.0),
    ):
        seen = []
        for heading, instances in ((0.0, None), (np.pi / 2, moved)):
            renderer = make_renderer(1, optics, ["instance", "depth"])
            pose = np.array([[0.0, 0.0, 1.0]]), body_rotation(heading, pitch)[None]
            renderer.draw([raster], [0], *pose, instances)
            seen.append(renderer.pictures["instance"][0].copy())
        assert (seen[0] == 1).sum() > 4
        assert np.mean(seen[0] == seen[1]) > 0.99  # box and camera have turned together


@pytest.mark.parametrize("span", [None, 0.0, -1.0, np.nan, np.inf, 1e9, "wide"])
def test_a_span_that_cannot_be_is_named(span):
    with pytest.raises(ValueError, match="span is"):
        look(shoebox(), (2, 2, 2), span=span)


def test_an_orthographic_picture_has_no_field_of_view():
    with pytest.raises(ValueError, match="hfov is 90"):
        render_view(shoebox(), (2, 2, 2), hfov=90, projection="orthographic", span=2.0)
