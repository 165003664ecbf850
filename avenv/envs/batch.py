"""A batch of environments before Gymnasium: a simulator, a task and one random stream per row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from itertools import count, repeat
from typing import Any, NamedTuple

import numpy as np
from gymnasium.utils import seeding
from numpy.typing import NDArray

from avenv.acoustics import AcousticSettings
from avenv.acoustics.backends import BACKENDS as SOUND
from avenv.core.errors import SceneError
from avenv.core.records import as_record, check_types
from avenv.core.suggest import accepted
from avenv.envs.ahead import Ahead, Turn
from avenv.simulation.body import Body
from avenv.simulation.loading import HOMES
from avenv.simulation.noise import ActuationNoise
from avenv.simulation.settings import SensorSettings
from avenv.simulation.simulator import Simulator
from avenv.simulation.warmup import warm_up
from avenv.simulation.world import World
from avenv.simulation.worlds import load_worlds
from avenv.tasks.declared import declared_episodes, draw
from avenv.tasks.episode import Episode
from avenv.tasks.oracle import Asking, Oracle, asking
from avenv.tasks.registry import find_registered, find_task
from avenv.tasks.task import samples_ahead
from avenv.vision.backends import BACKENDS as PICTURES

MAX_ENVS = 2**16
"""Environments that step together, at most."""

RECORDS: dict[str, type] = {
    "body": Body,
    "propagation": AcousticSettings,
    "actuation_noise": ActuationNoise,
}
"""Options that are records of the simulator: given as one, or as its fields."""


MOST_PASSED_OVER = 100
"""Homes in a row that may lack what a task needs before the search is given up."""

EPISODES = ("sampled", "scene")
"""Where episodes come from: the task makes them up, or the scenes bring them along."""


class Outcome(NamedTuple):
    """What a step brought, (E,) each."""

    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]


class Batch:
    """E environments that step together; the one implementation behind ``Env`` and ``BatchEnv``.

    Args:
        task: a name in ``avenv.tasks.TASKS``.
        num_envs: number of environments, E.
        scenes: as ``load_worlds`` takes them; by default those that the task is registered with.
        sensors: names of the observations, of ``avenv.simulation.sensors.SENSORS``.
        acoustics: the backend of the sound, a name in ``avenv.acoustics.BACKENDS``.
        vision: the backend of the pictures, a name in ``avenv.vision.BACKENDS``.
        propagation: how finely it works: an ``AcousticSettings``, or its fields.
        body: of the robot: a ``Body``, or its fields.
        actuation_noise: how motion differs from the actions: an ``ActuationNoise``, its fields, or
            None.
        max_episode_steps: actions after which an episode is truncated; by default those that the
            task is registered with.
        episodes_per_scene: how many episodes in a row an environment has in a scene before it
            draws another. A home of an endless set takes seconds to make and to light. A seed
            begins with a new one.
        episodes: ``"sampled"``: the task makes them up; ``"scene"``: they are drawn from those that
            the scenes bring along.
        ahead: make the next episodes ready in the background, on another core, where there is one
            and the task's episodes are functions of their random stream alone. Changes no result.
        oracle: whether there is somebody to ask, by the action ``ask``: True, False, or an
            ``Oracle``, or its fields, as what an answer costs.
        **options: fields of ``SensorSettings`` (``image_size``, ``hfov``, ``cameras``, ``layout``,
            ``sample_rate``, ``step_time``, ``window``, ...) and of the task's ``Options``.

    Raises:
        ValueError: an option is unknown or out of range.
        SceneError, SoundError: a scene or sound cannot be used.
    """

    def __init__(
        self,
        task: str,
        num_envs: int = 1,
        scenes: Any = None,
        sensors: Sequence[str] = SensorSettings.names,
        acoustics: str = "native",
        vision: str = "raster",
        max_episode_steps: int | None = None,
        episodes_per_scene: int = 10,
        episodes: str = "sampled",
        ahead: bool = True,
        oracle: Any = False,
        **options: Any,
    ):
        kind = find_task(task)
        if oracle is not False:
            answers = Oracle() if oracle is True else as_record("oracle is", oracle, Oracle)
            kind = asking(kind, answers)
        usual = find_registered(task)
        limit = usual.max_episode_steps if max_episode_steps is None else max_episode_steps
        for name, value in (
            ("num_envs", num_envs),
            ("max_episode_steps", limit),
            ("episodes_per_scene", episodes_per_scene),
        ):
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not (whole and 1 <= value < 2**63):
                raise ValueError(f"{name} is {value!r}; accepted: 1 or more")
        if num_envs > MAX_ENVS:
            raise ValueError(f"num_envs is {num_envs!r}; accepted: up to {MAX_ENVS}")
        _check_backend("acoustics", acoustics, SOUND)
        _check_backend("vision", vision, PICTURES)
        if not isinstance(episodes, str) or episodes not in EPISODES:
            raise ValueError(f"episodes is {episodes!r}; {accepted(episodes, EPISODES)}")
        _check_known(options, kind)
        records = {
            name: as_record(f"{name} is", options[name], record)
            for name, record in RECORDS.items()
            if options.get(name) is not None
        }
        settings = SensorSettings(sensors, **_take(options, SensorSettings))
        if "answer" in settings.names and oracle is False:
            raise ValueError(
                "sensors has 'answer', and there is nobody to ask; accepted: oracle=True"
            )
        task_options = kind.Options(**_take(options, kind.Options))
        worlds = load_worlds(usual.scenes if scenes is None else scenes)
        self.num_envs = num_envs
        self.simulator = Simulator(
            worlds, settings, num_envs, acoustics=acoustics, vision=vision, **records
        )
        self.task = kind(self.simulator, task_options)
        self.task.name = task
        self.max_episode_steps = limit
        self._steps = np.full(num_envs, -1)  # none has begun
        self.observation_space = self.simulator.space
        self.action_space = self.task.actions.space
        warm_up()
        self._turns = [Turn(seeding.np_random(None)[0]) for _ in range(num_envs)]
        self._episodes_per_scene = episodes_per_scene
        self._declared = episodes == "scene"
        if self._declared:  # at once, where the scenes are at hand
            for world in worlds.at_hand:
                declared_episodes(world, task, settings.sample_rate)
        else:
            for world in worlds.at_hand:
                self.task.check_world(world)
        self._ahead = Ahead(num_envs, self._next, self.task.prepare)
        self._plans_ahead = ahead and (self._declared or samples_ahead(self.task))

    @property
    def frames_per_second(self) -> int:
        """Steps in a second of simulated time, rounded."""
        return max(1, round(1 / self.simulator.settings.step_time))

    def seed(self, row: int, seed: int) -> None:
        """Restart one row's random stream; ``ValueError`` if the seed is none."""
        self.draw_from(row, seeding.np_random(check_seed(seed))[0])

    def draw_from(self, row: int, stream: np.random.Generator) -> None:
        """Draw one row's episodes from this stream from now on, beginning with their scene."""
        self._turns[row] = Turn(stream)
        self._ahead.forget(row)

    def draws_from(self, row: int) -> np.random.Generator:
        """Return the stream that one row's episodes are drawn from."""
        return self._turns[row].stream

    def reset(self, rows: Iterable[int], episodes: Mapping[int, Episode] | None = None) -> None:
        """Begin new episodes in some rows: the given ones, else sampled from the rows' streams."""
        rows, given = list(rows), episodes or {}
        drawn = [row for row in rows if row not in given]
        if self._plans_ahead and len(drawn) > 1:
            # Homes and sound are new to who begins for the first time; else, they may well be warm.
            new = {row: self._turns[row] for row in drawn if self._steps[row] < 0}
            self._ahead.share_out(drawn, new)
        begun = {row: given.get(row) or self._sample(row) for row in rows}
        if begun:
            self.task.begin(begun)
            for row in drawn if self._plans_ahead else ():
                # A stream's first episode plans nothing: many look once and go, or seed them all.
                if (turn := self._turns[row]).goes_on:
                    self._ahead.plan(row, turn)
                turn.goes_on = True
            self._steps[list(begun)] = 0
            HOMES.tidy()

    def close(self) -> None:
        """Let nothing more be made ready for this batch, and wait for what is being made."""
        self._ahead.close()

    def episode_of(self, seed: int) -> Episode:
        """Return the episode that a seed begins; of several scenes, in that whose turn it is.

        The turn goes round and round: seed s has scene s, so that successive seeds see all scenes
        before one comes again. A scene that lacks what the task needs gives its turn to the next.

        Raises:
            ValueError: the seed is none.
            SceneError: there is no room for an episode.
        """
        rng, _ = seeding.np_random(check_seed(seed))
        number, worlds = self.task.sample_world(rng), self.simulator.worlds
        turns = count(seed) if len(worlds) > 1 else repeat(number)
        found, _ = self._suitable(turn % len(worlds) for turn in turns)
        return self._draw(worlds[found], rng)

    def step(self, actions: NDArray, active: NDArray[np.bool_]) -> Outcome:
        """Let the active rows (E,) act and a step of time pass for them, and judge what came."""
        commands = self.task.act(actions, active)
        moved, collided = self.simulator.step(active, commands)
        self._steps += active
        last = active & (self._steps >= self.max_episode_steps)
        reward, terminated = self.task.judge(active, last, moved, collided)
        return Outcome(reward, terminated, last & ~terminated)

    def check_actions(self, actions: Any) -> NDArray:
        """Return actions (E, ...) as the task's kind of actions has them.

        Raises:
            ValueError: wrong shape or type, or out of range.
        """
        return self.task.actions.check(actions, self.num_envs)

    def observe(self, anew: bool = True) -> dict[str, NDArray]:
        """Return what every row sees and hears, in new arrays (E, ...).

        Args:
            anew: draw all pictures; else only those of rows in which something has changed.
        """
        return self.simulator.observe(anew)

    def info(self) -> dict[str, dict[str, NDArray]]:
        """Return metrics and ground truth, one array (E,) each."""
        return {"metrics": self.task.metrics(), "truth": self.task.truth()}

    def setting(self) -> dict[str, Any]:
        """Return what is told of the episodes under way, by row.

        ``instruction``: in words. ``answer``: what was told in the latest step, in words; empty
        where nobody asked. ``passed_over``: the homes of a set that lacked what the task
        needs, since the row's stream began.
        """
        words = tuple(self.simulator.state.instruction)
        passed_over = [turn.passed_over for turn in self._turns]
        answers = tuple(self.simulator.state.answer)
        told = {"instruction": words, "passed_over": np.array(passed_over, np.int64)}
        return told | {"answer": answers} if isinstance(self.task, Asking) else told

    def _sample(self, row: int) -> Episode:
        turn = self._turns[row]
        return self._ahead.take(row, turn) or self._next(turn)

    def _next(self, turn: Turn) -> Episode:
        """Return the episode of a turn, and move that on."""
        if turn.left == 0:
            drawn = iter(partial(self.task.sample_world, turn.stream), None)
            turn.scene, lacking = self._suitable(drawn)
            turn.passed_over += lacking
            turn.left = self._episodes_per_scene
        turn.left -= 1
        return self._draw(self.simulator.worlds[turn.scene], turn.stream)

    def _suitable(self, numbers: Iterable[int]) -> tuple[int, int]:
        """Return the first scene that has what the task needs, and how many do not before it.

        Raises:
            SceneError: ``MOST_PASSED_OVER`` scenes lack something.
        """
        for lacking, number in enumerate(numbers):
            try:
                if not self._declared:
                    self.task.check_world(self.simulator.worlds[number])
                return number, lacking
            except SceneError as error:
                if lacking + 1 == MOST_PASSED_OVER:
                    raise SceneError(
                        f"{MOST_PASSED_OVER} scenes in a row lack what {self.task.name} needs; the "
                        f"last: {error}"
                    ) from error
        raise AssertionError("the numbers never end")

    def _draw(self, world: World, rng: np.random.Generator) -> Episode:
        """Return an episode in a world."""
        if self._declared:
            rate = self.simulator.settings.sample_rate
            return draw(declared_episodes(world, self.task.name, rate), rng)
        return self.task.sample(rng, world)


def check_seed(seed: Any) -> int:
    """Return a seed; ``ValueError`` if it is no whole number or negative."""
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
        raise ValueError(f"seed is {seed!r}; accepted: a whole number from 0")
    return int(seed)


def _check_known(options: Mapping[str, Any], kind: Any) -> None:
    """Raise ``ValueError`` if there is an option that nobody knows."""
    mine = {
        "scenes",
        "sensors",
        "acoustics",
        "vision",
        "max_episode_steps",
        "episodes_per_scene",
        "episodes",
        "ahead",
        "oracle",
    }
    known = mine | set(RECORDS) | _names(SensorSettings) | _names(kind.Options)
    unknown = sorted(set(options) - known)
    if unknown:
        raise ValueError(
            f"unknown option {', '.join(unknown)}; {accepted(unknown[0], sorted(known))}"
        )


def _names(kind: type) -> set[str]:
    # The names of ``SensorSettings`` have an option of their own, ``sensors``.
    return {field.name for field in fields(kind)} - {"names"}


def _take(options: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return the options that are a dataclass's; ``ValueError`` where one is of another type."""
    own = {name: options[name] for name in sorted(_names(kind) & set(options))}
    check_types(kind, own)
    return own


def _check_backend(name: str, value: Any, backends: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` if there is no such backend, whether or not it will be used."""
    if not isinstance(value, str) or value not in backends:
        raise ValueError(f"{name} is {value!r}; {accepted(value, backends)}")
