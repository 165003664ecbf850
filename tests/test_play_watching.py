"""Scenes that are written while somebody stands in them."""

import asyncio

import pytest

import avenv
from avenv.play.findings import find_places
from avenv.play.scripts import run_script
from avenv.play.session import Session
from avenv.scene.yaml_files import read_yaml

aiohttp = pytest.importorskip("aiohttp", reason="the extra `play` is not installed")
Server = pytest.importorskip("avenv.play.server").Server
Visit = pytest.importorskip("avenv.play.visit").Visit
Watch = pytest.importorskip("avenv.play.watching").Watch

from play_support import RATE, read, read_both  # noqa: E402


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
        server = Server(
            lambda: Session(watch.world, RATE), visit=lambda *those: Visit(*those, watch.notice)
        )
        await server.start()
        told = asyncio.Queue()
        following = asyncio.create_task(watch.follow(server, told.put_nowait))
        try:
            address = server.url + "live"
            async with aiohttp.ClientSession() as client, client.ws_connect(address) as live:
                assert (await read(live, "file"))["findings"] == []
                assert (await read(live, "scene"))["name"] == "hut"
                [visit] = server.visits.values()
                place = visit.session.pose()
                path.write_text(hut.format("hall", 9, 9))
                found = await read_both(live, "file", "scene")
                assert (found["file"]["findings"], found["scene"]["name"]) == ([], "hall")
                assert visit.session.pose() | {"sample": 0} == place | {"sample": 0}
                path.write_text("name: hall\nrooms: [{name: one}, {name: two}]")
                first, second = (await read(live, "file"))["findings"]
                assert "rooms[0].polygon: is missing" in first["text"]
                assert "rooms[1].polygon: is missing" in second["text"]
                assert visit.session.world.name == watch.world.name == "hall"
                async with client.ws_connect(address) as late:  # who comes now is told, too
                    assert len((await read(late, "file"))["findings"]) == 2
                path.write_text(hut.format("hut", 5, 5))
                found = await read_both(live, "file", "scene")
                assert (found["file"]["findings"], found["scene"]["name"]) == ([], "hut")
            assert [bool(told.get_nowait()) for _ in range(3)] == [False, True, False]
        finally:
            following.cancel()
            await server.stop()

    asyncio.run(go())


WRONG = """
name: wrong
rooms:
  - {name: den, polygon: [[0, 0], [6, 0], [6, 4], [0, 4]]}
  - {name: attic, polygon: [[6, 0], [9, 0], [9, 4], [6, 4]], hight: 3}
doors:
  - {between: [den, attic], width: wide}
objects:
  - {kind: table, position: [3, 2]}
  - {kind: sofa, position: [1, 2], colour: red}
  - {kind: vase, on: table, z: 1}
  - {kind: moon, room: attic, against: north wall}
"""


def test_all_that_is_wrong_has_its_place_on_the_plan(tmp_path):
    """Places by hand: corners of rooms, positions, the middle of what a thing stands on or in."""
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG)
    with pytest.raises(avenv.SceneError) as caught:
        avenv.load_scene(path)
    world = avenv.load_scene("apartment")
    found = find_places(str(caught.value).splitlines(), False, read_yaml(path), world)
    places = {one.text.split(": ")[1]: one.at for one in found}
    assert places == {
        "rooms[1].hight": (7.5, 2), "doors[0].width": (5.25, 2), "objects[1].colour": (1, 2),
        "objects[2]": (3, 2), "objects[3].kind": (7.5, 2),
    }  # fmt: skip
    [attic] = [one for one in found if "hight" in one.text]
    assert attic.outline == ((6, 0), (9, 0), (9, 4), (6, 4))


def test_what_is_odd_about_a_scene_has_its_place_and_is_a_warning(tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text(
        "name: odd\nrooms:\n"
        "  - {name: den, polygon: [[0, 0], [6, 0], [6, 4], [0, 4]]}\n"
        "  - {name: vault, polygon: [[6, 0], [9, 0], [9, 4], [6, 4]]}\n"
        "objects: [{kind: sofa, position: [3, 2], z: 1.0}]\n"
    )
    watch = Watch(path)
    assert all(one.is_warning for one in watch.findings)
    floating, shut = watch.findings
    assert "'sofa' floats" in floating.text
    assert floating.at == (3, 2)
    assert "'vault'" in shut.text
    assert shut.at == pytest.approx((7.5, 2), abs=0.1)
    assert watch.report.startswith("warning: ")


@pytest.mark.parametrize("written", [
    None, {"objects": 3}, {"objects": [None, 2]}, {"objects": [{}, {"on": "x"}]},
    {"objects": [{"kind": "x", "on": "x"}, {"position": ["a", None], "on": ["x"]}]},
])  # fmt: skip
def test_what_has_no_place_is_told_without_one(written):
    [found] = find_places(
        ["s: objects[1].on: is nothing"], False, written, avenv.load_scene("apartment")
    )
    assert (found.at, found.outline) == (None, ())
