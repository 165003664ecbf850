"""The benchmark scores agents over fixed episodes, independently of how they are batched."""

import json
import os
import signal
from collections import Counter
from pathlib import Path
from uuid import uuid4

import gymnasium as gym
import numpy as np
import pytest
from click.testing import CliRunner
from support import shoebox, two_rooms

from avenv.benchmark import evaluate, find_agent, read_results
from avenv.cli import main
from avenv.core.store import open_store
from avenv.simulation.world import World
from avenv_agents.baselines import DirectionFollower, OracleAgent, RandomAgent
from avenv_agents.hearing import (
    HEAD_RADIUS,
    SPEED_OF_SOUND,
    SourceBelief,
    interaural_correlation,
    level_difference,
)

OPTIONS = {"sounds": "phone", "sensors": ("depth", "audio"), "image_size": (32, 32)}


@pytest.fixture(scope="module")
def world():
    return World(two_rooms())


def test_the_oracle_always_succeeds_and_the_random_agent_hardly_ever(world):
    oracle = evaluate(OracleAgent, episodes=20, scenes=world, progress=False, **OPTIONS)
    random = evaluate(RandomAgent, episodes=20, scenes=world, progress=False, **OPTIONS)
    assert oracle.values("success").mean() == 1
    assert oracle.values("spl").mean() > 0.9
    assert oracle.values("sna") == pytest.approx(1)
    assert random.values("success").mean() < 0.2


def test_the_direction_follower_finds_most_sources(world):
    report = evaluate(DirectionFollower, episodes=10, scenes=world, progress=False, **OPTIONS)
    assert report.values("success").mean() > 0.5


@pytest.mark.parametrize("agent", [RandomAgent, DirectionFollower])
def test_results_do_not_depend_on_the_batch(world, agent):
    alone, together = (
        evaluate(agent, episodes=3, num_envs=n, scenes=world, progress=False, **OPTIONS).episodes
        for n in (1, 2)
    )
    assert alone == together


def test_an_episode_is_what_its_seed_begins(world):
    report = evaluate(OracleAgent, episodes=3, seed=5, scenes=world, progress=False, **OPTIONS)
    env = gym.make("avenv/AudioGoal-v0", scenes=world, disable_env_checker=True, **OPTIONS)
    for k, record in enumerate(report.episodes):
        _, info = env.reset(seed=5 + k)
        assert record["episode"] == info["setup"]


def test_each_of_several_scenes_has_its_turn():
    worlds = [World(shoebox((4 + k, 4, 3))) for k in range(3)]
    played = {
        (seed, num_envs): [r["episode"]["scene"]["hash"] for r in evaluate(
            OracleAgent, episodes=7, seed=seed, num_envs=num_envs, scenes=worlds, progress=False,
            **OPTIONS).episodes]
        for seed, num_envs in ((0, 2), (0, 3), (1, 3))
    }  # fmt: skip
    assert sorted(Counter(played[0, 2]).values()) == [2, 2, 3]
    assert len(set(played[0, 2][:3])) == 3
    assert played[0, 2] == played[0, 3]
    assert played[1, 3][:6] == played[0, 3][1:]  # an episode is its seed's, wherever a run begins


class Failing(OracleAgent):
    """An oracle that loses its network at the act of this number, or is stopped then."""

    fails_at = 10**9
    how = ConnectionError("the network is down")

    def act(self, observation, info):
        Failing.fails_at -= 1
        if Failing.fails_at < 0:
            if isinstance(self.how, signal.Signals):
                os.kill(os.getpid(), self.how)
            else:
                raise self.how
        return super().act(observation, info)


@pytest.fixture
def failing(monkeypatch):
    """Let a failing agent fail late; return what sets when, and how."""

    def fail(at, how=Failing.how):
        monkeypatch.setattr(Failing, "fails_at", at)
        monkeypatch.setattr(Failing, "how", how)

    fail(10**9)
    return fail


@pytest.mark.parametrize("num_envs", [1, 3])
def test_an_evaluation_that_fails_goes_on_where_it_was(world, tmp_path, failing, num_envs):
    options = {"episodes": 6, "num_envs": num_envs, "scenes": world, "progress": False, **OPTIONS}
    whole = evaluate(Failing, **options)
    failing(30)
    with pytest.raises(ValueError, match=r"the network is down.*the same command goes on"):
        evaluate(Failing, out=tmp_path, **options)
    log = tmp_path / "episodes.jsonl"
    lines = log.read_text().splitlines()
    finished = [json.loads(line)["number"] for line in lines[1:]]
    assert 0 < len(finished) < 6
    log.write_text("\n".join([*lines, '{"number": 5, "metr']))  # killed while it wrote
    failing(10**9)
    again = evaluate(Failing, out=tmp_path, **options)
    assert again.episodes == whole.episodes == read_results(tmp_path).episodes
    numbers = [json.loads(line)["number"] for line in log.read_text().splitlines()[1:]]
    assert numbers == list(range(6))
    failing(0)  # nothing is left to play
    assert evaluate(Failing, out=tmp_path, **options).episodes == whole.episodes
    before = log.read_bytes()
    with pytest.raises(ValueError, match=r"another evaluation, which differs in .*rules.sounds"):
        evaluate(Failing, out=tmp_path, seed=1, **{**options, "sounds": "alarm_clock"})
    with pytest.raises(ValueError, match=r"differs in agent.code, agent.name"):
        evaluate(RandomAgent, "random", out=tmp_path, **options)
    assert log.read_bytes() == before


def test_results_at_a_url_are_those_of_a_folder(world, tmp_path, failing, monkeypatch):
    pytest.importorskip("fsspec")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    options = {"episodes": 6, "num_envs": 2, "scenes": world, "progress": False, **OPTIONS}
    evaluate(Failing, out=tmp_path / "folder", **options)
    url = f"memory://{uuid4().hex}"
    store = open_store(url)
    failing(30)
    with pytest.raises(ValueError, match=rf"{url}/episodes\.jsonl has . finished .* goes on"):
        evaluate(Failing, out=url, **options)
    assert 1 < len(store.read("episodes.jsonl").splitlines()) < 7
    failing(10**9)
    evaluate(Failing, out=url, **options)
    for name in ("episodes.jsonl", "summary.json"):
        assert store.read(name) == (tmp_path / "folder" / name).read_bytes()
    with pytest.raises(ValueError, match=rf"{url}/episodes\.jsonl has .* another evaluation"):
        evaluate(RandomAgent, "random", out=url, **options)
    assert list((tmp_path / "temporary").iterdir()) == []
    # Of a store that fails, what is not there yet is kept.
    monkeypatch.setattr(type(store.reach()[0]), "put_file", None)
    with pytest.raises(OSError, match=r"memory://other cannot be used.* keeps it all") as told:
        evaluate(Failing, out="memory://other", **options)
    kept = Path(str(told.value).split("; ")[-1].removesuffix(" keeps it all"))
    assert len(read_results(kept).episodes) == 6


@pytest.mark.parametrize("out", ["result", None])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, Failing.how])
def test_whatever_stops_the_command_it_goes_on(tmp_path, monkeypatch, failing, how, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "room.yaml").write_text(
        "name: room\nrooms:\n- {name: a, polygon: [[0, 0], [6, 0], [6, 5], [0, 5]]}\n"
    )
    (tmp_path / "env.yaml").write_text(
        "sensors: [depth]\nimage_size: [16, 16]\nscenes: room.yaml\n"
    )
    arguments = ["evaluate", "--agent", f"{__name__}:Failing", "--config", "env.yaml",
                 "--episodes", "5", "--num-envs", "1"]  # fmt: skip
    arguments += ["--out", out] if out else []
    failing(40, how)
    done = CliRunner().invoke(main, arguments)
    codes = {signal.SIGTERM: 143, signal.SIGINT: 130}
    assert done.exit_code == codes.get(how, 1)
    assert "the same command goes on" in done.output
    failing(10**9)
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "5 episodes" in done.output
    folder = tmp_path / (out or "results/test_evaluate-Failing/seeds")
    assert len(read_results(folder).episodes) == 5
    failing(0)
    assert CliRunner().invoke(main, arguments).exit_code == 0  # there is nothing to play
    assert CliRunner().invoke(main, [*arguments, "--fresh"]).exit_code == 1


def test_agents_are_found_by_name_or_path():
    assert find_agent("avenv_agents.baselines:OracleAgent") is OracleAgent
    with pytest.raises(ValueError, match=r"package\.module:attribute .*follower, .*oracle, random"):
        find_agent("clairvoyant")
    with pytest.raises(ValueError, match="Nobody"):
        find_agent("avenv_agents.baselines:Nobody")


@pytest.mark.parametrize(
    ("name", "value"),
    [("episodes", 0), ("episodes", True), ("num_envs", 2.0), ("seed", -1), ("seed", "a")],
)
def test_numbers_that_make_no_sense_are_refused_by_name(world, name, value):
    with pytest.raises(ValueError, match=f"{name} is {value!r}; accepted: a whole number from"):
        evaluate(OracleAgent, scenes=world, progress=False, **{**OPTIONS, name: value})


def test_the_follower_says_what_it_needs(world):
    with pytest.raises(ValueError, match="audio"):
        evaluate(DirectionFollower, episodes=1, scenes=world, progress=False,
                 **{**OPTIONS, "sensors": ("depth",)})  # fmt: skip


@pytest.mark.parametrize("delay", [-7, 0, 4])
def test_a_delayed_noise_correlates_fully_at_its_delay(delay):
    noise = np.random.default_rng(0).normal(size=16000).astype(np.float32)
    delays = np.arange(-12, 13) / 16000
    match = interaural_correlation(np.stack([noise, np.roll(noise, delay)]), 16000, delays)
    assert np.argmax(match) == delay + 12
    assert match.max() == pytest.approx(1, abs=0.05)


def test_unrelated_noises_do_not_correlate():
    noises = np.random.default_rng(0).normal(size=(2, 16000)).astype(np.float32)
    assert np.abs(interaural_correlation(noises, 16000, np.arange(-12, 13) / 16000)).max() < 0.1


def test_level_differences_are_those_of_the_heads_shadow():
    time = np.arange(8000) / 16000
    ears = np.stack([np.sin(2 * np.pi * 2000 * time), 0.5 * np.sin(2 * np.pi * 2000 * time)])
    ears += [[1.0], [3.0]] * np.sin(2 * np.pi * 100 * time)  # bends round the head
    assert level_difference(ears.astype(np.float32), 16000) == pytest.approx(6.02, abs=0.1)
    assert level_difference(np.zeros((2, 8000), np.float32), 16000) == 0


def test_a_louder_side_alone_tells_where_to_go():
    noise = np.random.default_rng(0).normal(size=(2, 8000)).astype(np.float32)
    belief = SourceBelief(10.0)
    for _ in range(5):
        belief.update(0.05 * noise, 0.05 * noise * [[2.0], [1.0]], 16000, np.zeros(2), 0.0)
    assert belief.best()[1] > 0


@pytest.mark.parametrize("azimuth", [45, 135, -45, -135])
def test_turning_tells_front_from_back(azimuth):
    # Free field: the far ear hears the same noise later by Woodworth's (a / c)(sin x + x), whose
    # x is the angle from the median plane.
    noise = np.random.default_rng(0).normal(size=8000)
    belief, position = SourceBelief(10.0), np.zeros(2)
    for heading in np.deg2rad(np.arange(0, 90, 15)):
        side = np.sin(np.deg2rad(azimuth) - heading)
        lag = HEAD_RADIUS / SPEED_OF_SOUND * (side + np.arcsin(side))
        frequency = np.fft.rfftfreq(8000, 1 / 16000)
        late = np.fft.irfft(np.fft.rfft(noise) * np.exp(-2j * np.pi * frequency * lag))
        audio = 0.05 * np.stack([noise, late]).astype(np.float32)
        belief.update(audio, audio, 16000, position, heading)
    x, y = belief.best()
    assert np.rad2deg(np.arctan2(y, x)) == pytest.approx(azimuth, abs=10)
