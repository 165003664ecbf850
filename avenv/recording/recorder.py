"""Film the episodes of an environment as it runs: what it renders and what is heard, in sync."""

import glob
import os
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, overload

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from numpy.typing import NDArray

from avenv.envs.batch import Batch
from avenv.envs.vector import BatchEnv
from avenv.recording.video import AUDIO_RATES, EARS, Cadence, VideoWriter, check_video

SMOOTH = 60
"""Frames a second up to which the rate of a film is made a whole number."""

Trigger = Callable[[int], bool]
"""Says of each episode, numbered from 0, whether to film it."""


@overload
def Recorder(
    env: gym.Env,
    folder: str | os.PathLike[str],
    trigger: Trigger | None = None,
    prefix: str = "episode",
    fps: float | None = None,
) -> "EnvRecorder": ...
@overload
def Recorder(
    env: VectorEnv,
    folder: str | os.PathLike[str],
    trigger: Trigger | None = None,
    prefix: str = "episode",
    fps: float | None = None,
    *,
    rows: Sequence[int] = (0,),
) -> "VectorEnvRecorder": ...
def Recorder(env: Any, folder: Any, *args: Any, **options: Any) -> Any:  # noqa: N802 (a kind of wrapper)
    """Wrap an environment so that chosen episodes become films with sound, MP4 files in a folder.

    What the environment observes and returns stays as it is. A film holds the moments of one
    episode, from its reset to its last step: each lasts as long as a step, with the picture that
    ``render`` gives and what has been heard since the moment before. The file appears when the
    episode ends; ``close`` finishes one that is cut short. Where the environment or the process
    fails, the films under way are given up.

    Environments of avenv without a sensor that hears, and those of others, give silent films.

    Args:
        env: single or vector, made with ``render_mode="rgb_array"``.
        folder: of the films, made if need be. A single environment's are ``episode-0.mp4`` and so
            on, a vector environment's ``row-0-episode-0.mp4``.
        trigger: says of each episode, numbered from 0 (in a vector environment in each row),
            whether to film it; by default 0, 1, 8, 27, ... 729, 1000, 2000, ..., as Gymnasium does.
        prefix: instead of ``episode``.
        fps: frames a second; by default as few as give every step the same whole number.
        rows: which rows of a vector environment to film.

    Raises:
        ValueError: an argument is out of range; the environment renders otherwise, or hears at a
            rate that a film cannot carry.
        ImportError: PyAV is not installed.
    """
    kind = VectorEnvRecorder if isinstance(env, VectorEnv) else EnvRecorder
    return kind(env, folder, *args, **options)


class EnvRecorder(gym.Wrapper, RecordConstructorArgs):
    """Films episodes of a single environment; see ``Recorder``."""

    def __init__(
        self,
        env: gym.Env,
        folder: str | os.PathLike[str],
        trigger: Trigger | None = None,
        prefix: str = "episode",
        fps: float | None = None,
    ):
        RecordConstructorArgs.__init__(self, folder=folder, trigger=trigger, prefix=prefix, fps=fps)
        gym.Wrapper.__init__(self, env)
        self._films = _Films(env, folder, trigger, fps, {0: prefix})

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, and a film of it if it is chosen."""
        with self._films.whole_or_none():
            result = self.env.reset(seed=seed, options=options)
            self._films.begin([0])
        return result

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Carry out an action and film what comes of it."""
        with self._films.whole_or_none():
            result = self.env.step(action)
            self._films.go_on([0])
            if result[2] or result[3]:
                self._films.end([0])
        return result

    def close(self) -> None:
        """Finish the film under way and close the environment."""
        try:
            self._films.close()
        finally:
            super().close()


class VectorEnvRecorder(VectorWrapper, RecordConstructorArgs):
    """Films episodes of some rows of a vector environment; see ``Recorder``.

    The last picture of an episode needs to be taken before its row begins anew. With
    ``AutoresetMode.SAME_STEP`` only avenv's own vector environment allows that; of others the films
    lack it, and a warning says so.
    """

    def __init__(
        self,
        env: VectorEnv,
        folder: str | os.PathLike[str],
        trigger: Trigger | None = None,
        prefix: str = "episode",
        fps: float | None = None,
        *,
        rows: Sequence[int] = (0,),
    ):
        RecordConstructorArgs.__init__(
            self, folder=folder, trigger=trigger, prefix=prefix, fps=fps, rows=rows
        )
        VectorWrapper.__init__(self, env)
        unknown = [row for row in rows if not 0 <= row < env.num_envs]
        if unknown or not rows:
            raise ValueError(f"rows is {rows}; accepted: some of 0 to {env.num_envs - 1}")
        self._films = _Films(
            env, folder, trigger, fps, {row: f"row-{row}-{prefix}" for row in rows}
        )
        self._over = np.zeros(env.num_envs, bool)
        self._mode = AutoresetMode(env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP))
        base = env.unwrapped
        if self._mode == AutoresetMode.SAME_STEP and isinstance(base, BatchEnv):
            base.before_autoreset.append(self._films.go_on)
        elif self._mode == AutoresetMode.SAME_STEP:
            warnings.warn(
                f"{env} begins anew within a step: films will lack each episode's last moment",
                stacklevel=3,
            )

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin episodes in all rows, or in those of ``options["reset_mask"]``."""
        with self._films.whole_or_none():
            result = self.env.reset(seed=seed, options=options)
            begun = np.asarray((options or {}).get("reset_mask", np.ones(self.num_envs, bool)))
            self._films.begin(np.flatnonzero(begun))
            self._over[begun] = False
        return result

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Carry out the actions and film what comes of them."""
        with self._films.whole_or_none():
            result = self.env.step(actions)
            done = np.asarray(result[2]) | np.asarray(result[3])
            never = np.zeros_like(done)
            begun = {
                AutoresetMode.NEXT_STEP: self._over,
                AutoresetMode.SAME_STEP: done,
                AutoresetMode.DISABLED: never,
            }[self._mode]
            self._films.go_on(np.flatnonzero(~begun))
            self._films.end(np.flatnonzero(done))
            self._films.begin(np.flatnonzero(begun))
            self._over = never if self._mode == AutoresetMode.SAME_STEP else done
        return result

    def close(self, **kwargs: Any) -> None:
        """Finish the films under way and close the environment."""
        base = self.env.unwrapped
        if isinstance(base, BatchEnv) and self._films.go_on in base.before_autoreset:
            base.before_autoreset.remove(self._films.go_on)
        try:
            self._films.close()
        finally:
            super().close(**kwargs)


class _Films:
    """The films of some rows of an environment, each of the episode that is under way there."""

    def __init__(
        self,
        env: gym.Env | VectorEnv,
        folder: str | os.PathLike[str],
        trigger: Trigger | None,
        fps: float | None,
        prefixes: Mapping[int, str],
    ):
        if env.render_mode != "rgb_array":
            raise ValueError(
                f"render_mode is {env.render_mode!r}; accepted: 'rgb_array', which films are made "
                'of: make the environment with render_mode="rgb_array"'
            )
        if trigger is not None and not callable(trigger):
            raise ValueError(
                f"trigger is {trigger!r}; accepted: a function of an episode's number, or None"
            )
        for prefix in prefixes.values():
            if Path(prefix).name != prefix:
                raise ValueError(f"prefix is {prefix!r}; accepted: the beginning of a file's name")
        heard = sound_of(env)
        if heard and heard[1] not in AUDIO_RATES:
            raise ValueError(f"sample_rate is {heard[1]}; films carry {AUDIO_RATES}")
        self._step = step_of(env)
        self._fps: float | Fraction = frame_rate(self._step) if fps is None else fps
        if not 0 < self._fps <= 1000:
            raise ValueError(f"fps is {self._fps}; it must be above 0 and at most 1000")
        self._env, self._folder, self._prefixes = env, Path(folder), prefixes
        self._trigger = trigger or cubes_then_thousands
        self._episode = dict.fromkeys(prefixes, -1)
        self._folder.mkdir(parents=True, exist_ok=True)
        check_video(self._folder / "film.mp4")
        if any(
            any(self._folder.glob(f"{glob.escape(prefix)}-*.mp4")) for prefix in prefixes.values()
        ):
            warnings.warn(f"films in {self._folder} will be overwritten", stacklevel=4)
        self._under_way: dict[int, _EpisodeFilm] = {}
        # What is still under way when the wrapper is forgotten, or the process ends, is given up.
        weakref.finalize(self, _forgotten, self._under_way)

    def begin(self, rows: Iterable[int]) -> None:
        """Number the episodes that have begun in these rows, and start films of those chosen."""
        mine = [row for row in rows if row in self._prefixes]
        self.end(mine)  # where a reset cut an episode short
        for row in mine:
            self._episode[row] += 1
        chosen = [row for row in mine if self._trigger(self._episode[row])]
        for row, picture, sound, rate in self._moments(chosen):
            path = self._folder / f"{self._prefixes[row]}-{self._episode[row]}.mp4"
            film = _EpisodeFilm(path, self._fps, self._step, picture, sound, rate)
            self._under_way[row] = film
            film.add(picture, sound)

    def go_on(self, rows: Iterable[int]) -> None:
        """Add the moment that a step has led to in these rows."""
        filmed = [row for row in rows if row in self._under_way]
        for row, picture, sound, _ in self._moments(filmed):
            self._under_way[row].add(picture, sound)

    def end(self, rows: Iterable[int]) -> None:
        """Finish the films of these rows."""
        for row in rows:
            if row in self._under_way:
                self._under_way.pop(row).close()

    def close(self) -> None:
        """Finish all films."""
        with self.whole_or_none():
            self.end(list(self._under_way))

    @contextmanager
    def whole_or_none(self) -> Iterator[None]:
        """Give all films up if something fails."""
        try:
            yield
        except BaseException:
            _discard(self._under_way)
            raise

    def _moments(
        self, rows: Sequence[int]
    ) -> Iterator[tuple[int, NDArray[np.uint8], NDArray[np.float32] | None, int]]:
        """Yield row, picture, sound and its rate, of these rows as they are now."""
        if not rows:
            return
        rendered: Any = self._env.render()
        pictures = rendered if isinstance(self._env, VectorEnv) else (rendered,)
        sounds, rate = sound_of(self._env) or (None, 0)
        for row in rows:
            yield row, pictures[row], None if sounds is None else sounds[row][:EARS], rate


class _EpisodeFilm:
    """The film of one episode, moment by moment."""

    def __init__(
        self,
        path: Path,
        fps: float | Fraction,
        step: Fraction,
        picture: NDArray[np.uint8],
        sound: NDArray[np.float32] | None,
        sample_rate: int,
    ):
        height, width, _ = picture.shape
        channels = 0 if sound is None else len(sound)
        self._video = VideoWriter(path, (width, height), fps, sample_rate, channels).open()
        self._cadence, self._step = Cadence(fps), step

    def add(self, picture: NDArray[np.uint8], sound: NDArray[np.float32] | None) -> None:
        """Show a picture for a step, with its sound."""
        for _ in range(self._cadence.due(self._step)):
            self._video.add_frame(picture)
        if sound is not None:
            self._video.add_audio(sound)

    def close(self) -> None:
        """Finish the film."""
        self._video.close()

    def discard(self) -> None:
        """Give the film up."""
        self._video.discard()


def sound_of(env: gym.Env | VectorEnv) -> tuple[NDArray[np.float32], int] | None:
    """Return what was heard in the latest step of each row (E, C, S), and its rate in Hz.

    None where the environment has no ears, or is not avenv's.
    """
    batch = getattr(env.unwrapped, "batch", None)
    if not isinstance(batch, Batch):
        return None
    simulator = batch.simulator
    if not simulator.has_ears:
        return None
    windows = [simulator.window(row) for row in range(batch.num_envs)]
    settings = simulator.settings
    return np.stack(windows)[:, :, -settings.step_samples :], settings.sample_rate


def step_of(env: gym.Env | VectorEnv) -> Fraction:
    """Return the seconds that a step lasts; of others' environments, by ``render_fps`` or 30."""
    batch = getattr(env.unwrapped, "batch", None)
    if isinstance(batch, Batch):
        settings = batch.simulator.settings
        return Fraction(settings.step_samples, settings.sample_rate)
    return 1 / Fraction(env.metadata.get("render_fps", 30)).limit_denominator(10_000)


def frame_rate(step: Fraction) -> Fraction:
    """Return the lowest whole number of frames a second that gives every step the same number.

    Where that is above ``SMOOTH``, each step has one frame.
    """
    steps_per_second = 1 / step
    whole = Fraction(steps_per_second.numerator)
    return whole if whole <= SMOOTH else steps_per_second


def cubes_then_thousands(episode: int) -> bool:
    """Choose episodes 0, 1, 8, 27, ... 729, 1000, 2000, ..., as Gymnasium's ``RecordVideo``."""
    return episode % 1000 == 0 or (episode < 1000 and round(episode ** (1 / 3)) ** 3 == episode)


def _discard(under_way: dict[int, _EpisodeFilm]) -> None:
    while under_way:
        under_way.popitem()[1].discard()


def _forgotten(under_way: dict[int, _EpisodeFilm]) -> None:
    if under_way:
        warnings.warn("a Recorder was not closed: its films under way are lost", stacklevel=2)
    _discard(under_way)
