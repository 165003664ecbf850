"""What channels hear: ambisonics as scipy has it, microphones as plane waves and sinc say."""

import numpy as np
import pytest
from scipy.special import sph_harm_y
from support import shoebox

from avenv.acoustics import LAYOUTS, AcousticSettings, MicrophoneArray, make_layout, spaced_pair
from avenv.acoustics.ears.microphones import diffuse_covariance
from avenv.acoustics.ears.spherical import spherical_harmonics
from avenv.acoustics.paths.directivity import make_directivity, sphere_radiation, weigh_directions
from avenv.core.frames import azimuth_elevation, direction
from avenv.simulation.emitters import Emitter
from avenv.simulation.settings import SensorSettings
from avenv.simulation.simulator import Simulator
from avenv.simulation.state import Start
from avenv.simulation.world import World
from avenv.sounds import Sound

RATE = 16000


def some_directions(number, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((number, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def whole_sphere():
    """Directions and weights that integrate polynomials of degree 80 exactly, mean 1."""
    z, weights = np.polynomial.legendre.leggauss(41)
    azimuth = np.arange(82) * 2 * np.pi / 82
    grid = direction(azimuth, np.arcsin(z)[:, None])
    return grid.reshape(-1, 3), np.repeat(weights / 2 / 82, 82)


def test_spherical_harmonics_are_those_of_scipy():
    vectors = some_directions(50)
    azimuth, elevation = azimuth_elevation(vectors)
    ours = spherical_harmonics(4, vectors)
    for degree in range(5):
        to_sn3d = np.sqrt(4 * np.pi / (2 * degree + 1))  # from orthonormal
        for m in range(-degree, degree + 1):
            complex_one = to_sn3d * sph_harm_y(degree, abs(m), np.pi / 2 - elevation, azimuth)
            real = complex_one.imag if m < 0 else complex_one.real
            expected = real * (np.sqrt(2) * (-1) ** m if m else 1)  # no Condon-Shortley phase
            np.testing.assert_allclose(ours[:, degree**2 + degree + m], expected, atol=1e-12)


def test_first_order_ambisonics_are_w_y_z_x():
    vectors = some_directions(10)
    expected = np.column_stack([np.ones(10), vectors[:, 1], vectors[:, 2], vectors[:, 0]])
    np.testing.assert_allclose(spherical_harmonics(1, vectors), expected, atol=1e-15)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_ambisonic_layouts_have_uncorrelated_channels_of_sn3d_power(order):
    layout = make_layout(f"ambisonics{order}", RATE)
    vectors, weights = whole_sphere()
    harmonics = spherical_harmonics(order, vectors)
    expected = (harmonics.T * weights) @ harmonics
    assert layout.coincident
    assert layout.covariance.shape[1:] == ((order + 1) ** 2,) * 2
    for covariance in layout.covariance:
        np.testing.assert_allclose(covariance, expected, atol=1e-6)


def test_microphones_have_the_covariance_of_a_sum_over_plane_waves():
    array = MicrophoneArray(
        positions=[[0, 0, 0], [0.1, 0.02, 0], [-0.03, 0.2, 0.1]],
        directivity=[0.5, 0.0, 1.0],
        axes=[[1, 0, 0], [0, 0, 1], [0, 2, 1]],
    )
    wavenumbers = np.array([0.0, 1.0, 10.0, 60.0])
    vectors, weights = whole_sphere()
    axes = np.asarray(array.axes)
    share = np.array([0.5, 0.0, 1.0])
    pattern = 1 - share + share * (vectors @ axes.T)
    expected = []
    for k in wavenumbers:
        heard = pattern * np.exp(1j * k * (vectors @ np.asarray(array.positions).T))
        expected.append((heard.T * weights) @ heard.conj())
    np.testing.assert_allclose(diffuse_covariance(array, wavenumbers), expected, atol=1e-9)


def test_a_spaced_pair_coheres_as_sinc():
    covariance = make_layout("stereo", RATE).covariance
    frequency = np.linspace(0, RATE / 2, len(covariance))
    np.testing.assert_allclose(covariance[:, 0, 1], np.sinc(2 * frequency * 0.2 / 343), atol=1e-5)
    np.testing.assert_allclose(covariance[:, 0, 0], 1, atol=1e-6)


def test_large_arrays_have_the_delays_of_plane_waves():
    positions = np.array([[1.0, 0, 0], [0, -2.0, 0.5]])
    layout = make_layout(MicrophoneArray(positions), 48000)
    rows, columns = layout.delays.shape[:2]
    for row, column in [(0, 0), (10, 20), (36, 36), (50, 140), (72, 7)]:
        towards = direction(2 * np.pi * column / columns, np.pi * (row / (rows - 1) - 0.5))
        expected = -positions @ towards / 343 * 48000
        np.testing.assert_allclose(layout.delays[row, column], expected, atol=1e-3)
    # between grid points a delay is right within a few microseconds
    bend = np.abs(np.diff(layout.delays, 2, axis=1)).max() / 8 / 48000
    assert bend < 2e-6


def test_a_cardioid_hears_nothing_from_behind():
    layout = make_layout(MicrophoneArray([[0, 0, 0]], directivity=0.5, axes=[0, 1, 0]), RATE)
    horizon = layout.filters[36, :, 0, 0]
    assert horizon[36] == pytest.approx(1)  # left
    assert horizon[108] == pytest.approx(0, abs=1e-6)
    # a cardioid takes a third of the diffuse power
    np.testing.assert_allclose(layout.power[36, 36, 0], 3, rtol=1e-5)


def test_equal_arrays_are_one_layout():
    assert make_layout(spaced_pair(0.3), RATE) is make_layout(spaced_pair(0.3), RATE)
    pair = MicrophoneArray(np.array([[0, 0.1, 0], [0, -0.1, 0]]), axes=np.array([0, 0, 3.0]))
    assert pair == MicrophoneArray([[0, 0.1, 0], [0, -0.1, 0]], [0, 0], [[0, 0, 1], [0, 0, 1]])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"positions": [0, 0, 0]}, "positions have shape"),
        ({"positions": []}, "positions have shape"),
        ({"positions": [[0, 0, np.nan]]}, "positions is .*finite"),
        ({"positions": [[0, 0, 11]]}, "positions reach 11.0 m"),
        ({"positions": [["a", 0, 0]]}, "positions is"),
        ({"positions": [[0, 0, 0]], "directivity": 1.1}, "directivity is 1.1"),
        ({"positions": [[0, 0, 0]], "directivity": [0, 1]}, "directivity is"),
        ({"positions": [[0, 0, 0]], "axes": [0, 0, 0]}, "axes has a vector of length 0"),
        ({"positions": [[0, 0, 0]], "axes": [1, 0]}, "axes is"),
    ],
)
def test_arrays_that_cannot_be_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        MicrophoneArray(**fields)


@pytest.mark.parametrize("layout", ["quadraphonic", ["mono"], None])
def test_unknown_layouts_are_refused_by_name(layout):
    with pytest.raises(ValueError, match=r"layout is .*mono, binaural, stereo, ambisonics1"):
        make_layout(layout, RATE)


@pytest.mark.parametrize("rate", [0, 4000, 400000])
def test_sample_rates_without_their_bands_are_refused(rate):
    with pytest.raises(ValueError, match=f"sample_rate is {rate}; accepted: 8000 to"):
        make_layout("mono", rate)


def test_a_head_for_a_layout_without_one_is_refused(tmp_path):
    with pytest.raises(ValueError, match="hrtf is given, but layout is 'stereo'"):
        make_layout("stereo", RATE, tmp_path / "head.sofa")


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("rate", [8000, 44100])
def test_layouts_keep_what_their_record_promises(name, rate):
    layout = make_layout(name, rate)
    rows, columns, channels, _ = layout.filters.shape
    assert layout.delays.shape == (rows, columns, channels)
    assert layout.power.shape == (rows, columns, channels, layout.octaves.shape[1])
    assert layout.covariance.shape[1:] == (channels, channels)
    assert [a.dtype for a in layout[:4]] == [np.float32] * 4
    # the mean of a channel's directional power over the sphere is that of the diffuse field
    elevation = np.linspace(-np.pi / 2, np.pi / 2, rows) if rows > 1 else np.zeros(1)
    weights = np.cos(elevation)[:, None, None, None]
    mean = (weights * layout.power).sum(axis=(0, 1)) / (weights.sum() * columns)
    np.testing.assert_allclose(mean, 1, rtol=0.01)


# Directivity of sources.

BANDS = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0)


def test_a_cardioid_source_sends_a_third_of_the_power():
    pattern = make_directivity("cardioid", BANDS)
    np.testing.assert_allclose(pattern.power, 1 / 3, rtol=1e-3)
    around = direction([0.5, 0.5 + np.pi / 2, 0.5 + np.pi])
    gains = np.full((3, 6), 2, np.float32)
    weigh_directions(pattern, around.astype(np.float32), 0.5, gains)
    np.testing.assert_allclose(gains, np.repeat([[2], [1], [0]], 6, axis=1), atol=2e-3)


def test_an_omnidirectional_source_sends_the_same_everywhere():
    pattern = make_directivity("omni", BANDS)
    np.testing.assert_allclose(pattern.power, 1)
    gains = np.ones((20, 6), np.float32)
    weigh_directions(pattern, some_directions(20).astype(np.float32), 1.0, gains)
    np.testing.assert_allclose(gains, 1)


def test_speech_is_the_more_directional_the_higher():
    pattern = make_directivity("speech", BANDS)
    assert (np.diff(10 * np.log10(pattern.power)) < 0).all()
    np.testing.assert_allclose(pattern.gain[0], 1)
    assert 20 * np.log10(pattern.gain[:, 0].min()) > -0.5  # a head is small at 125 Hz
    assert 20 * np.log10(pattern.gain[150, 4]) < -6  # obliquely behind, at 2 kHz


def test_radiation_of_a_sphere_meets_its_limits():
    angles = np.linspace(0, np.pi, 19)
    # small against the wavelength, 1 + 3/2 i ka cos θ (Rayleigh: monopole and dipole)
    small = sphere_radiation(np.array([0.02]), angles)[:, 0]
    expected = 1 - 1.5j * 0.02 * np.cos(angles)
    np.testing.assert_allclose(small / small[9], expected / expected[9], atol=2e-3)
    # large: as before a wall ahead, and behind it waves that creep along the shadow and decay by
    # Im ν = 1.0188 (ka / 2)^(1/3) sin(π / 3) per radian (Franz 1954)
    large = np.abs(sphere_radiation(np.array([30.0]), angles)[:, 0])
    np.testing.assert_allclose(large[:6] / large[0], 1, atol=0.03)
    decay = np.exp(-1.0188 * 15 ** (1 / 3) * np.sin(np.pi / 3) * np.pi / 6)
    spread = np.sqrt(np.sin(angles[12]) / np.sin(angles[15]))
    assert large[15] / large[12] == pytest.approx(decay * spread, rel=0.1)


def test_unknown_directivities_are_refused_by_name():
    with pytest.raises(ValueError, match=r"directivity is 'laser'.*'omni', 'cardioid', 'speech'"):
        make_directivity("laser", BANDS)


# Bodies that hear with them.

QUICK = AcousticSettings(rays=256, mirror_rays=1024, max_time=0.2)
NOISE = np.random.default_rng(0).normal(0, 0.02, 4000).astype(np.float32)
HISS = Sound("hiss", "hiss", NOISE, RATE)


@pytest.fixture(scope="module")
def room():
    return World(shoebox((6, 5, 3), absorption=0.9))


def hear(room, emitter, **options):
    settings = SensorSettings(("audio", "spectrogram"), step_time=0.1, window=0.2, **options)
    simulator = Simulator([room], settings, propagation=QUICK)
    simulator.begin({0: Start(room, (2.0, 2.5), 0.0, (emitter,))})
    heard = simulator.observe()
    return {name: value[0] for name, value in heard.items()}, simulator.space


@pytest.mark.parametrize(
    ("layout", "channels"),
    [("mono", 1), ("stereo", 2), ("ambisonics1", 4), (MicrophoneArray([[0.1, 0, 0]] * 3), 3)],
)
def test_a_body_hears_with_any_layout(room, layout, channels):
    heard, space = hear(room, Emitter((4.0, 2.5, 1.25), HISS), layout=layout)
    assert heard["audio"].shape == (channels, 3200)
    assert heard["spectrogram"].shape[-1] == channels
    assert space.contains(heard)
    assert heard["audio"].any(axis=1).all()


def test_a_source_that_faces_away_is_fainter(room):
    levels = []
    for facing in (np.pi, 0.0):  # towards the body, and away from it
        emitter = Emitter((4.0, 2.5, 1.25), HISS, directivity="cardioid", facing=facing)
        audio = hear(room, emitter, layout="mono")[0]["audio"]
        levels.append(10 * np.log10(np.mean(audio.astype(np.float64) ** 2)))
    assert levels[0] > levels[1] + 6


@pytest.mark.parametrize(
    "options", [{"layout": "5.1"}, {"hrtf": "no.sofa"}, {"layout": "mono", "hrtf": "head.sofa"}]
)
def test_sensors_say_what_they_cannot_hear_with(options):
    with pytest.raises(ValueError, match=r"5\.1|no\.sofa|hrtf is given"):
        SensorSettings(**options)


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"directivity": "laser"}, "directivity is 'laser'"), ({"facing": np.nan}, "facing is nan")],
)
def test_emitters_say_how_they_cannot_send(fields, message):
    with pytest.raises(ValueError, match=message):
        Emitter((1.0, 1.0, 1.0), HISS, **fields)
