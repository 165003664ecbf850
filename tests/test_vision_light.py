"""Baked light against closed forms, and that it can be switched, kept and repeated."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from support import from_meshes, shoebox, solid, surfaces

import avenv
from avenv.core import parallel
from avenv.core.color import linear
from avenv.core.errors import CacheWarning
from avenv.scene import CATEGORIES, SceneBuilder
from avenv.simulation.loading import load_scene
from avenv.vision import prepare, relight, render_view
from avenv.vision.light.charts import make_charts
from avenv.vision.light.layers import add_layers
from avenv.vision.light.lighting import EXPOSURE, plain_light
from avenv.vision.light.luminaires import DAYLIGHT_EXITANCE, SUN, SUN_DIRECTION
from avenv.vision.light.radiosity import bake, cosine_fan


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AVENV_CACHE", str(tmp_path))
    return tmp_path


def layers(scene):
    """Bake a scene; return its charts and the light (K + 1, L, 3) of lamps and day."""
    charts = make_charts(scene)
    baked = bake(scene, charts)
    light = np.zeros((len(baked.peak), len(charts.position), 3), np.float32)
    for layer, one in zip(light, np.eye(len(light), dtype=np.float32), strict=True):
        add_layers(baked, one, layer)
    return charts, light


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
    charts, (light, day) = layers(scene)
    floor = charts.position[:, 2] < 0.1
    square = (charts.position[floor, :2] ** 2).sum(axis=1) + height**2
    expected = emission * side**2 * height**2 / (np.pi * square**2)
    near = square < 2 * height**2
    np.testing.assert_allclose(light[floor, 0][near], expected[near], rtol=0.04)
    assert not day.any()


def test_a_window_lights_the_floor_as_its_form_factor_says():
    window = trimesh.Trimesh([(0, -1, 1), (0, 1, 1), (0, 1, 3), (0, -1, 3)], [[0, 1, 2], [0, 2, 3]],
                             process=False)  # fmt: skip
    scene = scene_of([plate(12, 0, True), window], [0, 0], [0, 0], ["floor", "window"])
    assert (scene.normals[2:] @ [1, 0, 0] > 0.99).all(), "the pane faces +x"
    charts, (*_, light) = layers(scene)
    y, z = np.meshgrid(np.linspace(-1, 1, 101), np.linspace(1, 3, 101))
    at = np.argmin(np.linalg.norm(charts.position - [2.5, 0.3, 0], axis=1))
    x0, y0, _ = charts.position[at]
    square = x0**2 + (y - y0) ** 2 + z**2
    expected = DAYLIGHT_EXITANCE * 4 * np.mean(x0 * z / (np.pi * square**2))
    np.testing.assert_allclose(light[at], expected, rtol=0.05)


def test_the_sun_falls_through_a_window_where_its_direction_says():
    shell = solid((4, 4, 3), (2, 2, 1.5))
    shell.invert()
    window = trimesh.Trimesh([(1, 0.01, 1), (2, 0.01, 1), (2, 0.01, 2), (1, 0.01, 2)],
                             [[0, 2, 1], [0, 3, 2]], process=False)  # fmt: skip
    charts, (day,) = layers(scene_of([shell, window], [0, 0], [0, 0], ["wall", "window"]))
    lit = np.array([1.5, 0, 1.5]) - SUN_DIRECTION * 1.5 / SUN_DIRECTION[2]
    mirrored = lit * [-1, 1, 1] + [3, 0, 0]  # as far from the window, out of the sun
    there, beside = (
        day[np.argmin(np.linalg.norm(charts.position - p, axis=1))] for p in (lit, mirrored)
    )
    np.testing.assert_allclose(there - beside, SUN * SUN_DIRECTION[2], rtol=0.03)


@pytest.mark.parametrize("albedo", [0.5, 0.85])
def test_bounces_keep_the_energy(albedo):
    """All of them: the light that falls on all surfaces is the lamp's flux / (1 - albedo)."""
    emission = 6.0
    scene = room_with_a_lamp(albedo, emission)
    charts, (lamp, _) = layers(scene)
    light = lamp[:, 0]
    per_chart = charts.width * charts.height
    arrived = 0.0  # by the trapezoidal rule over each chart's grid of samples
    for c, (first, width, height) in enumerate(
        zip(charts.first, charts.width, charts.height, strict=True)
    ):
        grid = light[first : first + per_chart[c]].reshape(height, width)
        weights = np.outer(_trapezium(height), _trapezium(width))
        arrived += charts.area[c] * (grid * weights).sum()
    flux = emission * 6 * 0.2**2
    assert arrived == pytest.approx(flux / (1 - albedo), rel=0.06)


def far_bedroom(walls="plaster"):
    """Build three rooms in a row; only the first has a window, doors are open."""
    b = SceneBuilder("far bedroom")
    living = b.room("living", size=(5, 4))
    hall = b.room("hall", size=(5, 1.5), at=(0, 4))
    bedroom = b.room("bedroom", size=(5, 4), at=(0, 5.5), floor="oak_parquet", walls=walls)
    living.window("south wall", width=1.6)
    b.door(living, hall, at=(1, 4))
    b.door(hall, bedroom, at=(4, 5.5), into="bedroom")
    bedroom.place("bed", against="north wall")
    return load_scene(b.build())


def test_daylight_comes_through_doorways_to_a_room_without_window():
    """By day it is dim there, nowhere black, and the ceiling has no hard-edged patches."""
    world = far_bedroom()
    pose = ((4.3, 6.2, 1.5), 2.2, 0.5, (160, 120), 80.0)
    rgb = avenv.render_view(world, *pose, light="day")["rgb"].astype(float)
    assert rgb.min() > 5
    assert 25 < rgb.mean() < 150
    ceiling = avenv.render_view(world, *pose)["semantic"][..., 0] == CATEGORIES.index("ceiling")
    across = np.abs(np.diff(rgb.mean(axis=2), axis=1))[ceiling[:, 1:] & ceiling[:, :-1]]
    assert across.max() < 12


def test_eyes_correct_a_strong_tint():
    """Light that comes in over a wooden floor does not stain a grey room orange."""
    world = far_bedroom("plaster_grey")
    rgb = avenv.render_view(world, (4.3, 6.2, 1.5), 2.2, 0.2, (64, 48), 60.0, light="day")["rgb"]
    red, _, blue = linear(rgb / 255).mean(axis=(0, 1))
    assert red / blue < 2.0  # 1.25 / 0.75 is what is left of the light's tint


def test_narrow_grooves_are_no_black_lines():
    """A slit of 6 mm between two white boards, seen at an angle, is no darker than a shadow."""
    boards = [solid((1.0, 0.5, 1.0), (x, -1.6, 0.6)) for x in (-0.503, 0.503)]
    shell = solid((4, 4, 3), (0, 0, 1.5))
    shell.invert()
    lamp = solid((0.3, 0.3, 0.05), (0.3, 0.4, 2.6))
    scene = scene_of([shell, *boards, lamp], [0.7] * 4, [0, 0, 0, 12.0])
    one = prepare(scene)
    rgb = render_view(one, (0.6, 0.6, 0.9), np.deg2rad(255), 0.0, (320, 240), 50.0)["rgb"]
    front = rgb[100:140, 60:300].astype(float).mean(axis=2)
    assert front.min() > 0.4 * np.median(front)


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
    charts, (lamp, _) = layers(scene)
    light = lamp[:, 0]
    place = charts.position
    floor = place[:, 2] < 0.05
    under = light[floor & (np.abs(place[:, :2]) < 0.3).all(axis=1)].mean()
    beside = light[floor & (np.abs(place[:, 0] - 1.2) < 0.2) & (np.abs(place[:, 1]) < 0.3)].mean()
    assert under < 0.5 * beside
    shell_samples = np.repeat(charts.object == 0, charts.width * charts.height)
    wall = shell_samples & (place[:, 0] < -1.95) & (place[:, 2] > 0.5) & (place[:, 2] < 1.8)
    rim = light[wall & (np.abs(np.abs(place[:, 1]) - 0.6) < 0.1)]
    assert rim.min() > 0.2 * light[wall & (np.abs(place[:, 1]) > 1)].mean()


def lit_by_two_lamps_and_a_window():
    window = trimesh.Trimesh([(-2, 1, 1), (-2, -1, 1), (-2, -1, 2), (-2, 1, 2)],
                             [[0, 2, 1], [0, 3, 2]], process=False)  # fmt: skip
    shell = solid((4.2, 4, 3), (0, 0, 1.5))
    shell.invert()
    lamps = [solid((0.2, 0.2, 0.2), (0.3, 0.2, 2.6)), solid((0.1, 0.1, 0.1), (-1.5, -1.5, 0.6))]
    return scene_of([shell, *lamps, window], [0.5] * 4, [0, 6.0, 4.0, 0],
                    ["wall", "lamp", "lamp", "window"])  # fmt: skip


def test_lamps_and_daylight_are_switched_without_baking_again(monkeypatch):
    scene = prepare(lit_by_two_lamps_and_a_window())
    assert scene.lamps == ("mesh 1", "mesh 2")
    monkeypatch.setattr("avenv.vision.light.lighting.bake", None)
    pose = {"position": (1.5, 1.0, 1.5), "heading": np.pi, "size": (48, 48)}

    def brightness(**light):
        return render_view(relight(scene, **light), **pose)["rgb"].astype(int)

    night, day, both, dark = (
        brightness(lamps=lamps, daylight=daylight)
        for lamps, daylight in ((1, 0), (0, 1), (1, 1), (0, 0))
    )
    assert not dark.any()
    assert np.abs(night - day).mean() > 5
    assert both.mean() > max(night.mean(), day.mean())
    np.testing.assert_array_equal(render_view(scene, **pose)["rgb"], both)
    one = brightness(lamps={"mesh 1": 0.0}, daylight=0)
    assert 0 < one.mean() < night.mean()
    np.testing.assert_array_equal(brightness(lamps={"mesh 1": 0.0, "mesh 2": 0}, daylight=1), day)


def test_light_adds_up():
    lighting = prepare(lit_by_two_lamps_and_a_window()).lighting
    parts = [lighting.summed(np.eye(2, dtype=np.float32)[k], 0.0) for k in range(2)]
    parts.append(lighting.summed(np.zeros(2, np.float32), 1.0))
    mixed = lighting.summed(np.array([0.25, 0.5], np.float32), 0.75)
    expected = 0.25 * parts[0] + 0.5 * parts[1] + 0.75 * parts[2]
    np.testing.assert_allclose(mixed, expected, rtol=1e-5)


def test_the_exposure_of_a_lit_scene_is_the_same_whatever_its_lamps_give():
    means = []
    for emission in (0.5, 50.0):
        scene = prepare(room_with_a_lamp(emission=emission))
        light = scene.lighting.mixed(scene.lighting.levels(1.0), 0.0)[..., 0]
        means.append(np.median(light[light > 0]))
    assert means[0] == pytest.approx(means[1], rel=0.02)
    assert 0.05 * EXPOSURE < means[0] < 2 * EXPOSURE


def test_without_lamps_and_windows_the_light_is_plain():
    compiled = shoebox()
    scene = prepare(compiled)
    expected = plain_light(make_charts(compiled).normal)
    for switched in ((1, 1), (0, 1), (0, 0)):
        np.testing.assert_allclose(
            scene.lighting.mixed(scene.lighting.levels(switched[0]), switched[1]),
            expected,
            rtol=1e-6,
        )


def test_light_is_the_same_for_any_number_of_threads():
    scene = room_with_a_lamp()
    baked = []
    for threads in (1, 2):
        parallel.set_num_threads(threads)
        try:
            baked.append(layers(scene)[1])
        finally:
            parallel.set_num_threads(None)
    np.testing.assert_array_equal(*baked)


def test_light_is_kept_on_disk_and_a_broken_file_is_replaced(own_cache, monkeypatch):
    scene = room_with_a_lamp()
    first = prepare(scene)
    (file,) = own_cache.glob("light-*.record")
    with monkeypatch.context() as patch:
        patch.setattr("avenv.vision.light.lighting.bake", None)
        np.testing.assert_array_equal(prepare(scene).arrays.light, first.arrays.light)
    file.write_bytes(b"broken")
    with pytest.warns(CacheWarning, match="light-"):
        np.testing.assert_array_equal(prepare(scene).arrays.light, first.arrays.light)
    np.testing.assert_array_equal(prepare(scene).arrays.light, first.arrays.light)


def light_at_corners(charts, compiled, light):
    """Look the light (T, 3) up at the corners of every triangle, as the shading does."""
    chart = charts.of_triangle[:, None]
    points = np.concatenate([compiled.triangles, np.ones((len(chart), 3, 1))], axis=2)
    uv = np.einsum("tkd,tnd->tnk", charts.frame[charts.of_triangle].astype(float), points)
    place = charts.place[charts.of_triangle].astype(float)
    x = np.clip(place[:, None, 0] * uv[..., 0] + place[:, None, 1], 0, charts.width[chart] - 1)
    y = np.clip(place[:, None, 2] * uv[..., 1] + place[:, None, 3], 0, charts.height[chart] - 1)
    left = np.minimum(x.astype(int), np.maximum(charts.width[chart] - 2, 0))
    top = np.minimum(y.astype(int), np.maximum(charts.height[chart] - 2, 0))
    total = 0.0
    for across in (0, 1):
        for down in (0, 1):
            column = np.minimum(left + across, charts.width[chart] - 1)
            row = np.minimum(top + down, charts.height[chart] - 1)
            weight = np.abs(1 - across - x + left) * np.abs(1 - down - y + top)
            total = total + weight * light[charts.first[chart] + row * charts.width[chart] + column]
    return total


def test_facets_of_a_ball_agree_about_the_light_at_the_corners_they_share():
    ball = trimesh.creation.icosphere(2, 0.5)
    compiled = scene_of([ball, solid((1, 1, 1), (3, 0, 0))], [0.5, 0.5], [0, 0])
    charts = make_charts(compiled)
    light = prepare(compiled).lighting.mixed(np.empty(0, np.float32), 1.0)[:, 0]
    found = light_at_corners(charts, compiled, light)[compiled.object == 0]
    corners = np.round(compiled.triangles[compiled.object == 0], 4).reshape(-1, 3)
    _, corner = np.unique(corners, axis=0, return_inverse=True)
    mean = np.bincount(corner.ravel(), found.ravel()) / np.bincount(corner.ravel())
    assert np.ptp(mean) > 0.4
    np.testing.assert_allclose(found.ravel(), mean[corner.ravel()], atol=0.01)
    # The light is that of the round ball, whose normal is the direction from the middle.
    exact = plain_light(corners / np.linalg.norm(corners, axis=1, keepdims=True))[:, 0]
    np.testing.assert_allclose(found.ravel(), exact, atol=0.03)
    box = charts.object[charts.curves.chart] == 1
    assert not box.any(), "a box has edges"


@pytest.mark.parametrize(
    ("weights", "word"),
    [
        ((-0.1, 1), "lamps"),
        ((1, 1.5), "daylight"),
        ((np.nan, 1), "lamps"),
        (({"mesh 1": 2}, 1), "mesh 1"),
        (({"sun": 1}, 1), "sun"),
    ],
)
def test_weights_out_of_range_are_named(weights, word):
    with pytest.raises(ValueError, match=word):
        relight(prepare(room_with_a_lamp()), *weights)
