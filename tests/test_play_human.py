"""A person who plays episodes as an agent does."""

import asyncio
import json
from functools import partial

import pytest
from click.testing import CliRunner
from set_support import load_small_set
from support import small_flat

from avenv.benchmark import evaluate, evaluate_set, find_agent, read_results
from avenv.cli import main
from avenv.play import protocol as p
from avenv.play.scoring import set_game, task_game
from avenv.simulation.loading import load_scene

aiohttp = pytest.importorskip("aiohttp", reason="the extra `play` is not installed")
Server = pytest.importorskip("avenv.play.server").Server
TurnVisit = pytest.importorskip("avenv.play.turns").TurnVisit

RATE = 16000


@pytest.fixture(scope="module")
def world():
    return load_scene(small_flat())


def test_a_person_plays_an_episode_and_the_results_are_true(world, tmp_path):
    """Two steps and a stop; `avenv results check` plays the same actions again."""
    path, out = tmp_path / "flat.yaml", tmp_path / "results"
    world.spec.save(path)

    async def go():
        game = partial(task_game, "AudioGoal", str(path), 3, out, ["oracle", "idle"])
        server = Server(game, most=1, visit=TurnVisit)
        await server.start()
        kinds = "session", "hello", "turn", "end", "problem", "beside"
        try:
            address = server.url + "live"
            async with aiohttp.ClientSession() as client, client.ws_connect(address) as live:
                told, clock, pictures = [], 0, 0
                actions = iter([2, 1, 99, 0])
                while [one["kind"] for one in told].count("beside") < 2:
                    message = await live.receive(timeout=120)
                    if message.type == aiohttp.WSMsgType.BINARY:
                        kind, _, sample, content = p.read_frame(message.data)
                        pictures += kind == p.PICTURE
                        if kind == p.SOUND:
                            assert sample == clock
                            clock += len(content) // 4
                        continue
                    told.append(json.loads(message.data))
                    assert told[-1]["kind"] in kinds, told[-1]
                    if told[-1]["kind"] in ("turn", "problem"):
                        await live.send_json({"kind": "act", "action": next(actions)})
                turns = [one for one in told if one["kind"] == "turn"]
                assert [one["steps"] for one in turns] == [0, 1, 2]
                assert turns[0]["actions"][:4] == ["stop", "forward", "turn_left", "turn_right"]
                assert turns[0]["instruction"]
                assert (pictures, clock) == (3, RATE + 2 * RATE // 4)
                assert [one["text"] for one in told if one["kind"] == "problem"] == [
                    "action is 99; accepted: 0 to 3"
                ]
                end, oracle, idle = told[-3:]
                assert end["metrics"]["num_actions"] == 3
                assert {"success", "spl"} <= set(end["headline"])
                assert (oracle["name"], oracle["metrics"]["success"]) == ("oracle", 1)
                assert oracle["metrics"]["spl"] == pytest.approx(1, abs=0.1)
                assert (idle["name"], idle["metrics"]["success"]) == ("idle", 0)
                same = evaluate(find_agent("idle"), episodes=1, seed=3, scenes=[str(path)])
                assert idle["metrics"] == same.episodes[0]["metrics"]
        finally:
            await server.stop()

    asyncio.run(go())
    [episode] = read_results(out).episodes
    assert episode["actions"] == [2, 1, 0]
    done = CliRunner().invoke(main, ["results", "check", str(out)])
    assert done.exit_code == 0, done.output
    assert "human" in done.output


def test_an_episode_of_a_set_is_a_share_of_its_results(tmp_path):
    episodes, path = load_small_set(tmp_path)
    mine, theirs = tmp_path / "mine", str(tmp_path / "theirs")
    evaluate_set(find_agent("idle"), "idle", episodes, "test", theirs, 2, progress=False)
    evaluate(find_agent("idle"), "idle", 1, out=tmp_path / "other", scenes=[small_flat()])
    beside = [theirs, "idle", str(tmp_path / "other")]
    for number in (1, 0):
        game = set_game(str(path), "test", number, mine, 2, beside)
        assert game.next().actions[0] == "stop"
        game.act(0)
        end = game.next()
        assert end.metrics["num_actions"] == 1
        assert end.rivals == tuple(beside)
        read, played, other = (game.next() for _ in beside)
        assert (read.name, read.metrics) == (theirs, played.metrics)
        assert read.metrics["success"] == 0
        assert "another" in other.problem
        again = set_game(str(path), "test", number, mine, 2, beside)
        assert again.next() == end  # there is one try
        assert again.next() == read
    assert [one["id"] for one in read_results(mine).episodes] == ["test-0000", "test-0001"]
    done = CliRunner().invoke(main, ["results", "check", str(mine)])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--task", "AudioGoal", "--set", "audiogoal-v1"], "one of them"),
        (["--set", "audiogoal-v1", "--episode", "100000"], "has 0 to"),
        (["--episode", "1"], "--task or --set"),
        (["--task", "AudioGoal", "--beside", "nobody"], "nobody"),
        (["nowhere.yaml", "--watch"], "is no file"),
        (["nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_cannot_be_played_is_said(arguments, words):
    done = CliRunner().invoke(main, ["play", "--no-open", *arguments])
    assert done.exit_code != 0
    assert words in done.output
