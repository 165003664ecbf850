"""A visitor in a scene, without a network: what is seen, heard, measured and changed."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.signal import butter, sosfilt
from support import small_flat

import avenv
from avenv.play import protocol as p
from avenv.play.arrivals import rose
from avenv.play.captions import way
from avenv.play.changes import prepare
from avenv.play.pictures import SIZES, Pictures
from avenv.play.session import Session
from avenv.play.sound import as_pcm, levels
from avenv.simulation.loading import load_scene

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
