"""Clients of the Model Context Protocol walk through a home, over stdio and over HTTP."""

import base64
import json
import socket
import sys
import threading
from contextlib import asynccontextmanager

import anyio
import pytest
from mcp import Client, StdioServerParameters
from support import two_rooms

from avenv.envs import Env
from avenv.simulation.world import World
from avenv_agents.mcp.server import make_server
from avenv_agents.mcp.walks import SENSORS, Limits, WalkError, Walks
from avenv_agents.omni.reference import Reference

STDIO = [
    "-c",
    "from avenv_agents.mcp.cli import mcp; mcp()",
    "--scene", "apartment", "--sounds", "phone", "--size", "64", "--steps", "200",
]  # fmt: skip


@pytest.fixture(scope="module")
def world():
    return World(two_rooms())


def walks_in(world, **limits):
    def make():
        return Env(scenes=world, sounds="phone", sensors=SENSORS, image_size=(64, 64))

    return Walks(make, Limits(**limits))


@pytest.fixture
def walks(world):
    opened = walks_in(world, walks=2, steps=100, actions=5, episodes=6)
    yield opened
    opened.close()


async def find_phone(client, seed):
    """Walk to the phone by what is heard and seen, and return the state at the end."""
    begun = await tell(client, "reset", seed=seed)
    reference, note = Reference(), ""
    state = begun
    while not state["over"]:
        [sound, told] = (await client.call_tool("listen", {"walk": begun["walk"]})).content
        [picture] = (await client.call_tool("look", {"walk": begun["walk"], "depth": True})).content
        assert (sound.mime_type, picture.mime_type) == ("audio/wav", "image/png")
        assert "dB" in told.text or told.text == "silence"
        action, note = reference.decide(
            state["actions"], base64.b64decode(sound.data), base64.b64decode(picture.data), note
        )
        await client.call_tool("step", {"walk": begun["walk"], "actions": [action]})
        state = await tell(client, "state", walk=begun["walk"])
    return state


async def tell(client, tool, **arguments):
    """Return what a tool tells, as data."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return json.loads(result.content[0].text)


@asynccontextmanager
async def over_http(walks):
    """A server on a socket of this machine, as a client finds it."""
    import uvicorn

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = make_server(walks).streamable_http_app()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            await anyio.sleep(0.02)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.should_exit = True
        await anyio.to_thread.run_sync(thread.join)


def test_a_client_walks_to_a_phone_over_http(walks):
    async def main():
        async with over_http(walks) as url, Client(url) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert tools == {"reset", "step", "look", "listen", "state"}
            state = await find_phone(client, seed=0)
        assert state["success"]

    anyio.run(main)


def test_a_client_walks_to_a_phone_over_stdio():
    async def main():
        server = StdioServerParameters(command=sys.executable, args=STDIO, env=environment())
        async with Client(server) as client:
            state = await find_phone(client, seed=0)
        assert state["success"]

    anyio.run(main)


def environment():
    """Return what the server needs of this process's environment."""
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_clients_do_not_share_state(walks):
    async def main():
        async with over_http(walks) as url, Client(url) as one, Client(url) as other:
            mine, its = await tell(one, "reset", seed=1), await tell(other, "reset", seed=1)
            assert mine["walk"] != its["walk"]
            await one.call_tool("step", {"walk": mine["walk"], "actions": ["turn_left"] * 3})
            state = await tell(other, "state", walk=its["walk"])
            assert state["steps"] == 0
            moved = await tell(one, "state", walk=mine["walk"])
            assert (moved["steps"], moved["degrees_turned_left"]) == (3, 45.0)
            refused = await other.call_tool("state", {"walk": "guess"})
            assert refused.is_error
            assert "no such walk" in refused.content[0].text

    anyio.run(main)


def test_nothing_tells_the_truth_while_an_episode_is_under_way(walks):
    handle = walks.reset(seed=0)
    told = json.dumps(walks.state(handle)).lower()
    assert not any(word in told for word in ("azimuth", "distance", "success", "spl", "goal_"))


def test_equal_seeds_begin_equal_episodes(walks):
    one, other = walks.reset(seed=3), walks.reset(seed=3)
    assert walks.sound(one) == walks.sound(other)
    assert walks.picture(one) == walks.picture(other)


def test_what_is_out_of_limits_or_none_is_refused_and_changes_nothing(world, walks):
    handle = walks.reset(seed=0)
    for actions, said in [
        (["jump"], "turn_left"),
        ([], "1 to 5"),
        (["turn_left"] * 6, "1 to 5"),
        (["turn_left", "jump"], "jump"),
    ]:
        with pytest.raises(WalkError, match=said):
            walks.step(handle, actions)
    assert walks.state(handle)["steps"] == 0
    with pytest.raises(WalkError, match="seed"):
        walks.reset(handle, seed=-1)
    walks.step(handle, ["stop"])
    with pytest.raises(WalkError, match="over"):
        walks.step(handle, ["forward"])
    walks.reset()
    with pytest.raises(WalkError, match="2 walks are open"):
        walks.reset()
    for _ in range(4):
        walks.reset(handle)
    with pytest.raises(WalkError, match="all 6 episodes"):
        walks.reset(handle)
    short = walks_in(world, steps=2, idle=0.0, walks=1)
    handle = short.reset(seed=0)
    assert "over" in short.step(handle, ["turn_left"] * 3)
    assert short.state(handle)["steps"] == 2
    short.reset()  # the one that idles makes room
    with pytest.raises(WalkError, match="no such walk"):
        short.state(handle)
