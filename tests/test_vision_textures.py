"""Textures: their mean is the material's colour, and they stay where they are."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from support import from_meshes, shoebox, solid, surfaces

from avenv.core.cache import bytes_within
from avenv.core.color import linear
from avenv.core.errors import SceneError
from avenv.core.frames import body_rotation
from avenv.scene.materials import TEXTURES
from avenv.vision import render_view
from avenv.vision.light.codes import pack, unpack
from avenv.vision.raster import prepare
from avenv.vision.raster.mipmaps import OPAQUE, build_atlas, image_pyramid
from avenv.vision.raster.patterns import PATTERNS, reflectance

COLOR = np.array([0.7, 0.45, 0.2])


def textured(name, color=COLOR, size=(5.0, 4.0, 3.0)):
    scene = shoebox(size)
    table = replace(scene.surfaces, color=np.array([color], np.float32), texture=(name,))
    return replace(scene, surfaces=table)


def test_the_table_of_materials_and_the_library_name_the_same_textures():
    assert set(TEXTURES) == {"plain", *PATTERNS}


@pytest.mark.parametrize("name", PATTERNS)
def test_the_mean_of_a_texture_is_the_colour_of_its_material(name):
    for color in (COLOR, np.array([0.95, 0.97, 0.02]), np.ones(3)):
        made = reflectance(name, color)
        np.testing.assert_allclose(made.mean(axis=(0, 1)), color, rtol=1e-9)
        assert made.min() >= 0
        assert made.max() <= 1 + 1e-9


@pytest.mark.parametrize("name", ["plain", "brick", "fabric"])
def test_every_mip_level_has_the_same_mean(name):
    atlas = build_atlas(textured(name).surfaces)
    for level in range(atlas.log_size[0, 0] + 1):
        first = atlas.first[0, level]
        texels = atlas.texels[first : first + 4 ** (atlas.log_size[0, 0] - level)]
        np.testing.assert_allclose(unpack(texels).mean(axis=0), COLOR, rtol=2e-3)


def test_scenes_of_the_same_materials_have_their_textures_in_common():
    one, other = textured("brick"), textured("fabric")
    both = [build_atlas(scene.surfaces) for scene in (one, other, one)]
    assert np.shares_memory(both[0].texels, both[1].texels)
    np.testing.assert_array_equal(both[0].first, both[2].first)
    assert len(both[1].texels) == len(both[2].texels)
    assert bytes_within(both[2]) < 4096


def test_a_pickled_scene_leaves_behind_the_textures_of_others():
    raster, other = prepare(textured("brick")), prepare(textured("fabric"))
    copied = pickle.loads(pickle.dumps(raster))
    side = PATTERNS["brick"].texels
    assert copied.arrays.texels is copied.atlas.texels
    assert len(copied.arrays.texels) == (4 * side**2 - 1) // 3 < len(other.arrays.texels)
    views = [render_view(scene, (3.4, 2.0, 1.5), 0.3, -0.2) for scene in (raster, copied)]
    for name, picture in views[0].items():
        np.testing.assert_array_equal(views[1][name], picture)


def test_packing_keeps_colours():
    colors = np.random.default_rng(0).uniform(size=(100, 3))
    np.testing.assert_allclose(unpack(pack(colors)), colors, atol=2e-4)
    np.testing.assert_array_equal(unpack(pack(np.array([-1.0, 0.0, 2.0]))), [0, 0, 1])


def colors_at(scene, points, position, heading, pitch, size=512):
    """Return the colours (N, 3) of the pixels that show these points; all must be in sight."""
    view = render_view(scene, position, heading, pitch, size=(size, size))
    body = (points - position) @ body_rotation(heading, pitch)
    pixel = size / 2 - size / 2 * body[:, 1:] / body[:, :1]
    column, row = np.floor(pixel).astype(int).T
    assert (body[:, 0] > 0).all()
    np.testing.assert_allclose(view["depth"][row, column, 0], body[:, 0], atol=0.02)
    return view["rgb"][row, column].astype(int)


@pytest.mark.parametrize("name", ["tiles", "parquet", "rug"])
def test_a_texel_stays_where_it_is_when_the_camera_moves(name):
    scene = textured(name)
    rng = np.random.default_rng(1)
    y, z = rng.uniform([1.5, 1.0], [2.5, 2.0], (400, 2)).T
    wall = np.column_stack([np.full(400, 5.0), y, z])
    first = colors_at(scene, wall, np.array([3.4, 2.0, 1.5]), 0.0, 0.0)
    second = colors_at(scene, wall, np.array([3.6, 1.7, 1.3]), 0.15, 0.1)
    spread = first.std(axis=0).max()
    assert spread > 8, "the wall shows a pattern"
    assert np.median(np.abs(first - second)) <= 0.15 * spread
    assert np.corrcoef(first[:, 0], second[:, 0])[0, 1] > 0.9


def test_a_distant_texture_is_as_bright_as_a_plain_wall():
    views = [
        render_view(textured(name, size=(5, 60, 60)), (0.5, 30, 30), hfov=120.0, size=(24, 24))
        for name in ("brick", "plain")
    ]
    textured_mean, plain_mean = (v["rgb"][8:16, 8:16].mean(axis=(0, 1)) for v in views)
    np.testing.assert_allclose(textured_mean, plain_mean, atol=6)


def test_a_texture_fills_the_picture_of_an_imported_mesh_without_coordinates():
    view = render_view(textured("brick"), (2, 2, 1.5), size=(64, 64))
    assert view["rgb"].min() > 0
    assert view["rgb"].std() > 10


def pictured(image, uv=1.0):
    """Return a wall 2 m wide and high at x = 1 that shows an image, and a plain wall behind it."""
    corners = np.array([[1, 1, -1], [1, -1, -1], [1, -1, 1], [1, 1, 1]], float)
    sheet = trimesh.Trimesh(corners, [[0, 1, 2], [0, 2, 3]], process=False)
    behind = solid((0.1, 6, 6), (2.0, 0, 0))
    scene = from_meshes([sheet, behind], surfaces((0.1, 0, 0), (0.1, 0, 0)), rows=[0, 1])
    places = uv * np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    scene.uv[:2] = places[[[0, 1, 2], [0, 2, 3]]]
    table = replace(scene.surfaces, texture=("image:0", "plain"))
    # Towards the camera, counter-clockwise corners run from its left to its right.
    return replace(scene, surfaces=table, images=(image,))


def quarters(height, width):
    """Return an image: red and green above blue and white."""
    image = np.full((height, width, 4), 255, np.uint8)
    image[: height // 2, : width // 2, 1:3] = 0
    image[: height // 2, width // 2 :, ::2] = 0
    image[height // 2 :, : width // 2, :2] = 0
    image[..., 3] = 255
    return image


@pytest.mark.parametrize("size", [(64, 64), (60, 34), (7, 130), (1, 3)])
def test_an_image_hangs_upright_whatever_its_size(size):
    if size == (1, 3):
        image = np.full((1, 3, 4), 255, np.uint8)
        view = render_view(pictured(image), (0, 0, 0), size=(40, 40))
        assert (view["rgb"][12:28, 12:28] > 100).all()
        return
    rgb = render_view(pictured(quarters(*size)), (0, 0, 0), size=(40, 40), hfov=80)["rgb"]
    red, green, blue, white = (rgb[r, c].astype(int) for r, c in
                               ((10, 10), (10, 30), (30, 10), (30, 30)))  # fmt: skip
    assert red[0] > 2 * max(red[1:])
    assert green[1] > 2 * max(green[0], green[2])
    assert blue[2] > 2 * max(blue[:2])
    assert white.min() > 0.8 * white.max()


def test_holes_are_seen_through_by_every_sensor():
    image = np.full((32, 32, 4), 200, np.uint8)
    image[..., 3] = 255
    image[8:24, 8:24, 3] = 0
    view = render_view(pictured(image), (0, 0, 0), size=(64, 64),
                       sensors=("rgb", "depth", "semantic", "instance"))  # fmt: skip
    hole = np.zeros((64, 64), bool)
    hole[16:48, 16:48] = True
    np.testing.assert_array_equal(view["semantic"][..., 0], np.where(hole, 2, 1))
    np.testing.assert_array_equal(view["instance"][..., 0], np.where(hole, 2, 1))
    np.testing.assert_allclose(view["depth"][..., 0], np.where(hole, 1.95, 1.0), rtol=1e-4)


def test_holes_take_no_part_in_the_colours_of_distant_levels():
    alpha = np.random.default_rng(0).uniform(size=(64, 64)) < 0.3
    image = np.dstack([np.where(alpha[..., None], 90, 255) * np.ones(3), 255 * alpha])
    for level in image_pyramid(image.astype(np.uint8))[1:]:
        np.testing.assert_allclose(unpack(level & ~OPAQUE), linear(90 / 255), rtol=0.01)


@pytest.mark.parametrize("hfov", [40, 100, 140])
def test_a_fence_neither_closes_nor_vanishes_in_the_distance(hfov):
    bars = np.zeros((256, 256, 4), np.uint8)
    bars[:, ::8] = bars[:, 1::8] = 255  # a quarter of it is solid
    view = render_view(pictured(bars), (0, 0, 0), size=(96, 96), hfov=hfov, sensors=("instance",))
    fence = view["instance"][..., 0] == 1
    rows, columns = np.flatnonzero(fence.any(axis=1)), np.flatnonzero(fence.any(axis=0))
    within = fence[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert within.mean() == pytest.approx(0.25, abs=0.06)


def test_a_missing_image_is_named():
    with pytest.raises(SceneError, match="image:0"):
        render_view(replace(pictured(quarters(8, 8)), images=()), (0, 0, 0))
