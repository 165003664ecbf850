"""Baked light against closed forms, and that it can be switched, kept and repeated."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from support import from_meshes, shoebox, solid, surfaces

from avenv import parallel
from avenv.errors import CacheWarning
from avenv.vision import prepare, relight, render_view
from avenv.vision.bake import BOUNCES, bake, cosine_fan
from avenv.vision.charts import make_charts
from avenv.vision.emitters import DAYLIGHT, DAYLIGHT_EXITANCE, LAMPS
from avenv.vision.light import EXPOSURE, mixed_light, plain_light
from avenv.vision.mipmaps import unpack


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AVENV_CACHE", str(tmp_path))
    return tmp_path


def scene_of(meshes, colors, emission, kinds=None):
    """Make a scene of meshes, each with its own colour (grey) and emission."""
    table = surfaces(*[(0.1, 0.0, 0.0)] * len(meshes))
    color = np.repeat(np.array(colors, np.float32)[:, None], 3, axis=1)
    table = replace(table, color=color, emission=tuple(emission))
    scene = from_meshes(meshes, table, list(range(len(meshes))))
    kinds = kinds or ["box"] * len(meshes)
    objects = tuple(replace(o, kind=k) for o, k in zip(scene.objects, kinds, strict=True))
    return replace(scene, objects=objects)


def plate(side, height, up):
    """Make a level square about the z axis that faces up or down."""
    h = side / 2
    corners = [(-h, -h, height), (h, -h, height), (h, h, height), (-h, h, height)]
    faces = [[0, 1, 2], [0, 2, 3]] if up else [[0, 2, 1], [0, 3, 2]]
    return trimesh.Trimesh(corners, faces, process=False)


def room_with_a_lamp(albedo=0.5, emission=6.0):
    shell = solid((4, 4, 3), (0, 0, 1.5))
    shell.invert()
    return scene_of(
        [shell, solid((0.2, 0.2, 0.2), (0.3, 0.2, 1.7))], [albedo, albedo], [0, emission]
    )


def test_light_under_a_lamp_falls_off_as_the_cosines_say():
    height, side, emission = 2.5, 0.2, 9.0
    scene = scene_of([plate(12, 0, True), plate(side, height, False)], [0, 0.5], [0, emission])
    charts = make_charts(scene)
    light = bake(scene, charts).light.astype(float)
    floor = charts.position[:, 2] < 0.1
    square = (charts.position[floor, :2] ** 2).sum(axis=1) + height**2
    expected = emission * side**2 * height**2 / (np.pi * square**2)
    near = square < 2 * height**2
    np.testing.assert_allclose(light[LAMPS, floor, 0][near], expected[near], rtol=0.04)
    assert not light[DAYLIGHT].any()


def test_a_window_lights_the_floor_as_its_form_factor_says():
    window = trimesh.Trimesh([(0, -1, 1), (0, 1, 1), (0, 1, 3), (0, -1, 3)], [[0, 1, 2], [0, 2, 3]],
                             process=False)  # fmt: skip
    scene = scene_of([plate(12, 0, True), window], [0, 0], [0, 0], ["floor", "window"])
    assert (scene.normals[2:] @ [1, 0, 0] > 0.99).all(), "the pane faces +x"
    charts = make_charts(scene)
    light = bake(scene, charts).light.astype(float)
    y, z = np.meshgrid(np.linspace(-1, 1, 101), np.linspace(1, 3, 101))
    at = np.argmin(np.linalg.norm(charts.position - [2.5, 0.3, 0], axis=1))
    x0, y0, _ = charts.position[at]
    square = x0**2 + (y - y0) ** 2 + z**2
    expected = DAYLIGHT_EXITANCE * 4 * np.mean(x0 * z / (np.pi * square**2))
    np.testing.assert_allclose(light[DAYLIGHT, at], expected, rtol=0.05)


def test_bounces_keep_the_energy():
    albedo, emission = 0.5, 6.0
    scene = room_with_a_lamp(albedo, emission)
    charts = make_charts(scene)
    light = bake(scene, charts).light[LAMPS, :, 0].astype(float)
    per_chart = charts.width * charts.height
    arrived = 0.0  # by the trapezoidal rule over each chart's grid of samples
    for c, (first, width, height) in enumerate(
        zip(charts.first, charts.width, charts.height, strict=True)
    ):
        grid = light[first : first + per_chart[c]].reshape(height, width)
        weights = np.outer(_trapezium(height), _trapezium(width))
        arrived += charts.area[c] * (grid * weights).sum()
    flux = emission * 6 * 0.2**2
    expected = flux * (1 - albedo ** (BOUNCES + 1)) / (1 - albedo)
    assert arrived == pytest.approx(expected, rel=0.06)


def _trapezium(count):
    weights = np.ones(count)
    if count > 1:
        weights[[0, -1]] = 0.5
    return weights / weights.sum()


def test_the_fan_of_rays_follows_the_cosine():
    fan = cosine_fan(256)
    np.testing.assert_allclose(np.linalg.norm(fan, axis=1), 1)
    np.testing.assert_allclose(fan.mean(axis=0), [0, 0, 2 / 3], atol=0.01)


def test_there_is_shadow_under_a_table_and_no_dark_rim_behind_a_cupboard():
    shell = solid((4, 4, 2.6), (0, 0, 1.3))
    shell.invert()
    things = [shell, solid((0.3, 0.3, 0.3), (0, 0, 2.3)), solid((1, 1, 0.05), (0, 0, 0.7)),
              solid((0.04, 1.2, 2.0), (-1.98, 0, 1.0))]  # fmt: skip
    scene = scene_of(things, [0.6] * 4, [0, 8.0, 0, 0])
    charts = make_charts(scene)
    light = bake(scene, charts).light[LAMPS, :, 0].astype(float)
    place = charts.position
    floor = place[:, 2] < 0.05
    under = light[floor & (np.abs(place[:, :2]) < 0.3).all(axis=1)].mean()
    beside = light[floor & (np.abs(place[:, 0] - 1.2) < 0.2) & (np.abs(place[:, 1]) < 0.3)].mean()
    assert under < 0.5 * beside
    shell_samples = np.repeat(charts.object == 0, charts.width * charts.height)
    wall = shell_samples & (place[:, 0] < -1.95) & (place[:, 2] > 0.5) & (place[:, 2] < 1.8)
    rim = light[wall & (np.abs(np.abs(place[:, 1]) - 0.6) < 0.1)]
    assert rim.min() > 0.2 * light[wall & (np.abs(place[:, 1]) > 1)].mean()


def test_lamps_and_daylight_are_weighed_without_baking_again(monkeypatch):
    window = trimesh.Trimesh([(-2, 1, 1), (-2, -1, 1), (-2, -1, 2), (-2, 1, 2)],
                             [[0, 2, 1], [0, 3, 2]], process=False)  # fmt: skip
    shell = solid((4.2, 4, 3), (0, 0, 1.5))
    shell.invert()
    lamp = solid((0.2, 0.2, 0.2), (0.3, 0.2, 2.6))
    scene = prepare(scene_of([shell, lamp, window], [0.5] * 3, [0, 6.0, 0],
                             ["wall", "lamp", "window"]))  # fmt: skip
    monkeypatch.setattr("avenv.vision.light.bake", None)
    pose = {"position": (1.5, 1.0, 1.5), "heading": np.pi, "size": (48, 48)}
    night, day, both, dark = (
        render_view(relight(scene, *w), **pose)["rgb"].astype(int)
        for w in ((1, 0), (0, 1), (1, 1), (0, 0))
    )
    assert not dark.any()
    assert np.abs(night - day).mean() > 5
    assert (both >= np.minimum(night, day) - 3).all()
    assert (both <= np.maximum(night, day) + 3).all()
    np.testing.assert_array_equal(render_view(scene, **pose)["rgb"], both)


def test_the_exposure_of_a_lit_scene_is_the_same_whatever_its_lamps_give():
    means = []
    for emission in (0.5, 50.0):
        scene = prepare(room_with_a_lamp(emission=emission))
        light = unpack(mixed_light(scene.layers, 1.0, 0.0))[..., 0]
        means.append(np.median(light[light > 0]))
    assert means[0] == pytest.approx(means[1], rel=0.02)
    assert 0.05 * EXPOSURE < means[0] < 2 * EXPOSURE


def test_without_lamps_and_windows_the_light_is_plain():
    compiled = shoebox()
    scene = prepare(compiled)
    charts = make_charts(compiled)
    count = len(charts.position)
    np.testing.assert_allclose(scene.layers[0, :count], plain_light(charts.normal), rtol=1e-6)
    np.testing.assert_array_equal(scene.layers[0], scene.layers[1])


def test_light_is_the_same_for_any_number_of_threads():
    scene = room_with_a_lamp()
    baked = []
    for threads in (1, 2):
        parallel.set_num_threads(threads)
        try:
            baked.append(bake(scene, make_charts(scene)).light)
        finally:
            parallel.set_num_threads(None)
    np.testing.assert_array_equal(*baked)


def test_light_is_kept_on_disk_and_a_broken_file_is_replaced(own_cache, monkeypatch):
    scene = room_with_a_lamp()
    first = prepare(scene)
    (file,) = own_cache.glob("light-*.npz")
    with monkeypatch.context() as patch:
        patch.setattr("avenv.vision.light.bake", None)
        np.testing.assert_array_equal(prepare(scene).light, first.light)
    file.write_bytes(b"broken")
    with pytest.warns(CacheWarning, match="light-"):
        np.testing.assert_array_equal(prepare(scene).light, first.light)
    np.testing.assert_array_equal(prepare(scene).light, first.light)


@pytest.mark.parametrize(("weights", "word"), [((-0.1, 1), "lamps"), ((1, 1.5), "daylight"),
                                               ((np.nan, 1), "lamps")])  # fmt: skip
def test_weights_out_of_range_are_named(weights, word):
    with pytest.raises(ValueError, match=word):
        relight(prepare(shoebox()), *weights)
