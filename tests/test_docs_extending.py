"""What the page on extending types does what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from support import two_rooms

import avenv
from avenv.simulation.world import World

PAGE = (Path(__file__).parents[1] / "docs" / "extending.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
FILES = {block[2 : block.index(".py")]: block for block in BLOCKS if block.startswith("# ")}


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("extending")
    for name, block in FILES.items():
        (path / f"{name}.py").write_text(block)
    sys.path.insert(0, str(path))
    yield path
    sys.path.remove(str(path))


@pytest.fixture(scope="module")
def found():
    import find_what_fell

    return find_what_fell


def test_the_task_takes_fewer_than_80_lines():
    assert len(FILES["find_what_fell"].splitlines()) < 80


def test_the_oracle_finds_what_fell(found):
    names: dict = {}
    exec(BLOCKS[1], names)
    assert names["info"]["metrics"]["success"] == 1


def test_stopping_before_anything_has_fallen_is_no_success(found):
    env = gym.make("avenv/FindWhatFell-v0", sensors=("audio",), disable_env_checker=True)
    _, info = env.reset(seed=0)
    episode = {**info["setup"], "events": [{**info["setup"]["events"][0], "time": 60.0}]}
    _, info = env.reset(options={"episode": episode})
    for _ in range(200):
        action = env.unwrapped.oracle_action()
        truth = env.step(action)[4]["truth"]
        if truth["geodesic_distance"] < 0.9:
            break
    *_, info = env.step(0)
    assert info["metrics"]["distance_to_goal"] < 1
    assert info["metrics"]["success"] == 0


def test_it_crashes_at_its_time_and_is_silent_after(found):
    env = gym.make("avenv/FindWhatFell-v0", sensors=("audio",), disable_env_checker=True)
    observation, info = env.reset(seed=3)
    when = info["setup"]["events"][0]["time"]
    assert not observation["audio"].any()
    levels, audible = [], []
    for _ in range(44):
        observation, *_, info = env.step(2)
        levels.append(np.abs(observation["audio"][:, -4000:]).max())
        audible.append(info["truth"]["source_audible"])
    before = int(when / 0.25)
    assert not np.any(levels[:before])
    assert np.max(levels[before : before + 6]) > 1e-4
    assert not np.any(levels[before + 16 :]), "2.5 s of crash and a second of echo"
    assert any(audible)
    assert not audible[-1]


def test_a_scene_where_nothing_can_fall_is_refused(found):
    with pytest.raises(avenv.SceneError, match="nothing can fall; accepted"):
        gym.make("avenv/FindWhatFell-v0", scenes=World(two_rooms()), sensors="pose").reset(seed=0)


def test_the_imu_measures_accelerations():
    import imu  # noqa: F401

    env = gym.make("avenv/AudioGoal-v0", scenes=World(two_rooms()), sensors="imu")
    env.reset(seed=0)
    first = env.step(2)[0]["imu"]
    np.testing.assert_allclose(first, [0, 0, np.pi / 12 / 0.25], atol=1e-4)
    env.reset(seed=0)
    one, two = env.step(1)[0]["imu"], env.step(1)[0]["imu"]
    np.testing.assert_allclose(one, [0.25 / 0.25 / 0.25, 0, 0], atol=1e-3)
    np.testing.assert_allclose(two, [0, 0, 0], atol=1e-3)


def test_the_backend_hears_what_is_in_sight():
    import line_of_sight  # noqa: F401

    ask = {"scene": World(two_rooms()), "layout": "mono", "sample_rate": 16000}
    seen = avenv.impulse_response(
        source=(1, 1, 1.2), listener=[(3, 1, 1.2), (6, 0.5, 1.2)], acoustics="line_of_sight", **ask
    )
    free = avenv.impulse_response(
        source=(1, 1, 1.2), listener=(3, 1, 1.2), acoustics="anechoic", **ask
    )
    np.testing.assert_array_equal(seen[0, :, : free.shape[1]], free)
    assert not seen[1].any()


def test_the_contract_can_be_inherited(folder):
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "test_mine.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_agent_can_be_evaluated():
    from avenv.benchmark import evaluate, find_agent

    report = evaluate(
        find_agent("turner:Turner"), episodes=1, scenes=World(two_rooms()), sounds="phone",
        sensors=("depth",), image_size=(16, 16), max_episode_steps=5, progress=False,
    )  # fmt: skip
    assert report.episodes[0]["metrics"]["num_actions"] == 5
