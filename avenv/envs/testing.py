"""The contract that every environment keeps, as a class for pytest to inherit.

For a task, a scene or a sensor of your own::

    from avenv.envs.testing import EnvContract

    class TestMine(EnvContract):
        id = "avenv/MyTask-v0"
        options = {"scenes": "my_flat.yaml", "sensors": ("audio", "my_sensor")}

A method that finds a breach says which promise is broken.
"""

import copy
import json
import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from avenv.core import parallel
from avenv.envs.env import Env
from avenv.envs.vector import BatchEnv

STEPS = 8
"""Actions that are compared."""


class EnvContract:
    """Tests of one environment, single and vector.

    Attributes:
        id: of the environment.
        options: what it is made with.
    """

    id: ClassVar[str] = "avenv/AudioGoal-v0"
    options: ClassVar[dict[str, Any]] = {}

    def make(self) -> Env:
        """Return a new single environment."""
        env = gym.make(self.id, disable_env_checker=True, **self.options).unwrapped
        assert isinstance(env, Env)
        return env

    def make_vec(self, num_envs: int, **options: Any) -> BatchEnv:
        """Return a new vector environment."""
        envs = gym.make_vec(self.id, num_envs=num_envs, **{**self.options, **options})
        assert isinstance(envs, BatchEnv)
        return envs

    def test_gymnasiums_checker_has_nothing_to_say(self) -> None:
        """``check_env`` passes without a warning."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # A state between float32 and what a Box rounds to is no concern of the contract.
            warnings.filterwarnings("ignore", message=".*Box.*(low|high).*")
            check_env(self.make(), skip_render_check=True)

    def test_observations_lie_in_their_space(self) -> None:
        """Every observation is one of the space's, and every reward is a finite number."""
        env = self.make()
        for record in course(env, seed=1):
            assert record[0] in env.observation_space
            if len(record) > 2:
                assert np.isfinite(record[1])

    def test_the_same_seed_gives_the_same_bits(self) -> None:
        """Two environments with one seed cannot be told apart; another seed differs."""
        first, again = course(self.make(), seed=2), course(self.make(), seed=2)
        assert_same(first, again)
        other = course(self.make(), seed=3)
        assert first[0][1]["setup"] != other[0][1]["setup"]

    def test_threads_change_no_bit(self) -> None:
        """One thread gives what two give."""
        records = []
        try:
            for threads in (1, 2):
                parallel.set_num_threads(threads)
                records.append(course(self.make_vec(3), seed=3))
        finally:
            parallel.set_num_threads(None)
        assert_same(*records)

    def test_a_row_is_a_single_environment(self) -> None:
        """Row i of a batch with seed s is a single environment with seed s + i."""
        together = course(self.make_vec(3), seed=4, alike=True)
        alone = course(self.make(), seed=6)
        for both, one in zip(together, alone, strict=True):
            assert_same({name: value[2] for name, value in both[0].items()}, one[0])
            if len(one) > 2:
                assert both[1][2] == one[1]
                if one[2] or one[3]:
                    break  # from here on the row begins anew by itself

    def test_an_episode_travels_as_json(self) -> None:
        """The setup of an episode begins it again: elsewhere, and in any row."""
        env = self.make()
        record = course(env, seed=5)
        setup = json.loads(json.dumps(record[0][1]["setup"]))
        again = course(self.make(), options={"episode": setup})
        assert_same([r[0] for r in record], [r[0] for r in again])
        envs = self.make_vec(4)
        envs.reset(seed=0)
        rows = course(envs, options={"episodes": [None, None, None, setup]}, alike=True)
        for both, one in zip(rows, record, strict=True):
            assert_same({name: value[3] for name, value in both[0].items()}, one[0])
            if len(one) > 2 and (one[2] or one[3]):
                break

    def test_copies_go_on_identically(self) -> None:
        """A deep copy and a pickled copy do what the original does."""
        env = self.make()
        course(env, seed=6, steps=3)
        copies = copy.deepcopy(env), pickle.loads(pickle.dumps(env))
        record = course(env, steps=4)
        for other in copies:
            assert_same(record, course(other, steps=4))

    def test_observations_are_not_overwritten(self) -> None:
        """What a step has returned stays as it is."""
        env = self.make()
        observation, _ = env.reset(seed=7)
        kept = copy.deepcopy(observation)
        env.step(_moves(env)[0])
        assert_same(observation, kept)

    def test_a_finished_row_begins_anew(self) -> None:
        """Each mode of autoreset keeps Gymnasium's rules."""
        for mode in AutoresetMode:
            envs = self.make_vec(2, autoreset_mode=mode, max_episode_steps=2)
            envs.reset(seed=8)
            action = np.stack([_moves(envs)[0]] * 2)
            envs.step(action)
            _, _, terminated, truncated, info = envs.step(action)
            assert (terminated | truncated).all()
            if mode == AutoresetMode.SAME_STEP:
                assert info["_final_obs"].all()
            elif mode == AutoresetMode.NEXT_STEP:
                _, reward, terminated, truncated, _ = envs.step(action)
                assert not reward.any()
                assert not (terminated | truncated).any()

    def test_what_cannot_be_is_refused(self) -> None:
        """Unknown options and actions outside the space are errors that say what is accepted."""
        for bad in ({"no_such_option": 1}, {"sensors": ("no_such_sensor",)}):
            with _refusal():
                gym.make(self.id, **{**self.options, **bad})
        env = self.make()
        env.reset(seed=9)
        with _refusal():
            env.step(-1)


@contextmanager
def _refusal() -> Iterator[None]:
    """Assert that a ``ValueError`` is raised that says what would be accepted."""
    said = ""
    try:
        yield
    except ValueError as error:
        said = str(error)
    assert "accepted" in said, said or "nothing was raised"


def course(
    env: Any,
    seed: int | None = None,
    options: dict[str, Any] | None = None,
    steps: int = STEPS,
    alike: bool = False,
) -> list[Any]:
    """Return what ``reset`` and a fixed course of moves return, a record each.

    Args:
        env: single or vector.
        seed: to begin with; with neither a seed nor options the episode under way goes on.
        options: of the reset.
        steps: how many.
        alike: whether all rows of a vector environment act as a single one would.
    """
    record: list[Any] = []
    if seed is not None or options is not None:
        record.append(env.reset(seed=seed, options=options))
    rng = np.random.default_rng(0)
    moves = _moves(env)
    for _ in range(steps):
        choice = rng.integers(len(moves))
        action = moves[choice]
        if isinstance(env, BatchEnv):
            rows = range(env.num_envs)
            action = np.stack([moves[(choice + (0 if alike else k)) % len(moves)] for k in rows])
        record.append(env.step(action))
        if not isinstance(env, BatchEnv) and (record[-1][2] or record[-1][3]):
            break
    return record


def _moves(env: Any) -> list[Any]:
    """Return actions that end nothing: ahead, to the left and to the right."""
    actions = env.batch.task.actions
    return [actions.encode(number) for number in (1, 2, 3)]


def assert_same(a: Any, b: Any) -> None:
    """Assert that two nested structures of arrays are equal to the bit."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, tuple | list):
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    else:
        np.testing.assert_array_equal(a, b)
