"""Set questions in homes: no picture is drawn and no sound is made yet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avenv.core.errors import SceneError
from avenv.core.suggest import accepted
from avenv.simulation.loading import load_scene
from avenv_agents.questions.clips import Clip
from avenv_agents.questions.groups import Group
from avenv_agents.questions.question import LETTERS, SPLITS, Question
from avenv_agents.questions.stage import Stage
from avenv_agents.questions.templates import TEMPLATES

SHARES = {"train": 0.5, "val": 0.2, "test": 0.3}
"""Of all questions, in each split."""

HOMES = {
    split: tuple(f"homes:{split}/{k}" for k in range(count))
    for split, count in (("train", 1000), ("val", 50), ("test", 50))
}
"""Homes of each split; those of one are in no other."""

TRIES = 300
"""Poses that are tried in a home for one group."""


@dataclass(frozen=True)
class Planned:
    """Questions of one group, and the clips of each."""

    questions: tuple[Question, ...]
    clips: tuple[tuple[Clip, ...], ...]


def plan(
    count: int,
    seed: int = 0,
    homes: int = 20,
    only: Sequence[str] = (),
    scenes: Mapping[str, Sequence[str]] = HOMES,
) -> Iterator[Planned]:
    """Set questions, home by home; equal arguments give equal questions.

    Args:
        count: of questions, about; every template has as many.
        seed: of all that is drawn.
        homes: of each split; more where these do not have enough.
        only: templates; by default all.
        scenes: of each split, as ``load_scene`` takes them.

    Raises:
        ValueError: there is no such template, too few questions are asked for, or the homes of a
            split do not have so many.
    """
    for name in only:
        if name not in TEMPLATES:
            raise ValueError(f"template is {name!r}; {accepted(name, TEMPLATES)}")
    names = [name for name in TEMPLATES if not only or name in only]
    if count < 10 * len(names):
        raise ValueError(f"count is {count}; accepted: {10 * len(names)} or more")
    for split in SPLITS:
        wanted = dict.fromkeys(names, round(SHARES[split] * count / len(names)))
        yield from _plan_split(split, wanted, seed, homes, scenes[split])


def _plan_split(
    split: str, wanted: dict[str, int], seed: int, homes: int, scenes: Sequence[str]
) -> Iterator[Planned]:
    made = dict.fromkeys(wanted, 0)
    for number, reference in enumerate(scenes):
        if all(made[name] >= wanted[name] for name in wanted):
            return
        # The same share in every home, and what is missing in the next ones.
        share = min((number + 1) / min(homes, len(scenes)), 1.0)
        try:
            stage = Stage(load_scene(reference), reference, split)
        except SceneError:  # nobody can walk there
            continue
        for name in wanted:
            # Of its own, so that a further template changes no question of the others.
            stage.begin((seed, SPLITS.index(split), number, *name.encode()))
            due, tries = share * wanted[name], 0
            while made[name] < due and tries < TRIES:
                tries += 1
                group = TEMPLATES[name].make(stage)
                if group is not None:
                    yield _named(group, name, split, made[name], stage)
                    made[name] += len(group.members)
                    tries = 0
    lacking = [name for name in wanted if made[name] < wanted[name]]
    if lacking:
        raise ValueError(f"the homes of {split} have not enough places for: {', '.join(lacking)}")


def _named(group: Group, name: str, split: str, number: int, stage: Stage) -> Planned:
    """Return a group's questions, their options in any order where any will do."""
    template, questions = TEMPLATES[name], []
    # The same order throughout: then no letter is more often right than another either.
    order = list(range(len(group.options)))
    if template.shuffles:
        stage.rng.shuffle(order)
    for k, member in enumerate(group.members):
        clip = member.clips[0]
        turns = np.rad2deg(clip.turned(np.linspace(0, clip.seconds, round(clip.seconds * 8) + 1)))
        questions.append(
            Question(
                id=f"{split}-{name}-{number:05d}-{k}",
                split=split,
                axis=template.axis,
                template=name,
                level=group.level,
                senses=template.senses,
                question=member.question or group.question,
                options=tuple(group.options[row] for row in order),
                answer=LETTERS[order.index(member.answer)],
                group=f"{split}-{name}-{number:05d}",
                home=stage.reference,
                short=tuple(group.short[row] for row in order) if group.short else (),
                odometry=tuple(round(float(x), 1) for x in turns),
            )
        )
    return Planned(tuple(questions), tuple(member.clips for member in group.members))
