"""What servers of models do wrong, and how differently they speak."""

import json

import pytest
from chat_support import Reply, calling, chat_server, saying
from omni_support import KEY, hurry, run
from support import two_rooms

from avenv.simulation.world import World
from avenv_agents.omni.agent import Omni
from avenv_agents.omni.backends import gemini, openai
from avenv_agents.omni.view import View


@pytest.fixture(scope="module")
def world():
    return World(two_rooms())


@pytest.fixture(autouse=True)
def _quick_and_with_a_key(monkeypatch):
    hurry(monkeypatch)


# -- servers ---------------------------------------------------------------------------------------


def test_a_busy_server_is_asked_again(world):
    troubles = [
        Reply('{"error": {"message": "slow down"}}', 429, retry_after="0"),
        Reply('{"error": {"message": "slow down"}}', 429, retry_after="nan"),
        Reply("", 200),
        Reply("<html><title>Bad gateway</title></html>", 502, "text/html"),
        {"error": {"message": "overloaded", "code": 503}},  # with status 200, as relays do
        Reply([" ", json.dumps(calling("stop"))], wait=1.0),  # too slow
    ]

    def script(number, body, headers):
        return troubles[number] if number < len(troubles) else calling("stop")

    with chat_server(script) as server:
        results = run(server, world, episodes=1, timeout=0.5, tries=7)
    assert results.episodes[0]["ledger"]["retries"] == 6
    assert len(server.asked) == 7


def test_a_server_that_drips_is_given_no_more_than_its_time(world):
    drip = Reply((" " for _ in range(1000)), wait=0.05)
    said = pytest.raises(ValueError, match="did not answer: ReadTimeout")
    with chat_server(lambda *_: drip) as server, said:
        run(server, world, episodes=1, timeout=0.3, tries=1)


HOPELESS = {
    "a wrong key": (Reply('{"error": {"message": "Incorrect key"}}', 401), "OPENAI_API_KEY"),
    "no such model": (Reply('{"error": {"message": "no model m"}}', 404), "ends in /v1"),
    "a proxy's page": (
        Reply("<!doctype html><title>Log in</title>", 200, "text/html"),
        "a web page called 'Log in'.*a proxy",
    ),
    "no sound": (
        Reply('{"error": {"message": "input_audio is not supported by this model"}}', 400),
        "--view silent",
    ),
    "no pictures": (Reply('{"error": {"message": "no image input"}}', 400), "--view text"),
    "no tools": (Reply('{"error": {"message": "does not support tools"}}', 400), "reply: text"),
    "an old limit": (
        Reply('{"error": {"message": "unknown max_completion_tokens"}}', 422),
        "answer_limit: max_tokens",
    ),
    "another address": (Reply("", 307, location="https://there/v1"), "moved to 'https://there/v1'"),
    "no JSON": (Reply("hello", 200, "text/plain"), "no JSON but 'hello'"),
}


@pytest.mark.parametrize("case", HOPELESS)
def test_what_cannot_get_better_is_said_at_once_with_what_to_change(world, case):
    reply, hint = HOPELESS[case]
    with chat_server(lambda *_: reply) as server:
        with pytest.raises(ValueError, match=hint):
            run(server, world, episodes=1)
        assert len(server.asked) == 1
        if case == "a wrong key":  # or the episode has failed, and says why
            results = run(server, world, episodes=1, on_error="fail")
            assert "401" in results.episodes[0]["error"]


def test_nobody_there_is_said_after_all_tries(world):
    with pytest.raises(ValueError, match="2 tries, is it running"):
        run("http://127.0.0.1:9/v1", world, tries=2)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:8000", "accepted: as http://localhost:8000/v1"),
        ("ftp://host/v1", "base_url"),
        ("http://", "base_url"),
        ("http://me:secret@host/v1", "environment variable"),
        ("http://host/v1?key=secret", "environment variable"),
    ],
)
def test_an_address_that_is_none_is_refused(world, url, said):
    with pytest.raises(ValueError, match=said) as refusal:
        run(url, world)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "needs a model"),
        ({"model": "m", "api_key": "sk-1"}, "environment variable"),
        ({"model": "m", "backend": "opneai"}, "openai"),
        ({"model": "m", "view": "defualt"}, "default"),
        ({"model": "m", "max_cost": 1.0}, "prices"),
        ({"model": "m", "concurrency": 0}, "1 to 256"),
        ({"model": "m", "modle": 1}, "model"),
    ],
)
def test_arguments_that_are_none_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        Omni().configured(given)


@pytest.mark.parametrize(
    ("given", "environment", "said"),
    [
        ({"key": "sk-pasted-by-mistake"}, {}, "key names an environment variable"),
        ({"key": "MINE"}, {"MINE": "sk-\u00e9\u00e8"}, "the key in MINE"),
    ],
)
def test_a_key_that_is_none_is_refused_and_not_told(world, monkeypatch, given, environment, said):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=said) as refusal:
        run("http://127.0.0.1:9", world, **given)
    assert "sk-" not in str(refusal.value)


def test_a_fresh_run_forgets_transcripts_and_nothing_else(tmp_path):
    from avenv.cli.evaluate import _remove

    for name in ("agent/transcripts/1.jsonl", "episodes.jsonl", "mine.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    _remove(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_providers_own_address_wants_a_key(world, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ValueError, match="export OPENAI_API_KEY"):
        run("", world)


# -- other interfaces ------------------------------------------------------------------------------


def test_anthropics_interface(world, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    view = View(frames=1, frame_size=(32, 24), sound="none", seconds=0.5)

    def script(number, body, headers):
        assert headers["x-api-key"] == KEY
        assert body["messages"][0]["content"][1]["source"]["media_type"] == "image/png"
        assert body["tool_choice"] == {"type": "tool", "name": "act"}
        block = {"type": "tool_use", "name": "act", "input": {"actions": ["turn_left", "stop"]}}
        usage = {"input_tokens": 7, "output_tokens": 3}
        return {"content": [{"type": "text", "text": "so"}, block], "usage": usage}

    with chat_server(script) as server:
        results = run(server, world, episodes=1, view=view, backend="anthropic")
    assert server.paths == ["/v1/messages"]
    assert results.episodes[0]["actions"] == [2, 0]
    assert results.episodes[0]["ledger"]["tokens_in"] == 7
    with pytest.raises(ValueError, match="takes no sound; accepted: --view silent"):
        run(server, world, view=View(frames=0, seconds=0.5), backend="anthropic")


def test_geminis_interface(world, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    view = View(frames=1, frame_size=(32, 24), seconds=0.5)
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}}

    def script(number, body, headers):
        assert headers["x-goog-api-key"] == KEY
        kinds = [p["inlineData"]["mimeType"] for p in body["contents"][0]["parts"][1:]]
        assert kinds == ["image/png", "audio/wav"]
        call = {"functionCall": {"name": "act", "args": {"actions": ["turn_left", "stop"]}}}
        answer = {"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]}
        return blocked if number == 0 else answer

    with chat_server(script) as server:
        results = run(server, world, episodes=1, view=view, backend="gemini")
    assert server.paths[0] == "/v1/models/m:generateContent"
    assert results.episodes[0]["actions"] == [2, 0]
    assert results.episodes[0]["ledger"]["refused"] == 1


def test_thoughts_are_no_part_of_the_answer():
    said = saying('<think>{"actions": ["forward"]}?</think>\n{"actions": ["stop"]}')
    assert openai.reply(said).text == '{"actions": ["stop"]}'
    assert openai.reply(saying("<think>It has no")).text == ""
    assert openai.reply(saying("I <think> so.")).text == "I <think> so."
    parts = [{"text": "A or B?", "thought": True}, {"text": "B"}]
    assert gemini.reply({"candidates": [{"content": {"parts": parts}}]}).text == "B"
