"""The reference model: an agent that hears and sees, behind a chat interface."""

import json
import threading
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from click.testing import CliRunner
from omni_support import OPTIONS, hurry, run
from support import furnished_flat, two_rooms

from avenv.benchmark import evaluate
from avenv.cli import main
from avenv.simulation.world import World
from avenv_agents.omni.agent import Omni
from avenv_agents.omni.reference import Reference
from avenv_agents.omni.reference_server import answer_of, make_server
from avenv_agents.omni.scoring import reference_served


@pytest.fixture(scope="module")
def world():
    return World(two_rooms())


@pytest.fixture(autouse=True)
def _quick_and_with_a_key(monkeypatch):
    hurry(monkeypatch)


@pytest.fixture
def reference():
    server = make_server(answer_of(Reference()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_the_reference_model_finds_a_phone_through_the_command_line(
    reference, tmp_path, monkeypatch
):
    command = [
        "evaluate", "--agent", "omni", "--model", "reference",
        "--base-url", reference, "--view=reference", "--scene", "apartment", "--sounds", "phone",
        "--episodes", "1", "--seed", "0", "--out", str(tmp_path),
    ]  # fmt: skip
    shown = CliRunner().invoke(main, command)
    assert shown.exit_code == 0, shown.output
    assert "success    1.000" in shown.output
    assert "questions" in shown.output
    heading = json.loads((tmp_path / "episodes.jsonl").read_text().splitlines()[0])
    assert heading["agent"]["arguments"]["model"] == "reference"
    assert heading["agent"]["arguments"]["view"]["plan"] == 1
    assert "127.0.0.1" not in json.dumps(heading)
    with monkeypatch.context() as here:
        here.chdir(tmp_path)
        CliRunner().invoke(main, [*command[:-2], "--replay", str(tmp_path)])
    assert (tmp_path / "results/omni-reference/seeds/summary.json").is_file()
    unknown = CliRunner().invoke(main, [*command, "--modle", "x"])
    assert "No such option" in unknown.output


def test_the_reference_is_served_as_long_as_it_is_asked():
    with reference_served() as url, urlopen(f"{url}/models") as answer:
        assert json.load(answer)["data"][0]["id"] == "reference"
    with pytest.raises(URLError):
        urlopen(f"{url}/models")


def test_the_reference_model_waits_and_acts_where_it_can(reference):
    agent = Omni().configured({"model": "r", "base_url": reference, "view": "reference"})
    results = evaluate(
        agent, "omni", 1, task="AnswerDoor", scenes=furnished_flat(), progress=False,
        max_episode_steps=15, spread=20.0, **agent.options,
    )  # fmt: skip
    assert set(results.episodes[0]["actions"]) == {5}  # wait, as long as nothing is heard


def test_the_reference_model_says_what_it_needs(reference, world):
    with pytest.raises(ValueError, match="--view reference"):
        run(reference, world, episodes=1)


def test_deaf_it_is_another_agent(world, reference):
    from avenv.benchmark import Impaired

    whole = Omni().configured({"model": "r", "base_url": reference, "view": "reference"})
    deaf = Impaired(whole, "deaf")
    assert deaf.told == whole.told
    results = evaluate(deaf, "omni", 1, scenes=world, **OPTIONS, **whole.options)
    assert results.name == "omni, deaf"
