"""Evaluations on episode sets: the same results however they are played, and no false ones."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from set_support import load_small_set
from threadpoolctl import threadpool_info, threadpool_limits

from avenv.benchmark import Impaired, evaluate_set, find_agent, load_set, read_results
from avenv.benchmark.replay import FalseResultsError, check_results, replay
from avenv.benchmark.results import merge
from avenv.cli import main
from avenv_agents.baselines import OracleAgent, RandomAgent


class Dreamer:
    """Acts by what it sees, hears and remembers; its products depend on how many rows there are."""

    sensors = ("depth", "audio")
    options = {"sensors": sensors, "image_size": (16, 16)}  # noqa: RUF012

    def __init__(self, envs):
        rng = np.random.default_rng(0)
        self.seen = rng.normal(size=(256, 64)).astype(np.float32)
        self.kept = rng.normal(size=(64, 64)).astype(np.float32) / 8
        self.memory = np.zeros((envs.num_envs, 64), np.float32)
        self.left = 0

    def reset(self, row, seed):
        self.memory[row] = np.random.default_rng(seed).normal(size=64)

    def act(self, observation, info):
        picture = observation["depth"].reshape(len(self.memory), -1)
        sound = observation["audio"].std(axis=2) * [[1, -1]]
        self.memory = np.tanh(picture @ self.seen + self.memory @ self.kept + sound.sum(1)[:, None])
        scores = self.memory[:, :4] + [[-0.6, 0.4, 0, 0]]
        return scores.argmax(axis=1)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return load_small_set(tmp_path_factory.mktemp("set"))


def play(small, agent=Dreamer, out=None, **options):
    episodes, path = small
    options = {"progress": False, "num_envs": 3, "file": str(path), **options}
    return evaluate_set(agent, "it", episodes, "test", out, **options)


def content(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "sessions.jsonl"}


@pytest.fixture(scope="module")
def whole(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return play(small, out=folder), folder


@pytest.mark.parametrize("num_envs", [1, 2, 8])
def test_the_files_are_the_same_for_any_batch(small, whole, tmp_path, num_envs):
    play(small, out=tmp_path, num_envs=num_envs)
    assert content(tmp_path) == content(whole[1])


def test_the_files_of_merged_shards_are_the_same(small, whole, tmp_path):
    for part in (2, 1, 3):
        results = play(small, out=tmp_path, shard=(part, 3), num_envs=part)
        assert not results.is_whole
    with pytest.raises(ValueError, match=r"has 3 shards: avenv results merge"):
        read_results(tmp_path)
    done = CliRunner().invoke(main, ["results", "merge", str(tmp_path)])
    assert done.exit_code == 0, done.output
    merged = {k: v for k, v in content_of_files(tmp_path).items() if k != "sessions.jsonl"}
    assert merged == content(whole[1])
    assert (tmp_path / "sessions.jsonl").read_text().count('"begin"') == 3
    with pytest.raises(ValueError, match=r"has results already"):
        merge(sorted(tmp_path.glob("shard-*")), tmp_path)


def content_of_files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_shards_of_two_agents_or_too_few_are_not_merged(small, tmp_path):
    play(small, out=tmp_path / "a", shard=(1, 2))
    play(small, OracleAgent, out=tmp_path / "a", shard=(2, 2))
    shards = sorted((tmp_path / "a").glob("shard-*"))
    with pytest.raises(ValueError, match=r"different evaluations, which differ in agent.code"):
        merge(shards, tmp_path / "b")
    with pytest.raises(ValueError, match=r"4 of 8 episodes are missing"):
        merge(shards[:1], tmp_path / "b")
    with pytest.raises(ValueError, match=r"is in two shards"):
        merge([shards[0], shutil.copytree(shards[0], tmp_path / "c")], tmp_path / "b")
    assert not (tmp_path / "b").exists()


KILLED = """
import sys
sys.path.insert(0, {here!r})
from test_benchmark import Dreamer, play
from avenv.benchmark import load_set
play((load_set({path!r}), {path!r}), out={out!r}, num_envs=2)
"""


def test_an_evaluation_that_is_killed_again_and_again_ends_the_same(small, whole, tmp_path):
    code = KILLED.format(here=str(Path(__file__).parent), path=str(small[1]), out=str(tmp_path))
    log, kills = tmp_path / "episodes.jsonl", 0
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for lines in range(2, 5):  # killed as soon as the file has one line more
        run = subprocess.Popen([sys.executable, "-c", code], env=environment)
        while run.poll() is None:
            if log.exists() and log.read_bytes().count(b"\n") >= lines:
                run.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.002)
        run.wait()
        if run.returncode == 0:
            break
    with log.open("ab") as file:
        file.write(b'{"number":7,"scene":"room')  # in the middle of a line
    play(small, out=tmp_path, num_envs=1)
    assert kills >= 2
    assert content(tmp_path) == content(whole[1])


def test_everything_that_made_a_result_stands_in_it(small, whole):
    results, folder = whole
    heading = json.loads((folder / "episodes.jsonl").read_text().splitlines()[0])
    assert heading == results.heading
    assert heading["set"] == {"name": "small-v1", "hash": small[0].hash, "split": "test",
                              "file": str(small[1])}  # fmt: skip
    assert len(heading["scenes"]) == 2
    assert all(heading["scenes"].values())
    assert set(heading["sounds"]) == {
        s.sound.name for one in small[0].split("test") for s in one.episode.sources
    }
    assert heading["agent"]["code"]
    assert heading["senses"] == {"sensors": ["depth", "audio"], "image_size": [16, 16]}
    begin, end = map(json.loads, (folder / "sessions.jsonl").read_text().splitlines())
    assert {"numpy", "numba", "avenv"} <= set(begin["packages"])
    assert {"revision", "processor", "instructions", "cores", "time"} <= set(begin)
    assert end["episodes"] == 8
    assert end["seconds"] > 0


class Witness(OracleAgent):
    """Looks at all it is told."""

    sensors = ("depth",)
    rows = 8
    privilege = ""
    told: list = []  # noqa: RUF012

    def act(self, observation, info):
        self.told.append((self._envs, observation, info))
        return np.zeros(len(info["active"]), np.int64)


def test_agents_compute_on_one_thread(small):
    threads = set()

    class Counter(Dreamer):
        def act(self, observation, info):
            threads.update(pool["num_threads"] for pool in threadpool_info())
            return super().act(observation, info)

    with threadpool_limits(2):
        play(small, Counter)
    assert threads == {1}


def test_agents_are_told_no_truth(small, monkeypatch):
    monkeypatch.setattr(Witness, "told", [])
    play(small, Witness)
    for envs, observation, info in Witness.told:
        assert set(observation) == {"depth"}
        assert set(info) == {"action_names", "instruction", "active"}
        assert not hasattr(envs, "batch")
        assert not hasattr(envs, "oracle_actions")
        assert len(observation["depth"]) == envs.num_envs == 8  # always as many rows
        assert info["active"].sum() <= 3


def test_a_set_may_tell_rewards(small, monkeypatch):
    from dataclasses import replace

    monkeypatch.setattr(Witness, "told", [])
    told = replace(small[0], previous_reward=True)
    evaluate_set(Witness, "it", told, "test", progress=False, count=1)
    assert Witness.told[0][2]["previous_reward"][0] == 0


class Clumsy(OracleAgent):
    """Fails in the episodes of one room, in its second action."""

    how = "raise"

    def reset(self, row, seed):
        self._steps = getattr(self, "_steps", {}) | {row: 0}

    def act(self, observation, info):
        actions = super().act(observation, info).astype(object)
        for row in np.flatnonzero(info["active"]).tolist():
            self._steps[row] += 1
            wide = self._envs.batch.task.episodes[row].scene.name.endswith("room1.yaml")
            if wide and self._steps[row] == 2:
                if self.how == "raise":
                    raise LookupError("it has lost its map")
                actions[row] = float("nan") if self.how == "nan" else 9
        return np.array(actions.tolist())


@pytest.mark.parametrize("how", ["raise", "nan", "range"])
def test_an_agent_that_fails_has_failed_there_or_stops(small, monkeypatch, tmp_path, how):
    monkeypatch.setattr(Clumsy, "how", how)
    with pytest.raises(ValueError, match=r"the agent failed in the episode \d"):
        play(small, Clumsy, out=tmp_path / "stop")
    one, other = (
        play(small, Clumsy, out=tmp_path / str(n), on_error="fail", num_envs=n) for n in (1, 3)
    )
    assert content(tmp_path / "1") == content(tmp_path / "3")
    assert one.values("success").tolist() == [1, 0] * 4
    for record in other.episodes:
        assert ("error" in record) == record["scene"].endswith("room1.yaml")
        assert "error" not in record or len(record["actions"]) == 1
    assert "in 4 of them the agent failed" in one.table()
    assert check_results(tmp_path / "1", progress=False).name == "it"


def test_an_agent_without_a_needed_sensor_is_refused(small, tmp_path):
    follower = find_agent("follower")

    class Deaf(follower):
        sensors = ("depth",)

    with pytest.raises(ValueError, match=r"needs 'audio'"):
        play(small, Deaf, out=tmp_path)

    class Silent(OracleAgent):
        sensors = None

    with pytest.raises(ValueError, match=r"does not say which sensors it needs"):
        play(small, Silent, out=tmp_path)

    class Odd(RandomAgent):
        sensors = ("smell",)

    with pytest.raises(ValueError, match=r"sensors has 'smell'; accepted: rgb"):
        play(small, Odd, out=tmp_path)


def test_controls_are_told_apart(small, tmp_path):
    play(small, Dreamer, out=tmp_path)
    before = content_of_files(tmp_path)
    with pytest.raises(ValueError, match=r"differs in agent.code, agent.impaired"):
        play(small, Impaired(Dreamer, "deaf"), out=tmp_path)
    assert content_of_files(tmp_path) == before  # nothing is overwritten
    deaf = play(small, Impaired(Dreamer, "deaf"))
    assert deaf.name == "it, deaf"
    assert deaf.heading["senses"] == {"sensors": ["depth", "audio"], "image_size": [16, 16]}


def test_a_policy_does_the_same_in_any_row():
    torch = pytest.importorskip("torch")
    from avenv.benchmark.agent import ROWS
    from avenv_agents.checkpoints import load_checkpoint
    from avenv_agents.policy import PREVIOUS, as_tensors

    policy = load_checkpoint(Path(__file__).parents[1] / "agents/policies/homes/policy.pt")
    rng = np.random.default_rng(0)
    seen = {
        name: rng.random((ROWS, *policy.observation_space[name].shape)).astype(np.float32)
        for name in policy.reads
    } | {PREVIOUS: rng.integers(0, policy.actions, ROWS)}
    memory = policy.initial(ROWS) + torch.from_numpy(
        rng.normal(0, 0.1, policy.initial(ROWS).shape).astype(np.float32)
    )

    def logits(rows):
        chosen = as_tensors({k: v[rows] for k, v in seen.items()}, [*policy.reads, PREVIOUS])
        with torch.no_grad():
            return policy.step(chosen, memory[rows], torch.zeros(len(rows), dtype=torch.bool))[0]

    alone = logits(np.arange(ROWS))
    for _ in range(10):
        rows = rng.integers(0, ROWS, ROWS)  # in other rows, beside others, and twice
        assert torch.equal(logits(rows), alone[rows])


# -- claims ----------------------------------------------------------------------------------------


@pytest.fixture
def claim(whole, tmp_path):
    """Return a function that changes a claim, and the folder it is in."""
    for name, bytes_ in content(whole[1]).items():
        (tmp_path / name).write_bytes(bytes_)

    def change(alter):
        path = tmp_path / "episodes.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        alter(lines)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return lambda: check_results(tmp_path, progress=False)

    return change


def test_an_honest_folder_is_true(claim):
    assert len(claim(lambda lines: None)().episodes) == 8


def test_an_oracle_replayed_ends_within_a_metre(small):
    results = play(small, OracleAgent)
    played = replay(results, [3], progress=False)
    assert list(played) == [3]
    episode = small[0].split("test")[3].episode
    path = played[3].path
    assert path[0] == pytest.approx(episode.start)
    assert np.hypot(*(path[-1] - played[3].marks[0])) < 1
    walked = np.hypot(*np.diff(path, axis=0).T).sum()
    assert walked == pytest.approx(results.episodes[3]["metrics"]["path_length"])
    assert [small[0].rules and "stop"] == [episode.expert[-1]]
    assert len(results.episodes[3]["actions"]) == len(episode.expert)


def _metric(lines):
    lines[4]["metrics"]["spl"] += 0.25
    lines[6]["metrics"]["spl"] += 0.25


def _action(lines):
    lines[3]["actions"][0] = 2 if lines[3]["actions"][0] != 2 else 3


def _fewer(lines):
    lines[2]["actions"] = lines[2]["actions"][:-1]


def _more(lines):
    lines[2]["actions"].append(1)


def _missing(lines):
    del lines[5]


def _strata(lines):
    lines[1]["strata"]["sounds"] = "unheard"


def _error(lines):
    lines[7]["error"] = "it was not my fault"


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (
            _metric,
            r"the episode test-0003 is false: spl is [\d.]+ there, and [\d.]+ by",
        ),
        (_action, r"the episode test-0002 is false"),
        (_fewer, r"the episode test-0001 is false: its actions end before it is over"),
        (_more, r"the episode test-0001 is false: it is over after \d+ of its actions"),
        (_missing, r"has 7 of 8 episodes"),
        (_strata, r"the episode test-0000 is false: its strata is not that of the episode"),
        (_error, r"the episode test-0006 is false: it says that the agent failed"),
    ],
)
def test_the_first_false_episode_is_named(claim, alter, message):
    with pytest.raises(FalseResultsError, match=message):
        claim(alter)()


def test_what_is_said_of_the_whole_must_be_true(claim, tmp_path):
    summary = json.loads((tmp_path / "summary.json").read_text())
    summary["all"]["SR"]["mean"] = 1.0
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(FalseResultsError, match=r"summary.json is not what .* all.SR.mean"):
        claim(lambda lines: None)()


def test_results_of_another_set_version_or_rules_are_refused(small, claim, tmp_path):
    def other_set(lines):
        lines[0]["set"]["hash"] = "0" * 64

    with pytest.raises(ValueError, match=r"small-v1 with the hash 0000000000000000, and here"):
        claim(other_set)()

    def rules(lines):
        lines[0]["set"]["hash"] = load_set(lines[0]["set"]["file"]).hash
        lines[0]["rules"]["max_episode_steps"] = 1000

    with pytest.raises(FalseResultsError, match=r"rules are not those of small-v1: max_episode"):
        claim(rules)()

    def version(lines):
        lines[0]["version"] = 0

    with pytest.raises(ValueError, match=r"is of version 0; accepted: 1"):
        claim(version)()
    done = CliRunner().invoke(main, ["results", "check", str(tmp_path)])
    assert done.exit_code == 1
    assert "is of version 0" in done.output
    before = content_of_files(tmp_path)
    with pytest.raises(ValueError, match=r"of another evaluation, which differs in .*version"):
        play((load_set(small[1]), small[1]), out=tmp_path)
    assert content_of_files(tmp_path) == before


# -- bad input -------------------------------------------------------------------------------------


def test_there_are_no_results_of_no_episodes(small):
    with pytest.raises(ValueError, match=r"the split 'none' of small-v1 is empty"):
        evaluate_set(OracleAgent, "it", small[0], "none", progress=False)
    with pytest.raises(ValueError, match=r"small-v1 is 'tset'; accepted: .*did you mean 'test'"):
        evaluate_set(OracleAgent, "it", small[0], "tset", progress=False)
    with pytest.raises(ValueError, match=r"count is 9; small-v1 has 8 episodes in test"):
        evaluate_set(OracleAgent, "it", small[0], "test", count=9, progress=False)


def test_a_folder_is_written_by_one_at_a_time(small, tmp_path):
    results = play(small, OracleAgent, out=tmp_path, count=2)
    path = tmp_path / "episodes.jsonl"
    path.write_bytes(path.read_bytes().rpartition(b'{"number":1')[0])

    class Nested(OracleAgent):
        def act(self, observation, info):
            play(small, OracleAgent, out=tmp_path, count=2)
            return super().act(observation, info)

    Nested.fingerprint = results.heading["agent"]["code"]
    with pytest.raises(ValueError, match=r"is being written by another process"):
        play(small, Nested, out=tmp_path, count=2)


FULL = """
import resource, sys
sys.path.insert(0, {here!r})
from test_benchmark import OracleAgent, play
from avenv.benchmark import load_set
from avenv.benchmark.journal import Journal
add = Journal.add
def fill(log, number, record):
    if len(log.records) == 3:  # from now on the disk takes ten bytes more
        size = log.path.stat().st_size + 10
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    add(log, number, record)
Journal.add = fill
try:
    play((load_set({path!r}), {path!r}), OracleAgent, out={out!r}, num_envs=1)
except OSError as error:
    print(error)
"""


def test_of_a_disk_that_fills_all_that_was_finished_is_kept(small, tmp_path):
    pytest.importorskip("resource")
    code = FULL.format(here=str(Path(__file__).parent), path=str(small[1]), out=str(tmp_path))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert "the 3 episodes that have finished are kept" in done.stdout
    lines = (tmp_path / "episodes.jsonl").read_bytes().split(b"\n")
    assert len(lines) == 5
    assert lines[-1] == b""
    assert all(json.loads(line) for line in lines[:-1])
    again = play(small, OracleAgent, out=tmp_path)
    assert len(again.episodes) == 8
