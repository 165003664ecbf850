"""The server of `avenv play`: whom it answers, what it sends, whom it refuses."""

import asyncio
import io
import socket

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from support import small_flat

from avenv.cli import main
from avenv.play import protocol as p
from avenv.simulation.loading import load_scene

aiohttp = pytest.importorskip("aiohttp", reason="the extra `play` is not installed")
uploads = pytest.importorskip("avenv.play.uploads")

from play_support import RATE, connected, freed, read, serving  # noqa: E402


@pytest.fixture(scope="module")
def world():
    return load_scene(small_flat())


def test_sound_comes_without_a_gap_as_far_as_it_is_wanted(world):
    async def go():
        async with connected(world) as (server, _, live):
            hello = await read(live, "hello")
            assert hello["rate"] == RATE
            clock, until = hello["clock"], hello["clock"] + 5 * RATE
            while clock < until:
                await live.send_json({"kind": "want", "until": min(clock + 3200, until)})
                _, _, sample, pcm = await read(live, p.SOUND)
                assert sample == clock
                clock += len(pcm) // 4
            assert clock - until < hello["step"]
            [visit] = server.visits.values()
            assert visit.session.clock == clock

    asyncio.run(go())


def test_each_page_has_a_session_which_is_freed_when_it_closes(world):
    async def go():
        async with serving(world) as (server, client):
            one = await client.ws_connect(server.url + "live")
            two = await client.ws_connect(server.url + "live")
            names = {(await read(live, "session"))["name"] for live in (one, two)}
            assert names == set(server.visits)
            await read(two, "hello")
            await two.send_json({"kind": "walk", "ahead": 0, "turn": 1})
            await two.send_json({"kind": "want", "until": 3200})
            for _ in range(3):
                await read(two, p.SOUND)
            turned = [v.session.simulator.state.heading[0] for v in server.visits.values()]
            assert turned[0] != turned[1]
            await one.close()
            await freed(server, 1)
            await two.close()
            await freed(server, 0)

    asyncio.run(go())


def test_a_lost_connection_comes_back_to_its_session(world):
    async def go():
        async with serving(world) as (server, client):
            live = await client.ws_connect(server.url + "live")
            name = (await read(live, "session"))["name"]
            live._writer.transport.abort()  # as when a cable is pulled
            async with asyncio.timeout(60):
                while server._present:
                    await asyncio.sleep(0.01)
            again = await client.ws_connect(server.url + f"live?session={name}")
            assert (await read(again, "session"))["name"] == name
            await again.close()
            await freed(server, 0)

    asyncio.run(go())


def test_who_has_no_token_or_comes_from_elsewhere_is_refused(world):
    async def go():
        async with serving(world) as (server, client):
            base = f"http://127.0.0.1:{server.port}"
            own = server.url.removeprefix(base)

            async def status(path, **headers):
                async with client.get(base + path, headers=headers) as answer:
                    return answer.status

            assert await status(own) == 200
            assert await status(own + "main.js") == 200
            for path in ("/", "/x/", own[:-2] + "/", "/x/live"):
                assert await status(path) == 403
            for headers in (
                {"Origin": "http://elsewhere.example"},
                {"Origin": "null"},
                {"Host": f"elsewhere.example:{server.port}"},
            ):
                assert await status(own, **headers) == 403
                assert await status(own + "live", **headers) == 403
            assert not server.visits
            for path in ("server.py", "..%2fserver.py", "%2e%2e/server.py", "a/b", "no.js"):
                assert await status(own + path) in (403, 404)

    asyncio.run(go())


def test_only_sounds_are_taken(world, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 100_000)
    time = np.arange(RATE) / RATE
    wav = io.BytesIO()
    soundfile.write(wav, 0.3 * np.sin(2 * np.pi * 440 * time), RATE, format="WAV")

    async def go():
        async with connected(world) as (server, client, live):
            session = (await read(live, "session"))["name"]

            async def upload(name, content, session=session):
                params = {"session": session, "name": name}
                address = server.url + "sound"
                async with client.post(address, params=params, data=content) as answer:
                    return answer.status, await answer.text()

            assert (await upload("tone.wav", wav.getvalue()))[0] == 200
            await live.send_json({"kind": "place", "sound": "tone.wav", "x": 2, "y": 2.5})
            await live.send_json({"kind": "want", "until": RATE})
            while "tone" not in [s["name"] for s in (await read(live, "scene"))["sources"]]:
                pass
            for name, content, words in (
                ("notes.wav", b"no sound", "notes.wav: cannot be read"),
                ("../x.wav", wav.getvalue(), "plain name"),
                ("x", wav.getvalue(), "plain name"),
                ("tone.wav", bytes(200_000), "larger than 0.1 MB"),
            ):
                status, text = await upload(name, content)
                assert status in (400, 413)
                assert words in text
            assert (await upload("tone.wav", wav.getvalue(), "another"))[0] == 404

    asyncio.run(go())


def test_what_is_no_message_is_answered_with_what_is_wrong(world):
    async def go():
        async with connected(world) as (_, _, live):
            await read(live, "hello")
            for text, words in (
                ("{", "no message"),
                ('{"kind": "fly"}', "no message"),
                ('{"kind": "walk", "ahead": 9, "turn": 0}', "ahead"),
                ('{"kind": "use", "thing": "moon"}', "nothing to use"),
            ):
                await live.send_str(text)
                while words not in (await read(live, "problem"))["text"]:
                    pass

    asyncio.run(go())


def test_a_page_too_many_is_refused(world):

    async def go():
        async with serving(world, most=1) as (server, client):
            one = await client.ws_connect(server.url + "live")
            await read(one, "hello")
            two = await client.ws_connect(server.url + "live")
            assert "close one" in (await read(two, "refused"))["text"]

    asyncio.run(go())


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = CliRunner().invoke(main, ["play", "apartment", "--no-open", "--port", str(port)])
    assert done.exit_code == 1
    assert f"port {port} is in use" in done.output


def test_two_servers_stand_side_by_side_and_do_not_know_each_other(world):
    async def go():
        async with serving(world) as (one, client), serving(world) as (other, _):
            assert one.port != other.port
            token = one.url.rstrip("/").rpartition("/")[2]
            async with client.get(f"http://127.0.0.1:{other.port}/{token}/") as answer:
                assert answer.status == 403

    asyncio.run(go())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--beside", "random"], "--beside is for tasks"),
        (["--split", "val"], "--split is for tasks"),
        (["--task", "AudioGoal", "--split", "val"], "--split is for sets"),
        (["apartment", "--set", "audiogoal-v1"], "a set has its own scenes"),
        (["--set", "audiogoal-v1", "--watch"], "--watch is for scenes"),
        (["--hrtf", __file__], "is not a SOFA"),
    ],
)
def test_options_that_would_be_ignored_or_fail_late_are_refused(options, message):
    done = CliRunner().invoke(main, ["play", *options, "--no-open"])
    assert done.exit_code != 0
    assert message in done.output
