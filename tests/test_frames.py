import numpy as np

from avenv.core import frames
from avenv.core.vectors import cross


def test_heading_zero_faces_x_and_turns_counter_clockwise():
    np.testing.assert_allclose(frames.forward([0.0, np.pi / 2]), [[1, 0], [0, 1]], atol=1e-12)


def test_body_axes_are_forward_left_up():
    r = frames.body_rotation(np.pi / 2)
    np.testing.assert_allclose(r[:, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(r[:, 1], [-1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(r[:, 2], [0, 0, 1], atol=1e-12)
    up = frames.body_rotation(0.0, np.pi / 4)
    assert up[2, 0] > 0, "positive pitch raises the gaze"
    np.testing.assert_allclose(up.T @ up, np.eye(3), atol=1e-12)
    assert np.linalg.det(up) > 0


def test_azimuth_is_positive_to_the_left_and_elevation_up():
    # Facing +Y, something at -X is on the left.
    azimuth, elevation = frames.azimuth_elevation(frames.to_body([-1.0, 0.0, 0.0], np.pi / 2))
    assert np.isclose(azimuth, np.pi / 2)
    assert np.isclose(elevation, 0)
    azimuth, elevation = frames.azimuth_elevation([1.0, 0.0, 1.0])
    assert np.isclose(elevation, np.pi / 4)


def test_direction_inverts_azimuth_elevation():
    rng = np.random.default_rng(0)
    v = rng.normal(size=(100, 3))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    np.testing.assert_allclose(frames.direction(*frames.azimuth_elevation(v)), v, atol=1e-12)


def test_y_up_files_round_trip_and_stay_right_handed():
    p = np.random.default_rng(1).normal(size=(10, 3))
    np.testing.assert_allclose(frames.to_y_up(frames.from_y_up(p)), p)
    np.testing.assert_allclose(frames.from_y_up([0, 1, 0]), [0, 0, 1])
    x, y, z = frames.from_y_up(np.eye(3))
    np.testing.assert_allclose(np.cross(x, y), z)


def test_wrap_angle_keeps_the_direction():
    a = np.linspace(-20, 20, 101)
    w = frames.wrap_angle(a)
    assert np.all((w >= -np.pi) & (w < np.pi))
    np.testing.assert_allclose(np.exp(1j * w), np.exp(1j * a), atol=1e-9)


def test_cross_products_are_those_of_numpy():
    a, b = np.random.default_rng(0).standard_normal((2, 50, 3))
    np.testing.assert_array_equal(cross(a, b), np.cross(a, b))
    small = a.astype(np.float32)
    np.testing.assert_array_equal(cross(small, b[:, :3]), np.cross(small, b))
