"""Textures: their mean is the material's colour, and they stay where they are."""

from dataclasses import replace

import numpy as np
import pytest
from support import shoebox

from avenv.frames import body_rotation
from avenv.scene.materials import TEXTURES as NAMES
from avenv.vision import render_view
from avenv.vision.mipmaps import build_atlas, pack, unpack
from avenv.vision.textures import TEXTURES, reflectance

COLOR = np.array([0.7, 0.45, 0.2])


def textured(name, color=COLOR, size=(5.0, 4.0, 3.0)):
    scene = shoebox(size)
    table = replace(scene.surfaces, color=np.array([color], np.float32), texture=(name,))
    return replace(scene, surfaces=table)


def test_the_table_of_materials_and_the_library_name_the_same_textures():
    assert set(NAMES) == {"plain", *TEXTURES}


@pytest.mark.parametrize("name", TEXTURES)
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
