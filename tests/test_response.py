"""Impulse responses: is each path where, and as loud as, theory puts it?"""

import numpy as np
import pytest

from avenv.acoustics import MicrophoneArray, make_layout
from avenv.acoustics.arrivals import room_for, unpacked
from avenv.acoustics.ears.spherical import spherical_harmonics
from avenv.acoustics.late.noise import late_noise
from avenv.acoustics.response import assemble, assemble_coincident
from avenv.acoustics.signal.filters import octave_weights
from avenv.core.frames import direction
from avenv.core.pinned import Pinned

RATE, LENGTH, BIN = 16000, 8000, 160.0
NONE = np.zeros((0, 6), np.float32)


def respond(
    layout, paths=(), late=NONE, moment=None, distance=0.0, heading=0.0, seed=0, n=LENGTH,
    mirrored=False,
):  # fmt: skip
    """Assemble a response; each path is (metres, gain or gains, azimuth, elevation)."""
    layout = make_layout(layout, RATE)
    lengths = np.array([p[0] for p in paths], np.float32)
    gains = np.array([np.broadcast_to(p[1], 6) for p in paths], np.float32).reshape(-1, 6)
    arrivals = np.array([direction(p[2], p[3]) for p in paths], np.float32).reshape(-1, 3)
    late = np.asarray(late, np.float32)
    moment = np.zeros((len(late), 3)) if moment is None else moment
    noise = late_noise(layout, n, seed)
    if mirrored:
        noise = noise._replace(diffuse=np.ascontiguousarray(noise.diffuse[::-1]))
    out = np.zeros((layout.filters.shape[2], n), np.float32)
    sound = room_for(len(paths), *late.shape, float(distance))
    for target, values in zip(
        unpacked(sound), (lengths, gains, arrivals, late, moment), strict=False
    ):
        target[:] = values
    kernel = assemble_coincident if layout.coincident else assemble
    kernel(sound, BIN, float(heading), Pinned((layout, noise)), out)
    return out


def exponential(reverberation_time, n=LENGTH):
    times = np.arange(int(n / BIN)) * BIN / RATE
    return 0.01 * 10 ** (-6 * times[:, None] / reverberation_time) * np.ones(6)


def energies(signal):
    """Energy (C, bins) in each time bin."""
    return (signal.astype(np.float64) ** 2).reshape(len(signal), -1, int(BIN)).sum(axis=-1)


@pytest.mark.parametrize("metres", [3.43, 2.0, 7.77, 1.234])
def test_a_path_of_r_metres_is_a_tap_of_one_over_r(metres):
    response = respond("mono", [(metres, 1 / metres, 0.3, 0.1)])[0].astype(np.float64)
    fine = np.fft.irfft(np.fft.rfft(response), 32 * LENGTH) * 32
    assert np.argmax(fine) / 32 / RATE == pytest.approx(metres / 343, abs=2e-5)
    assert fine.max() == pytest.approx(1 / metres, rel=0.03)
    spectrum = np.abs(np.fft.rfft(response))[100:3500]
    np.testing.assert_allclose(spectrum, 1 / metres, rtol=0.015)


def test_a_path_between_samples_has_the_right_phase():
    metres = 5.0
    spectrum = np.fft.rfft(respond("mono", [(metres, 1 / metres, 0, 0)])[0])
    frequency = np.fft.rfftfreq(LENGTH, 1 / RATE)
    expected = np.exp(-2j * np.pi * frequency * metres / 343) / metres
    heard = frequency < 7500
    np.testing.assert_allclose(spectrum[heard], expected[heard], atol=0.01 / metres)


def test_a_path_has_the_gain_of_each_octave():
    gains = np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.05])
    spectrum = np.abs(np.fft.rfft(respond("mono", [(5.0, gains, 0, 0)], n=RATE)[0]))
    centres = [125, 250, 500, 1000, 2000, 4000]
    np.testing.assert_allclose(spectrum[centres], gains, atol=0.01)


def test_paths_add_up_and_late_ones_are_cut():
    one, two = (2.0, 0.5, 0.4, 0), (4.0, 0.2, -1.0, 0.3)
    both = respond("binaural", [one, two, (1000.0, 1.0, 0, 0)])
    np.testing.assert_allclose(
        both, respond("binaural", [one]) + respond("binaural", [two]), atol=1e-6
    )


def interaural_delay(response):
    """Lag of the right ear behind the left at which they correlate most, seconds."""
    spectra = np.fft.rfft(response.astype(np.float64))
    correlation = np.fft.irfft(spectra[0].conj() * spectra[1], 16 * LENGTH)
    lags = np.arange(-256, 256)
    return lags[np.argmax(correlation[lags])] / (16 * RATE)


@pytest.mark.parametrize("degrees", range(-165, 181, 15))
def test_the_ears_hear_the_delay_of_a_sphere(degrees):
    response = respond("binaural", [(2.0, 0.5, np.radians(degrees), 0)])
    lateral = np.arcsin(np.sin(np.radians(degrees)))
    sphere = 0.0875 / 343 * (lateral + np.sin(lateral))  # Woodworth
    assert interaural_delay(response) == pytest.approx(sphere, abs=60e-6)
    left, right = (response.astype(np.float64) ** 2).sum(axis=1)
    if abs(lateral) > 0.2:
        assert np.sign(np.log(left / right)) == np.sign(lateral)


@pytest.mark.parametrize("layout", ["binaural", "stereo"])
def test_a_mirrored_world_swaps_the_ears(layout):
    paths = [(2.0, 0.5, 0.7, 0.2), (3.0, 0.2, -2.0, -0.4), (5.5, 0.1, 3.0, 1.2)]
    mirrored = [(r, g, -azimuth, elevation) for r, g, azimuth, elevation in paths]
    late, moment = exponential(0.5), np.tile(0.6 * direction(0.9, 0.1), (50, 1))
    one = respond(layout, paths, late, moment, heading=0.3)
    # mirrored in the plane through the head that contains the x axis
    other = respond(layout, mirrored, late, moment * [1, -1, 1], heading=-0.3, mirrored=True)
    np.testing.assert_allclose(one, other[::-1], atol=1e-6)


def test_turning_the_head_is_turning_the_world():
    late, moment = exponential(0.5), np.tile(0.6 * direction(0.9, 0.1), (50, 1))
    turned = np.tile(0.6 * direction(0.9 - 0.5, 0.1), (50, 1))
    head = respond("binaural", [(2.0, 0.5, 0.7, 0.2)], late, moment, heading=0.5)
    world = respond("binaural", [(2.0, 0.5, 0.2, 0.2)], late, turned)
    np.testing.assert_allclose(head, world, atol=1e-6)


def test_a_small_turn_changes_little():
    paths = [(2.0, 0.5, 0.7, 0.2), (3.0, 0.2, -2.0, -0.4)]
    for heading in np.linspace(0, 2 * np.pi, 40):
        before = respond("binaural", paths, heading=heading, n=400)
        after = respond("binaural", paths, heading=heading + 1e-4, n=400)
        assert np.abs(after - before).max() < 1e-3 * np.abs(before).max()


def test_late_energy_is_kept_in_every_bin():
    late = exponential(0.4)
    heard = [energies(respond("mono", late=late, seed=seed))[0] for seed in range(30)]
    ratio = np.mean(heard, axis=0) / late[:, 0]
    # 0.4 s is 40 bins, and 10^(-6 k / 40) of the energy is to come from bin k on
    assert ratio[39] > 0.5
    assert not ratio[40:].any()
    # 160 squared Gaussians in 30 draws scatter by sqrt(2 / 4800) = 2 %
    np.testing.assert_allclose(ratio[1:39], 1, atol=0.12)
    assert ratio[:40].mean() == pytest.approx(1, abs=0.02)


def test_late_sound_ends_60_db_below_its_octave():
    late = exponential(0.4)
    bins = lambda paths: np.flatnonzero(energies(respond("mono", paths, late))[0])  # noqa: E731
    # 10^(-6 k / 40) of the energy is to come from bin k on
    assert bins(()).max() == 39
    # of 10^4 times as much energy with the early sound, a millionth is to come from bin 13.3 on
    early = np.sqrt(1e4 * late[:, 0].sum())
    assert bins([(3.43, early, 0.0, 0.0)]).max() == 13
    # an octave without early sound goes on, and nothing but it
    alone = respond("mono", [(3.43, early * np.array([1, 0, 1, 1, 1, 1]), 0.0, 0.0)], late)[0]
    spectrum = np.abs(np.fft.rfft(alone[14 * int(BIN) : 40 * int(BIN)]))
    frequency = np.fft.rfftfreq(26 * int(BIN), 1 / RATE)
    assert spectrum[frequency > 600].max() < 0.05 * spectrum.max()
    assert 125 < frequency[spectrum.argmax()] < 500


def test_a_path_loses_no_more_than_its_filter_s_faint_ends():
    gains = np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.05])
    layout = make_layout("mono", RATE)
    whole = (gains[:, None] * layout.octaves[0]).sum(axis=0)  # 5 m are 233.24 samples
    metres = 240 / layout.samples_per_metre
    heard = respond("mono", [(metres, gains, 0, 0)], n=1000)[0]
    half = len(whole) // 2
    expected = np.pad(whole, (240 - half, 1000 - 241 - half))
    assert np.sum((heard - expected) ** 2) < 1e-7 * np.sum(whole**2)


def test_late_energy_has_the_spectrum_of_a_path_of_the_same_gains():
    gains = np.array([0.3, 0.5, 0.2, 0.4, 0.1, 0.6])
    late = np.tile(gains**2, (50, 1)) / 50
    frequency = np.fft.rfftfreq(LENGTH, 1 / RATE)
    weights = octave_weights(frequency, RATE)
    expected = weights @ (gains @ weights) ** 2 / weights.sum(axis=1)
    power = np.mean(
        [np.abs(np.fft.rfft(respond("mono", late=late, seed=s)[0])) ** 2 for s in range(30)], axis=0
    )
    np.testing.assert_allclose(weights @ power / weights.sum(axis=1), expected, rtol=0.12)


def test_late_sound_does_not_come_before_the_straight_path():
    late = exponential(0.4)
    response = respond("mono", late=late, distance=10.3)
    first = int(np.ceil(10.3 / 343 * RATE))
    assert not response[0, :first].any()
    assert response[0, first:].any()
    many = [respond("mono", late=late, distance=10.3, seed=s)[0] for s in range(40)]
    total = np.mean([(r.astype(np.float64) ** 2).sum() for r in many])
    assert total == pytest.approx(late[:, 0].sum(), rel=0.05)  # nothing of it is lost


def test_walking_away_delays_late_sound_without_a_jump():
    late = exponential(0.4)
    for metres in np.arange(3.0, 8.0, 0.0214):  # a sample at a time, over one bin and a half
        near, far = (respond("mono", late=late, distance=metres + d) for d in (0, 0.0214))
        # one sample of noise leaves at the start, the others hardly change
        assert np.sum((near - far) ** 2) < 0.06 * np.sum(near**2)


def test_late_sound_from_the_left_is_louder_on_the_left():
    late = exponential(0.4)
    left = energies(respond("binaural", late=late, moment=np.tile([0, 0.8, 0], (50, 1))))
    diffuse = energies(respond("binaural", late=late))
    ratio = 10 * np.log10(left.sum(axis=1) / diffuse.sum(axis=1))
    assert ratio[0] > 1
    assert ratio[1] < -1


def test_a_field_from_one_direction_is_as_loud_as_a_path_from_there():
    late = np.full((50, 6), 1 / 50)
    moment = np.tile(direction(1.0, 0.2), (50, 1))
    path = (respond("binaural", [(2.0, 1.0, 1.0, 0.2)]) ** 2).sum(axis=1)
    field = np.mean(
        [(respond("binaural", late=late, moment=moment, seed=s) ** 2).sum(axis=1)
         for s in range(20)], axis=0,
    )  # fmt: skip
    np.testing.assert_allclose(10 * np.log10(field / path), 0, atol=0.6)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_late_sound_has_the_delay_of_its_direction(share):
    late = exponential(0.3)
    for azimuth in (-2.0, -1.0, -0.3, 0.6, 1.4, 2.6):
        moment = np.tile(share * direction(azimuth, 0), (50, 1))
        heard = respond("binaural", late=late, moment=moment)
        path = respond("binaural", [(2.0, 0.5, azimuth, 0)])
        assert interaural_delay(heard) == pytest.approx(interaural_delay(path), abs=60e-6)


def test_directed_sound_keeps_the_coherence_of_what_comes_from_everywhere():
    """The ears' covariance is that of the two parts: share * direction + (1 - share) * diffuse."""
    layout, share, azimuth = make_layout("binaural", RATE), 0.4, 1.0
    late = np.full((50, 6), 1 / 50)
    moment = np.tile(share * direction(azimuth, 0), (50, 1))
    cross, power = 0, 0
    for seed in range(20):
        left, right = np.fft.rfft(respond("binaural", late=late, moment=moment, seed=seed))
        cross, power = cross + left * right.conj(), power + np.abs(left) ** 2 + np.abs(right) ** 2
    frequency = np.fft.rfftfreq(LENGTH, 1 / RATE)
    row, column = layout.delays.shape[0] // 2, round(azimuth / (2 * np.pi) * layout.delays.shape[1])
    lag = (layout.delays[row, column, 1] - layout.delays[row, column, 0]) / RATE
    levels = layout.power[row, column]
    grid = np.linspace(0, RATE / 2, len(layout.covariance))
    for band, centre in enumerate((250, 500, 1000, 2000), start=1):
        near = np.abs(frequency / centre - 1) < 0.1
        found = (cross[near] / (power[near] / 2)).mean()
        diffuse = np.interp(frequency[near], grid, layout.covariance[:, 0, 1].real)
        ears = np.interp(frequency[near], grid, layout.covariance[:, 0, 0].real)
        ray = np.sqrt(levels[0, band] * levels[1, band])
        ray = ray * ears * np.exp(2j * np.pi * frequency[near] * lag)
        mean = ears * (share * levels[:, band].mean() + 1 - share)
        expected = ((share * ray + (1 - share) * diffuse) / mean).mean()
        assert abs(found - expected) < 0.12


def test_a_figure_of_eight_turns_the_sign_of_late_sound_from_behind():
    array = MicrophoneArray([[0, 0.1, 0], [0, -0.1, 0]], [0.0, 1.0])
    late = exponential(0.3)
    for azimuth, sign in ((0.0, 1), (np.pi, -1)):
        moment = np.tile(direction(azimuth, 0), (50, 1))
        omni, eight = respond(array, late=late, moment=moment).astype(float)
        correlation = omni @ eight / np.sqrt((omni @ omni) * (eight @ eight))
        assert correlation == pytest.approx(sign, abs=0.1)


@pytest.mark.parametrize("layout", ["binaural", "stereo"])
def test_late_noise_is_no_earlier_at_one_ear_than_at_the_other(layout):
    """Of plain noise, correlations at opposite lags differ by chance, by 0.054 here."""
    differences, levels = [], []
    for seed in range(8):
        heard = respond(layout, late=exponential(0.3), seed=seed).astype(float)
        spectra = np.fft.rfft(heard, 2 * LENGTH)
        energy = (heard**2).sum(axis=1)
        found = np.fft.irfft(spectra[0].conj() * spectra[1]) / np.sqrt(energy.prod())
        lags = np.arange(1, 12)
        differences.append(found[lags] - found[-lags])
        levels.append(10 * np.log10(energy[0] / energy[1]))
    assert np.std(differences) < 0.04
    assert np.abs(levels).max() < 0.3


def test_noise_is_fixed_by_its_seed():
    layout = make_layout("binaural", RATE)
    one, same, other = (late_noise(layout, 1000, seed) for seed in (3, 3, 4))
    for a, b, c in zip(one, same, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).mean() > 0.99


def test_what_16_bits_leave_out_of_a_band_of_noise_is_85_db_below_it():
    noise = late_noise(make_layout("binaural", RATE), LENGTH, 0)
    rounding = noise.unit / np.sqrt(12)  # of numbers of which each is as likely as its neighbours
    for samples in (noise.diffuse, noise.ray):
        level = noise.unit * samples.astype(np.float64).std(axis=(0, 2))
        assert (20 * np.log10(rounding / level)).max() < -85


def test_noise_has_the_coherence_of_the_layout():
    layout = make_layout("binaural", RATE)
    noise = late_noise(layout, 2**17, 0)
    left, right = np.fft.rfft(np.einsum("cbn, b -> cn", noise.diffuse, noise.unit))
    cross = (left[1:] * right[1:].conj()).real.reshape(-1, 512).mean(axis=1)
    power = (np.abs(left[1:]) ** 2).reshape(-1, 512).mean(axis=1)
    frequency = (np.arange(len(cross)) + 0.5) * RATE / 2 / len(cross)
    grid = np.linspace(0, RATE / 2, len(layout.covariance))
    expected = np.interp(frequency, grid, layout.covariance[:, 0, 1].real)
    np.testing.assert_allclose(cross / power, expected, atol=0.15)


# Other layouts than ears.


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_path_is_encoded_as_spherical_harmonics(order):
    azimuth, elevation, heading = 0.83, -0.41, 2.0
    path = [(3.43, 0.5, azimuth + heading, elevation)]
    response = respond(f"ambisonics{order}", path, heading=heading, n=400).astype(np.float64)
    expected = 0.5 * spherical_harmonics(order, direction(azimuth, elevation))
    # the steps of the grid are small against the lobes
    np.testing.assert_allclose(response[:, 160], expected, atol=0.003)
    others = np.delete(response, 160, axis=1)
    assert np.abs(others).max() < 0.01


def test_microphones_hear_a_path_at_their_own_time_and_level():
    positions = np.array([[0.3, 0, 0], [-0.1, 0.2, 0.4]])
    array = MicrophoneArray(positions, [0.0, 0.5], [[1, 0, 0], [0, 1, 0]])
    towards = direction(0.6, 0.3)
    spectra = np.fft.rfft(respond(array, [(5.0, 0.2, 0.6, 0.3)], n=1000))
    frequency = np.fft.rfftfreq(1000, 1 / RATE)
    metres = 5.0 - positions @ towards
    gains = 0.2 * np.array([1, (1 + towards[1]) / 2])
    expected = gains[:, None] * np.exp(-2j * np.pi * frequency * metres[:, None] / 343)
    heard = frequency < 7000
    np.testing.assert_allclose(spectra[:, heard], expected[:, heard], atol=0.02 * 0.2)


def test_late_ambisonic_channels_have_their_level_and_are_independent():
    late = np.full((50, 6), 1 / 50)
    heard = np.concatenate(
        [respond("ambisonics2", late=late, seed=s).astype(np.float64) for s in range(10)], axis=1
    )
    covariance = heard @ heard.T / 10
    expected = np.diag([1] + [1 / 3] * 3 + [1 / 5] * 5)
    np.testing.assert_allclose(covariance, expected, atol=0.05)


def test_late_ambisonic_sound_from_one_direction_is_one_signal():
    late = np.full((50, 6), 1 / 50)
    towards = direction(1.0, 0.2)
    for share, heading in [(1.0, 0.0), (0.5, 0.4)]:
        moment = np.tile(share * towards, (50, 1))
        heard = [
            respond("ambisonics1", late=late, moment=moment, heading=heading, seed=s)
            for s in range(20)
        ]
        covariance = np.mean([(r.astype(np.float64) @ r.T.astype(np.float64)) for r in heard], 0)
        gains = spherical_harmonics(1, direction(1.0 - heading, 0.2))
        diffuse = np.diag([1, 1 / 3, 1 / 3, 1 / 3])
        expected = share * np.outer(gains, gains) + (1 - share) * diffuse
        np.testing.assert_allclose(covariance, expected, atol=0.05)


def test_faint_bands_leave_the_others_as_they_are():
    late = exponential(0.4)
    quiet = late * [1, 1, 1, 1, 1, 1e-12]
    gone = late * [1, 1, 1, 1, 1, 0]
    np.testing.assert_array_equal(respond("mono", late=quiet), respond("mono", late=gone))


def test_inaudible_paths_are_left_out_and_faint_ones_are_not():
    loud = (2.0, 0.5, 0.4, 0)
    alone = respond("mono", [loud])
    np.testing.assert_array_equal(respond("mono", [loud, (9.0, 1e-5, 0, 0)]), alone)
    np.testing.assert_array_equal(respond("mono", [loud, (9.0, -1e-5, 0, 0)]), alone)
    for gain in (1e-3, -1e-3):
        faint = respond("mono", [loud, (3.43, gain, 0, 0)])[0] - alone[0]
        assert faint[160] == pytest.approx(gain, rel=1e-3)
