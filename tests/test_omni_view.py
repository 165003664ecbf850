"""What a model is shown is made from what a body senses, and can be read back."""

import numpy as np
import pytest
from click.testing import CliRunner

from avenv_agents.hearing import HEAD_RADIUS, SPEED_OF_SOUND
from avenv_agents.listeners import Mind, Walker
from avenv_agents.mapping import DepthCamera
from avenv_agents.mcp.cli import mcp
from avenv_agents.omni import media
from avenv_agents.omni.bearings import bearings_of
from avenv_agents.omni.cli import omni_group
from avenv_agents.omni.diary import Charter, Diary, odometry_of
from avenv_agents.omni.question import Picture, Sound, Text
from avenv_agents.omni.reference import Memory, Reference
from avenv_agents.omni.view import View, read_view

RATE = 16000
NAMES = ("stop", "forward", "turn_left", "turn_right")


def noise(seconds=1.0, level=0.1, seed=0):
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype("f4")


def observed(view, bumped=0.0):
    return {
        "rgb": np.full((*view.frame_size[::-1], 3), 90, np.uint8),
        "depth": np.full((*view.frame_size[::-1], 1), 2.0, np.float32),
        "audio": np.stack([noise(view.seconds)] * 2),
        "pose": np.array([1.0, -0.5, np.pi / 2, 3.0], np.float32),
        "contact": np.array([bumped], np.float32),
    }


def diary_of(view):
    return Diary(Charter(view, NAMES, 0.25, 15.0, 0.25, 1.0))


def test_depth_survives_as_a_grey_picture():
    depth = np.linspace(0, 10, 256, dtype=np.float32).reshape(16, 16, 1)
    read = media.depth_of(media.picture_of(media.png_of(media.grey_of(depth))))
    assert read == pytest.approx(depth, abs=10 / 255)
    assert read[0, 0, 0] == 0  # nothing measured


@pytest.mark.parametrize(("kind", "error"), [("wav", 1e-4), ("mp3", 0.05)])
def test_sound_survives_as_a_file(kind, error):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype("f4")
    audio = np.stack([tone, 0.5 * tone])
    read, rate = media.sound_of(media.sound_file(audio, RATE, kind))
    assert rate == RATE
    level = np.sqrt(np.mean(read[:, 4000:12000] ** 2, axis=1))
    assert level == pytest.approx([0.5 / 2**0.5, 0.25 / 2**0.5], rel=error)


@pytest.mark.parametrize("read", [media.picture_of, media.sound_of])
def test_what_is_no_file_is_refused(read):
    with pytest.raises(ValueError, match="cannot be read"):
        read(b"not a file")


def test_a_spectrogram_shows_the_louder_ear_above():
    drawn = media.spectrogram_picture(np.stack([noise(), 0.01 * noise()]))
    upper, lower = drawn[:257].mean(), drawn[259:].mean()
    assert upper > lower + 20


@pytest.mark.parametrize(("angle", "hand"), [(45, "left"), (-45, "right")])
def test_bearings_tell_both_angles_of_a_time_difference(angle, hand):
    # Woodworth's time difference of a sphere, here for a source at 45 degrees.
    side = np.deg2rad(angle)
    lag = round(HEAD_RADIUS / SPEED_OF_SOUND * (side + np.sin(side)) * RATE)
    sound = noise(0.5)
    audio = np.stack([sound, np.roll(sound, lag)])
    told = bearings_of(audio, RATE)
    assert f"135° to the {hand}" in told or f"130° to the {hand}" in told or "140°" in told
    assert "clearly" in told
    assert told.startswith("-20 dB")
    assert bearings_of(np.zeros((2, 8000), np.float32), RATE) == "silence"


def test_a_question_holds_what_the_view_says():
    view = View(frames=2, frame_every=2, frame_size=(8, 6), depth=True, spectrogram=True)
    diary = diary_of(view)
    for step in range(5):
        diary.see(observed(view, bumped=step == 3), "Find the phone.")
        diary.do("forward")
    diary.see(observed(view), "Find the phone.")
    parts = diary.parts(["there is no action 'jump'"])
    assert [type(p) for p in parts] == [Text, Picture, Picture, Picture, Sound, Picture]
    told = parts[0].text
    assert "Your task: Find the phone." in told
    assert "3. forward, bumped" in told
    assert "1.00 m ahead of the start, 0.50 m to its right, turned 90° to the left" in told
    assert "no action 'jump'" in told


def test_history_keeps_to_its_budget_and_drops_the_oldest():
    view = View(frames=0, sound="none", bearings=False, odometry=False, history_letters=40)
    diary = diary_of(view)
    for _ in range(20):
        diary.see(observed(view), "Go.")
        diary.do("turn_left")
    diary.see(observed(view), "Go.")
    told = diary.parts()[0].text
    assert "20. turn_left" in told
    assert "\n5. turn_left" not in told
    assert len(told) < 120


def test_odometry_is_told_in_words():
    assert odometry_of([-1, 2, 0, 0.25]).startswith("1.00 m behind the start, 2.00 m to its left")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sound": "ogg"}, "wav, mp3, none"),
        ({"frames": 99}, "0 to 16"),
        ({"plan": 0}, "1 to 50"),
        ({"seconds": 0.0}, "0.1 to 30"),
        ({"reply": "xml"}, "tools, text"),
    ],
)
def test_a_view_that_is_none_is_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        View(**fields)


def test_a_file_is_a_view(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("frames: 3\nframe_size: [64, 48]\n")
    assert read_view(path) == View(frames=3, frame_size=(64, 48))
    path.write_text("framez: 3\n")
    with pytest.raises(ValueError, match="frames"):
        read_view(path)


def test_the_views_of_the_package_are_listed():
    shown = CliRunner().invoke(omni_group, ["views"]).output
    assert [line.split()[0] for line in shown.splitlines()] == [
        "default", "reference", "silent", "text",
    ]  # fmt: skip
    assert "sound" not in next(line for line in shown.splitlines() if "silent" in line)


def remembered(note):
    memory = Memory(Mind(Walker(DepthCamera((8, 8), np.pi / 2, 1.5), stride=0.25, turn=0.3)))
    memory.unpack(note)
    return memory


def test_the_reference_knows_again_what_it_noted():
    audio = np.stack([noise(), noise(seed=1)])
    depth = np.full((8, 8, 1), 2.0, np.float32)
    picture, sound = media.png_of(media.grey_of(depth)), media.sound_file(audio, RATE, "wav")
    _, note = Reference().decide(NAMES, sound, picture)
    memory = remembered(note)
    assert memory.heard
    assert remembered(memory.pack()).pack() == memory.pack()
    assert Reference().decide(NAMES, sound, picture, note)[1] != note  # it goes on
    for bad in ("", "AAAA", note[:-8], "é"):
        with pytest.raises(ValueError, match="note is none"):
            remembered(bad)
    with pytest.raises(ValueError, match="stereo"):
        Reference().decide(NAMES, media.sound_file(audio[:1], RATE, "wav"), picture)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--size", "8"], "size"), (["--walks", "0"], "walks"), (["--transport", "fax"], "fax")],
)
def test_the_server_refuses_what_it_cannot_be(arguments, said):
    refused = CliRunner().invoke(mcp, arguments)
    assert refused.exit_code == 2
    assert said in refused.output
