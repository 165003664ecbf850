"""Play the actions of results again: what they were worth, and which way they led.

Bodies move in float64, whatever they see or hear, so that no eye and no ear is needed and the
agent neither: a claim can be checked by anybody, quickly.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from tqdm import tqdm

from avenv.benchmark.evaluate import drawn_trials, plain, trials_of
from avenv.benchmark.journal import differences
from avenv.benchmark.player import Trial, in_turn, play
from avenv.benchmark.results import SUMMARY, Results, read_results, set_of
from avenv.envs.vector import BatchEnv
from avenv.simulation.worlds import load_worlds
from avenv.tasks.episode import Episode
from avenv.tasks.registry import find_registered

TOLERANCE = 1e-6
"""By which metrics may differ between kinds of processors, relative and absolute."""


class FalseResultsError(ValueError):
    """Results are not what playing their actions again brings."""


@dataclass(frozen=True)
class Replayed:
    """An episode that was played again.

    Attributes:
        episode: that it was.
        result: ``metrics``, and the ``actions`` that there was time for; an ``error`` where there
            were no more actions before it was over.
        path: (N, 2) where the body was, world metres.
        marks: where the goal was in the end, (2,) each.
    """

    episode: Episode
    result: Mapping[str, Any]
    path: NDArray[np.float64]
    marks: Sequence[NDArray[np.float64]]


class _Script:
    """Acts as written down; a seed is the number of an episode."""

    sensors = ("contact",)
    rows = None
    privilege = "what to do"

    def __init__(self, envs: BatchEnv, actions: Mapping[int, Sequence[Any]]):
        self._envs, self._actions = envs, actions
        self._nothing = self._no_action()
        self.row: dict[int, int] = {}
        self.paths: dict[int, list[NDArray[np.float64]]] = {}
        self._left: list[Any] = [iter(()) for _ in range(envs.num_envs)]

    def _no_action(self) -> Any:
        shape = self._envs.single_action_space.shape or ()
        return np.full(shape, np.nan) if shape else -1

    def reset(self, row: int, seed: int) -> None:
        self.row[seed] = row
        self.paths[seed] = []
        self._left[row] = iter(self._actions[seed])

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray:
        for number in self.row:
            self.note(number)
        active = info["active"].tolist()
        chosen = [
            next(left, self._nothing) if on else self._nothing
            for left, on in zip(self._left, active, strict=True)
        ]
        return np.array(chosen)

    def note(self, number: int) -> None:
        """Take note of where the body of an episode is."""
        self.paths[number].append(
            self._envs.batch.simulator.state.position[self.row[number]].copy()
        )


def replay(
    results: Results, numbers: Iterable[int] | None = None, num_envs: int = 8, progress: bool = True
) -> dict[int, Replayed]:
    """Play the actions of results again.

    Args:
        results: as ``read_results`` returns them.
        numbers: of the episodes; by default all.
        num_envs: episodes played at once.
        progress: show a progress bar.

    Raises:
        ValueError: the episode set is not here or another, or the scenes have no names.
    """
    actions = {record["number"]: record["actions"] for record in results.episodes}
    wanted = set(actions if numbers is None else numbers)
    trials, options = staged(results)
    chosen = [replace(t, seed=t.number) for t in in_turn(trials) if t.number in wanted]
    if not chosen:
        return {}
    envs = BatchEnv(
        results.heading["task"],
        min(num_envs, len(chosen)),
        autoreset_mode=AutoresetMode.DISABLED,
        **{"scenes": chosen[0].place, **options, "sensors": _Script.sensors},
    )
    script = _Script(envs, actions)
    played: dict[int, Replayed] = {}
    bar = tqdm(total=len(chosen), desc="playing again", unit="episode", disable=not progress)

    def scripted(_: Any) -> _Script:
        return script

    scripted.rows, scripted.privilege = None, _Script.privilege  # type: ignore[attr-defined]
    with bar:
        for trial, episode, result in play(envs, scripted, chosen, on_error="fail"):
            script.note(trial.number)
            row = script.row.pop(trial.number)
            marks = [np.array(mark) for mark in envs.batch.task.marks(row)]
            path = np.array(script.paths.pop(trial.number))
            played[trial.number] = Replayed(episode, result, path, marks)
            bar.update()
    envs.close()
    return played


def staged(results: Results) -> tuple[list[Trial], dict[str, Any]]:
    """Return the episodes that results are of, and the options of their environment.

    Raises:
        ValueError: the episode set is not here or another, or the scenes have no names.
    """
    heading = results.heading
    rules = dict(heading["rules"])
    found = set_of(results)
    if found is not None:
        if differ := differences(rules, plain(found.rules)):
            raise FalseResultsError(f"the rules are not those of {found.name}: {', '.join(differ)}")
        chosen = found.split(heading["set"]["split"])[: heading["episodes"]]
        return trials_of(chosen, heading["agent"]["seed"]), rules
    scenes = rules.get("scenes", find_registered(heading["task"]).scenes)
    names = scenes if isinstance(scenes, list) else [scenes]
    if not all(isinstance(name, str) for name in names):
        raise ValueError("the scenes were given as objects; accepted to play again: by names")
    worlds = load_worlds(names)
    trials = drawn_trials(heading["agent"]["seed"], heading["episodes"], len(worlds))
    return trials, rules | {"scenes": worlds}


def check_results(folder: str | Path, num_envs: int = 8, progress: bool = True) -> Results:
    """Play the actions in a folder of results again and compare all that it says.

    Returns:
        the results, if they are true.

    Raises:
        FalseResultsError: they are not; the message names the first false episode.
        ValueError: there are no results, of another version, or their set is not here.
    """
    results = read_results(folder)
    if not results.is_whole:
        raise FalseResultsError(
            f"{folder} has {len(results.episodes)} of {results.heading['episodes']} episodes"
        )
    trials, _ = staged(results)
    about = {trial.number: trial.about for trial in trials}
    played = replay(results, num_envs=num_envs, progress=progress)
    for record in results.episodes:
        number = record["number"]
        if number not in played:
            raise FalseResultsError(f"{folder}: there is no episode {number} in the set")
        if false := _difference(record, about[number], played[number]):
            name = record.get("id", number)
            raise FalseResultsError(f"{folder}: the episode {name} is false: {false}")
    path = Path(folder) / SUMMARY
    if path.exists():
        said = json.loads(path.read_text(encoding="utf-8"))
        own = json.loads(json.dumps(results.summary()))
        if differ := differences(own, said):
            raise FalseResultsError(
                f"{path} is not what the episodes sum up to: {', '.join(differ[:3])}"
            )
    return results


def _difference(record: Mapping[str, Any], about: Mapping[str, Any], own: Replayed) -> str:
    """Return what a record says otherwise than its actions, in words; empty: nothing."""
    expected = {"scene": own.episode.scene.name, **(about or {"episode": own.episode.to_dict()})}
    for name, value in expected.items():
        if json.loads(json.dumps(value)) != record.get(name):
            return f"its {name} is not that of the episode"
    was_error, is_error = "error" in record, "error" in own.result
    if is_error and not was_error:
        return "its actions end before it is over"
    if len(own.result["actions"]) != len(record["actions"]):
        return f"it is over after {len(own.result['actions'])} of its actions"
    if was_error and not is_error:
        return "it says that the agent failed, and it did not"
    metrics, said = own.result["metrics"], record["metrics"]
    for name in [*metrics, *(set(said) - set(metrics))]:
        if name not in said or name not in metrics:
            return f"{name} is one of {'the task' if name in metrics else 'its own'} only"
        if not np.isclose(said[name], metrics[name], TOLERANCE, TOLERANCE, equal_nan=True):
            return f"{name} is {said[name]:.6g} there, and {metrics[name]:.6g} by its actions"
    return ""
