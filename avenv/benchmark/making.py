"""How episode sets are made: every home in turn, and of many episodes those whose kind is lacking.

A recipe (``episode_sets/recipes.yaml``) says which task, rules, homes and sounds. The random
streams of a set have seeds of 128 bits and more, which no ``reset(seed=...)`` of a training draws,
so that its episodes are new in homes that training knows, too. What is finished is written down
home by home: a run that was stopped goes on where it was.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from tqdm import tqdm

from avenv.acoustics import AcousticSettings
from avenv.benchmark.journal import Journal
from avenv.benchmark.sets import FOLDER, EpisodeSet, SetEpisode, episode_id
from avenv.benchmark.strata import SHARES, strata_of
from avenv.core.errors import SceneError
from avenv.core.files import read_limited
from avenv.core.plain_yaml import MAX_BYTES, parse_yaml
from avenv.core.records import as_record
from avenv.core.suggest import accepted
from avenv.envs.batch import Batch
from avenv.scene.homes import find_homes, home_reference
from avenv.simulation.body import Body
from avenv.simulation.loading import load_scene
from avenv.simulation.settings import SensorSettings
from avenv.simulation.world import World
from avenv.tasks import find_task
from avenv.tasks.episode import Episode
from avenv.tasks.registry import find_registered

PASSES = 20
"""Rounds through the homes in which those that have room make up for those that have none."""

_ONE = np.ones(1, bool)


@dataclass(frozen=True)
class SplitRecipe:
    """One split: ``each`` episodes in every cell of sounds and ``homes``, references by group."""

    each: int
    homes: Mapping[str, str]


@dataclass(frozen=True)
class Recipe:
    """How a set is made; see ``episode_sets/recipes.yaml``.

    Attributes:
        name: of the set.
        task: a name in ``avenv.tasks.TASKS``.
        rules: options of the environment that differ from the usual.
        sounds: options of the environment, by group of sounds.
        splits: by name.
        previous_reward: whether agents are told their rewards.
        candidates: episodes that are drawn for one that is kept.
    """

    name: str
    task: str
    rules: Mapping[str, Any]
    sounds: Mapping[str, Mapping[str, Any]]
    splits: Mapping[str, SplitRecipe]
    previous_reward: bool = False
    candidates: int = 8


def recipe_names() -> tuple[str, ...]:
    """Return the names of the sets that there are recipes for, sorted."""
    return tuple(sorted(set(_recipes()) - {"usual"}))


def find_recipe(name: str) -> Recipe:
    """Return the recipe of a set.

    Raises:
        ValueError: there is none, or it is malformed.
    """
    if name not in recipe_names():
        raise ValueError(f"set is {name!r}; {accepted(name, recipe_names())}")
    known = _recipes()
    data = {"name": name, **known["usual"], **known[name]}
    each = data.pop("each")
    data["splits"] = {
        split: as_record(f"{name}: splits.{split} is", {"each": each, **one}, SplitRecipe)
        for split, one in data["splits"].items()
    }
    return as_record(f"{name} is", data, Recipe)


def _recipes() -> dict[str, Any]:
    return parse_yaml(read_limited(FOLDER / "recipes.yaml", MAX_BYTES).decode())


def make_set(
    recipe: Recipe,
    work: Path,
    command: str = "",
    workers: int = 1,
    progress: bool = True,
    only: Sequence[str] = (),
) -> EpisodeSet:
    """Make a set, or what is lacking of it.

    Args:
        recipe: how.
        work: folder for what is finished; with it a later call goes on.
        command: to stand in the file.
        workers: processes; the set does not depend on them.
        progress: show bars.
        only: splits to make; by default all. What is made of one does not depend on the others.

    Raises:
        ValueError: what is in ``work`` is of another recipe, or it has no such split.
        SceneError: no home of a group has room for an episode of the task.
    """
    for split in only:
        if split not in recipe.splits:
            raise ValueError(f"split is {split!r}; {accepted(split, recipe.splits)}")
    chosen = {split: one for split, one in recipe.splits.items() if split in (only or [split])}
    chains = [(split, group) for split, one in chosen.items() for group in one.homes]
    grow = partial(_grow, recipe, work, progress)
    if workers == 1:
        grown = list(map(grow, chains, range(len(chains))))
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            grown = list(pool.map(grow, chains, range(len(chains))))
    of_chain = dict(zip(chains, grown, strict=True))
    splits = {
        split: _woven([of_chain[split, group] for group in one.homes], split)
        for split, one in chosen.items()
    }
    return EpisodeSet(
        recipe.name, recipe.task, rules_of(recipe), splits, command, recipe.previous_reward
    )


def rules_of(recipe: Recipe) -> dict[str, Any]:
    """Return all rules of a set, those that are as usual written out.

    So that a later release, whose usual ones differ, plays by the same.
    """
    kind = find_task(recipe.task)
    chosen = {option for options in recipe.sounds.values() for option in options}
    plain = kind.Options(**{k: v for k, v in recipe.rules.items() if k in _names(kind.Options)})
    return {
        "max_episode_steps": find_registered(recipe.task).max_episode_steps,
        "step_time": SensorSettings.step_time,
        "light": SensorSettings.light,
        "acoustics": "native",
        "propagation": asdict(AcousticSettings()),
        "body": asdict(Body()) | {"hands": list(Body().hands)},
        **{
            name: getattr(plain, name)
            for name in sorted(_names(kind.Options) - chosen)
            if isinstance(getattr(plain, name), str | int | float | None)
        },
        **recipe.rules,
    }


def _names(kind: type) -> set[str]:
    return {field.name for field in fields(kind)}


def _woven(chains: list[list[SetEpisode]], split: str) -> tuple[SetEpisode, ...]:
    """Return the episodes of some groups in turn, so that any beginning of a split has of all."""
    woven = [one for row in zip(*chains, strict=True) for one in row]
    return tuple(replace(one, id=episode_id(split, k)) for k, one in enumerate(woven))


# -- one group of homes ----------------------------------------------------------------------------


def _grow(
    recipe: Recipe, work: Path, progress: bool, chain: tuple[str, str], position: int
) -> list[SetEpisode]:
    """Return the episodes of one split in one group of homes, in turns of the homes."""
    split, group = chain
    one = recipe.splits[split]
    homes = find_homes(one.homes[group])
    heading = {"set": asdict(recipe), "split": split, "homes": group, "rules": rules_of(recipe)}
    log = Journal(work / f"{recipe.name}-{split}-{group}.jsonl", heading)
    balance = {sounds: _Balance() for sounds in recipe.sounds}
    bar = tqdm(total=len(homes), desc=f"{split} {group}", unit="home", position=position,
               disable=not progress)  # fmt: skip
    made: list[dict[str, list[SetEpisode]]] = [{} for _ in homes.numbers]
    able, lacking = list(range(len(homes))), one.each
    with log, bar:
        for turn in range(PASSES):
            if lacking == 0:
                break
            if not able:
                raise SceneError(f"{one.homes[group]}: no home has room for {recipe.task}")
            quotas = _shared(lacking, len(able))
            for quota, k in zip(quotas, list(able), strict=True):
                number = turn * len(homes) + k
                if quota and number not in log.records:
                    name = home_reference(homes.split, homes.numbers[k])
                    log.add(number, _in_home(recipe, chain, name, turn, quota, balance))
                found = _read(log.records[number]) if quota else {}
                for sounds, episodes in found.items():
                    for episode in episodes:
                        balance[sounds].count(episode.strata)
                    made[k].setdefault(sounds, []).extend(episodes)
                if quota and not any(found.values()):
                    able.remove(k)
                lacking -= len(next(iter(found.values()), []))
                bar.update(turn == 0)
    if lacking:
        raise SceneError(f"{one.homes[group]}: {lacking} episodes of {recipe.task} found no room")
    return list(_in_turns(made, list(recipe.sounds)))


def _shared(count: int, homes: int) -> list[int]:
    """Return how many of ``count`` each home gets, as equal as can be, the first ones more."""
    return [count // homes + (k < count % homes) for k in range(homes)]


def _in_turns(made: list[dict[str, list[SetEpisode]]], sounds: list[str]) -> Iterator[SetEpisode]:
    """Yield the first episodes of all homes, then their second ones; sounds alternate."""
    most = max((len(x) for found in made for x in found.values()), default=0)
    for k in range(most):
        for found in made:
            for group in sounds:
                if k < len(found.get(group, [])):
                    yield found[group][k]


class _Balance:
    """Counts of the groups of strata; says how much an episode of some is wanted."""

    def __init__(self, counts: Mapping[str, Counter[str]] | None = None) -> None:
        self._counts = defaultdict(Counter, {k: Counter(v) for k, v in (counts or {}).items()})

    def copy(self) -> "_Balance":
        """Return another one that counts on by itself."""
        return _Balance(self._counts)

    def count(self, strata: Mapping[str, str]) -> None:
        """Count an episode of these groups."""
        for kind, group in strata.items():
            self._counts[kind][group] += 1

    def excess(self, strata: Mapping[str, str]) -> float:
        """Return how far the groups of an episode are ahead of their shares: little is wanted."""
        excess = 0.0
        for kind, shares in SHARES.items():
            if kind in strata:
                counts = self._counts[kind]
                excess += counts[strata[kind]] / shares[strata[kind]]
        return excess


def _in_home(
    recipe: Recipe,
    chain: tuple[str, str],
    name: str,
    turn: int,
    quota: int,
    balance: Mapping[str, _Balance],
) -> dict[str, Any]:
    """Return as many episodes in one home for each group of sounds, as the journal keeps them."""
    world = load_scene(name)
    found: dict[str, list[dict[str, Any]]] = {}
    for sounds, options in recipe.sounds.items():
        try:
            batch = Batch(
                recipe.task, scenes=world, sensors=("pose",), **{**rules_of(recipe), **options}
            )
        except SceneError:  # it lacks what the task needs
            return {"episodes": {}}
        found[sounds] = []
        counts = balance[sounds].copy()
        for k in range(quota):
            about = f"{recipe.name}/{'/'.join(chain)}/{sounds}/{name}"
            seed = np.random.SeedSequence(crc32(about.encode()), spawn_key=(turn, k))
            rng = np.random.default_rng(seed)
            best = _best(batch, world, rng, counts, recipe.candidates)
            if best is None:
                return {"episodes": {}}  # of a home, all groups of sounds or none
            episode, strata = best
            counts.count(strata)
            strata = {"sounds": sounds, "homes": chain[1], **strata}
            found[sounds].append({"episode": episode.to_dict(), "strata": strata})
    return {"episodes": found}


def _best(
    batch: Batch,
    world: World,
    rng: np.random.Generator,
    balance: _Balance,
    candidates: int,
) -> tuple[Episode, dict[str, str]] | None:
    """Return the most wanted episode of some that an expert solves; None if there is no room."""
    drawn = []
    for _ in range(candidates):
        try:
            episode = batch.task.sample(rng, world)
        except SceneError:
            continue
        drawn.append((episode, strata_of(batch.task, world, episode)))
    drawn.sort(key=lambda one: balance.excess(one[1]))
    for episode, strata in drawn:
        solved = solve(batch, episode)
        if solved is not None:
            return solved, strata
    return None


def solve(batch: Batch, episode: Episode) -> Episode | None:
    """Return an episode with what the task's oracle does in it, or None if that does not succeed.

    Args:
        batch: of one environment.
        episode: to play.
    """
    batch.reset([0], {0: episode})
    names = []
    while True:
        try:
            action = batch.task.oracle_action(0)
        except NotImplementedError:
            return episode
        names.append(batch.task.actions.names[action])
        _, terminated, truncated = batch.step(np.array([action]), _ONE)
        if terminated[0] or truncated[0]:
            break
    if batch.task.metrics()["success"][0] != 1:
        return None
    return replace(batch.task.episodes[0], expert=tuple(names))  # with its distances


def _read(record: Mapping[str, Any]) -> dict[str, list[SetEpisode]]:
    return {
        sounds: [SetEpisode("", Episode.from_dict(x["episode"]), x["strata"]) for x in episodes]
        for sounds, episodes in record["episodes"].items()
    }
