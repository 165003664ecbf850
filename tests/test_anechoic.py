"""The backend without walls: the free field, whatever the scene."""

import numpy as np
import pytest
from support import shoebox, two_rooms

from avenv import impulse_response
from avenv.acoustics import LAYOUTS, Engine, find_backend
from avenv.acoustics.air import air_absorption
from avenv.core.errors import SceneError
from avenv.envs.env import Env
from avenv.scene import SceneBuilder

RATE = 16000
METRES = 343 / RATE  # that sound goes in a sample
SOURCE = (2.0, 2.0, 1.2)


def hear(scene, listener, **options):
    return impulse_response(scene, SOURCE, listener, acoustics="anechoic", **options)


def energy(response):
    return (response.astype(float) ** 2).sum(axis=-1)


def test_there_is_one_tap_of_one_over_r():
    response = hear(shoebox((9, 4, 3)), (2 + 100 * METRES, 2, 1.2), layout="mono")[0]
    assert np.argmax(np.abs(response)) == 100
    # the air of 2.14 m at 1 kHz
    spectrum = np.abs(np.fft.rfft(response, RATE))
    gain = 10 ** (-air_absorption([1000.0])[0] * 100 * METRES / 20)
    assert spectrum[1000] == pytest.approx(gain / (100 * METRES), rel=1e-3)
    assert energy(response[99:102]) == pytest.approx(energy(response), rel=0.01)


def test_energy_falls_as_the_square_of_the_distance():
    near, far = energy(
        hear(
            shoebox((9, 4, 3)),
            [(2 + 80 * METRES, 2, 1.2), (2 + 240 * METRES, 2, 1.2)],
            layout="mono",
        )
    )[:, 0]
    assert near / far == pytest.approx(9, rel=0.02)  # and a little to the air


def test_it_is_the_same_in_any_scene_and_through_any_wall():
    one = hear(shoebox((9, 4, 3)), (6.0, 1.0, 1.2), length=1000)
    with np.errstate(all="raise"):
        other = hear(two_rooms(door=0.0, transmission=0.0), (6.0, 1.0, 1.2), length=1000)
    assert one.any()
    np.testing.assert_array_equal(one, other)


def test_in_the_open_it_is_what_the_native_backend_hears():
    dead = shoebox((9, 8, 6), absorption=1.0)
    args = dead, (3, 4, 3), (5, 5, 3)
    for layout in ("binaural", "ambisonics1"):
        native, anechoic = (
            impulse_response(*args, layout=layout, length=800, acoustics=name)
            for name in ("native", "anechoic")
        )
        np.testing.assert_allclose(native, anechoic, atol=1e-6)


def test_the_nearer_ear_hears_it_first_and_louder():
    left, right = hear(shoebox((9, 4, 3)), (4.0, 2.0, 1.2), heading=-np.pi / 2)
    peaks = [np.argmax(np.abs(ear)) for ear in (right, left)]
    assert energy(right) > 2 * energy(left)  # it faces -y: the source, at -x, is on its right
    assert 5 <= peaks[1] - peaks[0] <= 14  # 0.3 to 0.9 ms


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_can_be_heard_with(layout):
    response = hear(shoebox(), (4.0, 2.0, 1.2), layout=layout)
    assert response.shape[0] == Engine(RATE, layout).channels
    assert np.isfinite(response).all()
    assert response.any()


@pytest.mark.parametrize(("facing", "gain"), [(0.0, 1.0), (np.pi / 2, 0.5)])
def test_the_source_may_be_directed(facing, gain):
    ear, scene = (4.0, 2.0, 1.2), shoebox()
    even = hear(scene, ear, layout="mono")
    turned = hear(scene, ear, layout="mono", directivity="cardioid", facing=facing)
    np.testing.assert_allclose(turned, gain * even, atol=1e-3 * even.max())


def test_places_in_walls_are_refused_as_by_the_others():
    with pytest.raises(SceneError, match=r"listener \(4.100, 0.500, 1.000\) is inside a solid"):
        hear(two_rooms(), (4.1, 0.5, 1.0))
    scene = find_backend("anechoic").prepare(two_rooms())
    engine = find_backend("anechoic").Engine(RATE)
    with pytest.raises(SceneError, match=r"source \(9.000, 0.500, 1.000\) is outside the scene"):
        engine.source_field(scene, (9.0, 0.5, 1.0), 1.2)
    moved = engine.source_field(scene, (1.0, 1.0, 1.0), 1.2).moved((2.0, 1.0, 1.0))
    np.testing.assert_array_equal(moved.tree.position, [[2.0, 1.0, 1.0]])


def test_environments_can_be_heard_through_it():
    builder = SceneBuilder("studio")
    builder.room("studio", size=(4, 3))
    given = {"scenes": builder.build(), "sensors": ("audio",), "sounds": "builtin:heard"}
    env, native = (Env(acoustics=name, **given) for name in ("anechoic", "native"))
    dry, wet = (e.reset(seed=0)[0]["audio"] for e in (env, native))
    assert dry.shape == (2, RATE)
    assert 0 < energy(dry).sum() < energy(wet).sum()
