"""One cluster for all tests of this folder: to begin one takes longer than most of them."""

import signal

import pytest

ROOM = "name: room\nrooms:\n- {name: a, polygon: [[0, 0], [6, 0], [6, 5], [0, 5]]}\n"
OPTIONS = {"sensors": ("pose",), "sounds": "phone", "acoustics": "anechoic",
           "max_episode_steps": 30}  # fmt: skip


LIMIT = 300
"""Seconds that a test may take, however busy the machine."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Let no test wait for a cluster without end: the others would not be begun."""
    late = []

    def interrupt(*_):
        late.append(item)
        raise KeyboardInterrupt  # the one exception that Ray lets through while it waits

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(LIMIT)
    try:
        return (yield)
    except KeyboardInterrupt:
        if late:
            pytest.fail(f"it has taken more than {LIMIT} s")
        raise
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="package", autouse=True)
def compiled():
    """Let no test wait for kernels to be compiled."""
    from avenv.simulation.warmup import warm_up

    warm_up()


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
