"""The page of `avenv play` in a headless Chromium, against the real server."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from browser import CHROMIUM, browser
from support import small_flat

from avenv.play.session import Session
from avenv.simulation.world import load_scene

Server = pytest.importorskip("avenv.play.server", reason="the extra `play` is not installed").Server

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
    async with asyncio.timeout(120):
        while not true():
            await asyncio.sleep(0.05)


def test_a_visit(world, tmp_path):
    """One browser for all: it loads, walks, hears, opens a door, and leaves."""

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

            # five seconds of sound have come, and none is lost
            await tab.evaluate("document.getElementById('listen').click()")
            await tab.until("document.getElementById('latency').value !== '–'")
            clock = session.clock
            await until(lambda: session.clock > clock + 5 * RATE)
            assert await tab.evaluate("document.getElementById('gaps').value") == "0"
            await tab.until("document.getElementById('captions').textContent.includes('phone')")
            await tab.until("document.getElementById('c50').value !== '–'")

            # a door closes by its button, and the meter falls behind it
            await tab.evaluate(CLOSE)
            await until(lambda: "closed" in session.world.compiled.states.values())
            await tab.until("document.getElementById('things').textContent.includes('closed')")

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
            await chromium.close(tab)
            await until(lambda: not server.visits)

    asyncio.run(go())
