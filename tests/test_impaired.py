"""Agents that lack a sense."""

import numpy as np
import pytest
from support import shoebox

from avenv.acoustics.signal.binaural import BinauralFeatures, mirrored
from avenv.benchmark import Impaired, evaluate
from avenv.envs.vector import BatchEnv


class Witness:
    """Remembers what it was shown."""

    sensors = ("depth", "audio")
    shown: list = []  # noqa: RUF012

    def __init__(self, envs):
        self.reset = lambda row, seed: None

    def act(self, observation, info):
        self.shown.append((observation, info))
        return np.zeros(len(observation["depth"]), np.int64)


@pytest.fixture(scope="module")
def heard():
    sensors = ("rgb", "depth", "audio", "spectrogram", "binaural", "gcc_phat", "pose")
    envs = BatchEnv(
        num_envs=2, scenes=shoebox(), sounds="fridge", sensors=sensors, image_size=(16, 12),
        window=0.5,
    )  # fmt: skip
    return envs, envs.reset(seed=0)[0]


def shown(heard, how):
    envs, observation = heard
    return observation, Impaired(Witness, how).observed(envs.batch, observation)


def test_swapped_ears_hear_the_mirror_image(heard):
    before, after = shown(heard, "swapped")
    np.testing.assert_array_equal(after["audio"], before["audio"][:, ::-1])
    np.testing.assert_allclose(after["binaural"], mirrored(before["binaural"]), atol=1e-3)
    np.testing.assert_allclose(after["spectrogram"], before["spectrogram"][..., ::-1], atol=1e-4)
    np.testing.assert_array_equal(after["depth"], before["depth"])


def test_the_deaf_hear_silence(heard):
    before, after = shown(heard, "deaf")
    assert before["audio"].any()
    assert not after["audio"].any()
    assert not after["spectrogram"].any()
    levels = BinauralFeatures.slices["step_level"]
    np.testing.assert_allclose(after["binaural"][:, levels], -2.5, atol=1e-5)  # as documented
    np.testing.assert_array_equal(after["rgb"], before["rgb"])


def test_mono_tells_no_side(heard):
    _, after = shown(heard, "mono")
    np.testing.assert_allclose(after["binaural"], mirrored(after["binaural"]), atol=1e-4)


def test_the_blind_see_nothing(heard):
    before, after = shown(heard, "blind")
    assert not after["rgb"].any()
    assert not after["depth"].any()
    np.testing.assert_array_equal(after["binaural"], before["binaural"])


def test_in_anechoic_air_an_agent_hears_no_echo(monkeypatch):
    sounds = {}
    for how in ("deaf", "anechoic", "mono"):
        monkeypatch.setattr(Witness, "shown", [])
        evaluate(Impaired(Witness, how), episodes=1, scenes=shoebox(), sounds="fridge",
                 image_size=(16, 12), sensors=Witness.sensors, progress=False)  # fmt: skip
        [(observation, _)] = Witness.shown
        sounds[how] = np.abs(observation["audio"]).max()
    assert sounds["deaf"] == 0
    assert 0 < sounds["anechoic"] < sounds["mono"]


def test_the_untold_do_not_know_what_for(monkeypatch):
    told = {}
    for how in ("deaf", "untold"):
        monkeypatch.setattr(Witness, "shown", [])
        monkeypatch.setattr(Witness, "sensors", ("depth", "instruction"))
        evaluate(Impaired(Witness, how), episodes=1, scenes=shoebox(), sounds="fridge",
                 image_size=(16, 12), sensors=Witness.sensors, progress=False)  # fmt: skip
        [(observation, info)] = Witness.shown
        told[how] = observation["instruction"].any(), str(info["instruction"][0]) != ""
    assert told == {"deaf": (True, True), "untold": (False, False)}


def test_unknown_impairments_are_refused():
    with pytest.raises(ValueError, match=r"impaired is 'deav'.*did you mean 'deaf'"):
        Impaired(Witness, "deav")
