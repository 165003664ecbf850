"""The page of `avenv play` without a mouse, Web Audio or motion, and over a bad line."""

import asyncio

import pytest
from browser import CHROMIUM, browser
from support import small_flat

from avenv.play.session import Session
from avenv.play.surfaces import material_of
from avenv.simulation.loading import load_scene

Server = pytest.importorskip("avenv.play.server", reason="the extra `play` is not installed").Server

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

RATE = 16000
REACHABLE = """(() => {
  const all = [...document.querySelectorAll("button, select, input, [tabindex]")];
  window.order = all.filter((one) => one.checkVisibility() && !one.disabled
    && !(one.type === "radio" && !one.checked));
  return window.order.length;
})()"""
WHERE = """(() => {
  const one = document.activeElement, shown = one.type === "file" ? one.parentElement : one;
  const name = one.id || one.textContent;
  return [window.order.indexOf(one), getComputedStyle(shown).outlineStyle, name];
})()"""
SHOWN_IN = """(async () => {{
  let shown = 0;
  const count = new MutationObserver((changes) => (shown += changes.length));
  count.observe(document.getElementById("view"), {{attributeFilter: ["data-number"]}});
  await new Promise((done) => setTimeout(done, {}));
  return shown;
}})()"""
ANSWERED = """document.activeElement.id === 'material'
  || document.getElementById('status').textContent.includes('accepted')"""
FOCUS = "document.querySelector({!r}).focus()"


async def press(tab, key, code=None, text=""):
    for kind in ("keyDown", "keyUp"):
        await tab.call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key, text=text,
                       windowsVirtualKeyCode={"Tab": 9, "Enter": 13}.get(key, 0))  # fmt: skip


async def until(true):
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.05)


def test_all_can_be_done_without_a_mouse_a_loudspeaker_or_motion_and_over_a_bad_line():
    world = load_scene(small_flat())

    async def go():
        server = Server(lambda: Session(world, RATE))
        await server.start()
        try:
            async with browser() as chromium:
                tab = await chromium.open("about:blank")
                await tab.call("Page.enable")
                script = "delete window.AudioContext; delete window.AudioWorkletNode;"
                await tab.call("Page.addScriptToEvaluateOnNewDocument", source=script)
                calm = [{"name": "prefers-reduced-motion", "value": "reduce"}]
                await tab.call("Emulation.setEmulatedMedia", features=calm)
                await tab.call("Page.navigate", url=server.url)
                await tab.until("document.getElementById('view').dataset.number > 0")
                await tab.until("document.querySelector('#things button') !== null")
                [visit] = server.visits.values()
                session = visit.session

                # less motion: two pictures a second at most, while the body turns all the time
                assert await tab.evaluate("document.getElementById('calm').checked")
                await tab.call("Input.dispatchKeyEvent", type="keyDown", key="a", code="KeyA")
                await until(lambda: session.walk == (0.0, 1.0))
                shown = await tab.evaluate(SHOWN_IN.format(1600))
                assert 1 <= shown <= 4
                await tab.call("Input.dispatchKeyEvent", type="keyUp", key="a", code="KeyA")

                # without Web Audio it is said, and time passes all the same
                await tab.evaluate("document.getElementById('listen').click()")
                await tab.until(
                    "document.getElementById('status').textContent.includes('has no Web Audio')"
                )
                clock = session.clock
                await until(lambda: session.clock > clock + RATE // 2)
                await tab.until("document.getElementById('captions').textContent.includes('phone')")

                # Tab reaches all there is, in its order, and shows where it is
                count = await tab.evaluate(REACHABLE)
                await tab.evaluate("window.order[0].focus()")
                for k in range(count):
                    number, outline, name = await tab.evaluate(WHERE)
                    assert number == k, name
                    assert outline != "none", name
                    await press(tab, "Tab")

                # a door, a source, a place and a wall
                await tab.evaluate(FOCUS.format("[data-key='use west-east']"))
                await press(tab, "Enter", text="\r")
                await until(lambda: session.world.compiled.states["west-east"] == "closed")
                await tab.until("document.activeElement.dataset.key === 'use west-east'")
                await tab.evaluate(FOCUS.format("[data-key='silence phone']"))
                await press(tab, "Enter", text="\r")
                await until(lambda: "phone" not in [v.label for v in session.voices.all()])
                await tab.until("document.activeElement.dataset.key?.startsWith('choose')")
                before = session.pose()
                await tab.evaluate(FOCUS.format("#plan"))
                await press(tab, "ArrowUp")
                await press(tab, "Enter", text="\r")
                await until(lambda: session.pose()["y"] == pytest.approx(before["y"] + 0.25))
                await tab.evaluate(FOCUS.format("#view"))
                for _ in range(8):
                    await press(tab, "PageUp")
                await until(lambda: session.pitch == 0.9)  # no furniture is so high
                for _ in range(9):  # a door or a lamp may be
                    await tab.evaluate("document.getElementById('status').textContent = ''")
                    await press(tab, "c", "KeyC")
                    await tab.until(ANSWERED)
                    if await tab.evaluate("document.activeElement.id === 'material'"):
                        break
                    heading = session.pose()["heading"]
                    await tab.call(
                        "Input.dispatchKeyEvent", type="keyDown", key="ArrowLeft", code="ArrowLeft"
                    )
                    await until(lambda then=heading: session.pose()["heading"] != then)
                    await tab.call(
                        "Input.dispatchKeyEvent", type="keyUp", key="ArrowLeft", code="ArrowLeft"
                    )
                assert await tab.evaluate("document.activeElement.id === 'material'")
                name = await tab.evaluate("document.getElementById('surface-name').textContent")
                part, _, room = name.partition(" of ")
                await tab.evaluate("document.getElementById('material').value = 'brick'")
                await tab.evaluate(FOCUS.format("#clad"))
                await press(tab, "Enter", text="\r")
                await until(lambda: material_of(session.world, room, part) == "brick")
                await press(tab, "Escape")
                assert await tab.evaluate("document.getElementById('surface').hidden")

                # a lost line: it comes back to the same session, as it was left
                visit._socket._req.transport.abort()
                lost = "document.getElementById('status').textContent.includes('coming back')"
                await tab.until(lost)
                await until(lambda: server._present)
                assert [one.session for one in server.visits.values()] == [session]
                clock = session.clock
                await until(lambda: session.clock > clock + RATE // 2)
        finally:
            await server.stop()

    asyncio.run(go())
