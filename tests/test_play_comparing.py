"""Two ways of hearing at one place, equally loud."""

import numpy as np
import pytest
from support import small_flat

import avenv
from avenv.play import protocol as p
from avenv.play.changes import prepare
from avenv.play.comparing import KEMAR, MONO, Choices, Way, compare, find_way
from avenv.play.session import Session
from avenv.simulation.emitters import Emitter
from avenv.simulation.loading import load_scene
from avenv.sounds import Sound, load_sounds, loudness

RATE = 16000
EAR = (2.0, 2.2, 1.25)


@pytest.fixture(scope="module")
def world():
    return load_scene(small_flat())


def fan(position=(2.5, 1.5, 1.0)):
    return Emitter(position, load_sounds("fan", RATE)[0])


def both(*ways, emitters=None, ear=EAR):
    return compare(ways, emitters or [fan()], ear, 0.3, RATE)


def total(clip):
    """Return the loudness of both ears: their powers add."""
    return 10 * np.log10(sum(10 ** (loudness(ear, RATE) / 10) for ear in clip))


def test_a_clip_is_what_is_rendered_offline(world):
    """A round of the loop, against a recording of the second round: the first has rung into it."""
    pair = both(Way(world), Way(world))
    first, second = pair.clips
    assert np.array_equal(first, second)
    assert pair.gain == 0
    seconds = first.shape[1] / RATE
    recorded = avenv.render_audio(world, fan(), [EAR, EAR], 0.3, [seconds, 2 * seconds],
                                  sample_rate=RATE, step_time=0.5)  # fmt: skip
    np.testing.assert_allclose(first, recorded, atol=2e-3 * np.abs(recorded).max())


@pytest.mark.parametrize("engine", ["anechoic", "pyroomacoustics"])
def test_engines_are_heard_as_they_are_and_equally_loud(world, engine):
    pair = both(Way(world, MONO), Way(world, MONO, engine))
    a, b = pair.clips
    assert total(a) == pytest.approx(total(b), abs=0.02)
    response = avenv.impulse_response(
        world, fan().position, EAR, layout="mono", sample_rate=RATE, acoustics=engine
    )
    loop = np.tile(fan().sound.signal, 2 + response.shape[1] // b.shape[1])
    alone = np.convolve(loop, response[0])[len(loop) - b.shape[1] : len(loop)]
    scale = np.linalg.norm(b[0]) / np.linalg.norm(alone)
    np.testing.assert_allclose(b[0], scale * alone, atol=1e-4 * np.abs(b).max())
    assert 20 * np.log10(scale) == pytest.approx(pair.gain, abs=0.02)


def test_a_harder_room_is_made_quieter_by_what_it_adds(world):
    """At one place in the flat and in the flat of carpet: the gain is the levels' difference."""
    rooms = [room.model_copy(update=dict.fromkeys(("floor", "walls", "ceiling"), "carpet"))
             for room in world.spec.rooms]  # fmt: skip
    soft = load_scene(world.spec.model_copy(update={"rooms": tuple(rooms)}))
    loud, quiet = (
        avenv.render_audio(scene, fan(), [EAR, EAR], 0.3, [8, 14], sample_rate=RATE, step_time=0.5)
        for scene in (world, soft)
    )
    assert both(Way(world), Way(soft)).gain == pytest.approx(total(loud) - total(quiet), abs=0.2)
    assert both(Way(soft), Way(world)).gain < -2


def test_nothing_is_cut_off_and_loops_have_no_seam(world):
    """Sounds of 1 and 1.5 s, 60 dB too loud; the last sample goes on in the first."""
    time = np.arange(RATE) / RATE
    tone = Sound("tone", "tone", (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), RATE)
    longer = Sound("longer", "tone", np.resize(tone.signal, 3 * RATE // 2), RATE)
    some = [Emitter((2.5, 1.5, 1.0), sound, 60.0) for sound in (tone, longer)]
    for clip in both(Way(world), Way(world, MONO), emitters=some).clips:
        assert clip.shape == (2, 3 * RATE // 2)
        assert np.abs(clip).max() <= 0.9 + 1e-6
        step = np.abs(np.diff(clip, axis=1)).max()
        assert np.abs(clip[:, 0] - clip[:, -1]).max() <= step


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (("moon", KEMAR, "native"), "scene is 'moon'"),
        (("as it is now", "/etc/passwd", "native"), "head is '/etc/passwd'"),
        (("as it is now", KEMAR, "none"), "engine is 'none'"),
    ],
)
def test_only_what_was_offered_is_compared(world, name, words):
    with pytest.raises(ValueError, match=words):
        find_way(name, {"as it is now": world}, Choices())


def test_what_cannot_be_compared_is_said(world):
    with pytest.raises(avenv.SceneError, match="nothing is heard here of B"):  # the other room
        both(Way(world, MONO), Way(world, MONO, "pyroomacoustics"), emitters=[fan((6.0, 2.0, 1.0))])
    with pytest.raises(ValueError, match="accepts 'mono'"):
        both(Way(world), Way(world, KEMAR, "pyroomacoustics"))
    with pytest.raises(avenv.SceneError, match="outside"):
        both(Way(world), Way(world), ear=(90.0, 2.0, 1.25))
    with pytest.raises(avenv.SceneError, match="nothing sounds"):
        compare((Way(world), Way(world)), [], EAR, 0.0, RATE)


def test_a_session_compares_the_scene_with_what_it_was_and_with_others(world):
    session = Session(world, RATE, choices=Choices({"other": world}))
    assert session.scene()["scenes"] == ["as it is now", "other"]
    prepare(session, p.Use(kind="use", thing="west-east"))()
    assert session.scene()["scenes"] == ["as it is now", "as it was before", "other"]
    was = session.compare(("as it was before", MONO, "anechoic"), ("other", MONO, "anechoic"))
    assert was.gain == 0
