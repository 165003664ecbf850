"""A model behind a chat interface acts in an environment, whatever it and its server answer."""

import json
import pickle
import re
import signal
import threading

import numpy as np
import pytest
from chat_support import Reply, calling, chat_server, saying, stream_of
from click.testing import CliRunner
from omni_support import BRIEF, KEY, OPTIONS, hurry, run
from support import two_rooms

from avenv.benchmark import evaluate
from avenv.simulation.world import World
from avenv.tasks.oracle import Asked
from avenv_agents.omni import line
from avenv_agents.omni.agent import Omni
from avenv_agents.omni.cli import omni_group
from avenv_agents.omni.telling import LONGEST, Teller
from avenv_agents.omni.view import View


@pytest.fixture(scope="module")
def world():
    return World(two_rooms())


@pytest.fixture(autouse=True)
def _quick_and_with_a_key(monkeypatch):
    hurry(monkeypatch)


def walking(number, body, headers):
    """Turn left, then walk until the last action."""
    return calling("turn_left", "forward", "forward", note="I walk")


# -- the way of a question -------------------------------------------------------------------------


def test_a_model_is_asked_what_the_view_says_and_its_plan_is_carried_out(world):
    view = View(frames=2, frame_size=(32, 24), seconds=0.5, spectrogram=True, plan=3)
    with chat_server(walking) as server:
        results = run(server, world, episodes=1, view=view)
    actions = results.episodes[0]["actions"]
    assert actions[0] == 2  # turn_left
    assert set(actions[1:3]) == {1}
    parts = server.asked[1]["messages"][1]["content"]
    assert [part["type"] for part in parts].count("image_url") == 3  # two frames, a spectrogram
    assert [part["type"] for part in parts].count("input_audio") == 1
    assert "Your note: I walk" in parts[0]["text"]
    assert "1. turn_left" in parts[0]["text"]
    tool = server.asked[0]["tools"][0]["function"]
    assert tool["parameters"]["properties"]["actions"]["items"]["enum"] == [
        "stop", "forward", "turn_left", "turn_right",
    ]  # fmt: skip
    ledger = results.episodes[0]["ledger"]
    assert ledger["questions"] == len(server.asked)
    assert ledger["tokens_in"] == 100 * len(server.asked)


def test_no_question_tells_the_truth(world):
    view = View(frames=1, frame_size=(32, 24), seconds=0.5)
    with chat_server(walking) as server:
        run(server, world, episodes=1, view=view)
    for body in server.asked:
        told = body["messages"][1]["content"][0]["text"].lower()
        assert not any(word in told for word in ("azimuth", "geodesic", "truth", "goal is", "spl"))


def test_streams_and_text_answers_are_read_as_calls_are(world):
    with chat_server(lambda *_: stream_of(calling("turn_left"))) as server:
        streamed = run(server, world, stream=True)
    written = 'I turn.\n```json\n{"actions": ["turn_left"]}\n```'
    text = View(frames=0, sound="none", bearings=False, odometry=False, reply="text")
    with chat_server(lambda *_: saying(written)) as server:
        told = run(server, world, view=text)
    assert streamed.episodes[0]["actions"] == told.episodes[0]["actions"] == [2] * 12
    assert streamed.episodes[0]["ledger"]["tokens_out"] == 120


def test_rows_are_asked_at_once_up_to_the_limit(world):
    lock, now, most = threading.Lock(), [0], [0]
    meeting = threading.Barrier(2)

    def script(*_):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        meeting.wait(timeout=20)  # two are needed for either to go on
        with lock:
            now[0] -= 1
        return calling("turn_left", "turn_left", "turn_left", "turn_left")

    with chat_server(script) as server:
        run(server, world, episodes=4, num_envs=4, concurrency=2)
    assert most[0] == 2


def test_asking_gets_an_answer_that_is_told(world):
    from avenv.envs.vector import BatchEnv

    told = []

    def script(number, body, headers):
        told.append(body["messages"][1]["content"][0]["text"])
        return calling("turn_left", "turn_left", "turn_left", "turn_left")

    envs = BatchEnv("AudioGoal", 1, scenes=world, sounds="phone", **Omni(view=BRIEF).options)
    with chat_server(script) as server:
        agent = Omni(model="m", base_url=server.url, view=BRIEF)(envs)
        observation, _ = envs.reset(seed=0)
        agent.reset(0, 0)
        info = {"active": np.array([True]), "instruction": np.array(["Find it."])}
        agent.act(observation, info)
        agent.act(observation, info | {"answer": np.array(["It is in the hall."])})
    assert len(told) == 2  # what was planned before the answer is dropped
    assert "told: It is in the hall." in told[1]


def test_a_model_asks_another_model_where_to_go(world, tmp_path):
    """The one is told the truth of the map, the other what the first makes of it."""

    def script(number, body, headers):
        if body["model"] == "o":
            return saying("Keep to your left,\n my friend.")
        told = body["messages"][1]["content"][0]["text"]
        return calling("stop") if "my friend" in told else calling("ask", "forward")

    def play(server, out, **given):
        agent = Omni().configured({
            "model": "m", "base_url": server.url, "view": BRIEF, "oracle": "o",
            "oracle_kept": str(tmp_path / "kept"), **given,
        })  # fmt: skip
        return evaluate(
            agent, "omni", 2, scenes=world, out=out, arguments=agent.told, **OPTIONS,
            **agent.options,
        )  # fmt: skip

    with chat_server(script) as server:
        results = play(server, tmp_path / "run")
        oracles = [body for body in server.asked if body["model"] == "o"]
        asked = len(server.asked)
        play(server, tmp_path / "again", replay=str(tmp_path / "run"))
        assert len(server.asked) == asked  # neither of them was asked again
    assert [record["actions"] for record in results.episodes] == [[4, 0]] * 2
    assert results.episodes[0]["metrics"]["questions"] == 1
    assert results.episodes[0]["metrics"]["unanswered"] == 0
    known = oracles[0]["messages"][1]["content"][0]["text"]
    assert re.search(r"now: It is (on your|ahead|behind|through the door)", known)
    shown = json.loads((tmp_path / "run/episodes.jsonl").read_text().splitlines()[0])
    assert shown["rules"]["oracle"]["speaker"] == "o, openai"
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in path.read_bytes() for path in written)
    assert not any(b"127.0.0.1" in path.read_bytes() for path in written)


@pytest.mark.parametrize("said", [saying("", refusal="No."), saying(""), {"result": 1}])
def test_an_oracle_that_says_nothing_leaves_no_answer(said, tmp_path):
    with chat_server(lambda *_: said) as server:
        teller = Teller("o", server.url, kept=str(tmp_path))
        assert teller(Asked("Find it.", "It is here.", ())) == ""
        again = pickle.loads(pickle.dumps(teller))
        assert again == teller
        assert again(Asked("Find it.", "It is here.", ())) == ""
        assert len(server.asked) == 1
        assert len(again(Asked("Find it.", "It is there.", ()))) <= LONGEST


def test_a_set_has_nobody_to_ask(world):
    agent = Omni().configured({"model": "m", "base_url": "http://127.0.0.1:9", "oracle": "map"})
    assert agent.options["oracle"] is True
    options = {k: v for k, v in agent.options.items() if k != "oracle"}
    with pytest.raises(ValueError, match="nobody to ask; accepted: --task in place of --set"):
        evaluate(agent, "omni", 1, scenes=world, **OPTIONS, **options)


# -- answers of no use -----------------------------------------------------------------------------

USELESS = {
    "malformed": saying(None, [{"function": {"name": "act", "arguments": '{"actions": ["for'}}]),
    "malformed list": calling(tool="act"),
    "malformed tool": calling("forward", tool="fly"),
    "unknown_action": calling("jump"),
    "text_only": saying("I would walk to the phone."),
    "refused": saying(None, refusal="I cannot help with that."),
    "refused by a filter": saying("", finish="content_filter"),
    "empty": saying(""),
    "empty of another form": {"result": 1},
    "cut_off": saying("", finish="length"),
    "empty text that is none": saying({"a": 1}),
    "text_only in parts": saying([{"type": "text", "text": "I would walk."}]),
    "unknown_action that is none": calling(["forward"], None, {"a": 1}),
    "unknown_action of half a letter": calling("\ud83d"),
    "malformed and deep": saying(None, [{"function": {"name": "act", "arguments": "[" * 100_000}}]),
    "empty stream": Reply(["data: [DONE]\n\n"], kind="text/event-stream"),
    "empty stream of another form": Reply(["data: null\n\n"], kind="text/event-stream"),
    "empty stream of other deltas": Reply(
        ['data: {"choices": [{"delta": {"content": 5}}]}\n\n'], kind="text/event-stream"
    ),
}


@pytest.mark.parametrize("case", USELESS)
def test_an_answer_of_no_use_is_told_counted_and_asked_again(world, case):
    def script(number, body, headers):
        return USELESS[case] if number == 0 else calling("turn_left", "stop")

    with chat_server(script) as server:
        results = run(server, world, episodes=1)
    assert "of no use" in server.asked[1]["messages"][1]["content"][0]["text"]
    assert results.episodes[0]["ledger"][case.split()[0]] == 1
    assert results.episodes[0]["actions"] == [2, 0]
    assert case.split()[0] in results.table()


ODD = {
    "arguments as an object": saying(
        None, [{"function": {"name": "act", "arguments": {"actions": ["turn_left", "stop"]}}}]
    ),
    "a note that ends in half a letter": calling("turn_left", "stop", note="\ud83d"),
    **{
        f"{count!r:.9} tokens": calling("turn_left", "stop") | {"usage": usage}
        for count in ("lots", -(10**6), float("inf"), 10**400, None)
        for usage in ({"prompt_tokens": count},)
    },
    "usage that is none": calling("turn_left", "stop") | {"usage": [1]},
}


@pytest.mark.parametrize("case", ODD)
def test_what_is_odd_beside_a_call_does_not_spoil_it(world, case):
    with chat_server(lambda *_: ODD[case]) as server:
        results = run(server, world, episodes=1)
    assert results.episodes[0]["actions"] == [2, 0]
    assert results.episodes[0]["ledger"]["tokens_in"] in (0, 100)


def test_a_model_that_never_answers_well_is_given_up_in_that_episode(world):
    with chat_server(lambda *_: calling("jump")) as server:
        results = run(server, world, episodes=2)
    assert [record["actions"] for record in results.episodes] == [[0], [0]]
    assert results.episodes[0]["ledger"]["given_up"] == 1
    assert len(server.asked) == 2 * BRIEF.patience


def test_an_endless_answer_is_cut_off(world, monkeypatch):
    monkeypatch.setattr(line, "MOST_BYTES", 100_000)

    def script(number, body, headers):
        if number == 0:
            return Reply((" " * 10_000 for _ in iter(int, 1)), wait=0)
        return calling("stop")

    with chat_server(script) as server:
        results = run(server, world, episodes=1)
    assert results.episodes[0]["ledger"]["cut_off"] == 1


# -- transcripts, keys, money ----------------------------------------------------------------------


def test_a_replay_equals_the_run_without_a_network(world, tmp_path):
    view = View(frames=1, frame_size=(32, 24), seconds=0.5, sound="wav")
    with chat_server(lambda n, *_: calling("jump") if n == 2 else walking(n, {}, {})) as server:
        run(server, world, tmp_path / "run", view=view, price_in=2.0, price_out=10.0)
    run("http://127.0.0.1:9", world, tmp_path / "again", view=view, replay=str(tmp_path / "run"))
    for name in ("episodes.jsonl", "summary.json"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    ledger = json.loads((tmp_path / "run/episodes.jsonl").read_text().splitlines()[1])["ledger"]
    assert ledger["cost"] == pytest.approx(ledger["questions"] * (100 * 2 + 10 * 10) / 1e6)
    transcript = tmp_path / "run/agent/transcripts/0.jsonl"
    request = json.loads(transcript.read_text().splitlines()[0])["request"]
    shown = request["messages"][1]["content"][1]["image_url"]["url"].partition(",")[2]
    assert (transcript.parent / shown).read_bytes()[:4] == b"\x89PNG"
    other = View(frames=1, frame_size=(32, 24), seconds=0.5, history=5)
    with pytest.raises(ValueError, match="not the one asked now"):
        run("http://127.0.0.1:9", world, view=other, replay=str(tmp_path / "run"))
    with pytest.raises(ValueError, match="no transcript of this episode"):
        run("", world, view=view, episodes=3, replay=str(tmp_path / "run"))


def test_a_run_that_was_stopped_goes_on_and_asks_nothing_twice(world, tmp_path):
    def script(number, body, headers):
        return walking(number, body, headers)

    with chat_server(script) as server:
        run(server, world, tmp_path / "whole", episodes=3)
        whole = len(server.asked)

    def stopping(number, body, headers):
        if number == 7:
            signal.raise_signal(signal.SIGINT)
            return Reply("", 500)
        return script(number, body, headers)

    with chat_server(stopping) as server:
        with pytest.raises((KeyboardInterrupt, ValueError)):
            run(server, world, tmp_path / "parts", episodes=3, num_envs=1, tries=1)
        transcripts = (tmp_path / "parts/agent/transcripts").glob("*.jsonl")
        kept = sum(len(path.read_text().splitlines()) for path in transcripts)
        assert kept == 7
        torn = tmp_path / "parts/agent/transcripts/1.jsonl"
        torn.write_bytes(torn.read_bytes() + b'{"half": ')
    with chat_server(script) as server:
        run(server, world, tmp_path / "parts", episodes=3, num_envs=1)
        assert len(server.asked) == whole - kept
    for name in ("episodes.jsonl", "summary.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_spending_stops_at_the_cap_and_goes_on_with_a_higher_one(world, tmp_path):
    prices = {"price_in": 100.0, "price_out": 100.0}  # 0.011 an answer
    with chat_server(walking) as server:
        run(server, world, num_envs=1)
        whole = len(server.asked)
    with chat_server(walking) as server:
        with pytest.raises(ValueError, match=r"\$0.0330 is spent"):
            run(server, world, tmp_path, num_envs=1, max_cost=0.025, **prices)
        assert len(server.asked) == 3
        with pytest.raises(ValueError, match="is spent"):  # what was spent before counts
            run(server, world, tmp_path, num_envs=1, max_cost=0.025, **prices)
        assert len(server.asked) == 3
        run(server, world, tmp_path, num_envs=1, max_cost=1.0, **prices)
        assert len(server.asked) == whole


def test_a_server_that_counts_no_tokens_cannot_keep_to_a_cap(world):
    uncounted = calling("turn_left") | {"usage": None}
    with chat_server(lambda *_: uncounted) as server:
        with pytest.raises(ValueError, match="counted no tokens of 3 answers"):
            run(server, world, num_envs=1, max_cost=1.0, price_in=1.0)
        assert len(server.asked) == 3


def test_the_key_is_sent_and_written_down_nowhere(world, tmp_path, caplog):
    caplog.set_level("DEBUG")
    seen = []

    def script(number, body, headers):
        seen.append(headers["authorization"])
        if number == 0:
            return Reply(json.dumps({"error": {"message": f"busy, {KEY}"}}), 500)
        if number == 3:
            return Reply(json.dumps({"error": {"message": f"wrong: {headers}"}}), 401)
        return calling("turn_left", note=f"my key is {KEY}")

    with chat_server(script) as server, pytest.raises(ValueError, match="401") as refusal:
        run(server, world, tmp_path, num_envs=1)
    assert seen[0] == f"Bearer {KEY}"
    assert not any(KEY in json.dumps(body) for body in server.asked)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert not any(KEY.encode() in path.read_bytes() for path in written)
    told = str(refusal.value) + caplog.text
    error = refusal.value.__cause__
    while error is not None:
        told, error = told + str(error), error.__cause__
    assert KEY not in told


def test_one_command_scores_a_model_on_several_sets(tmp_path):
    view = tmp_path / "brief.yaml"
    view.write_text("{frames: 0, sound: none, bearings: false, odometry: false}")
    command = [
        "score", "--model", "m", "--view", str(view), "--set", "audiogoal-v1",
        "--set", "false-alarm-v1", "--episodes", "1", "--price-in", "10", "--out", str(tmp_path),
    ]  # fmt: skip
    with chat_server(lambda *_: calling("stop")) as server:
        command += ["--base-url", server.url]
        shown = CliRunner().invoke(omni_group, command)
        assert shown.exit_code == 0, shown.output
        assert CliRunner().invoke(omni_group, command).stdout == shown.stdout
        assert len(server.asked) == 2
    head, _, goal, alarm, _ = (
        [cell.strip() for cell in line.split("|")[1:-1]] for line in shown.stdout.splitlines()
    )
    assert head == [
        "set", "episodes", "SR", "SPL", "efficiency", "premature", "misled", "wrong", "asked",
        "tokens in", "tokens out", "$",
    ]  # fmt: skip
    assert goal[:4] == ["audiogoal-v1", "1", "0.00 [0.00, 0.79]", "0.00"]
    assert goal[4:] == ["", "", "", "", "1", "100", "10", "0.001"]
    assert alarm[3] == ""
    assert (tmp_path / "false-alarm-v1-mini" / "summary.json").is_file()
