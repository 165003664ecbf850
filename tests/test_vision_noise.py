"""The noise of cameras: as strong as its formulas say, and a function of seed, step and pixel."""

import numpy as np
import pytest

from avenv.core import parallel
from avenv.vision.camera.noise import CameraNoise, disturb_depth, disturb_rgb

QUIET = CameraNoise(0, 0, 0, 0, 0)


def seeds(n, first=0):
    return np.arange(first, first + n).astype(np.uint64), np.zeros(n, np.int64)


def linear(codes):
    """Return the light of sRGB codes (IEC 61966-2-1)."""
    s = np.asarray(codes) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("metres", [0.3, 1.0, 3.0, 6.0])
def test_depth_spreads_with_the_square_of_the_range_and_drops_out(metres):
    depth = np.full((4, 150, 200, 1), metres, np.float32)
    disturb_depth(depth, CameraNoise(dropout=0.004), *seeds(4))
    lost, kept = np.mean(depth == 0), depth[depth > 0]
    assert lost == pytest.approx(0.004 * metres**2, rel=0.2)
    sigma = 0.0012 + 0.0019 * max(metres - 0.4, 0) ** 2
    assert kept.std() == pytest.approx(sigma, rel=0.02)
    assert kept.mean() == pytest.approx(metres, abs=5 * sigma / np.sqrt(kept.size))
    # a normal law: 68.3 % within one sigma, 95.4 % within two
    assert np.mean(np.abs(kept - metres) < sigma) == pytest.approx(0.683, abs=0.01)
    assert np.mean(np.abs(kept - metres) < 2 * sigma) == pytest.approx(0.954, abs=0.01)


def test_depth_stays_within_its_range_and_nothing_stays_nothing():
    depth = np.zeros((1, 50, 50, 1), np.float32)
    depth[:, 25:] = 10.0
    disturb_depth(depth, CameraNoise(depth_growth=0.1), *seeds(1))
    assert not depth[:, :25].any()
    assert depth.min() >= 0
    assert depth.max() == 10


@pytest.mark.parametrize("code", [60, 128, 200])
def test_colour_spreads_with_the_root_of_the_light(code):
    rgb = np.full((2, 150, 200, 3), code, np.uint8)
    disturb_rgb(rgb, CameraNoise(shot=0.05, read=0.01), *seeds(2))
    x = linear(code)
    light = linear(rgb)
    assert light.mean() == pytest.approx(x, rel=0.01)
    assert light.std() == pytest.approx(np.sqrt(0.05**2 * x + 0.01**2), rel=0.02)
    channels = light.reshape(-1, 3)
    assert np.abs(np.corrcoef(channels.T) - np.eye(3)).max() < 0.02
    neighbours = np.corrcoef(light[:, :, 1:, 0].ravel(), light[:, :, :-1, 0].ravel())
    assert abs(neighbours[0, 1]) < 0.02


def test_a_stop_doubles_the_light_and_white_is_cut_off():
    rgb = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 16, 16, 3)
    brighter, same = rgb.copy(), rgb.copy()
    disturb_rgb(same, QUIET, *seeds(1))
    np.testing.assert_array_equal(same, rgb)
    disturb_rgb(brighter, CameraNoise(0, 0, 0, 0, 0, exposure=1.0), *seeds(1))
    wanted = np.minimum(2 * linear(rgb), 1)
    # half a code of rounding, which is at most 0.5 % of white
    np.testing.assert_allclose(linear(brighter), wanted, atol=0.005)


def test_jitter_moves_the_exposure_of_whole_pictures():
    rgb = np.full((400, 4, 4, 3), 100, np.uint8)
    noise = CameraNoise(0, 0, 0, 0, 0, exposure=0.5, exposure_jitter=0.3)
    disturb_rgb(rgb, noise, *seeds(400))
    assert all((picture == picture[0, 0]).all() for picture in rgb)
    stops = np.log2(linear(rgb[:, 0, 0, 0]) / linear(100))
    assert stops.mean() == pytest.approx(0.5, abs=0.05)
    assert stops.std() == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize("disturb", [disturb_depth, disturb_rgb])
def test_noise_depends_on_seed_step_and_stream_alone(disturb):
    shape, kind = ((5, 20, 30, 1), np.float32) if disturb is disturb_depth else (
        (5, 20, 30, 3), np.uint8)  # fmt: skip
    clean = np.full(shape, 3, kind) if kind is np.float32 else np.full(shape, 100, kind)
    seed, step = np.array([7, 7, 7, 8, 7], np.uint64), np.array([0, 1, 0, 0, 0])

    def disturbed(rows, stream=0):
        pictures = clean[rows].copy()
        disturb(pictures, CameraNoise(), seed[rows], step[rows], stream)
        return pictures

    everyone = disturbed(np.arange(5))
    np.testing.assert_array_equal(everyone[0], everyone[2])
    for other in (1, 3):
        assert not np.array_equal(everyone[0], everyone[other])
    assert not np.array_equal(everyone[0], disturbed(np.arange(5), stream=1)[0])
    for row in range(5):
        np.testing.assert_array_equal(disturbed(np.array([row]))[0], everyone[row])
    parallel.set_num_threads(1)
    try:
        np.testing.assert_array_equal(disturbed(np.arange(5)), everyone)
    finally:
        parallel.set_num_threads(None)


def test_steps_and_pixels_are_independent():
    depth = np.full((400, 10, 10, 1), 2.0, np.float32)
    disturb_depth(depth, CameraNoise(dropout=0), np.full(400, 3, np.uint64), np.arange(400))
    samples = depth.reshape(400, 100) - 2.0
    correlation = np.corrcoef(samples.T) - np.eye(100)
    assert np.abs(correlation).mean() == pytest.approx(np.sqrt(2 / np.pi / 400), rel=0.05)


@pytest.mark.parametrize(
    "change",
    [{"dropout": 1.5}, {"shot": -0.1}, {"depth_growth": np.nan}, {"exposure": "bright"}],
)
def test_wrong_numbers_are_named(change):
    with pytest.raises(ValueError, match=f"noise.{next(iter(change))}"):
        CameraNoise(**change)
