"""A server of `avenv play` without a browser, for tests."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp

from avenv.play import protocol as p
from avenv.play.changes import prepare
from avenv.play.server import Server
from avenv.play.session import Session

RATE = 16000
TOLD = ("session", "hello", "scene", "plan", "pose", "levels", "captions", "measures", "file",
        "done", "picked", "pair")  # fmt: skip


def change(session, message):
    prepare(session, message)()


@asynccontextmanager
async def serving(world, **options):
    server = Server(lambda: Session(world, RATE), **options)
    await server.start()
    try:
        async with aiohttp.ClientSession() as client:
            yield server, client
    finally:
        await server.stop()


@asynccontextmanager
async def connected(world):
    async with serving(world) as (server, client), client.ws_connect(server.url + "live") as live:
        yield server, client, live


async def read(live, kind):
    """Return the next message of a kind, or the next frame."""
    while True:
        message = await live.receive(timeout=60)
        if message.type == aiohttp.WSMsgType.TEXT:
            told = json.loads(message.data)
            assert told["kind"] in (kind, *TOLD), told
            if told["kind"] == kind:
                return told
        else:
            assert message.type == aiohttp.WSMsgType.BINARY, message
            if (frame := p.read_frame(message.data))[0] == kind:
                return frame


async def read_both(live, *kinds):
    """Return the next message of each of some kinds, in whatever order they come."""
    found = {}
    while len(found) < len(kinds):
        message = await live.receive(timeout=60)
        if message.type == aiohttp.WSMsgType.TEXT:
            told = json.loads(message.data)
            if told["kind"] in kinds:
                found[told["kind"]] = told
    return found


async def freed(server, count):
    async with asyncio.timeout(60):
        while len(server.visits) != count:
            await asyncio.sleep(0.01)
