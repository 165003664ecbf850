"""The gates: what must hold of the sound, against theory or an independent library.

Every gate records what it measured; ``scripts/validate_acoustics.py`` prints that as a table.
"""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from support import from_meshes, furnished, shoebox, solid, surfaces, two_rooms
from test_hrtf import EVERYWHERE, woodworth_head, write_sofa
from test_paths import paths_between
from test_response import LENGTH, interaural_delay, respond
from test_stream import new_sound, play

from avenv import load_scene
from avenv.acoustics import (
    AcousticSettings,
    Engine,
    ResponseBatch,
    Stream,
    impulse_response,
    measures,
    prepare,
    theory,
)
from avenv.acoustics import field as fields
from avenv.acoustics import pyroom as reference
from avenv.acoustics.air import air_absorption
from avenv.acoustics.late.tracing import NO_IMAGES, late_at, trace_late
from avenv.acoustics.paths.search import allocate_paths, find_paths
from avenv.acoustics.signal.filters import octave_weights
from avenv.core import cache, parallel
from avenv.core.bands import OCTAVE_CENTRES, bands_for
from avenv.core.frames import direction
from avenv.geometry import lines_of_sight

RATE = 16000
BANDS = bands_for(RATE)
AIR = air_absorption(BANDS) * np.log(10) / 10  # energy exponents per metre
DRY_AIR = air_absorption(BANDS, humidity=0.0) * np.log(10) / 10  # takes next to nothing


@pytest.fixture
def check(record_property):
    """Return a function that asserts an error to be within its limit and records both."""

    def check(what, error, limit, unit):
        record_property(what, (float(error), float(limit), unit))
        assert error <= limit, f"{what}: {error:.3g} {unit}, accepted: {limit} {unit}"

    return check


def octave_energy(responses):
    """Return the energy (..., B) of responses (..., N) in each octave band; 1 of a unit tap."""
    size = 2 * responses.shape[-1]
    spectra = np.fft.rfft(responses.astype(np.float64), size)
    weights = octave_weights(np.fft.rfftfreq(size, 1 / RATE), RATE)
    return np.abs(spectra) ** 2 @ weights.T / weights.sum(axis=1)


def decibels(ratio):
    return 10 * np.log10(ratio)


def hear(scene, source, listeners, settings, layout="mono", headings=None, noises=1, hrtf=None):
    """Return the responses (J * noises, C, N) at listeners (J, 3) of one source."""
    listeners = np.atleast_2d(np.asarray(listeners, float))
    engines = [
        Engine(RATE, layout, settings=replace(settings, seed=s), hrtf=hrtf) for s in range(noises)
    ]
    field = engines[0].source_field(prepare(scene), source, float(listeners[0, 2]))
    batch = ResponseBatch.of_source(field, listeners, 0.0 if headings is None else headings)
    return np.concatenate([engine.responses(batch) for engine in engines])


def test_gate_1_taps_are_those_of_pyroomacoustics(check):
    scene = shoebox((6.1, 4.3, 2.7), absorption=0.3, scattering=0.0)
    source, listener = np.array([1.2, 1.1, 1.4]), np.array([4.9, 2.7, 1.7])
    settings = AcousticSettings(order=3)
    paths = paths_between(prepare(scene).tables, source, listener, settings.order, rays=65536)
    room = reference.Engine(RATE, settings=settings).room(scene, source, listener)
    room.image_source_model()
    length = np.linalg.norm(room.sources[0].images - listener[:, None], axis=0)
    gain = room.sources[0].damping[0] / length
    mine, theirs = np.lexsort((paths.gain[:, 0], paths.length)), np.lexsort((gain, length))
    assert len(paths.length) == len(length) == 63
    check("taps of 63 images: time", 1e3 * np.abs(paths.length[mine] - length[theirs]).max() / 343,
          0.1, "ms")  # fmt: skip
    level = np.abs(2 * decibels(paths.gain[mine, 0] / gain[theirs])).max()
    check("taps of 63 images: level", level, 0.5, "dB")


def test_gate_2_a_diffuse_room_decays_and_sounds_as_theory_says(check):
    size, absorption = (7.0, 5.5, 4.0), 0.2
    scene = shoebox(size, absorption, scattering=0.7)
    volume, surface = np.prod(size), 2 * (7 * 5.5 + 5.5 * 4 + 7 * 4)
    source, listeners = (2, 2, 2), np.array([(5, 4, 2), (5.5, 1.5, 2), (2.2, 4.4, 2)])
    heard = hear(scene, source, listeners, AcousticSettings(max_time=1.2), noises=16)[:, 0]
    eyring = theory.eyring_time(volume, surface, absorption, AIR)
    times = measures(heard, RATE, per_band=True)["t30"].mean(axis=0)
    check("T30 per octave against Eyring", 100 * np.abs(times / eyring - 1).max(), 10, "%")
    distance = np.linalg.norm(listeners - source, axis=1)[:, None]
    direct = np.exp(-AIR * distance) / distance**2
    expected = direct + theory.diffuse_energy(volume, surface, absorption, AIR)
    level = decibels(octave_energy(heard).mean(axis=0) / expected.mean(axis=0))
    check("level per octave against theory", np.abs(level).max(), 1, "dB")


def test_gate_2_few_rays_tell_the_level_of_a_large_hall(check):
    size, absorption = np.array([40.0, 30.0, 10.0]), 0.4
    scene = shoebox(size, absorption, scattering=0.7)
    volume, surface = size.prod(), 2 * (40 * 30 + 30 * 10 + 40 * 10)
    source = np.array([12, 12, 2.0])
    heights = 2.0, 5.0, 8.0
    listeners = np.array([(x, y, z) for x in (5, 15, 25, 35) for y in (5, 15, 25) for z in heights])
    settings = AcousticSettings(max_time=1.5, rays=512, all_heights=True)
    heard = octave_energy(hear(scene, source, listeners, settings)[:, 0])
    distance = np.linalg.norm(listeners - source, axis=1)[:, None]
    direct = np.exp(-AIR * distance) / distance**2
    expected = direct + theory.diffuse_energy(volume, surface, absorption, AIR)
    level = decibels(heard.mean(axis=0) / expected.mean(axis=0))
    check("level of a large hall, 512 rays", np.abs(level).max(), 1, "dB")


def coupled_rooms(absorptions, width):
    """Make rooms of 5 x 4 x 3 and 6 x 4 x 3 m, of two materials, with an opening 2 m high."""
    slabs, beside = [], (4 - width) / 2
    for x, length, inner, outer in ((2.5, 5.0, 5.05, -0.05), (8.2, 6.0, 5.15, 11.25)):
        slabs += [
            solid((length, 4, 0.1), (x, 2, -0.05)), solid((length, 4, 0.1), (x, 2, 3.05)),
            solid((length, 0.1, 3), (x, -0.05, 1.5)), solid((length, 0.1, 3), (x, 4.05, 1.5)),
            solid((0.1, 4, 3), (outer, 2, 1.5)), solid((0.1, beside, 3), (inner, beside / 2, 1.5)),
            solid((0.1, beside, 3), (inner, 4 - beside / 2, 1.5)),
            solid((0.1, width, 1), (inner, 2, 2.5)), solid((0.1, width, 0.1), (inner, 2, -0.05)),
        ]  # fmt: skip
    table = surfaces(*((a, 0.8, 0.0) for a in absorptions))
    return from_meshes(slabs, table, [0] * 9 + [1] * 9)


def test_gate_3_coupled_rooms_share_sound_as_theory_says(check):
    absorptions, opening = np.array([0.3, 0.05]), 1.0 * 2.0
    scene = coupled_rooms(absorptions, width=1.0)
    volumes, area = np.array([60.0, 72.0]), np.array([94.0, 108.0]) - opening
    source = np.array([1.0, 1.0, 1.5])
    here = np.array([(x, y, 1.5) for x in (2.0, 3.0, 4.0) for y in (0.8, 2.4, 3.2)])
    there = np.array([(x, y, 1.5) for x in (6.5, 8.0, 9.5) for y in (0.6, 1.4, 3.4)])
    settings = AcousticSettings(max_time=1.2, rays=8192, humidity=0.0)
    heard = hear(scene, source, [*here, *there], settings, noises=8)[:, 0].astype(float)
    first, second = (heard.reshape(8, 2, 9, -1) ** 2).mean(axis=(0, 2))
    direct = np.mean(1 / ((here - source) ** 2).sum(axis=1))
    air = 4 * DRY_AIR[3] * volumes
    steady = theory.coupled_rooms(volumes, area * absorptions + air, opening, 0.0)
    level = decibels(second.sum() / (first.sum() - direct)) - decibels(steady[1])
    check("level difference of two coupled rooms", abs(level), 2, "dB")
    # after the direct sound and the first reflections both rooms follow the power balance
    start = int(0.03 * RATE)
    times = np.arange(start, int(0.8 * RATE), 400)
    expected = theory.coupled_rooms(
        volumes, -area * np.log1p(-absorptions) + air, opening, times / RATE
    )[0]
    decay = np.cumsum(first[::-1])[::-1][times]
    difference = decibels(decay / decay[0]) - decibels(expected / expected[0])
    check("double slope in the drier room, to 0.8 s", np.abs(difference).max(), 2, "dB")


def half_plane(extent=15.0):
    """Make a rigid sheet y = 0, x >= 0, whose other edges are far away."""
    corners = [(0, 0, -extent), (extent, 0, -extent), (extent, 0, extent), (0, 0, extent)]
    sheet = trimesh.Trimesh(corners, [(0, 1, 2), (0, 2, 3)])
    scene = from_meshes([sheet], surfaces((0.0, 0.0, 0.0)))
    return replace(scene, double_sided=np.ones(2, bool))


def test_gate_4_sound_bends_round_a_half_plane(check):
    source = np.array([2.0 * np.cos(2.4), 2.0 * np.sin(2.4), 0.3])
    # the shadow begins behind the edge, at 2.4 + pi; the last three see the source
    angles = 2.4 + np.pi + np.radians([40, 30, 20, 10, 5, 2, 0.5, -2, -10, -40])
    listeners = np.column_stack([3 * np.cos(angles), 3 * np.sin(angles), np.full(10, -0.2)])
    settings = AcousticSettings(max_time=0.2, humidity=0.0)
    heard = octave_energy(hear(half_plane(), source, listeners, settings)[:, 0])
    frequency = np.arange(20.0, RATE / 2, 10)
    weights = octave_weights(frequency, RATE)
    exact = np.array(
        [np.abs(theory.half_plane_pressure(source, p, frequency)) ** 2 for p in listeners]
    )
    loss = decibels(heard / (exact @ weights.T / weights.sum(axis=1)))
    check("diffraction round a half-plane", np.abs(loss).max(), 2, "dB")


def test_gate_4_sound_bends_round_solid_screens_of_any_thickness(check):
    source = np.array([0.0, -3.0, -0.5])
    listeners = np.array([(0.0, 4.0, -0.5), (1.0, 4.0, -0.3), (0.0, 4.0, -1.0), (0.5, 3.0, 0.3)])
    settings = AcousticSettings(max_time=0.2, humidity=0.0, rays=64)
    frequency = np.arange(20.0, RATE / 2, 10)
    weights = octave_weights(frequency, RATE)
    # the half-plane z < 0 of y = 0, in the axes of the formula: its edge is the x axis
    turned = [np.array([-p[2], p[1], p[0]]) for p in (source, *listeners)]
    exact = np.array(
        [np.abs(theory.half_plane_pressure(turned[0], p, frequency)) ** 2 for p in turned[1:]]
    )
    exact = exact @ weights.T / weights.sum(axis=1)
    losses = []
    for thickness in (0.001, 0.003, 0.01, 0.03, 0.06, 0.12, 0.2, 0.3):
        wall = solid((60, thickness, 40), (0, 0, -20))
        scene = from_meshes([wall], surfaces((0.0, 0.0, 0.0)))
        heard = octave_energy(hear(scene, source, listeners, settings)[:, 0])
        losses.append(decibels(heard / exact)[:, 1:])  # from 250 Hz
    check("diffraction over screens of 1 mm to 0.3 m", np.abs(losses).max(), 2, "dB")
    check("its change from one thickness to the next", np.abs(np.diff(losses, axis=0)).max(), 1,
          "dB")  # fmt: skip


def test_gate_5_source_and_listener_may_change_places(check):
    scene, settings = furnished(), AcousticSettings(rays=16384)
    places = np.array([(2.25, 2.25, 1.5), (7.25, 6.25, 1.5), (7.75, 1.75, 1.5)])
    errors = []
    for a, b in ((0, 1), (0, 2), (1, 2)):
        there, back = (
            octave_energy(hear(scene, places[s], places[p], settings)[0, 0])
            for s, p in ((a, b), (b, a))
        )
        errors.append(np.abs(decibels(there / back)).max())
    check("octave energies, source and listener swapped", max(errors), 1, "dB")


def test_gate_6_no_path_gains_energy(check):
    scene = prepare(furnished())
    places = np.random.default_rng(0).uniform([0.5, 0.5, 1.3], [9.5, 7.5, 2.0], (12, 3))
    gains = []
    for source, listener in places.reshape(6, 2, 3):
        paths = paths_between(scene.tables, source, listener)
        gains.append((paths.gain * paths.length[:, None]).max())
    check("loudest path above the free field", 2 * decibels(max(gains)), 0.01, "dB")


@pytest.fixture(scope="module")
def lossless_hall():
    """Trace 512 rays in a hall of 270,000 m³ that only air takes sound from."""
    scene = prepare(shoebox((120, 90, 25), absorption=0.0, scattering=0.5)).tables
    settings = AcousticSettings(max_time=1.0, rays=512, all_heights=True)
    return scene, trace_late(scene, np.array([40.0, 30, 2]), 2.0, NO_IMAGES, settings)


def test_gate_6_the_field_of_few_rays_keeps_their_energy(check, lossless_hall):
    late = lossless_hall[1]
    found = np.tensordot(late.cells.volume, late.energy.sum(axis=1, dtype=np.float64), axes=1)
    # 4 pi c dt in every moment, less what air takes
    air = air_absorption(OCTAVE_CENTRES) * np.log(10) / 10
    expected = 4 * np.pi * (1 - np.exp(-air * 343)) / air
    level = np.abs(decibels(found / expected)).max()
    check("energy of 512 rays in a large hall, once smoothed", level, 0.1, "dB")


def test_gate_6_responses_have_the_energy_of_the_field(check, lossless_hall):
    scene, late = lossless_hall
    energy, moment = late_field(scene, late, (70.0, 60.0, 3.0))
    heard = np.mean(
        [octave_energy(respond("mono", late=energy, moment=moment, n=RATE, distance=42.4, seed=s))
         for s in range(16)], axis=0,
    )  # fmt: skip
    # bands overlap, and a band's sound is heard in its neighbours
    weights = octave_weights(np.arange(0, RATE / 2, 10.0), RATE)
    total = np.sqrt(energy.sum(axis=0)) @ weights
    expected = total**2 @ weights.T / weights.sum(axis=1)
    level = np.abs(decibels(heard[0] / expected)).max()
    check("energy of responses against the field's", level, 0.1, "dB")


def late_field(scene, late, place):
    """Return the energy (K, B) and the moment (K, 3) of a late field at a place."""
    energy = np.zeros((late.energy.shape[1], len(BANDS)), np.float32)
    moment = np.zeros((len(energy), 3), np.float32)
    late_at(late, scene.bvh, *map(float, place), energy, moment)
    return energy, moment


def test_gate_6_a_wall_attenuates_by_its_transmission_loss(check):
    shells = [solid((4, 4, 2.5), (x, 2, 1.25)) for x in (2.0, 6.05)]
    for shell in shells:
        shell.invert()
    scene = from_meshes(shells, surfaces((0.1, 0.8, 10**-1.5)))
    grid = np.array([(x, y, 1.25) for x in (2.9, 3.4) for y in (0.9, 2.1, 3.3)])
    there = grid + np.array([3.0, 0, 0])
    settings = AcousticSettings(rays=32768)
    energy = octave_energy(hear(scene, (1, 1, 1.25), [*grid, *there], settings)[:, 0])
    # a receiving room of absorption area A hears tau S / A of the energy (Cremer & Müller)
    expected = 1e-3 * 10 / (72 * 0.1 + 4 * AIR * 40)
    level = decibels(energy[6:].mean(axis=0) / energy[:6].mean(axis=0) / expected)
    check("level behind a wall of 30 dB", np.abs(level).max(), 2, "dB")


def test_gate_6_an_absorbing_room_is_drier():
    found = [
        measures(impulse_response(shoebox(absorption=a, scattering=0.3),
                                  (1, 1, 1.5), (4, 3, 1.5), layout="mono"), RATE)
        for a in (0.1, 0.2, 0.4)
    ]  # fmt: skip
    for name, way in (("t20", -1), ("edt", -1), ("ts", -1), ("c50", 1), ("drr", 1)):
        assert (np.diff([float(m[name][0]) * way for m in found]) > 0).all(), name


def corner():
    """Make a floor and a wall in the open: four images, and no late field."""
    return [solid((20, 20, 0.2), (5, 5, -0.1)), solid((0.2, 20, 20), (-4.1, 5, 10))]


def test_gate_7_ears_hear_the_delay_of_a_sphere_and_the_louder_side(check):
    scene = shoebox((12, 12, 8), absorption=1.0)
    azimuth = np.radians(np.arange(-180, 180, 15))
    headings = -azimuth  # the source lies along +x
    heard = hear(scene, (9, 6, 4), np.tile([6.0, 6.0, 4.0], (len(azimuth), 1)),
                 AcousticSettings(max_time=0.5), "binaural", headings)  # fmt: skip
    delays = np.array([interaural_delay(r) for r in heard])
    error = 1e6 * np.abs(delays - theory.woodworth_delay(azimuth)).max()
    check("interaural time difference against Woodworth", error, 60, "µs")
    left, right = (heard.astype(float) ** 2).sum(axis=2).T
    aside = np.abs(np.sin(azimuth)) > 0.2
    assert (np.sign(left / right - 1) == np.sign(azimuth))[aside].all()


@pytest.mark.filterwarnings("ignore:.*right ear first")
def test_gate_7_heads_of_equalised_sets_keep_their_delays(check, tmp_path):
    rate, scene = 48000, shoebox((12, 12, 8), absorption=1.0)
    azimuth = np.radians(np.arange(-180, 180, 15))
    worst = []
    for right_first in (False, True):
        measured = woodworth_head(EVERYWHERE, rate, True, ringing=[(8, 0.15), (20, 0.3)])
        path = write_sofa(
            tmp_path / f"{right_first}.sofa",
            rate=rate,
            **{"Data.IR": measured[:, ::-1] if right_first else measured},
        )
        heard = hear(scene, (9, 6, 4), np.tile([6.0, 6.0, 4.0], (len(azimuth), 1)),
                     AcousticSettings(max_time=0.5), "binaural", -azimuth, hrtf=path)  # fmt: skip
        around = direction(azimuth)
        own = woodworth_head(around, rate, True, ringing=[(8, 0.15), (20, 0.3)])
        own = np.fft.irfft(np.fft.rfft(own, 3 * LENGTH)[..., : LENGTH // 2 + 1])  # at RATE
        worst += [
            interaural_delay(a) - interaural_delay(b[:, :LENGTH])
            for a, b in zip(own, heard, strict=True)
        ]
    error = 1e6 * np.abs(worst).max()
    check("interaural time difference of equalised heads, right ear first or not", error, 60, "µs")


def test_gate_7_late_sound_round_a_corner_comes_from_the_doorway(check):
    scene, door = prepare(two_rooms()).tables, np.array([4.1, 2.0])
    draw = np.random.default_rng(0)
    by_delay, by_level = [], []
    for source in np.array([(1.0, 0.6, 1.5), (3.0, 0.6, 1.5), (3.2, 3.4, 1.5)]):
        late = trace_late(scene, source, 1.5, NO_IMAGES, AcousticSettings(max_time=0.5))
        places = np.column_stack([draw.uniform([4.5, 0.3], [8, 3.7], (40, 2)), np.full(40, 1.5)])
        hidden = ~lines_of_sight(scene.bvh, np.tile(source, (40, 1)), places)
        for k, place in enumerate(places[hidden]):
            heading = draw.uniform(0, 2 * np.pi)
            towards = door - place[:2]
            side = np.sin(np.arctan2(towards[1], towards[0]) - heading)
            if abs(side) < 0.3:
                continue
            energy, moment = late_field(scene, late, place)
            heard = respond("binaural", late=energy, moment=moment, heading=heading, seed=k % 4,
                            distance=np.linalg.norm(place - source))  # fmt: skip
            left, right = (heard.astype(float) ** 2).sum(axis=1)
            by_delay.append(interaural_delay(heard) * side > 0)
            by_level.append((left - right) * side > 0)
    assert len(by_delay) > 60
    check("late sound round a corner on the wrong side, by delay", 1 - np.mean(by_delay), 0.2, "")
    check("late sound round a corner on the wrong side, by level", 1 - np.mean(by_level), 0.2, "")


def test_gate_7_mirrored_and_turned_worlds_sound_so(check):
    source, listener, heading = np.array([2.0, 1.0, 1.5]), np.array([0.5, 3.0, 1.7]), 0.4
    settings = AcousticSettings(max_time=0.3)
    table, turn = surfaces((0.2, 0.0, 0.0)), 0.7
    mirror = np.diag([1.0, -1.0, 1.0, 1.0])
    rotation = trimesh.transformations.rotation_matrix(turn, (0, 0, 1))
    heard = []
    for world, faces in ((np.eye(4), heading), (mirror, -heading), (rotation, heading + turn)):
        meshes = [mesh.apply_transform(world) for mesh in corner()]
        places = trimesh.transform_points([source, listener], world)
        heard.append(hear(from_meshes(meshes, table), places[0], places[1], settings, "binaural",
                          [faces])[0])  # fmt: skip
    plain, mirrored, turned = heard
    peak = np.abs(plain).max()
    check("mirrored world, mirrored ears", np.abs(plain - mirrored[::-1]).max() / peak, 1e-3, "")
    check("turned world, turned head", np.abs(plain - turned).max() / peak, 1e-3, "")


def test_gate_8_more_rays_err_less(check):
    scene, listener = shoebox((6, 5, 3), absorption=0.3, scattering=0.5), (4.25, 3.25, 1.5)
    prepared, rays = prepare(scene), np.array([256, 1024, 4096])
    spread = []
    for n in rays:
        energies = []
        for seed in range(6):
            settings = AcousticSettings(rays=int(n), max_time=0.3, seed=seed)
            field = fields.source_field(prepared, (2, 2, 1.5), listener[2], settings)
            energies.append(field.late.energy[:, 5:25].sum(axis=2))
        spread.append((np.std(energies, axis=0) / np.mean(energies, axis=0)).mean())
    slope = np.polyfit(np.log(rays), np.log(spread), 1)[0]
    check("exponent of the error in the number of rays, from -1/2", abs(slope + 0.5), 0.1, "")


def walk(steps):
    """Return responses (steps, 1, 1, 1, N) along a walk past the doorway of two rooms."""
    places = [(6.5, y, 1.5) for y in np.linspace(0.6, 2.6, steps)]
    heard = hear(two_rooms(), (1.5, 3.0, 1.5), places, AcousticSettings(max_time=0.3))
    return heard[:, None, None]


def test_gate_9_a_stream_is_one_sound(check):
    step, window, steps = 800, 1600, 12
    responses = walk(steps)
    length = responses.shape[-1]

    def listen(dry, size, responses):
        stream = Stream(1, 1, size, window, length)
        return new_sound(play(stream, dry[None, None], responses), size)[0, 0].astype(float)

    number = length - 1 + window + steps * step
    noise = np.random.default_rng(0).standard_normal(number).astype(np.float32)
    still = [responses[0]] * steps
    short, long = listen(noise, step, still), listen(noise, 2 * step, still[::2])
    check("short blocks against long ones", np.abs(short - long).max() / np.abs(long).max(),
          1e-5, "")  # fmt: skip
    turn = 2 * np.pi * 400 / RATE
    heard = listen(np.sin(turn * np.arange(number)).astype(np.float32), step, responses)
    bend = np.abs(np.diff(heard, 2)).max() / np.abs(heard).max() / turn**2
    check("curvature of a tone heard while walking, over its own", bend, 1.2, "")
    noise[-steps * step :] = 0
    tail = listen(noise, step, still)
    assert np.abs(tail[: length // 2]).max() > 0.01 * np.abs(short).max()
    check("sound after the end of the tail", np.abs(tail[length:]).max(), 1e-5, "")


def step_levels(field, places):
    """Return the decibels (N - 1, B) by which the level changes from place to place.

    Places (N, 3) are a centimetre apart. Early paths count by their energy, beside the late sound.
    """
    energies = []
    for place in places:
        paths = allocate_paths(field.tree, len(BANDS))
        count = find_paths(field.tables, field.tree, AIR / 2, place, paths)
        early = (paths.gain[:count].astype(float) ** 2).sum(axis=0)
        late, _ = late_field(field.tables, field.late, place)
        energies.append(early + late.sum(axis=0))
    return np.abs(np.diff(decibels(np.array(energies)), axis=0))


def stroll(scene, start, steps, seed=0):
    """Return places (steps, 3) a centimetre apart, straight on and anew wherever a wall is near."""
    rng = np.random.default_rng(seed)
    place, heading, places = np.array(start), rng.uniform(0, 2 * np.pi), []
    while len(places) < steps:
        ahead = np.array([np.cos(heading), np.sin(heading), 0.0])
        if lines_of_sight(scene.tables.bvh, place[None], (place + 0.21 * ahead)[None])[0]:
            place = place + 0.01 * ahead
            places.append(place)
        else:
            heading = rng.uniform(0, 2 * np.pi)
    return np.array(places)


STROLLS = {(3.2, 2.0, 1.5): ((4.7, 4.6, 1.5), 7), (7.0, 2.0, 1.2): ((3.0, 3.0, 1.5), 8)}
"""Of sources in the apartment, in the living room and the kitchen, where a walk begins, and a seed
of one that passes by many corners."""


def test_gate_9_a_step_of_a_centimetre_is_no_step_of_the_level(check):
    scene = load_scene("apartment").acoustics_for()
    settings, changes = AcousticSettings(max_time=0.5), []
    for source, (start, seed) in STROLLS.items():
        places = stroll(scene, start, 2500, seed)
        changes.append(step_levels(fields.source_field(scene, source, 1.5, settings), places))
        near = np.linalg.norm(places[1:] - source, axis=1) < 0.5  # there 1/r is that steep
        changes[-1][near] = 0
    check("change of an octave's level per centimetre, in 5,000", np.max(changes), 1, "dB")


def test_gate_10_the_same_bits_whatever_the_threads_batch_and_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AVENV_CACHE", str(tmp_path))
    scene, settings = two_rooms(), AcousticSettings(max_time=0.3, rays=512)
    places = np.random.default_rng(0).uniform([0.5, 0.5, 1.5], [3.5, 3.5, 1.5], (16, 3))
    heard = []
    try:
        for threads in (1, 2):
            parallel.set_num_threads(threads)
            for cached in (False, True):  # on disk
                if not cached:
                    for file in tmp_path.iterdir():
                        file.unlink()
                monkeypatch.setattr(fields, "_memory", cache.MemoryCache(2**28))
                heard.append(hear(scene, (6, 2, 1.5), places, settings, "binaural"))
        heard.append(
            np.concatenate([hear(scene, (6, 2, 1.5), p, settings, "binaural") for p in places])
        )
    finally:
        parallel.set_num_threads(None)
    assert len({h.tobytes() for h in heard}) == 1
