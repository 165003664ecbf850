"""Walls, floors and ceilings of another material, chosen by a click in the picture."""

import numpy as np
import pytest
from support import small_flat

import avenv
from avenv.play import protocol as p
from avenv.play.changes import prepare
from avenv.play.session import Session
from avenv.play.sound import levels
from avenv.simulation.loading import load_scene

RATE = 16000


@pytest.fixture(scope="module")
def world():
    return load_scene(small_flat())


@pytest.fixture
def session(world):
    return Session(world, RATE)


def clad(session, room, part, material):
    prepare(session, p.Clad(kind="clad", room=room, part=part, material=material))()


def test_a_click_finds_what_the_renderer_draws_there(session, world):
    """The instances that are drawn, pixel by pixel, against the ray through each."""
    state, width, height = session.simulator.state, 32, 24
    kinds = {"floor": "floor", "wall": "walls", "ceiling": "ceiling", "skirting": "walls"}
    found = set()
    for pitch in (-0.6, 0.0, 0.8):
        session.pitch = pitch
        drawn = avenv.render_view(
            world, state.eyes()[0], float(state.heading[0]), pitch, (width, height),
            hfov=90.0, sensors=("instance",),
        )["instance"]  # fmt: skip
        for row, column in np.ndindex(height, width):
            thing = world.compiled.objects[drawn[row, column, 0] - 1]
            point = 2 * (column + 0.5) / width - 1, 1 - 2 * (row + 0.5) / height
            if thing.kind in kinds and thing.room >= 0:
                seen = session.surface_at(*point)
                assert seen[:2] == (world.compiled.rooms[thing.room].name, kinds[thing.kind])
                found.add((seen.part, seen.material))
            else:
                with pytest.raises(avenv.SceneError, match=f"that is '{thing.name}'"):
                    session.surface_at(*point)
    room = world.spec.rooms[0]
    assert found >= {("floor", room.floor), ("walls", room.walls), ("ceiling", room.ceiling)}


def test_another_material_is_heard_as_the_scene_that_has_it_is_rendered(session, world):
    """Carpet on floor and walls, against a recording in the flat that was described so."""
    prepare(session, p.Silence(kind="silence", source="radio"))()
    prepare(session, p.Silence(kind="silence", source="fan"))()
    prepare(session, p.Swap(kind="swap", source="phone", sound="fan"))()

    def meter():
        for _ in range(55):  # the second before has rung out
            session.step()
        return session.levels()["total"]

    before = meter(), session.measure("phone")["t30"]
    for part in ("floor", "walls", "ceiling"):
        clad(session, "west", part, "carpet")
    after = meter(), session.measure("phone")["t30"]
    rooms = [room.model_copy(update=dict.fromkeys(("floor", "walls", "ceiling"), "carpet"))
             if room.name == "west" else room for room in world.spec.rooms]  # fmt: skip
    described = load_scene(world.spec.model_copy(update={"rooms": tuple(rooms)}))
    assert session.world.content_hash == described.content_hash
    time, state = session.clock / RATE, session.simulator.state
    [voice] = session.voices.all()
    ears, heading = np.repeat(state.ears(), 2, axis=0), float(state.heading[0])
    heard = avenv.render_audio(
        described, voice.emitter, ears, heading, [time - 1, time], sample_rate=RATE, step_time=0.25
    )
    assert after[0] == pytest.approx(levels(heard, RATE)["total"], abs=1)
    assert after[0] < before[0] - 2
    assert after[1] < 0.8 * before[1]  # the other room, as hard as before, rings into this one


def test_what_was_moved_and_opened_stays_so(session):
    prepare(session, p.Place(kind="place", sound="clock", x=2.0, y=2.5))()
    prepare(session, p.Use(kind="use", thing="west-east"))()
    place, names = session.pose(), [voice.label for voice in session.voices.all()]
    clad(session, "east", "floor", "carpet")
    session.step()
    assert session.world.compiled.states["west-east"] == "closed"
    assert session.pose() | {"sample": 0} == place | {"sample": 0}
    assert [voice.label for voice in session.voices.all()] == names
    prepare(session, p.Use(kind="use", thing="west-east"))()
    assert session.world.spec.rooms[1].floor == "carpet"


@pytest.mark.parametrize(
    ("room", "material", "words"),
    [("moon", "carpet", "no room 'moon'"), ("west", "cheese", "no material 'cheese'")],
)
def test_what_cannot_be_changed_is_said(session, room, material, words):
    before = session.world
    with pytest.raises(avenv.SceneError, match=words):
        clad(session, room, "floor", material)
    assert session.world is before


def test_a_mesh_keeps_the_materials_of_its_file(world):
    session = Session(load_scene(world.compiled), RATE)
    with pytest.raises(avenv.SceneError, match="is a mesh"):
        clad(session, "west", "floor", "carpet")
