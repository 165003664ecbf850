"""What a person watching an environment sees, in each render mode."""

import numpy as np
import pytest
from support import furnished_flat, two_rooms

from avenv.drawing.screen import Screen
from avenv.envs.env import Env
from avenv.envs.vector import BatchEnv
from avenv.simulation.world import World

OPTIONS = {"sounds": "phone", "image_size": (32, 32), "sensors": ("rgb", "audio")}


@pytest.fixture(scope="module")
def world():
    return World(two_rooms())


def test_the_picture_shows_view_map_and_sound(world):
    env = Env(scenes=world, render_mode="rgb_array", **OPTIONS)
    env.reset(seed=0)
    before = env.render()
    assert before.dtype == np.uint8
    assert before.ndim == 3
    env.step(2)
    after = env.render()
    assert before.shape == after.shape
    height, width, _ = before.shape
    halves = slice(0, width // 2), slice(width // 2, width)
    for half in halves:
        assert not np.array_equal(before[: height - 120, half], after[: height - 120, half])


@pytest.mark.parametrize("layout", ["mono", "ambisonics1"])
def test_any_layout_can_be_shown(world, layout):
    env = Env(scenes=world, render_mode="rgb_array", layout=layout, **OPTIONS)
    env.reset(seed=0)
    assert env.render().ndim == 3


def test_a_batch_returns_one_picture_per_row(world):
    envs = BatchEnv(num_envs=2, scenes=world, render_mode="rgb_array", **OPTIONS)
    envs.reset(seed=0)
    first, second = envs.render()
    assert first.shape == second.shape
    assert not np.array_equal(first, second)


def test_the_text_says_what_plays_and_where(world):
    env = Env(scenes=world, render_mode="ansi", **OPTIONS)
    _, info = env.reset(seed=0)
    text = env.render()
    assert "phone/" in text
    assert f"{info['truth']['geodesic_distance']:.1f} m on foot" in text
    assert "S" in text
    assert any(arrow in text for arrow in "→↗↑↖←↙↓↘")


def test_the_window_opens_and_closes(world, monkeypatch):
    pygame = pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = Env(scenes=world, render_mode="human", **OPTIONS)
    env.reset(seed=0)
    env.step(2)
    shown = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
    np.testing.assert_array_equal(shown, env._screen.picture(0))
    env.close()
    assert not pygame.get_init()


def test_without_a_render_mode_nothing_is_drawn(world):
    env = Env(scenes=world, **OPTIONS)
    env.reset(seed=0)
    assert env.render() is None


def test_what_the_body_holds_is_on_the_screen():
    env = Env("FindFallen", scenes=furnished_flat(), sensors="pose")
    env.reset(seed=0)
    simulator, screen = env.batch.simulator, Screen(env.batch.simulator, env.batch.task)
    simulator.state.position[0], simulator.state.heading[0] = (2.0, 1.5), np.pi
    screen.begin(0)
    empty = screen.picture(0)
    simulator.set_states(0, {"phone": "held"})
    full = screen.picture(0)
    # Straight ahead, 0.4 m below the eyes and 0.5 m before them: 39 degrees down, of 45 in view.
    changed = np.argwhere(np.any(empty[:480, :480] != full[:480, :480], axis=2))
    low, high = changed.min(axis=0), changed.max(axis=0)
    assert low[0] > 240
    assert low[1] < 240 < high[1]
