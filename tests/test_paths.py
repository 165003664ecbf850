"""Early paths: the image sources of an independent library, reciprocity, and walls that leak."""

from dataclasses import replace
from itertools import product

import numpy as np
import pyroomacoustics as pra
import pytest
import trimesh
from support import from_meshes, furnished, shoebox, solid, surfaces, two_rooms

from avenv.acoustics.air import air_absorption
from avenv.acoustics.paths.image_sources import find_images
from avenv.acoustics.paths.search import (
    DIFFRACTED,
    DIRECT,
    REFLECTED,
    TRANSMITTED,
    allocate_paths,
    find_paths,
)
from avenv.acoustics.tables import is_inside_solid, tabulate

NO_AIR = np.zeros(6)


def paths_between(scene, source, listener, order=2, air=NO_AIR, rays=16384):
    source, listener = np.array(source, float), np.array(listener, float)
    tree = find_images(scene, source, order, rays)
    paths = allocate_paths(tree, len(air))
    count = find_paths(scene, tree, air, listener, paths)
    return type(paths)(*(column[:count] for column in paths))


def test_shoebox_taps_are_those_of_pyroomacoustics():
    size, source, listener = (5.0, 4.0, 3.0), (1.2, 1.1, 1.4), (3.9, 2.7, 1.7)
    paths = paths_between(tabulate(shoebox(size, absorption=0.3, scattering=0.0)), source, listener)
    room = pra.ShoeBox(size, materials=pra.Material(0.3), max_order=2, fs=16000)
    room.add_source(source)
    room.add_microphone(listener)
    room.image_source_model()
    offsets = room.sources[0].images.T - listener
    length = np.linalg.norm(offsets, axis=1)
    gain = room.sources[0].damping[0] / length
    mine, theirs = np.argsort(paths.length), np.argsort(length)
    assert len(paths.length) == len(length) == 25
    np.testing.assert_allclose(paths.length[mine], length[theirs], atol=343 * 1e-5)
    np.testing.assert_allclose(20 * np.log10(paths.gain[mine, 0] / gain[theirs]), 0, atol=0.01)
    np.testing.assert_allclose(paths.arrival[mine], (offsets / length[:, None])[theirs], atol=1e-4)
    assert list(paths.kind[mine]) == [DIRECT] + [REFLECTED] * 24


@pytest.mark.parametrize(("angle", "sheet"), [(0.0, False), (0.7, False), (0.0, True)])
@pytest.mark.parametrize("height", [2e-3, 0.5, 1.2])
def test_no_image_is_lost_where_a_path_bends_in_a_corner(height, angle, sheet):
    """A box has 25 images up to the second order, all heard everywhere (Allen & Berkley 1979).

    Of two images that are one, in a corner's two walls, either way round, exactly one counts.
    """
    turn = trimesh.transformations.rotation_matrix(angle, [0.3, 0.5, 1.0])
    room = solid((5, 4, 3), (2.5, 2, 1.5))
    room.invert()
    room.apply_transform(turn)
    compiled = from_meshes([room], surfaces((0.1, 0.0, 0.0)))
    scene = tabulate(replace(compiled, double_sided=np.full(12, sheet)))
    source = np.array([height, height, height])
    rng = np.random.default_rng(0)
    anywhere = rng.uniform([0.1, 0.1, 0.1], [4.9, 3.9, 2.9], (400, 3))
    along = rng.uniform(0.3, 2.9 - height, (50, 1))
    diagonal = np.concatenate([source + along, source + along * [1, 1, 0] + [0, 0, 0.01]])
    nearly = diagonal + rng.uniform(-2e-4, 2e-4, diagonal.shape)
    for listeners in (anywhere, nearly, *([diagonal] if angle == 0 else [])):
        tree = find_images(scene, turn[:3, :3] @ source, 2, 16384)
        paths = allocate_paths(tree, len(NO_AIR))
        for listener in listeners:
            count = find_paths(scene, tree, NO_AIR, turn[:3, :3] @ listener, paths)
            assert count == 25, listener
            images = np.sort(paths.length[:count])
            expected = box_images((5, 4, 3), source, listener)
            np.testing.assert_allclose(images, expected, atol=1e-5)
            left = np.sort(paths.gain[:count, 0] * paths.length[:count])
            np.testing.assert_allclose(left**2, [0.81] * 18 + [0.9] * 6 + [1], rtol=1e-4)


def box_images(size, source, listener):
    """Return the distances (25,), ascending, of the images of a box up to the second order."""
    distances = []
    for number in product(range(-2, 3), repeat=3):
        if sum(map(abs, number)) <= 2:
            image = [
                n * side + (x if n % 2 == 0 else side - x)
                for n, side, x in zip(number, size, source, strict=True)
            ]
            distances.append(np.linalg.norm(np.subtract(image, listener)))
    return np.sort(distances)


def test_scattering_takes_its_share_of_every_reflection():
    plain, rough = (
        paths_between(tabulate(shoebox(scattering=s)), (1, 1, 1), (4, 3, 2), order=1)
        for s in (0.0, 0.4)
    )
    ratio = (rough.gain[:, 0] / plain.gain[:, 0]) ** 2
    np.testing.assert_allclose(ratio, [1.0] + [0.6] * 6, rtol=1e-5)


def test_source_and_listener_may_change_places():
    scene = tabulate(furnished())
    air = air_absorption([125, 250, 500, 1000, 2000, 4000]) * np.log(10) / 20
    rng = np.random.default_rng(0)
    points = rng.uniform([0.5, 0.5, 1.3], [9.5, 7.5, 2.0], (12, 3))
    for a, b in points.reshape(6, 2, 3):
        there, back = (paths_between(scene, *p, air=air) for p in ((a, b), (b, a)))
        energy = [10 * np.log10((p.gain**2).sum(axis=0)) for p in (there, back)]
        np.testing.assert_allclose(energy[0], energy[1], atol=0.5)
        first, last = there.arrival[0], back.departure[0]
        np.testing.assert_allclose(first, last, atol=1e-5)


def test_a_closed_wall_attenuates_by_its_transmission_loss():
    # Each of the wall's two surfaces passes 1 % of the energy: 40 dB in all.
    scene = tabulate(two_rooms(door=0.0))
    paths = paths_between(scene, (2, 2, 1.5), (6, 2, 1.5), order=0)
    assert list(paths.kind) == [TRANSMITTED]
    np.testing.assert_allclose(20 * np.log10(paths.gain[0] * 4.0), -40, atol=0.01)
    np.testing.assert_allclose(paths.arrival[0], [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(paths.departure[0], [1, 0, 0], atol=1e-6)


def test_a_wall_that_passes_nothing_leaves_only_the_ways_round_it():
    wall = solid((0.2, 4, 4), (0, 0, 0))
    scene = tabulate(from_meshes([wall], surfaces((0.5, 0.0, 0.0))))
    paths = paths_between(scene, (-1, 0, 0), (1, 0, 0), order=1)
    assert list(paths.kind) == [DIFFRACTED] * 4
    np.testing.assert_allclose(paths.length, 0.2 + 2 * np.hypot(0.9, 2), rtol=1e-6)


def test_an_open_field_has_one_path_that_air_attenuates():
    scene = tabulate(from_meshes([solid((1, 1, 1), (50, 0, 0))], surfaces((0.5, 0.0, 0.0))))
    air = air_absorption([1000.0, 8000.0]) * np.log(10) / 20
    paths = paths_between(scene, (0, 0, 0), (0, 10, 0), air=air)
    # ISO 9613-1, table 1, 20 degrees and 50 %: 4.66 and 105 dB per km
    np.testing.assert_allclose(-20 * np.log10(paths.gain[0] * 10), [0.0466, 1.05], rtol=0.01)


def test_small_things_are_no_mirrors_but_stand_in_the_way():
    room = solid((5, 4, 3), (2.5, 2, 1.5))
    room.invert()
    box = solid((0.4, 0.4, 0.4), (2.5, 1.5, 0.25))
    table = surfaces((0.1, 0.0, 0.0))
    empty, filled = (tabulate(from_meshes(m, table)) for m in ([room], [room, box]))
    assert len(empty.planes) == len(filled.planes) == 6
    over = [paths_between(s, (1, 1.5, 1), (4, 1.5, 1), order=1) for s in (empty, filled)]
    # The floor reflects at (2.5, 1.5, 0), within the box's foot: that path alone is gone.
    assert [len(p.length) for p in over] == [7, 6]
    lost = set(np.round(over[0].length, 4)) - set(np.round(over[1].length, 4))
    np.testing.assert_allclose(list(lost), [np.sqrt(9 + 4)], atol=1e-3)


@pytest.mark.parametrize(
    ("point", "inside"),
    [((2.0, 2.0, 1.5), False), ((4.1, 0.5, 1.0), True), ((4.1, 2.0, 1.0), False),
     ((-0.5, 2.0, 1.0), True)],
)  # fmt: skip
def test_points_inside_solids_are_told_apart(point, inside):
    assert is_inside_solid(tabulate(two_rooms()), *point) is inside


@pytest.mark.parametrize("distance", [0.0, 1e-5, 0.003, 0.01])
def test_on_top_of_the_source_it_is_as_loud_as_a_centimetre_from_it(distance):
    scene = tabulate(shoebox((12, 10, 8), absorption=1.0))
    paths = paths_between(scene, np.array([3.0, 5, 4]), np.array([3.0 + distance, 5, 4]))
    (direct,) = np.flatnonzero(paths.kind == DIRECT)
    np.testing.assert_allclose(paths.gain[direct], 100, rtol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(paths.arrival[direct]), 1, rtol=1e-6)
