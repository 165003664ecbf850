"""The late field against room acoustics' theory, and its promises."""

import numpy as np
import pytest
import trimesh
from support import from_meshes, furnished, shoebox, solid, surfaces, two_rooms

from avenv.acoustics.air import air_absorption
from avenv.acoustics.late.denoising import _fit_decay
from avenv.acoustics.late.neighbours import cells_for
from avenv.acoustics.late.tracing import NO_IMAGES, late_at, trace_late
from avenv.acoustics.paths.image_sources import find_images
from avenv.acoustics.paths.search import allocate_paths, find_paths
from avenv.acoustics.settings import AcousticSettings
from avenv.acoustics.tables import tabulate
from avenv.core import parallel
from avenv.core.bands import OCTAVE_CENTRES

B = len(OCTAVE_CENTRES)
AIR = air_absorption(OCTAVE_CENTRES) * np.log(10) / 10  # energy exponents per metre


def trace(scene, source, settings, order=None, height=None):
    source = np.array(source, float)
    tree = NO_IMAGES if order is None else find_images(scene, source, order, 8192)
    return trace_late(scene, source, height or source[2], tree, settings), tree


def heard(field, scene, point):
    energy = np.zeros(field.energy.shape[1:], np.float32)
    moment = np.zeros((*energy.shape[:1], 3), np.float32)
    late_at(field, scene.bvh, *map(float, point), energy, moment)
    return energy, moment


def mean_energy(field):
    """Return the mean (K, B) over all cells, weighted by volume."""
    return np.average(field.energy, axis=0, weights=field.cells.volume).astype(float)


def reverberation_time(energy, width):
    """Return T30 in seconds from energy (K,) in bins: the slope from -5 to -35 dB."""
    decay = 10 * np.log10(np.cumsum(energy[::-1])[::-1] / energy.sum())
    part = (decay < -5) & (decay > -35)
    slope = np.polyfit(np.flatnonzero(part) * width, decay[part], 1)[0]
    return -60 / slope


def test_the_free_field_falls_as_one_over_r_squared():
    scene = tabulate(shoebox((12, 10, 8), absorption=1.0))
    field, _ = trace(scene, (6, 5, 4), AcousticSettings(max_time=0.1, rays=16384))
    for x, y in [(9.25, 5.25), (6.25, 8.25), (9.25, 8.25), (2.25, 2.25)]:
        energy, moment = heard(field, scene, (x, y, 4))
        offset = np.array([6 - x, 5 - y, 0])
        r = np.linalg.norm(offset)
        expected = np.exp(-AIR * r) / r**2
        np.testing.assert_allclose(10 * np.log10(energy.sum(axis=0) / expected), 0, atol=0.5)
        direction = moment[energy[:, 0].argmax()]
        np.testing.assert_allclose(direction, offset / r, atol=0.05)


def test_one_field_can_serve_all_heights():
    scene = tabulate(shoebox((12, 10, 8), absorption=1.0))
    settings = AcousticSettings(max_time=0.1, rays=32768, all_heights=True)
    field, _ = trace(scene, (6, 5, 2), settings)
    for place in [(9.25, 5.25, 2.0), (6.25, 7.75, 4.5), (7.25, 7.25, 5.5), (8.75, 5.25, 0.5),
                  (6.25, 5.25, 5.0)]:  # fmt: skip
        energy, moment = heard(field, scene, place)
        offset = np.array([6, 5, 2]) - place
        r = np.linalg.norm(offset)
        expected = np.exp(-AIR * r) / r**2
        np.testing.assert_allclose(10 * np.log10(energy.sum(axis=0) / expected), 0, atol=0.8)
        np.testing.assert_allclose(moment[energy[:, 0].argmax()], offset / r, atol=0.08)


def test_cells_of_all_heights_share_the_sound_of_a_diffuse_room():
    scene = tabulate(shoebox((7, 5.5, 4), absorption=0.2, scattering=0.7))
    flat, full = (
        trace(scene, (2, 2, 2), AcousticSettings(max_time=0.8, all_heights=a), order=0)[0]
        for a in (False, True)
    )
    assert full.cells.volume.sum() == pytest.approx(7 * 5.5 * 4, rel=0.01)
    assert flat.cells.volume.sum() == pytest.approx(7 * 5.5 * 1, rel=0.01)
    levels = [mean_energy(f)[5:50].sum(axis=0) for f in (flat, full)]
    np.testing.assert_allclose(10 * np.log10(levels[0] / levels[1]), 0, atol=0.3)
    high, low = (heard(full, scene, (5, 4, z))[0][5:].sum(axis=0) for z in (0.5, 3.5))
    np.testing.assert_allclose(10 * np.log10(high / low), 0, atol=1.0)


def test_decay_and_level_of_a_diffuse_room_are_those_of_theory():
    size, absorption = np.array([7.0, 5.5, 4.0]), 0.2
    scene = tabulate(shoebox(size, absorption=absorption, scattering=0.7))
    field, _ = trace(scene, (2, 2, 2), AcousticSettings(max_time=1.5), order=0)
    volume = size.prod()
    surface = 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    area = -surface * np.log(1 - absorption) + 4 * AIR * volume
    eyring = 24 * np.log(10) / 343 * volume / area
    energy = mean_energy(field)
    times = [reverberation_time(energy[:, b], field.bin) for b in range(B)]
    np.testing.assert_allclose(times, eyring, rtol=0.1)
    # Steady state without the direct sound: 16 pi / R with the room constant R of Sabine's area
    # (Kuttruff 5.44); air takes its share on the mean free path of each flight.
    flight = np.exp(-AIR * 4 * volume / surface)
    left = (1 - absorption) * flight
    level = 16 * np.pi / surface * left / (1 - left)
    np.testing.assert_allclose(10 * np.log10(energy.sum(axis=0) / level), 0, atol=1.0)


def test_early_and_late_sound_together_do_not_depend_on_the_order():
    scene = tabulate(shoebox((7, 5.5, 4), absorption=0.2, scattering=0.3))
    settings = AcousticSettings(max_time=1.0, rays=16384)
    source, listener = np.array([2.0, 2.0, 2.0]), np.array([5.25, 3.75, 2.0])
    levels = []
    for order in (0, 1, 2, 3):
        field, tree = trace(scene, source, settings, order)
        paths = allocate_paths(tree, B)
        count = find_paths(scene, tree, AIR / 2, listener, paths)
        early = (paths.gain[:count].astype(float) ** 2).sum(axis=0)
        late, _ = heard(field, scene, listener)
        levels.append(10 * np.log10(early + late.sum(axis=0)))
    assert np.ptp(levels, axis=0).max() < 0.5


def test_a_room_that_absorbs_nothing_keeps_its_energy():
    scene = tabulate(shoebox((6, 5, 3), absorption=0.0, scattering=0.5))
    dry = AcousticSettings(max_time=0.5, rays=1024, humidity=0.0, temperature=20.0)
    field, _ = trace(scene, (2, 2, 1.5), dry)
    energy = mean_energy(field)[:, 0]  # the lowest band: air takes next to nothing
    # Every bin gets 4 pi c dt / V: all rays go on flying.
    np.testing.assert_allclose(energy[20:], 4 * np.pi * 343 * 0.01 / 90, rtol=0.1)


def test_a_closed_wall_lets_through_what_its_transmission_says():
    shells = [solid((4, 4, 2.5), (x, 2, 1.25)) for x in (2.0, 6.05)]
    for shell in shells:
        shell.invert()
    scene = tabulate(from_meshes(shells, surfaces((0.1, 0.8, 1e-2))))
    runs = [trace(scene, (2, 2, 1.25), AcousticSettings(max_time=0.8, seed=s))[0] for s in range(6)]
    energy = np.mean([r.energy[:, :80].sum(axis=1) for r in runs], axis=0)
    cells = runs[0].cells
    left = cells.anchor[:, 0] < 4.02
    level = [np.average(energy[side], axis=0, weights=cells.volume[side]) for side in (left, ~left)]
    # Power balance of the receiving room: A2 E2 = tau S E1 (Cremer & Mueller), tau = 1e-4.
    room = 4 * 4 * 2 + 4 * 4 * 2.5
    area = room * 0.1 + 4 * AIR * 40
    expected = 10 * np.log10(1e-4 * 10 / area)
    np.testing.assert_allclose(10 * np.log10(level[1] / level[0]), expected, atol=1.0)


def test_what_escapes_through_a_hole_is_told():
    box, settings = shoebox((5, 4, 3), absorption=1.0), AcousticSettings(rays=2048, max_time=0.1)
    roofless = np.flatnonzero(box.triangles[:, :, 2].min(axis=1) < 2.9)
    shell = trimesh.Trimesh(**trimesh.triangles.to_kwargs(box.triangles[roofless].astype(float)))
    closed, _ = trace(tabulate(box), (2.5, 2, 1), settings)
    leaky, _ = trace(tabulate(from_meshes([shell], box.surfaces)), (2.5, 2, 1), settings)
    assert closed.escaped == 0
    # The solid angle of a 5 x 4 m rectangle, 2 m straight above the source; air takes little.
    a, b, d = 2.5, 2.0, 2.0
    angle = 4 * np.arctan(a * b / (d * np.sqrt(a * a + b * b + d * d)))
    assert leaky.escaped == pytest.approx(angle / (4 * np.pi), rel=0.05)


def test_decays_are_straight_and_alike_in_a_diffuse_room():
    scene = tabulate(shoebox((7, 5.5, 4), absorption=0.2, scattering=0.7))
    field, _ = trace(scene, (2, 2, 2), AcousticSettings(max_time=1.2), order=1)
    decay = np.cumsum(field.energy[:, ::-1, 3].astype(float), axis=1)[:, ::-1]
    decay = 10 * np.log10(decay[:, 5:] / decay[:, 5:6])  # all cells, 1 kHz, from 50 ms on
    times = []
    for curve in decay:
        part = (curve < -5) & (curve > -45)
        bins = np.flatnonzero(part)
        line = np.polyfit(bins, curve[part], 1)
        assert np.abs(np.polyval(line, bins) - curve[part]).max() < 1.5
        times.append(-60 / line[0])
    assert np.std(times) / np.mean(times) < 0.05


def test_few_rays_already_tell_the_level_of_late_sound():
    scene = tabulate(furnished(things=10))
    sums = []
    for seed in range(4):
        field, _ = trace(scene, (2, 2, 1.5), AcousticSettings(max_time=0.4, seed=seed))
        sums.append(field.energy[:, 15:20, 3].sum(axis=1))
    spread = np.std(sums, axis=0, ddof=1) / np.mean(sums, axis=0)
    assert np.sqrt(np.mean(spread**2)) < 0.25


def test_the_two_sides_of_a_wall_do_not_mix():
    scene = tabulate(two_rooms(door=0.0, absorption=0.3, scattering=0.6))
    field, _ = trace(scene, (1.5, 1.5, 1.2), AcousticSettings(max_time=0.5))
    here, there = (heard(field, scene, (x, 2.0, 1.2))[0].sum(axis=0) for x in (3.95, 4.25))
    assert (10 * np.log10(here / there)).min() > 25


def test_swapping_source_and_listener_changes_little():
    scene = tabulate(furnished())
    settings = AcousticSettings(rays=16384, max_time=1.0)
    a, b = (2.25, 2.25, 1.5), (7.25, 6.25, 1.5)
    levels = []
    for source, listener in ((a, b), (b, a)):
        field, _ = trace(scene, source, settings)
        levels.append(10 * np.log10(heard(field, scene, listener)[0].sum(axis=0)))
    np.testing.assert_allclose(levels[0], levels[1], atol=1.0)


def test_same_seed_same_bits_for_any_number_of_threads():
    scene = tabulate(furnished(things=10))
    fields = []
    for threads, seed in ((1, 0), (2, 0), (2, 1)):
        parallel.set_num_threads(threads)
        fields.append(trace(scene, (2, 2, 1.5), AcousticSettings(rays=256, seed=seed), order=1)[0])
    parallel.set_num_threads(None)
    one, two, other = (f.energy for f in fields)
    assert one.tobytes() == two.tobytes()
    assert fields[0].moment.tobytes() == fields[1].moment.tobytes()
    assert one.tobytes() != other.tobytes()


def test_more_rays_err_less():
    scene = tabulate(shoebox((6, 5, 3), absorption=0.3, scattering=0.5))

    def spread(rays):
        runs = [
            trace(scene, (2, 2, 1.5), AcousticSettings(rays=rays, max_time=0.3, seed=s))[0]
            for s in range(4)
        ]
        sums = np.array([f.energy[:, 10:, 3].sum(axis=1) for f in runs])
        return (sums.std(axis=0) / sums.mean(axis=0)).mean()

    assert spread(256) / spread(4096) == pytest.approx(4.0, rel=0.35)


def test_a_fitted_decay_stays_among_the_energies_it_is_fitted_to():
    """A few bins at the end, far apart in level, must not throw the line off."""
    energy = np.exp(-0.2 * np.arange(300.0))[:, None]
    energy[200:] = 0
    energy[[296, 297], 0] = 1e-30, 1e-10
    fitted = _fit_decay(energy, 0.12)
    np.testing.assert_allclose(fitted[:150], energy[:150], rtol=1e-4)
    assert fitted[200:].max() <= energy[170:].max() * (1 + 1e-6)


def test_neighbours_are_cells_in_sight_and_are_found_once_for_a_scene():
    """Two rooms with a wall of 0.2 m from x = 4 on, and no door in it."""
    shut, settings = tabulate(two_rooms(door=0.0)), AcousticSettings(cell=0.5)
    cells, neighbours = cells_for(shut, 1.5, settings, 1.1)
    assert cells_for(shut, 1.5, settings, 1.1)[0] is cells
    assert cells_for(shut, 1.6, settings, 1.1)[0] is not cells
    assert cells_for(tabulate(two_rooms()), 1.5, settings, 1.1)[0] is not cells
    for c, here in enumerate(cells.anchor):
        some = slice(neighbours.first[c], neighbours.first[c + 1])
        there = cells.anchor[neighbours.near[some]]
        apart = np.linalg.norm(there - here, axis=1)
        np.testing.assert_allclose(neighbours.distance[some], apart, atol=1e-5)
        assert c in neighbours.near[some]
        assert apart.max() < 1.1
        assert ((there[:, 0] > 4.1) == (here[0] > 4.1)).all()
