"""The page of `avenv play` in a headless Chromium, against the real server."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import numpy as np
import pytest
from browser import CHROMIUM, browser
from support import small_flat

import avenv
from avenv.play.plan import draw_plan
from avenv.play.scoring import task_game
from avenv.play.session import Session
from avenv.play.sound import levels
from avenv.simulation.loading import load_scene

Server = pytest.importorskip("avenv.play.server", reason="the extra `play` is not installed").Server
TurnVisit = pytest.importorskip("avenv.play.turns").TurnVisit
Visit = pytest.importorskip("avenv.play.visit").Visit
Watch = pytest.importorskip("avenv.play.watching").Watch

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

RATE = 16000
PIXELS = """(() => {
  const view = document.getElementById("view");
  const {data} = view.getContext("2d").getImageData(0, 0, view.width, view.height);
  let sum = 0;
  for (let k = 0; k < data.length; k += 4) sum = (31 * sum + data[k] + data[k + 1]) % 1000003;
  return `${view.width} ${sum}`;
})()"""
CLOSE = """[...document.querySelectorAll("#things button")]
  .find((button) => button.textContent === "Close").click()"""
TEXT = "document.getElementById('{}').textContent"


@pytest.fixture(scope="module")
def world():
    return load_scene(small_flat())


@asynccontextmanager
async def page(world):
    server = Server(lambda: Session(world, RATE))
    await server.start()
    try:
        async with browser() as chromium:
            tab = await chromium.open(server.url)
            await tab.until("document.getElementById('view').dataset.number > 0")
            yield server, chromium, tab
    finally:
        await server.stop()


def session_of(server):
    [visit] = server.visits.values()
    return visit.session


async def until(true):
    async with asyncio.timeout(400):
        while not true():
            await asyncio.sleep(0.05)


def rendered(session, sample):
    """Return the level of the second before a sample, dB, as one recording of it has it."""
    [voice] = session.voices.all()
    ears = np.repeat(session.simulator.state.ears(), 2, axis=0)
    heading = float(session.simulator.state.heading[0])
    heard = avenv.render_audio(
        session.world, voice.emitter, ears, heading, [sample / RATE - 1, sample / RATE],
        sample_rate=RATE, step_time=0.25,
    )  # fmt: skip
    return levels(heard, RATE)["total"]


METER = """(() => { const {value, dataset} = document.getElementById("total");
  return [Number(value), Number(dataset.sample)]; })()"""


MIDDLE = """(() => {
  const {left, top, width, height} = document.getElementById("view").getBoundingClientRect();
  return [left + width / 2, top + 0.35 * height];
})()"""


def test_a_visit(world, tmp_path):
    """One browser for all: it loads, walks, hears half a minute, closes a door, and leaves."""

    async def go():
        async with page(world) as (server, chromium, tab):
            assert await tab.evaluate(TEXT.format("name")) == "small flat"
            session = session_of(server)

            # walking changes the picture and the plan
            before = await tab.evaluate(PIXELS)
            heading = float(session.simulator.state.heading[0])
            await tab.key("keyDown", "ArrowLeft")
            await until(lambda: session.simulator.state.heading[0] != heading)
            await tab.key("keyUp", "ArrowLeft")
            await tab.until(f"{PIXELS} !== {before!r}")
            await until(lambda: session.walk == (0.0, 0.0))

            # sound comes, and captions and measures with it
            await tab.evaluate("document.getElementById('listen').click()")
            await tab.until("document.getElementById('latency').value !== '–'")
            clock = session.clock
            await tab.until("document.getElementById('captions').textContent.includes('phone')")
            await tab.until("document.getElementById('c50').value !== '–'")

            # alone, the fan in the other room has the level that is rendered offline, behind an
            # open door and a closed one
            for name in ("phone", "radio"):
                chosen = f"document.querySelector('[data-key=\"silence {name}\"]')"
                await tab.evaluate(f"{chosen}.click()")
            await until(lambda: [v.label for v in session.voices.all()] == ["fan"])

            async def meter():
                begun = session.clock + 2.5 * RATE  # the second before has rung out
                await tab.until(f"{METER}[1] > {begun}")
                shown, sample = await tab.evaluate(METER)
                assert shown == pytest.approx(rendered(session, sample), abs=1)
                return shown

            opened = await meter()
            await tab.evaluate(CLOSE)
            await until(lambda: "closed" in session.world.compiled.states.values())
            await tab.until("document.getElementById('things').textContent.includes('closed')")
            assert await meter() < opened - 6

            # the page fits a wide and a narrow screen
            for width, height in ((1280, 900), (390, 844)):
                await tab.size(width, height)
                await tab.screenshot(tmp_path / f"{width}.png")
                assert await tab.evaluate("document.documentElement.scrollWidth") <= width

            # another browser tab has its own session; closed tabs are freed
            other = await chromium.open(server.url)
            await other.until("document.getElementById('view').dataset.number > 0")
            assert len(server.visits) == 2
            await chromium.close(other)
            await until(lambda: len(server.visits) == 1)

            # a wall that is clicked becomes of brick, and is compared with what it was, by ear
            x, y = await tab.evaluate(MIDDLE)
            for kind in ("mousePressed", "mouseReleased"):
                await tab.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left",
                               clickCount=1)  # fmt: skip
            await tab.until("!document.getElementById('surface').hidden")
            assert await tab.evaluate(TEXT.format("surface-name")) == "walls of west"
            await tab.evaluate("document.getElementById('material').value = 'brick'")
            await tab.evaluate("document.getElementById('clad').click()")
            await until(lambda: session.world.spec.rooms[0].walls == "brick")
            await tab.until("document.getElementById('b-scene').options.length === 2")
            await tab.evaluate("document.getElementById('b-scene').value = 'as it was before'")
            await tab.evaluate("document.getElementById('compare-make').click()")
            await tab.until("!document.getElementById('compare-playing').hidden")
            await tab.key("keyDown", "KeyX")
            await tab.until("document.getElementById('hear-b').ariaPressed === 'true'")
            assert "you hear B" in await tab.evaluate(
                "document.getElementById('compare-state').value"
            )
            await tab.evaluate("document.getElementById('compare-stop').click()")

            # through all that, half a minute of sound has come, and no sample of it is lost
            await until(lambda: session.clock > clock + 30 * RATE)
            assert await tab.evaluate("document.getElementById('gaps').value") == "0"
            await chromium.close(tab)
            await until(lambda: not server.visits)

    asyncio.run(go())


HUT = """name: {}
rooms: [{{name: room, polygon: [[0, 0], [{}, 0], [{}, 4], [0, 4]]}}]
objects: [{}]
"""
SPOT = """(() => {{
  const spot = document.querySelector("#plan .finding[data-number='{}'] g").getBoundingClientRect();
  const plan = document.getElementById("plan").getScreenCTM();
  const middle = new DOMPoint(spot.x + spot.width / 2, spot.y + spot.height / 2);
  const {{x, y}} = middle.matrixTransform(plan.inverse());
  return [x, y];
}})()"""


def test_a_scene_is_written_while_somebody_stands_in_it(tmp_path):
    """Nonsense is told in the page, at its place, and leaves the scene; what is right shows."""
    path = tmp_path / "hut.yaml"
    path.write_text(HUT.format("hut", 5, 5, ""))

    async def go():
        watch = Watch(path)
        server = Server(
            lambda: Session(watch.world, RATE), visit=lambda *those: Visit(*those, watch.notice)
        )
        await server.start()
        following = asyncio.create_task(watch.follow(server, lambda _: None))
        try:
            async with browser() as chromium:
                stranger = await chromium.open(server.url[:-4] + "/")
                await stranger.until("document.body.textContent.includes('lacks the token')")
                assert not server.visits
                tab = await chromium.open(server.url)
                await tab.until("document.getElementById('view').dataset.number > 0")
                place = session_of(server).pose()
                wrong = "{kind: moon, position: [1, 1]}, {kind: sofa, position: [4, 3], size: 2}"
                path.write_text(HUT.format("hall", 5, 5, wrong))
                await tab.until(f"{TEXT.format('problems')}.includes('objects[0].kind')")
                assert await tab.evaluate("!document.getElementById('problems').hidden")
                assert await tab.evaluate("document.querySelectorAll('#findings li').length") == 2
                assert await tab.evaluate(TEXT.format("name")) == "hut"
                await tab.until("document.querySelectorAll('#plan .finding').length === 2")
                plan = draw_plan(watch.world)
                numbers = await tab.evaluate(
                    "[...document.querySelectorAll('#findings li')]"
                    ".map((item) => item.textContent.includes('moon'))"
                )
                for number, is_moon in enumerate(numbers, 1):
                    x, y = (1, 1) if is_moon else (4, 3)
                    at = plan.left + plan.scale * x, plan.top - plan.scale * y
                    assert await tab.evaluate(SPOT.format(number)) == pytest.approx(at, abs=2)
                await tab.evaluate("document.querySelector('#findings button').click()")
                assert await tab.evaluate("document.querySelectorAll('.pointed-at').length") == 1
                path.write_text(HUT.format("hall", 9, 9, ""))
                await tab.until(f"{TEXT.format('name')} === 'hall'")
                await tab.until("document.getElementById('problems').hidden")
                assert await tab.evaluate("document.querySelectorAll('.finding').length") == 0
                now = session_of(server).pose()
                assert (now["x"], now["y"]) == (place["x"], place["y"])
        finally:
            following.cancel()
            await server.stop()

    asyncio.run(go())


def test_an_episode_is_played_by_keys_and_scored_beside_an_agent(world, tmp_path):
    """One turn and a stop; the idle agent stops at once."""

    async def go():
        game = partial(task_game, "AudioGoal", None, 3, tmp_path / "mine", ["idle"])
        server = Server(game, most=1, visit=TurnVisit)
        await server.start()
        try:
            async with browser() as chromium:
                tab = await chromium.open(server.url)
                await tab.until("document.getElementById('instruction').textContent !== ''")
                await tab.key("keyDown", "ArrowLeft")
                await tab.until("document.getElementById('steps').value === '1'")
                await tab.key("keyDown", "Digit0")
                await tab.until("document.querySelectorAll('#scores tbody tr').length > 3")
                await tab.until(f"!{TEXT.format('scores')}.includes('…')")
                table = await tab.evaluate(
                    "[...document.getElementById('scores').rows].map((row) => "
                    "[...row.cells].map((cell) => cell.textContent))"
                )
                assert table[0] == ["", "you", "idle"]
                assert ["num actions", "2", "1"] in table
                assert ["success", "0", "0"] in table
                await tab.size(390, 844)
                assert await tab.evaluate("document.documentElement.scrollWidth") <= 390
        finally:
            await server.stop()

    asyncio.run(go())
