"""A headless Chromium that tests drive by the DevTools protocol."""

import asyncio
import base64
import itertools
import re
import shutil
import subprocess
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0",
]  # fmt: skip
PATIENCE = 120.0  # seconds; machines that test are busy


class Tab:
    """One page of the browser."""

    def __init__(self, socket):
        self._socket, self._numbers = socket, itertools.count(1)

    async def call(self, method, **parameters):
        """Call a method of the DevTools protocol and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            answer = await self._socket.receive_json(timeout=PATIENCE)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    async def evaluate(self, expression):
        """Return the value of JavaScript in the page."""
        done = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    async def until(self, expression):
        """Wait until JavaScript in the page is true; return its value. An error is not true."""
        attempt = f"(() => {{ try {{ return {expression} }} catch {{ return false }} }})()"
        async with asyncio.timeout(PATIENCE):
            while not (value := await self.evaluate(attempt)):
                await asyncio.sleep(0.05)
            return value

    async def key(self, kind, code):
        """Press (``keyDown``) or release (``keyUp``) a key by its code."""
        await self.call("Input.dispatchKeyEvent", type=kind, code=code, key=code)

    async def size(self, width, height):
        """Give the page another size, pixels."""
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                        deviceScaleFactor=1, mobile=width < 600)  # fmt: skip

    async def screenshot(self, path):
        """Write what the whole page looks like as PNG."""
        shot = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        Path(path).write_bytes(base64.b64decode(shot["data"]))


class Browser:
    """A running browser."""

    def __init__(self, client, address):
        self._client, self._address = client, address

    async def open(self, url):
        """Open a page."""
        async with self._client.put(f"{self._address}/json/new?{url}") as answer:
            about = await answer.json()
        tab = Tab(await self._client.ws_connect(about["webSocketDebuggerUrl"], max_msg_size=0))
        tab.name = about["id"]
        return tab

    async def close(self, tab):
        """Close a page as its user does."""
        async with self._client.get(f"{self._address}/json/close/{tab.name}"):
            pass


@asynccontextmanager
async def browser():
    """Run a browser of one's own, with an empty profile."""
    with tempfile.TemporaryDirectory(prefix="avenv-chromium-", ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={home}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            said = await asyncio.to_thread(_wait_for_address, process)
            async with aiohttp.ClientSession() as client:
                yield Browser(client, f"http://{said}")
        finally:
            process.terminate()
            process.wait()


def _wait_for_address(process):
    for line in process.stderr:
        if found := re.search(r"DevTools listening on ws://([^/]+)/", line):
            return found[1]
    raise RuntimeError("the browser has ended")
