"""Parts that move, parallel projection, and what both must share with ordinary pictures."""

from dataclasses import replace

import numpy as np
import pytest
from support import from_meshes, furnished, solid, surfaces

from avenv.core.frames import body_rotation
from avenv.vision import SENSORS, Instances, Optics, make_renderer, prepare

DOWN = body_rotation(np.pi / 2, -np.pi / 2)  # ahead is down, up in the picture is north


SIZE = (80, 60)
WIDE = Optics(SIZE)


def draw(raster, position, rotation, optics=WIDE, instances=None):
    renderer = make_renderer(1, optics, SENSORS)
    renderer.draw([raster], [0], [position], [rotation], instances)
    return {name: picture[0] for name, picture in renderer.pictures.items()}


def room_with_boxes():
    shell = solid((6, 6, 3), (0, 0, 1.5))
    shell.invert()
    boxes = [solid((0.6, 0.3, 0.9), (1.5, 0.5, 0.45)), solid((0.4, 0.4, 1.6), (2.2, -0.4, 0.8))]
    return from_meshes([shell, *boxes], surfaces((0.1, 0, 0)))


def moved(scene, row, rotation, translation):
    """Return the scene compiled with an object somewhere else."""
    triangles = scene.triangles.copy()
    triangles[scene.object == row] = triangles[scene.object == row] @ rotation.T + translation
    return replace(scene, triangles=triangles.astype(np.float32))


def posed(part, rotation, translation):
    return Instances(np.array([part]), np.array([rotation], float), np.array([translation], float))


EYE = (-1.0, 0.2, 1.4)
GAZE = body_rotation(0.1, -0.2)


def same_surfaces(view, expected, share=0.998):
    """Hold pictures to one another but for the pixels on silhouettes."""
    agree = (view["instance"] == expected["instance"])[..., 0]
    assert agree.mean() >= share
    np.testing.assert_allclose(view["depth"][agree], expected["depth"][agree], rtol=1e-3)
    np.testing.assert_allclose(view["normal"][agree], expected["normal"][agree], atol=1e-4)
    np.testing.assert_array_equal(view["semantic"][agree], expected["semantic"][agree])


def test_parts_lie_where_they_were_compiled_unless_told_otherwise():
    scene = room_with_boxes()
    whole, apart = prepare(scene), prepare(scene, movable=[2, 1])
    assert (whole.parts, apart.parts) == (0, 2)
    expected = draw(whole, EYE, GAZE)
    view = draw(apart, EYE, GAZE)
    for name in SENSORS:
        np.testing.assert_array_equal(view[name], expected[name], err_msg=name)


def test_a_moved_part_looks_as_if_compiled_there():
    scene = room_with_boxes()
    turn, way = body_rotation(0.7, 0.3), np.array([0.4, 0.6, 0.5])
    expected = draw(prepare(moved(scene, 1, turn, way)), EYE, GAZE)
    raster = prepare(scene, movable=[1])
    view = draw(raster, EYE, GAZE, instances=posed([0], [turn], [way]))
    same_surfaces(view, expected)
    assert (view["instance"] == 2).sum() > 50
    assert (view["rgb"][view["instance"][..., 0] == 2] > 0).any()


def test_parts_hide_each_other_whatever_their_order_and_may_be_repeated_or_left_out():
    scene = room_with_boxes()
    raster = prepare(scene, movable=[1, 2])
    still, way = np.eye(3), np.array([-0.9, 0.9, 0.0])
    once = draw(raster, EYE, GAZE, instances=posed([0, 1], [still] * 2, np.zeros((2, 3))))
    again = draw(raster, EYE, GAZE, instances=posed([1, -1, 0], [still] * 3, np.zeros((3, 3))))
    for name in SENSORS:
        np.testing.assert_array_equal(once[name], again[name], err_msg=name)
    none = draw(raster, EYE, GAZE, instances=posed([-1], [still], np.zeros((1, 3))))
    assert set(np.unique(none["instance"])) == {1}
    twice = draw(raster, EYE, GAZE, instances=posed([1, 1], [still] * 2, [np.zeros(3), way]))
    columns = np.flatnonzero((twice["instance"] == 3).any(axis=(0, 2)))
    assert np.diff(columns).max() > 3, "two things with a gap between them"


def test_every_camera_of_a_batch_has_parts_of_its_own():
    scene = room_with_boxes()
    raster, n = prepare(scene, movable=[1]), 5
    ways = np.column_stack([np.zeros(n), np.linspace(-1, 1, n), np.zeros(n)])
    instances = Instances(np.zeros((n, 1), int), np.tile(np.eye(3), (n, 1, 1, 1)), ways[:, None])
    optics = Optics((40, 30))
    renderer = make_renderer(n, optics, ["instance", "depth", "rgb"])
    gaze = np.tile(GAZE, (n, 1, 1))
    renderer.draw([raster], np.zeros(n, int), np.tile(EYE, (n, 1)), gaze, instances)
    for k in range(n):
        alone = draw(raster, EYE, GAZE, optics, posed([0], [np.eye(3)], [ways[k]]))
        for name in ("instance", "depth", "rgb"):
            np.testing.assert_array_equal(renderer.pictures[name][k], alone[name])
    seen = renderer.pictures["instance"] == 2
    middle = [np.flatnonzero(mine.any(axis=(0, 2))).mean() for mine in seen]
    assert (np.diff(middle) < 0).all(), "left is a lower column"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"part": np.array([[2]])}, "part"),
        ({"part": np.array([0])}, "part"),
        ({"rotation": np.full((1, 1, 3, 3), np.nan)}, "rotation"),
        ({"rotation": 2 * np.eye(3)[None, None]}, "rotation"),
        ({"rotation": -np.eye(3)[None, None]}, "rotation"),
        ({"translation": np.zeros((1, 3))}, "translation"),
    ],
)
def test_wrong_instances_are_named(change, word):
    raster = prepare(room_with_boxes(), movable=[1, 2])
    good = posed([0], [np.eye(3)], [np.zeros(3)])
    with pytest.raises(ValueError, match=word):
        draw(raster, EYE, GAZE, instances=good._replace(**change))


@pytest.mark.parametrize("movable", [[3], [-1], [1, 1]])
def test_only_objects_of_the_scene_are_movable(movable):
    with pytest.raises(ValueError, match="movable"):
        prepare(room_with_boxes(), movable=movable)


def test_from_above_everything_keeps_its_size():
    boxes = [solid((0.6, 1.0, z), (0, y, z / 2)) for y, z in ((-2, 0.5), (0, 1.0), (2, 2.5))]
    raster = prepare(from_meshes(boxes, surfaces((0.1, 0, 0))))
    view = draw(raster, (0, 0, 4), DOWN, Optics((80, 80), "orthographic", span=8.0))
    for k, height in enumerate((0.5, 1.0, 2.5)):
        mine = view["instance"][..., 0] == k + 1
        assert mine.sum() == 6 * 10, "a tenth of a metre to a pixel"
        np.testing.assert_allclose(view["depth"][mine], 4 - height, atol=1e-5)
        rows, columns = np.nonzero(mine)
        assert rows.mean() == pytest.approx(39.5 - 10 * (2 * k - 2))
        assert columns.mean() == pytest.approx(39.5)
    np.testing.assert_allclose(view["normal"][view["instance"][..., 0] > 0], [[-1, 0, 0]] * 180,
                               atol=1e-6)  # fmt: skip


def test_a_parallel_picture_is_the_limit_of_far_perspectives():
    raster, gaze = prepare(furnished()), body_rotation(0.4, -0.6)
    eye = np.array([5.0, 4.0, 1.2]) - 20 * gaze[:, 0]
    flat = draw(raster, eye, gaze, Optics(SIZE, "orthographic", span=10.0))
    far = 2000.0
    narrow = Optics(SIZE, hfov=np.degrees(2 * np.arctan(5.0 / (far + 20))))
    steep = draw(raster, eye - far * gaze[:, 0], gaze, narrow)
    agree = (flat["instance"] == steep["instance"])[..., 0]
    assert agree.mean() > 0.98
    turned = np.abs(flat["normal"][agree] - steep["normal"][agree]).max(axis=-1) > 1e-2
    assert turned.mean() < 0.005, "but for edges within a thing"
    close = np.abs(flat["rgb"][agree].astype(int) - steep["rgb"][agree]).max(axis=-1) <= 8
    assert close.mean() > 0.95
