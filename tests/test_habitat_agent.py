"""Agents of habitat-lab's kind on avenv's benchmark; nothing of habitat-lab is needed for it."""

import numpy as np
import pytest
from support import two_rooms

from avenv.benchmark import evaluate
from avenv.habitat import HabitatAgent
from avenv.simulation.world import World

SENSES = ("rgb", "depth", "audiogoal", "spectrogram", "gps", "compass")


@pytest.fixture(scope="module")
def world():
    return World(two_rooms())


class Recorder:
    """Walks a given way, and keeps what every copy of it observed."""

    seen: list = []  # noqa: RUF012 (shared, so that the test finds it)
    way = ("turn_left", {"action": "move_forward"}, 1, np.int64(3), "stop")

    def reset(self):
        self.step, self.kept = 0, []
        Recorder.seen.append(self.kept)

    def act(self, observations):
        self.kept.append(observations)
        action = self.way[self.step]
        self.step += 1
        return action


def test_an_agent_of_habitats_walks_and_observes_as_there(world):
    Recorder.seen.clear()
    report = evaluate(
        HabitatAgent(Recorder, SENSES), episodes=3, num_envs=2, scenes=world, sounds="phone",
        image_size=(32, 24), progress=False,
    )  # fmt: skip
    assert [record["actions"] for record in report.episodes] == [[2, 1, 1, 3, 0]] * 3
    kept = [one for one in Recorder.seen if one]
    assert [len(one) for one in kept] == [5] * 3
    first, last = kept[0][0], kept[0][-1]
    assert tuple(first) == SENSES
    assert first["rgb"].shape == (24, 32, 3)
    assert first["audiogoal"].shape == (2, 16000)
    assert first["spectrogram"].shape == (65, 26, 2)
    assert 0 < first["depth"].max() <= 1
    # Turned by 15° to the left, then half a metre: ahead of the start, and to the left of it, which
    # is negative there; then back by 15°.
    turned = np.deg2rad(15)
    np.testing.assert_allclose(first["gps"], [0, 0], atol=1e-6)
    walked = np.linalg.norm(last["gps"])
    np.testing.assert_allclose(
        last["gps"], walked * np.array([np.cos(turned), -np.sin(turned)]), atol=1e-5
    )
    assert kept[0][1]["compass"] == pytest.approx([turned])
    assert last["compass"] == pytest.approx([0], abs=1e-6)


def test_what_it_is_told_tells_it_from_others_of_its_name():
    one, other = HabitatAgent(Recorder, ("depth",)), HabitatAgent(Recorder, ("depth",), 5.0)
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == HabitatAgent(Recorder(), ("depth",)).fingerprint != ""


def test_depth_is_a_share_of_the_farthest(world):
    Recorder.seen.clear()
    for far in (10.0, 4.0):
        evaluate(HabitatAgent(Recorder(), ("depth",), far), episodes=1, image_size=(16, 16),
                 num_envs=1, scenes=world, sounds="phone", progress=False)  # fmt: skip
    ten, four = (one[0]["depth"] for one in Recorder.seen if one)
    np.testing.assert_allclose(four, np.minimum(2.5 * ten, 1), atol=1e-6)


class Blind:
    sensors = ()

    def __init__(self, action=0):
        self.action = action

    def reset(self):
        pass

    def act(self, observations):
        return self.action


@pytest.mark.parametrize(
    ("agent", "sensors", "words"),
    [
        (Recorder, None, "names none; accepted: one or more of rgb, depth"),
        (Recorder, ("dpeth",), r"sensors has 'dpeth'; .*did you mean 'depth'.$"),
        (Recorder, ("audio",), "sensors has 'audio'; .*audiogoal"),
    ],
)
def test_what_cannot_be_observed_is_named(agent, sensors, words):
    with pytest.raises(ValueError, match=words):
        HabitatAgent(agent, sensors)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (Blind("look_up"), "action is 'look_up'; accepted: .*stop, move_forward"),
        (Blind(1.5), "action is 1.5; accepted: a number, a name"),
        (lambda: object(), r"the agent has no reset\(\)"),
    ],
)
def test_what_an_agent_cannot_do_is_named(world, agent, words):
    with pytest.raises(ValueError, match=words):
        evaluate(HabitatAgent(agent, ()), episodes=1, scenes=world, sounds="phone", progress=False)


def test_the_command_line_finds_it(world, tmp_path, monkeypatch):
    from avenv.benchmark import find_agent

    (tmp_path / "mine_of_habitat.py").write_text(
        "from avenv.habitat import HabitatAgent\n"
        "class Still:\n"
        "    sensors = ('spectrogram',)\n"
        "    def reset(self): pass\n"
        "    def act(self, observations): return 'stop'\n"
        "Mine = HabitatAgent(Still)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    report = evaluate(find_agent("mine_of_habitat:Mine"), episodes=2, scenes=world,
                      sounds="phone", progress=False)  # fmt: skip
    assert [record["actions"] for record in report.episodes] == [[0], [0]]
