"""Sound round edges: exact solutions, continuity, and what a doorway sounds like."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from bem import thick_screen_pressure
from scipy.integrate import quad
from scipy.special import fresnel, hankel1
from support import B, from_meshes, solid, surfaces, two_rooms

from avenv.acoustics import tables
from avenv.acoustics.paths.bends import MAX_PATHS
from avenv.acoustics.paths.diffraction import in_phase, magnitude
from avenv.acoustics.paths.edges import bending, find_edges
from avenv.acoustics.paths.image_sources import find_images, move_images
from avenv.acoustics.paths.search import DIFFRACTED, DIRECT, allocate_paths, find_paths
from avenv.acoustics.paths.twins import find_twins
from avenv.acoustics.tables import tabulate
from avenv.core.bands import OCTAVE_CENTRES

K = 2 * np.pi * np.array(OCTAVE_CENTRES) / 343


def finder(scene, source, order=0):
    """Return a function from a listener to the paths from a source."""
    tree = find_images(scene, np.array(source, float), order, 4096)
    room = allocate_paths(tree, B)

    def paths_to(listener):
        count = find_paths(scene, tree, np.zeros(B), np.array(listener, float), room)
        return type(room)(*(column[:count].copy() for column in room))

    return paths_to


def pressure(paths):
    """Return the complex pressure (B,) at the band centres: all paths with their delays."""
    return (paths.gain * np.exp(-1j * K * paths.length[:, None].astype(float))).sum(axis=0)


def decibels(pressure):
    return 20 * np.log10(np.abs(pressure))


def sheet(corners):
    """Make a rigid sheet of four corners in the open."""
    mesh = trimesh.Trimesh(np.array(corners, float), [[0, 1, 2], [0, 2, 3]])
    scene = from_meshes([mesh], surfaces((0.0, 0.0, 0.0)))
    return tabulate(replace(scene, double_sided=np.ones(2, bool)))


@pytest.fixture(scope="module")
def half_plane():
    """The plane y = 0 where x < 0, its edge along z."""
    far = 100.0
    return sheet([(-far, 0, -far), (0, 0, -far), (0, 0, far), (-far, 0, far)])


def around(radius, angle, height=0.0):
    """Return a point round the half plane's edge; 0 is the side y > 0 of the plane itself."""
    return np.array([-radius * np.cos(angle), radius * np.sin(angle), height])


def macdonald(k, source, listener):
    """Return the field of a point source, 1/R in the open, by a rigid half plane.

    Macdonald (1915), as in Bowman, Senior & Uslenghi, "Electromagnetic and Acoustic Scattering by
    Simple Shapes" (1969), 8.3: each of the two waves is an integral of a Hankel function up to a
    limit that is 0 on its boundary. ``source`` and ``listener`` are (radius, angle, height).
    """
    (r0, a0, z0), (r, a, z) = source, listener
    longest = np.sqrt((r + r0) ** 2 + (z - z0) ** 2)
    total = 0j
    for angle in (a - a0, a + a0):
        distance = np.sqrt(r**2 + r0**2 - 2 * r * r0 * np.cos(angle) + (z - z0) ** 2)
        limit = np.sqrt(max(k * (longest - distance), 0))
        turn = np.exp(0.25j * np.pi)  # integrate along a line where the integrand dies away

        def integrand(t, distance=distance, limit=limit, turn=turn):
            s = limit + t * turn
            square = s * s
            return turn * hankel1(1, k * distance + square) / np.sqrt(square + 2 * k * distance)

        rest = (
            1j
            * k
            * (
                quad(lambda t: integrand(t).real, 0, 12, limit=200)[0]
                + 1j * quad(lambda t: integrand(t).imag, 0, 12, limit=200)[0]
            )
        )
        whole = np.exp(1j * k * distance) / distance
        total += whole - rest if np.cos(angle / 2) > 0 else rest
    return total


def test_the_reference_is_the_free_field_far_from_the_edge():
    # Deep in the light, before the plane: the direct sound and its mirror image.
    source, listener = (40.0, 1.5, 0.0), (41.0, 1.4, 2.0)
    a, b = around(*source), around(*listener)
    mirrored = np.linalg.norm(a * [1, -1, 1] - b)
    expected = np.exp(2j * np.linalg.norm(a - b)) / np.linalg.norm(a - b)
    expected += np.exp(2j * mirrored) / mirrored
    assert macdonald(2.0, source, listener) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("source", "offset"), [((2, 0.5, 0), (1.5, 0)), ((2, 1.2, 0.7), (3, 1)), ((4, 2, 0), (1.5, 1))]
)
def test_a_half_plane_casts_the_exact_shadow(half_plane, source, offset):
    paths_to = finder(half_plane, around(*source), order=1)
    radius, height = offset
    for degrees, tolerance in [
        (-20, 2),
        (-8, 1),
        (-1, 1),
        (1, 0.5),
        (10, 0.5),
        (30, 0.5),
        (60, 0.5),
    ]:
        angle = source[1] + np.pi + np.radians(degrees)
        mine = pressure(paths_to(around(radius, angle, height)))
        exact = [macdonald(k, source, (radius, angle, height)) for k in K]
        np.testing.assert_allclose(decibels(mine), decibels(exact), atol=tolerance)


def test_half_the_pressure_is_left_on_the_shadow_boundary(half_plane):
    paths_to = finder(half_plane, around(4, 1.6), order=1)
    for degrees in (-0.05, 0.05):
        listener = around(4, 1.6 + np.pi + np.radians(degrees))
        left = decibels(pressure(paths_to(listener)) * 8.0)
        np.testing.assert_allclose(left[4:], -6.0, atol=0.6)  # 2 kHz on; below, the plane reflects


def test_nothing_jumps_on_the_way_into_the_shadow(half_plane):
    paths_to = finder(half_plane, around(2, 1.2), order=1)
    angles = 1.2 + np.pi + np.radians(np.linspace(-45, 60, 421))  # steps of 1 cm at most
    walk = [paths_to(around(2, angle)) for angle in angles]
    assert {DIRECT, DIFFRACTED} <= {int(kind) for paths in walk for kind in paths.kind}
    steps = np.abs(np.diff(decibels([pressure(paths) for paths in walk]), axis=0))
    assert steps[:, :6].max() < 0.5


def test_a_barrier_with_two_edges_is_as_good_as_the_standard_says():
    # ISO 9613-2:1996, equations 14 and 15, without reflections from the ground.
    width = 0.6
    scene = tabulate(from_meshes([solid((width, 60, 40), (0, 0, -20))], surfaces((0.0, 0.0, 0.0))))
    source, listener = (-3.0, 0.0, -0.5), (4.0, 0.3, -0.5)
    paths = finder(scene, source)(listener)
    assert list(paths.kind) == [DIFFRACTED]
    distance = np.linalg.norm(np.subtract(listener, source))
    wavelength = 2 * np.pi / K
    both = (5 * wavelength / width) ** 2
    detour = paths.length[0] - distance
    loss = 10 * np.log10(3 + 20 / wavelength * (1 + both) / (1 / 3 + both) * detour)
    mine = -decibels(paths.gain[0] * distance)
    np.testing.assert_allclose(mine, loss, atol=3.0)


@pytest.mark.parametrize("bend", [0.1, 0.5])
def test_the_two_edges_of_a_thin_wall_do_as_one(bend):
    wall = solid((60, 0.04, 60), (-30, 0, 0))
    scene = tabulate(from_meshes([wall], surfaces((0.0, 0.0, 0.0))))
    source, listener = (2.0, 0.5, 0.0), (1.5, 0.5 + np.pi + bend, 0.3)
    paths = finder(scene, around(*source))(around(*listener))
    exact = [macdonald(k, source, listener) for k in K]
    np.testing.assert_allclose(decibels(pressure(paths)), decibels(exact), atol=3.0)


def screen(thickness, reach=60.0):
    """Make a rigid solid screen, x < 0, like the half plane, its free end in the plane x = 0."""
    slab = solid((reach, thickness, reach), (-reach / 2, 0, 0))
    return tabulate(from_meshes([slab], surfaces((0.0, 0.0, 0.0))))


@pytest.mark.parametrize("shift", [(0, 0, 0), (37.3, -21.9, 11.7)])
@pytest.mark.parametrize(
    ("source", "listener"),
    [((3.0, 1.4, 0.0), (4.0, 1.7 + np.pi, 0.3)), ((2.0, 0.9, 0.0), (3.0, 1.5 + np.pi, 0.5)),
     ((3.0, 1.9, 0.0), (3.0, 2.4 + np.pi, 1.0)), ((2.0, 1.2, 0.0), (2.5, 1.0 + np.pi, 0.0)),
     ((2.0, 2.1, 0.0), (3.0, 1.7 + np.pi, 0.0))],
)  # fmt: skip
def test_as_a_screen_gets_thinner_it_becomes_a_half_plane(source, listener, shift):
    plane = sheet([(-60, 0, -30), (0, 0, -30), (0, 0, 30), (-60, 0, 30)])
    half = decibels(pressure(finder(plane, around(*source), order=1)(around(*listener))))
    exact = decibels([macdonald(k, source, listener) for k in K])
    levels = []
    for thickness in (0.001, 0.002, 0.004, 0.008, 0.016, 0.03):
        slab = solid((60, thickness, 60), np.add((-30, 0, 0), shift))
        scene = tabulate(from_meshes([slab], surfaces((0.0, 0.0, 0.0))))
        paths = finder(scene, np.add(around(*source), shift), order=1)(
            np.add(around(*listener), shift)
        )
        levels.append(decibels(pressure(paths)))
    np.testing.assert_allclose(levels[0], half, atol=0.4)  # their far ends differ
    np.testing.assert_allclose(np.array(levels)[:, 1:6], np.tile(exact[1:6], (6, 1)), atol=2.0)
    assert np.abs(np.diff(levels, axis=0))[:, :6].max() < 1.0  # from one thickness to its double


@pytest.mark.parametrize("thickness", [0.05, 0.12, 0.3])
def test_thickness_takes_off_what_the_boundary_element_method_says(thickness):
    # Of a line source in the plane: what a thick screen leaves over what a thin one does, 500 Hz.
    source = np.array([-1.0, -1.0 - thickness / 2])
    listener = np.array([-2.0, 1.0 + thickness / 2])
    thick, thin = (
        np.abs(thick_screen_pressure(K[2], t, source, listener[None])[0])
        for t in (thickness, 0.002)
    )
    mine = [
        decibels(pressure(finder(screen(t), (*source, 0.0))(np.array((*listener, 0.0)))))[2]
        for t in (thickness, 0.001)
    ]
    assert mine[0] - mine[1] == pytest.approx(20 * np.log10(thick / thin), abs=1.6)


def test_nothing_jumps_on_the_way_round_a_screen():
    # Past the plane of its narrow face, and from the shadow into the light.
    paths_to = finder(screen(0.12), around(2, 1.2), order=1)
    walk = [paths_to(around(2, a)) for a in 1.2 + np.pi + np.radians(np.linspace(-60, 60, 481))]
    steps = np.abs(np.diff(decibels([pressure(paths) for paths in walk]), axis=0))
    assert steps[:, :6].max() < 0.6


def test_the_two_edges_of_a_thin_solid_know_each_other():
    edges = edges_of(solid((3.0, 0.1, 2.0), (0, 0, 0)), solid((1.0, 1.1, 1.2), (9, 0, 0)))
    twins = find_twins(edges)
    paired = twins.edge >= 0
    assert paired.sum() == 8  # the long sides of the four narrow faces
    np.testing.assert_allclose(twins.thickness[paired], 0.1, atol=1e-6)
    np.testing.assert_array_equal(twins.edge[twins.edge[paired]], np.flatnonzero(paired))


def test_sound_out_of_sight_comes_through_the_doorway():
    paths_to = finder(tabulate(two_rooms()), (1.0, 1.0, 1.4))
    heard = paths_to((5.0, 0.6, 1.4))
    loudest = heard.gain[:, 3].argmax()
    assert heard.kind[loudest] == DIFFRACTED
    # The doorway is 1 m wide, in the middle of the wall at x = 4 to 4.2; its near jamb is at 1.5.
    jamb = np.array([4.2, 1.5]) - (5.0, 0.6)
    np.testing.assert_allclose(heard.arrival[loudest, :2], jamb / np.linalg.norm(jamb), atol=1e-3)
    leaving = np.array([4.0, 1.5]) - (1.0, 1.0)
    np.testing.assert_allclose(
        heard.departure[loudest, :2], leaving / np.linalg.norm(leaving), atol=1e-3
    )
    length = np.linalg.norm(jamb) + 0.2 + np.linalg.norm(leaving)
    assert heard.length[loudest] == pytest.approx(length, abs=1e-5)


def test_level_and_direction_change_smoothly_on_the_way_past_a_doorway():
    paths_to = finder(tabulate(two_rooms(absorption=0.2, scattering=1.0)), (1.0, 1.0, 1.4))
    levels, azimuths = [], []
    for y in np.arange(0.31, 3.7, 0.05):
        paths = paths_to((5.5, y, 1.5))
        levels.append(decibels(pressure(paths))[:5])  # to 2 kHz
        x, y = paths.arrival[np.abs(paths.gain[:, 3]).argmax(), :2]
        azimuths.append(np.degrees(np.arctan2(y, x)) % 360)
        assert (paths.kind == DIFFRACTED).sum() <= MAX_PATHS
    assert np.abs(np.diff(levels, axis=0)).max() < 2.5
    assert np.abs(np.diff(azimuths)).max() < 3.5
    assert 135 < min(azimuths) < 140  # towards the near jamb, (4.2, 1.5) from (5.5, 0.31)


def test_source_and_listener_may_change_places_round_corners():
    scene = tabulate(two_rooms())
    places = [((1.0, 1.0, 1.4), (5.2, 0.6, 1.5)), ((3.0, 3.5, 1.2), (4.6, 3.0, 1.6)),
              ((3.7, 0.7, 1.0), (7.0, 3.0, 1.9)), ((2.0, 2.2, 1.5), (6.0, 1.1, 1.2))]  # fmt: skip
    for a, b in places:
        there, back = (
            decibels(pressure(finder(scene, a)(b))),
            decibels(pressure(finder(scene, b)(a))),
        )
        np.testing.assert_allclose(there, back, atol=0.5)


def test_a_source_that_moves_a_little_keeps_its_ways_round_corners():
    scene = tabulate(two_rooms())
    start, end, listener = (1.0, 1.0, 1.4), np.array([1.0, 1.1, 1.4]), np.array([5.2, 0.6, 1.5])
    tree = move_images(scene, find_images(scene, np.array(start), 0, 4096), end)
    moved = allocate_paths(tree, B)
    count = find_paths(scene, tree, np.zeros(B), listener, moved)
    fresh = finder(scene, end)(listener)
    np.testing.assert_allclose(moved.gain[:count].sum(axis=0), fresh.gain.sum(axis=0), rtol=0.02)


def edges_of(*meshes, sheets=()):
    scene = from_meshes(list(meshes), surfaces((0.2, 0.1, 0.0)))
    sheet = np.isin(scene.object, sheets)
    return find_edges(scene.triangles, scene.normals, sheet, scene.bvh)


def test_edges_are_where_air_goes_round():
    box = solid((1.0, 2.0, 0.8), (0, 0, 0.4))
    floor = solid((6, 6, 0.1), (0, 0, -0.05))
    room = solid((6, 6, 3), (0, 0, 1.5))
    room.invert()
    alone = edges_of(box)
    assert sorted(alone.length) == pytest.approx([0.8] * 4 + [1.0] * 4 + [2.0] * 4)
    np.testing.assert_allclose(alone.opening, 1.5)
    assert len(edges_of(room).length) == 0
    assert len(edges_of(box, floor).length) == 8 + 8  # none where the box stands on the slab
    assert len(edges_of(box, room).length) == 8
    assert len(edges_of(solid((0.3, 0.3, 0.3), (0, 0, 5))).length) == 0  # too small
    assert len(bending(edges_of(solid((0.1, 0.1, 2.0), (0, 0, 5))), 99)) == 0  # too thin
    plane = trimesh.Trimesh([[0, 0, 0], [2, 0, 0], [2, 0, 1], [0, 0, 1]], [[0, 1, 2], [0, 2, 3]])
    border = edges_of(plane, sheets=[0])
    assert sorted(border.length) == pytest.approx([1, 1, 2, 2])
    np.testing.assert_allclose(border.opening, 2.0)


def test_edges_do_not_depend_on_how_a_wall_is_cut_into_triangles():
    box = solid((1.0, 2.0, 0.8), (0.2, 0.1, 0.4))
    fine = box.subdivide().subdivide()
    coarse, cut = edges_of(box), edges_of(fine)
    assert sorted(coarse.length) == pytest.approx(sorted(cut.length))


def test_the_transition_functions_are_those_of_fresnel():
    v = np.linspace(0, 5, 101)
    s, c = fresnel(v)
    turn = np.pi * v**2 / 2
    f = (0.5 - s) * np.cos(turn) - (0.5 - c) * np.sin(turn)
    g = (0.5 - c) * np.cos(turn) + (0.5 - s) * np.sin(turn)
    np.testing.assert_allclose([magnitude(x) for x in v], np.hypot(f, g), rtol=0.004)
    np.testing.assert_allclose([in_phase(x) for x in v], (f + g) / np.sqrt(2), rtol=0.007)


def test_of_too_many_edges_the_longest_bend_sound(monkeypatch):
    boxes = [solid((0.6 + 0.1 * k, 0.5, 0.8), (3.0 * k, 0, 5)) for k in range(6)]
    scene = from_meshes(boxes, surfaces((0.1, 0.1, 0.0)))
    every = np.sort(tabulate(scene).edges.length)
    np.testing.assert_allclose(every[-8:], [1.0] * 4 + [1.1] * 4, atol=1e-5)
    monkeypatch.setattr(tables, "MAX_EDGES", 8)
    with pytest.warns(UserWarning, match=r"test: 72 edges could bend sound; only the 8 longest do"):
        kept = tabulate(scene)
    np.testing.assert_allclose(np.sort(kept.edges.length), every[-8:])
    assert kept.reflectance.shape == (8, 2, B)
