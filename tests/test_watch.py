"""Episodes of results, played again to be watched: what is seen, heard and thought in them."""

import asyncio
import io
from contextlib import asynccontextmanager

import numpy as np
import pytest
from browser import CHROMIUM, browser
from click.testing import CliRunner
from PIL import Image
from support import small_flat

from avenv.benchmark import Impaired, evaluate, find_agent, read_results
from avenv.benchmark.agent import explains
from avenv.benchmark.replay import replay
from avenv.cli import main
from avenv.envs import Env
from avenv.play.past import Past, check_same, map_png, named

pytest.importorskip("aiohttp", reason="the extra `play` is not installed")

OPTIONS = {"max_episode_steps": 6, "sounds": "builtin:heard", "propagation": {"rays": 256}}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Results of the follower, who says what it thinks, and of another, on the same episodes."""
    folder = tmp_path_factory.mktemp("results")
    small_flat().save(folder / "flat.yaml")
    for name in ("follower", "random"):
        evaluate(
            find_agent(name), name, 2, num_envs=2, progress=False, out=folder / name,
            scenes=[str(folder / "flat.yaml")], **OPTIONS,
        )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def follower(folders):
    return read_results(folders / "follower")


@pytest.fixture(scope="module")
def moments(follower):
    return list(Past(follower, 1, find_agent("follower")).moments())


def test_it_is_what_was_written_down(follower, moments):
    [record] = [record for record in follower.episodes if record["number"] == 1]
    again = replay(follower, [1], progress=False)[1]
    assert [moment.step for moment in moments] == list(range(len(record["actions"]) + 1))
    names = ("stop", "forward", "turn_left", "turn_right")
    assert [m.told["action"] for m in moments[1:]] == [names[a] for a in record["actions"]]
    way = [(moment.told["x"], moment.told["y"]) for moment in moments]
    np.testing.assert_array_equal(way, again.path)
    end = moments[-1].told["metrics"]
    assert end == pytest.approx(record["metrics"], abs=1e-4)
    assert moments[-1].told["marks"][0] == {"x": again.marks[0][0], "y": again.marks[0][1]}


def test_the_agent_that_is_asked_again_thinks_as_it_did(moments):
    assert [moment.told["again"] for moment in moments] == [None] * len(moments)


def test_what_it_believes_is_laid_over_the_plan(moments):
    assert moments[0].told["maps"] == {}
    told = moments[-1].told
    assert set(told["maps"]) == {"belief", "obstacles"}
    first = moments[0].told
    assert told["frame"]["origin"] == [first["x"], first["y"], first["heading"]]
    belief = np.asarray(Image.open(io.BytesIO(told["maps"]["belief"])))[..., 3]
    assert belief.max() > 10 * np.median(belief), "it has heard where the sound comes from"
    assert told["frame"]["reach"] == 15.0


def test_a_map_has_north_on_top_and_more_is_less_transparent():
    values = np.zeros((3, 3))
    values[0, 1], values[2, 1] = 1.0, 0.25  # y = 0 is at the foot
    alpha = np.asarray(Image.open(io.BytesIO(map_png(values))))[..., 3]
    assert alpha.tolist() == [[0, 102, 0], [0, 0, 0], [0, 204, 0]]


def test_what_is_heard_is_what_the_agent_heard(folders, follower, moments):
    [record] = [record for record in follower.episodes if record["number"] == 1]
    env = Env("AudioGoal", scenes=str(folders / "flat.yaml"), sensors=("audio",), **OPTIONS)
    env.reset(options={"episode": record["episode"]})
    for moment, action in zip(moments[1:], record["actions"], strict=True):
        window = env.step(action)[0]["audio"]
        heard = np.frombuffer(moment.heard, "<i2").reshape(-1, 2).T / 32767
        np.testing.assert_allclose(heard, window[:, -heard.shape[1] :], atol=1 / 32767)


def test_agents_that_say_nothing_are_not_asked(folders):
    past = Past(read_results(folders / "random"), 0)
    assert not past.about()["asked"]
    last = list(past.moments())[-1]
    assert last.told["maps"] == {}
    assert last.told["probability"] == []


def test_who_says_what_it_thinks_is_known_before_it_is_made():
    agents = {name: explains(find_agent(name)) for name in ("follower", "random", "apartment")}
    assert agents == {"follower": True, "random": False, "apartment": True}
    assert explains(Impaired(find_agent("follower"), "deaf"))
    assert not explains(Impaired(find_agent("random"), "deaf"))


def test_two_are_watched_only_on_one_episode(folders, follower):
    other = read_results(folders / "random")
    check_same(Past(follower, 1), Past(other, 1))
    with pytest.raises(ValueError, match="are different ones"):
        check_same(Past(follower, 1), Past(other, 0))
    with pytest.raises(ValueError, match="episode is 7; accepted: those of follower: 0 to 1"):
        Past(follower, 7)


def test_actions_have_names():
    assert named(np.int64(1), ("stop", "forward")) == "forward"
    assert named(np.array([0.5, -1.0]), ("ahead", "turn")) == "ahead 0.5, turn -1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["follower", "random", "random"], "one folder, or two"),
        (["follower", "--episode", "9"], "accepted: those of follower: 0 to 1"),
        (["."], "is no folder of results"),
    ],
)
def test_what_cannot_be_watched_is_said(folders, arguments, words):
    named = [str(folders / a) if a in ("follower", "random", ".") else a for a in arguments]
    done = CliRunner().invoke(main, ["watch", "--no-open", *named])
    assert done.exit_code != 0
    assert words in done.output


@asynccontextmanager
async def page(*pasts):
    from avenv.play.past_visit import PastVisit, Tape
    from avenv.play.server import Server

    tape = Tape(pasts)
    server = Server(lambda: tape, visit=PastVisit, index="watch.html")
    await server.start()
    try:
        async with browser() as chromium:
            tab = await chromium.open(server.url)
            await tab.until("document.body.dataset.over === 'yes'")
            yield tab
    finally:
        await server.stop()


SHOWN = "[...document.querySelectorAll('.agent')].map((one) => Number(one.dataset.step)).join()"


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_page_scrubs_through_two_agents(folders, follower):
    """With the keyboard alone: an action on, to the end, back, and played with its sound."""
    one = Past(follower, 1, find_agent("follower"))
    other = Past(read_results(folders / "random"), 1)
    lasts = [one.about()["steps"], other.about()["steps"]]

    async def go():
        async with page(one, other) as tab:
            assert (
                await tab.evaluate("document.getElementById('status').textContent") == "all is here"
            )
            assert await tab.evaluate(SHOWN) == "0,0"
            await tab.key("keyDown", "ArrowRight")
            await tab.until(f"{SHOWN} === '1,1'")
            maps = "document.querySelectorAll('.agent:first-child .map image').length"
            assert await tab.evaluate(maps) == 3  # the plan, the belief, the obstacles
            await tab.key("keyDown", "End")
            await tab.until(f"{SHOWN} === '{lasts[0]},{lasts[1]}'")
            numbers = await tab.evaluate("document.querySelector('.numbers').textContent")
            assert "distance to goal" in numbers
            await tab.key("keyDown", "Home")
            await tab.key("keyDown", "KeyM")
            await tab.until("document.getElementById('listen').textContent === 'Mute'")
            await tab.key("keyDown", "Space")
            await tab.until(f"{SHOWN}.startsWith('{lasts[0]},')")
            await tab.until("document.getElementById('play').textContent === 'Play'")
            await tab.size(390, 844)
            assert await tab.evaluate("document.documentElement.scrollWidth") <= 390

    asyncio.run(go())
