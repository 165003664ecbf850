"""A scene in the browser, without one: sessions, messages, the server and whom it refuses."""

import asyncio
import io
import json
import socket
from contextlib import asynccontextmanager

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from PIL import Image
from scipy.signal import butter, sosfilt
from set_support import load_small_set
from support import small_flat

import avenv
from avenv.benchmark import read_results
from avenv.cli import main
from avenv.play import protocol as p
from avenv.play.arrivals import rose
from avenv.play.captions import way
from avenv.play.changes import prepare
from avenv.play.pictures import SIZES, Pictures
from avenv.play.scoring import set_game, task_game
from avenv.play.scripts import run_script
from avenv.play.session import Session
from avenv.play.sound import as_pcm, levels
from avenv.simulation.loading import load_scene

aiohttp = pytest.importorskip("aiohttp", reason="the extra `play` is not installed")
Server = pytest.importorskip("avenv.play.server").Server
uploads = pytest.importorskip("avenv.play.uploads")
Watch = pytest.importorskip("avenv.play.watching").Watch
TurnVisit = pytest.importorskip("avenv.play.turns").TurnVisit

RATE = 16000


@pytest.fixture(scope="module")
def world():
    return load_scene(small_flat())


@pytest.fixture
def session(world):
    return Session(world, RATE)


def change(session, message):
    prepare(session, message)()


def labels(session):
    return [voice.label for voice in session.voices.all()]


# -- what is heard and seen ------------------------------------------------------------------------


def test_a_tone_has_the_level_of_its_octave():
    """A sine of amplitude a has the mean power a² / 2."""
    time = np.arange(RATE) / RATE
    tone = 0.1 * np.sin(2 * np.pi * 1000 * time)
    found = levels(np.stack([tone, tone]).astype(np.float32), RATE)
    assert found["total"] == pytest.approx(10 * np.log10(0.1**2 / 2), abs=0.01)
    assert np.argmax(found["octaves"]) == 3
    assert found["octaves"][3] == pytest.approx(found["total"], abs=0.01)


def test_noise_has_the_level_that_a_filter_finds_in_each_octave():
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, RATE)).astype(np.float32)
    found = levels(noise, RATE)["octaves"]
    for centre, level in zip((500, 1000, 2000, 4000), found[2:], strict=True):
        edges = centre / np.sqrt(2), min(centre * np.sqrt(2), 0.499 * RATE)
        heard = sosfilt(butter(8, edges, "band", fs=RATE, output="sos"), noise)
        assert level == pytest.approx(10 * np.log10(np.mean(heard**2)), abs=0.5)


def test_samples_go_left_and_right_in_turn():
    block = np.array([[0.5, -1.0], [0.0, 2.0]], np.float32)
    assert np.frombuffer(as_pcm(block), "<i2").tolist() == [16384, 0, -32767, 32767]


@pytest.mark.parametrize(
    ("offset", "heading", "words"),
    [
        ((1, 0, 0), 0.0, "ahead"),
        ((0, 1, 0), 0.0, "left"),
        ((0, 1, 0), np.pi / 2, "ahead"),
        ((-1, -1, 0), 0.0, "behind on the right"),
    ],
)
def test_a_direction_is_said_in_words(offset, heading, words):
    assert way(offset, heading) == words


def test_pictures_shrink_and_grow_with_the_time_they_take():
    pictures = Pictures(budget=0.02, size=(480, 360))
    for _ in range(10):
        pictures.took(0.05)
    assert pictures.size == (320, 240)
    for _ in range(50):
        pictures.took(0.001)
    assert pictures.size == SIZES[-1]


def test_walking_changes_what_is_seen_and_heard(session):
    before, still = session.picture(), session.step().copy()
    assert still.shape == (2, 640)
    assert still.any()
    session.walk = (0.0, 1.0)
    for _ in range(5):
        session.step()
    after = session.picture()
    first, last = (np.asarray(Image.open(io.BytesIO(jpeg)), int) for jpeg in (before, after))
    assert first.shape == (360, 480, 3)
    assert np.abs(first - last).mean() > 5


def test_a_closed_door_changes_the_meter_to_the_level_that_is_rendered_offline(world):
    """The meter's last second against one recording of the same seconds, in the scene as it is."""
    session = Session(world, RATE)
    change(session, p.Place(kind="place", sound="fan", x=6.5, y=2.0))
    for name in ("phone", "radio", "fan"):
        change(session, p.Silence(kind="silence", source=name))
    change(session, p.Stand(kind="stand", x=2.0, y=2.2))
    [door] = [thing["name"] for thing in session.scene()["things"] if thing["kind"] == "door"]

    def heard():
        for _ in range(55):  # the second before has rung out
            session.step()
        time = session.clock / RATE
        [voice] = session.voices.all()
        ears = np.repeat(session.simulator.state.ears(), 2, axis=0)
        sound = avenv.render_audio(
            session.world, voice.emitter, ears, float(session.simulator.state.heading[0]),
            [time - 1, time], sample_rate=RATE, step_time=0.25,
        )  # fmt: skip
        return session.levels(), levels(sound, RATE)

    opened, rendered = heard()
    assert opened["total"] == pytest.approx(rendered["total"], abs=1)
    change(session, p.Use(kind="use", thing=door))
    closed, rendered = heard()
    assert closed["total"] == pytest.approx(rendered["total"], abs=1)
    assert closed["total"] < opened["total"] - 6


def test_sources_are_placed_moved_changed_and_silenced_under_their_names(session):
    change(session, p.Place(kind="place", sound="phone", x=2.0, y=2.5))
    session.step()
    assert labels(session)[:3] == ["phone", "radio", "fan"]
    assert labels(session)[-1] == "phone 2"
    change(session, p.Move(kind="move", source="phone 2", x=1.5, y=2.5))
    change(session, p.Swap(kind="swap", source="phone 2", sound="clock"))
    session.step()
    voice = session.voices.find("phone 2")
    assert voice.emitter.at(0.0)[:2] == (1.5, 2.5)
    assert voice.emitter.sound.kind == "clock"
    assert any(line.startswith("phone 2 (clock): ") for line in session.captions())
    change(session, p.Silence(kind="silence", source="phone 2"))
    assert "phone 2" not in labels(session)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (p.Place(kind="place", sound="no such sound", x=2, y=2), "no built-in sound"),
        (p.Place(kind="place", sound="/etc/passwd", x=2, y=2), "no built-in sound"),
        (p.Place(kind="place", sound="phone", x=90, y=2), "outside"),
        (p.Use(kind="use", thing="moon"), "nothing to use"),
        (p.Move(kind="move", source="moon", x=1, y=1), "no source 'moon'"),
        (p.Stand(kind="stand", x=90, y=2), "accepted: where a body can stand"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(session, message, words):
    before = session.scene()
    with pytest.raises(ValueError, match=words):
        change(session, message)
    assert session.scene() == before


def test_the_rose_shows_where_sound_arrives_from():
    """A wave from 60° to the left, then a weaker one from behind: W, Y, Z, X of SN3D."""
    response = np.zeros((4, 320), np.float32)
    for sample, azimuth, height in ((40, np.pi / 3, 1.0), (200, np.pi, 0.5)):
        response[:, sample] = height * np.array([1, np.sin(azimuth), 0, np.cos(azimuth)])
    shares = rose(response, RATE)
    assert shares.argmax() == 4  # of 24 sectors of 15°
    assert shares[[4, 12]] == pytest.approx([0.8, 0.2])
    assert shares.sum() == pytest.approx(1)


def test_the_rose_turns_with_the_head(session):
    """The phone stands ahead at first; after a quarter turn to the right it is on the left."""
    found = session.measure("phone")["arrivals"]
    assert np.argmax(found) in (23, 0, 1)
    state = session.simulator.state
    x, y = state.position[0].tolist()
    session.simulator.place(0, (x, y), float(state.heading[0]) - np.pi / 2)
    assert np.argmax(session.measure("phone")["arrivals"]) in (5, 6, 7)


def test_a_script_builds_a_scene_or_says_where_it_fails(tmp_path):
    script = tmp_path / "hut.py"
    script.write_text(
        "from avenv import SceneBuilder\nb = SceneBuilder('hut')\nb.room('room', size=(3, 3))\n"
    )
    assert run_script(script).name == "hut"
    script.write_text("from avenv import SceneBuilder\nb = SceneBuilder('hut')\n1 / 0\n")
    with pytest.raises(avenv.SceneError, match=r"hut\.py:3: ZeroDivisionError"):
        run_script(script)
    script.write_text("def broken(:\n")
    with pytest.raises(avenv.SceneError, match=r"hut\.py:1: SyntaxError"):
        run_script(script)
    script.write_text("x = 1\n")
    with pytest.raises(avenv.SceneError, match="leaves none; accepted: one SceneSpec"):
        run_script(script)


# -- the server ------------------------------------------------------------------------------------


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
            assert told["kind"] in (kind, "session", "hello", "scene", "plan", "pose", "levels",
                                    "captions", "measures", "file"), told  # fmt: skip
            if told["kind"] == kind:
                return told
        else:
            assert message.type == aiohttp.WSMsgType.BINARY, message
            if (frame := p.read_frame(message.data))[0] == kind:
                return frame


async def freed(server, count):
    async with asyncio.timeout(60):
        while len(server.visits) != count:
            await asyncio.sleep(0.01)


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


def test_a_saved_file_takes_visitors_along_and_a_broken_one_leaves_them(tmp_path):
    """The order of what happens: a new wall, then nonsense, then the first scene again."""
    path = tmp_path / "hut.yaml"
    hut = """
name: {}
rooms:
  - {{name: room, polygon: [[0, 0], [{}, 0], [{}, 4], [0, 4]]}}
"""
    path.write_text(hut.format("hut", 5, 5))

    async def go():
        watch = Watch(path)
        server = Server(lambda: Session(watch.world, RATE))
        await server.start()
        told = asyncio.Queue()
        following = asyncio.create_task(watch.follow(server, told.put_nowait))
        try:
            address = server.url + "live"
            async with aiohttp.ClientSession() as client, client.ws_connect(address) as live:
                assert (await read(live, "scene"))["name"] == "hut"
                [visit] = server.visits.values()
                place = visit.session.pose()
                path.write_text(hut.format("hall", 9, 9))
                found = await read_both(live, "file", "scene")
                assert (found["file"]["problem"], found["scene"]["name"]) == ("", "hall")
                assert visit.session.pose() | {"sample": 0} == place | {"sample": 0}
                path.write_text("name: hall\nrooms: [{name: one}, {name: two}]")
                problem = (await read(live, "file"))["problem"]
                assert "rooms[0].polygon: is missing" in problem
                assert "rooms[1].polygon: is missing" in problem
                assert visit.session.world.name == watch.world.name == "hall"
                path.write_text(hut.format("hut", 5, 5))
                found = await read_both(live, "file", "scene")
                assert (found["file"]["problem"], found["scene"]["name"]) == ("", "hut")
            assert [bool(told.get_nowait()) for _ in range(3)] == [False, True, False]
        finally:
            following.cancel()
            await server.stop()

    asyncio.run(go())


# -- a person as an agent --------------------------------------------------------------------------


def test_a_person_plays_an_episode_and_the_results_are_true(world, tmp_path):
    """Two steps and a stop; `avenv results check` plays the same actions again."""
    path, out = tmp_path / "flat.yaml", tmp_path / "results"
    world.spec.save(path)

    async def go():
        server = Server(lambda: task_game("AudioGoal", str(path), 3, out), most=1, visit=TurnVisit)
        await server.start()
        kinds = "session", "hello", "turn", "end", "problem"
        try:
            address = server.url + "live"
            async with aiohttp.ClientSession() as client, client.ws_connect(address) as live:
                told, clock, pictures = [], 0, 0
                actions = iter([2, 1, 99, 0])
                while not told or told[-1]["kind"] != "end":
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
                assert told[-1]["metrics"]["num_actions"] == 3
        finally:
            await server.stop()

    asyncio.run(go())
    [episode] = read_results(out).episodes
    assert episode["actions"] == [2, 1, 0]
    done = CliRunner().invoke(main, ["results", "check", str(out)])
    assert done.exit_code == 0, done.output
    assert "human" in done.output


def test_an_episode_of_a_set_is_a_share_of_its_results(tmp_path):
    _, path = load_small_set(tmp_path)
    mine = tmp_path / "mine"
    for number in (1, 0):
        game = set_game(str(path), "test", number, mine, count=2)
        assert game.next().actions[0] == "stop"
        game.act(0)
        end = game.next()
        assert end.metrics["num_actions"] == 1
        assert set_game(str(path), "test", number, mine, count=2).next() == end  # there is one try
    assert [one["id"] for one in read_results(mine).episodes] == ["test-0000", "test-0001"]
    done = CliRunner().invoke(main, ["results", "check", str(mine)])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--task", "AudioGoal", "--set", "audiogoal-v1"], "one of them"),
        (["--set", "audiogoal-v1", "--episode", "100000"], "has 0 to"),
        (["--episode", "1"], "--task or --set"),
        (["nowhere.yaml", "--watch"], "is no file"),
        (["nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_cannot_be_played_is_said(arguments, words):
    done = CliRunner().invoke(main, ["play", "--no-open", *arguments])
    assert done.exit_code != 0
    assert words in done.output
