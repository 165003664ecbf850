"""One cluster for all tests of this folder: to begin one takes longer than most of them."""

import os

import pytest

ROOM = "name: room\nrooms:\n- {name: a, polygon: [[0, 0], [6, 0], [6, 5], [0, 5]]}\n"
OPTIONS = {"sensors": ("pose",), "sounds": "phone", "acoustics": "anechoic",
           "max_episode_steps": 30}  # fmt: skip


def pytest_runtest_setup():
    """Begin clusters where they are asked for: Ray's processes do not always begin in time."""
    if not os.environ.get("AVENV_TEST_CLUSTER"):
        pytest.skip("clusters are begun with AVENV_TEST_CLUSTER=1")


@pytest.fixture(scope="package")
def joined():
    """A cluster of two machines of two cores each, on this one; who ends one adds another."""
    from cluster_support import simulated

    with simulated(2, 2) as machines:
        yield machines


@pytest.fixture
def room(tmp_path, monkeypatch):
    """Arguments of an evaluation in a room, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "room.yaml").write_text(ROOM)
    return {"scenes": "room.yaml", "episodes": 8, "num_envs": 1, "progress": False, **OPTIONS}
