"""The recorder: every moment of a chosen episode, in sync, in all of Gymnasium's forms."""

import gc
import re
from fractions import Fraction
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

av = pytest.importorskip("av")

from avenv.recording import Recorder, VideoWriter, recorder  # noqa: E402
from avenv.recording.video import Cadence  # noqa: E402
from avenv.scene import SceneBuilder  # noqa: E402

STOP, FORWARD, LEFT = 0, 1, 2
WAYS = [[LEFT, FORWARD, STOP], [FORWARD, LEFT, LEFT, STOP], [LEFT, STOP]]
STEP = 4000  # samples in a quarter of a second at 16 kHz


@pytest.fixture(scope="module")
def studio():
    builder = SceneBuilder("studio")
    room = builder.room("studio", size=(7, 5))
    builder.place("floor_lamp", at=(6.3, 4.2), room=room)
    return builder.build()


def options(studio, **changes):
    return {"scenes": studio, "sounds": "shower", "sensors": ("audio",), "window": 0.5,
            "min_distance": 1.5, "render_mode": "rgb_array"} | changes  # fmt: skip


def make(studio, **changes):
    return gym.make("avenv/AudioGoal-v0", **options(studio, **changes))


def make_vec(studio, num_envs, mode=AutoresetMode.NEXT_STEP, **changes):
    return gym.make_vec(
        "avenv/AudioGoal-v0", num_envs, vector_kwargs={}, autoreset_mode=mode,
        **options(studio, **changes),
    )  # fmt: skip


class Toy(gym.Env):
    """Grows brighter with each step, and knows no sound; breaks where it is told to."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012
    observation_space = gym.spaces.Discrete(100)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, length=3, failure=None, render_mode="rgb_array"):
        self.length, self.failure, self.render_mode = length, failure, render_mode

    def reset(self, *, seed=None, options=None):
        self.time = 0
        return 0, {}

    def step(self, action):
        self.time += 1
        if self.failure and self.time == 2:
            raise self.failure
        return self.time, 0.0, self.time == self.length, False, {}

    def render(self):
        return np.full((32, 48, 3), min(20 * self.time, 255), np.uint8)


def read(path):
    """Return frame times (F,), frames (F, H, W, 3) and sound (C, N) of a film."""
    with av.open(str(path)) as film:
        frames = [(f.time, f.to_ndarray(format="rgb24")) for f in film.decode(video=0)]
        silent = not film.streams.audio
    if silent:
        return *map(np.array, zip(*frames, strict=True)), None
    with av.open(str(path)) as film:
        sound = np.concatenate([f.to_ndarray() for f in film.decode(audio=0)], axis=1)
    return *map(np.array, zip(*frames, strict=True)), sound


@pytest.fixture
def reels(monkeypatch):
    """What each film was handed: {name: (frames, samples (C, N))}."""
    handed = {}

    class Seen(VideoWriter):
        def open(self):
            handed[self.path.name] = ([], [])
            return super().open()

        def add_frame(self, rgb):
            handed[self.path.name][0].append(rgb.copy())
            super().add_frame(rgb)

        def add_audio(self, samples):
            handed[self.path.name][1].append(samples.copy())
            super().add_audio(samples)

    monkeypatch.setattr(recorder, "VideoWriter", Seen)
    return handed


def assert_same_reels(a, b):
    for these, those in zip(a, b, strict=True):
        assert len(these) == len(those)
        for this, that in zip(these, those, strict=True):
            np.testing.assert_array_equal(this, that)


def test_a_film_shows_what_was_rendered_and_plays_what_was_heard_then(studio, tmp_path):
    env = Recorder(make(studio), tmp_path / "films")
    observation, _ = env.reset(seed=3)
    pictures, heard = [env.render()], [observation["audio"][:, -STEP:]]
    for action in [LEFT] * 8 + [FORWARD] * 3 + [STOP]:
        observation, _, terminated, *_ = env.step(action)
        pictures.append(env.render())
        heard.append(observation["audio"][:, -STEP:])
    assert terminated
    times, frames, sound = read(tmp_path / "films" / "episode-0.mp4")  # there before close
    env.close()

    np.testing.assert_allclose(times, np.arange(13) / 4, atol=1e-6)
    shape = pictures[0].shape
    pictures = np.stack(pictures).astype(int)
    for k, frame in enumerate(frames[:, : shape[0], : shape[1]].astype(int)):
        differences = np.abs(pictures - frame).mean(axis=(1, 2, 3))
        assert differences[k] < 3
        assert differences[k] == differences.min()

    heard = np.concatenate(heard, axis=1)
    assert abs(sound.shape[1] - heard.shape[1]) <= 512
    common = min(sound.shape[1], heard.shape[1])
    for played, ear in zip(sound[:, :common], heard[:, :common], strict=True):
        size = 2 * common
        product = np.fft.rfft(played, size) * np.fft.rfft(ear, size).conj()
        correlation = np.fft.irfft(product, size)
        assert np.argmax(np.abs(correlation)) == 0  # samples late
        assert correlation[0] > 0.9 * np.linalg.norm(played) * np.linalg.norm(ear)


def test_filming_changes_nothing(studio, tmp_path):
    def rollout(env, actions):
        yield env.reset(seed=5)[0]["audio"]
        for action in actions:
            observation, reward, terminated, truncated, info = env.step(action)
            yield observation["audio"]
            yield from (reward, terminated, truncated, info["metrics"]["distance_to_goal"])

    actions = [LEFT, FORWARD, FORWARD, LEFT]
    rows = [[a, STOP if k == 1 else FORWARD] for k, a in enumerate(actions)]
    for plain, filmed, acts in (
        (make(studio), Recorder(make(studio), tmp_path / "one"), actions),
        *((make_vec(studio, 2, mode), Recorder(make_vec(studio, 2, mode), tmp_path / mode.value,
           rows=(0, 1)), np.array(rows))
          for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)),
    ):  # fmt: skip
        for a, b in zip(rollout(plain, acts), rollout(filmed, acts), strict=True):
            np.testing.assert_array_equal(a, b)
        filmed.close()


def film_alone(studio, folder, seed):
    with Recorder(make(studio), folder, trigger=lambda episode: True) as env:
        for k, way in enumerate(WAYS):
            env.reset(seed=seed if k == 0 else None)
            for action in way:
                env.step(action)


@pytest.mark.parametrize("mode", AutoresetMode)
def test_films_are_the_same_in_every_autoreset_mode(studio, tmp_path, reels, mode):
    film_alone(studio, tmp_path, seed=8)
    envs = Recorder(
        make_vec(studio, 2, mode), tmp_path, trigger=lambda episode: True, rows=(1,)
    )  # row 1 of seed 7 is a single environment of seed 8
    envs.reset(seed=7)
    for way in WAYS:
        for action in way:
            *_, terminated, _, _ = envs.step(np.array([LEFT, action]))
        assert terminated.tolist() == [False, True]
        if mode == AutoresetMode.NEXT_STEP:
            envs.step(np.array([LEFT, FORWARD]))
        if mode == AutoresetMode.DISABLED:
            envs.reset(options={"reset_mask": terminated})
    envs.close()
    for k, way in enumerate(WAYS):
        assert len(reels[f"episode-{k}.mp4"][0]) == len(way) + 1
        assert_same_reels(reels[f"row-1-episode-{k}.mp4"], reels[f"episode-{k}.mp4"])


@pytest.mark.parametrize(("channels", "carried"), [(1, 1), (2, 2), (4, 2)])
def test_a_film_of_an_array_has_its_first_channels(tmp_path, reels, monkeypatch, channels, carried):
    heard = np.linspace(-0.5, 0.5, channels * 1600, dtype=np.float32).reshape(1, channels, 1600)
    monkeypatch.setattr(recorder, "sound_of", lambda env: (heard, 16000))
    with Recorder(Toy(), tmp_path) as env:
        env.reset()
    np.testing.assert_array_equal(reels["episode-0.mp4"][1][0], heard[0, :carried])
    assert read(tmp_path / "episode-0.mp4")[2].shape == (carried, 2048)


def test_others_environments_and_deaf_ones_give_silent_films(studio, tmp_path):
    with Recorder(Toy(length=5), tmp_path / "toy") as env:
        env.reset()
        for _ in range(5):
            env.step(0)
    times, frames, sound = read(tmp_path / "toy" / "episode-0.mp4")
    assert sound is None
    np.testing.assert_allclose(times, np.arange(6) / 10, atol=1e-6)
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), 20 * np.arange(6), atol=3)

    with Recorder(make(studio, sensors=("depth",), step_time=0.5), tmp_path / "deaf") as env:
        env.reset(seed=0)
        env.step(LEFT)
    times, _, sound = read(tmp_path / "deaf" / "episode-0.mp4")
    assert sound is None
    np.testing.assert_allclose(times, [0, 0.5], atol=1e-6)


def test_others_vector_environments_are_filmed_row_by_row(tmp_path, reels):
    envs = SyncVectorEnv([lambda n=n: Toy(length=n) for n in (2, 3)])
    filmed = Recorder(envs, tmp_path, rows=(0, 1))
    filmed.reset()
    for _ in range(4):
        filmed.step(np.zeros(2, int))
    filmed.close()
    brightness = {name: [f.mean() for f in frames] for name, (frames, _) in reels.items()}
    assert brightness == {
        "row-0-episode-0.mp4": [0, 20, 40],
        "row-0-episode-1.mp4": [0, 20],
        "row-1-episode-0.mp4": [0, 20, 40, 60],
        "row-1-episode-1.mp4": [0],
    }
    envs = SyncVectorEnv([Toy], autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.warns(UserWarning, match="lack each episode's last moment"):
        Recorder(envs, tmp_path / "same")


def test_the_trigger_chooses_and_gymnasiums_choice_is_the_default(tmp_path):
    chosen = [k for k in range(2500) if recorder.cubes_then_thousands(k)]
    assert chosen == [0, 1, 8, 27, 64, 125, 216, 343, 512, 729, 1000, 2000]
    with Recorder(Toy(length=1), tmp_path, lambda episode: episode % 2 == 1, "odd") as env:
        for _ in range(6):
            env.reset()
            env.step(0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["odd-1.mp4", "odd-3.mp4", "odd-5.mp4"]
    with pytest.warns(UserWarning, match="will be overwritten"):
        Recorder(Toy(), tmp_path, prefix="odd")


def test_a_reset_and_close_finish_what_they_cut_short(tmp_path):
    with Recorder(Toy(length=9), tmp_path) as env:
        for steps in (2, 4):
            env.reset()
            for _ in range(steps):
                env.step(0)
    for episode, steps in enumerate((2, 4)):
        assert len(read(tmp_path / f"episode-{episode}.mp4")[0]) == steps + 1


@pytest.mark.parametrize("failure", [ZeroDivisionError, KeyboardInterrupt])
def test_a_failure_leaves_no_film(tmp_path, failure):
    env = Recorder(Toy(failure=failure()), tmp_path)
    env.reset()
    env.step(0)
    with pytest.raises(failure):
        env.step(0)
    assert not list(tmp_path.iterdir())
    env.close()
    assert not list(tmp_path.iterdir())


def test_a_recorder_that_is_forgotten_leaves_no_film(tmp_path):
    def film():
        env = Recorder(Toy(length=500), tmp_path)
        env.reset()
        for _ in range(100):
            env.step(0)
        assert list(tmp_path.iterdir())  # hidden, and not yet a film
        del env
        gc.collect()

    with pytest.warns(UserWarning, match="was not closed"):
        film()
    assert not list(tmp_path.iterdir())


def test_frames_keep_time_however_steps_and_frames_divide_it(studio, tmp_path, reels):
    for step, fps in (((1, 4), 4), ((3, 10), 10), ((1, 30), 30), ((2, 1), 1), ((1, 100), 100)):
        assert recorder.frame_rate(Fraction(*step)) == fps
    third = Fraction(5333, 16000)  # a third of a second, in whole samples
    assert recorder.frame_rate(third) == 1 / third

    cadence, step = Cadence(29.97), Fraction(5333, 16000)
    due = [cadence.due(step) for _ in range(10_000)]
    assert {9, 10} == set(due)
    assert sum(due) == pytest.approx(10_000 * float(step) * 29.97, abs=1)

    with Recorder(make(studio), tmp_path, fps=30) as env:
        env.reset(seed=0)
        for _ in range(3):
            env.step(LEFT)
    frames = reels["episode-0.mp4"][0]
    changes = [k for k in range(1, 30) if np.any(frames[k] != frames[k - 1])]
    assert changes == [8, 15, 23]  # the first at or after 7.5, 15 and 22.5
    assert len(frames) == 30


def test_it_is_part_of_the_specification(studio, tmp_path):
    env = Recorder(make(studio), tmp_path, prefix="again", fps=8)
    assert env.spec.additional_wrappers[-1].kwargs == {
        "folder": tmp_path, "trigger": None, "prefix": "again", "fps": 8,
    }  # fmt: skip
    with gym.make(env.spec) as again:
        again.reset(seed=0)
    assert [p.name for p in tmp_path.iterdir()] == ["again-0.mp4"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"env": Toy(render_mode=None)}, "render_mode is None; accepted: 'rgb_array'"),
        ({"trigger": 100}, "trigger is 100; accepted: a function"),
        ({"prefix": "a/b"}, "prefix is 'a/b'"),
        ({"fps": 0}, "fps is 0"),
        ({"env": SyncVectorEnv([Toy]), "rows": (0, 1)}, r"rows is \(0, 1\); accepted: some of 0"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        Recorder(**{"env": Toy(), "folder": tmp_path / "films"} | changes)
    assert not (tmp_path / "films").exists()


def test_a_rate_that_films_cannot_carry_is_refused(studio, tmp_path):
    with pytest.raises(ValueError, match="sample_rate is 20000; films carry"):
        Recorder(make(studio, sample_rate=20000), tmp_path)


def test_the_python_of_its_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[1] / "docs" / "recording.md").read_text()
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)
    assert sorted(str(p) for p in Path().rglob("*")) == [
        "films",
        "films/episode-0.mp4",
        "films/row-0-episode-0.mp4",
        "films/row-2-episode-0.mp4",
        "flash.mp4",
    ]
    assert len(read("films/row-2-episode-0.mp4")[0]) == 9
