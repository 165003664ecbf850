"""The demonstration: one command, one film, picture and sound in sync, and nothing half written."""

import numpy as np
import pytest
from click.testing import CliRunner

av = pytest.importorskip("av")
import soundfile  # noqa: E402

from avenv.cli import main  # noqa: E402
from avenv.core.errors import SceneError  # noqa: E402
from avenv.drawing.textmap import text_map  # noqa: E402
from avenv.recording import VideoWriter  # noqa: E402
from avenv.recording import film as film_module  # noqa: E402
from avenv.recording.film import FPS, record_episode  # noqa: E402
from avenv.scene import SceneBuilder  # noqa: E402
from avenv_agents.baselines import OracleAgent  # noqa: E402


@pytest.fixture(scope="module")
def studio():
    """A dry room with a shower running in its middle: in a bare one the ears differ little."""
    builder = SceneBuilder("studio")
    dry = {"walls": "acoustic_panel", "ceiling": "acoustic_tile", "floor": "carpet"}
    room = builder.room("studio", size=(7, 5), height=2.8, **dry)
    builder.place("floor_lamp", at=(6.3, 4.2), room=room)
    builder.source("hiss", at=(3.5, 2.5, 1.25), sound="shower")
    return builder.build()


class Scripted:
    """Turns on the spot beside the source, and writes down where the source is."""

    seen: list[float]

    def __init__(self, envs):
        self.envs = envs
        type(self).seen = []

    def reset(self, row, seed):
        pass

    def act(self, observation, info):
        azimuth = info["truth"]["source_azimuth"][0]
        type(self).seen.append(float(azimuth))
        return np.array([0 if len(type(self).seen) > 25 else 2])


def read(path):
    """Return frames (N, H, W, 3), sound (2, samples) and the rate of a film."""
    with av.open(str(path)) as film:
        frames = np.stack([f.to_ndarray(format="rgb24") for f in film.decode(video=0)])
    with av.open(str(path)) as film:
        rate = film.streams.audio[0].rate
        sound = np.concatenate([f.to_ndarray() for f in film.decode(audio=0)], axis=1)
    return frames, sound, rate


@pytest.fixture(scope="module")
def film(studio, tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "turn.mp4"
    metrics = record_episode(Scripted, path, studio, seed=1, progress=False, min_distance=1.5)
    return path, metrics


def test_picture_and_sound_are_equally_long(film):
    path, metrics = film
    frames, sound, rate = read(path)
    assert abs(len(frames) / FPS - sound.shape[1] / rate) < 0.05
    assert len(frames) / FPS == pytest.approx(0.25 * metrics["num_actions"] + 1.5, abs=0.05)


def test_the_louder_ear_is_the_one_nearer_the_source(film):
    path, _ = film
    _, sound, rate = read(path)
    step = rate // 4
    # seen[k] is where the source was before action k; the step after it ends at seen[k + 1].
    right = wrong = 0
    for k, azimuth in enumerate(Scripted.seen[1:]):
        if not np.pi / 6 < abs(azimuth) < 5 * np.pi / 6:
            continue
        left, other = (np.mean(ear[k * step : (k + 1) * step] ** 2) for ear in sound)
        if (left > other) == (azimuth > 0):
            right += 1
        else:
            wrong += 1
    assert right > 10
    assert wrong == 0


def test_the_view_turns_with_the_robot(film):
    frames, _, _ = read(film[0])
    view = frames[:, 8:488, 8:488].astype(int)
    turning = np.abs(view[1:40] - view[:39]).mean(axis=(1, 2, 3))
    still = np.abs(view[-20:] - view[-21:-1]).mean(axis=(1, 2, 3))
    assert turning.mean() > 0.3
    assert still.mean() < 0.05


def test_the_demo_command_takes_a_scene_and_a_recorded_sound(studio, tmp_path, monkeypatch):
    studio.save(tmp_path / "studio.yaml")
    rate = 44100
    t = np.arange(2 * rate) / rate
    soundfile.write(tmp_path / "beep.wav", 0.3 * np.sin(2 * np.pi * 700 * t), rate)
    monkeypatch.chdir(tmp_path)
    agent = "avenv_agents.baselines:OracleAgent"
    result = CliRunner().invoke(
        main, ["demo", "--scene", "studio.yaml", "--sound", "beep.wav", "--agent", agent,
               "--out", "out.mp4", "--seed", "3"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "success 1" in result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["beep.wav", "out.mp4", "studio.yaml"]
    _, sound, rate = read(tmp_path / "out.mp4")
    spectrum = np.abs(np.fft.rfft(sound[0]))
    assert np.argmax(spectrum) * rate / sound.shape[1] == pytest.approx(700, abs=5)


def test_the_demo_command_films_other_tasks(studio, tmp_path, monkeypatch):
    studio.save(tmp_path / "studio.yaml")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(
        main, ["demo", "--task", "AudioExplore", "--scene", "studio.yaml", "--out", "out.mp4",
               "--agent", "avenv_agents.baselines:OracleAgent"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "coverage 0.9" in result.output
    frames, sound, rate = read(tmp_path / "out.mp4")
    assert abs(len(frames) / FPS - sound.shape[1] / rate) < 0.05
    assert np.abs(sound).max() > 0.01  # it chirps


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scene", "nowhere.yaml"], "nowhere.yaml"),
        (["--sound", "nothing.wav"], "nothing.wav"),
        (["--agent", "clairvoyant"], "clairvoyant"),
        (["--out", "film.avi"], "mp4"),
        (["--out", "no/such/folder.mp4"], "no/such"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["demo", *arguments])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert message in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_film_that_fails_leaves_nothing(studio, tmp_path):
    class Fails(Scripted):
        def act(self, observation, info):
            if len(self.seen) > 3:
                raise SceneError("the robot broke")
            return super().act(observation, info)

    with pytest.raises(SceneError, match="broke"):
        record_episode(Fails, tmp_path / "x.mp4", studio, progress=False, min_distance=1.5)
    assert list(tmp_path.iterdir()) == []


def test_films_of_the_same_seed_are_the_same_frames_and_samples(studio, tmp_path, monkeypatch):
    """What encoders are handed is promised, to the bit; what bytes they make of it is not."""
    handed = []

    class Seen(VideoWriter):
        def add_frame(self, rgb):
            handed[-1].append(rgb.tobytes())
            super().add_frame(rgb)

        def add_audio(self, samples):
            handed[-1].append(samples.tobytes())
            super().add_audio(samples)

    monkeypatch.setattr(film_module, "VideoWriter", Seen)
    for name in ("a.mp4", "b.mp4"):
        handed.append([])
        record_episode(OracleAgent, tmp_path / name, studio, seed=2, progress=False,
                       min_distance=1.5)  # fmt: skip
    assert len(handed[0]) > 50
    assert handed[0] == handed[1]


def test_the_text_map_shows_floor_way_body_and_source():
    walkable = np.ones((10, 20), bool)  # 2 m by 1 m
    plan = text_map(walkable, (0, 0), 0.1, [(0.1, 0.2), (1.1, 0.2)], np.pi / 2, (1.9, 0.9))
    assert plan.splitlines() == ["·······S", "+···↑···"]
