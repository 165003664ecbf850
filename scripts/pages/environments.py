"""A page for each environment of the registry."""

import inspect
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from avenv.benchmark.metrics import MEASURES
from avenv.envs import Env
from avenv.tasks import TASKS, find_task
from avenv.tasks.registry import find_registered

from .links import Links

SENSES = ("rgb", "depth", "audio", "spectrogram", "pose", "contact")
"""Sensors whose observations a page shows; a task's own are added."""

OWN = {
    "PointGoal": ("pointgoal", "pointgoal_with_gps_compass"),
    "AudioPointGoal": ("pointgoal", "pointgoal_with_gps_compass"),
}


def write(docs: Path, out: Path, links: Links) -> list[str]:
    """Write the pages into a folder, and an index of them; return their names."""
    out.mkdir(parents=True, exist_ok=True)
    told = (docs / "tasks.md").read_text()
    here = links.moved(told, docs / "tasks.md", out / "page.md")
    rows = []
    for name in TASKS:
        (out / f"{name}.md").write_text(page(name, here))
        kind = find_task(name)
        first = (kind.__doc__ or "").splitlines()[0]
        rows.append(f"| [{name}]({name}.md) | {first} | {kind.instruction} |")
    head = (
        '# Environments\n\nEach is `gymnasium.make("avenv/NAME-v0")`, or a batch of them by '
        "`make_vec`. What all share stands in [tasks](../tasks.md).\n\n"
        "| environment | | asks |\n|---|---|---|\n"
    )
    (out / "index.md").write_text(head + "\n".join(rows) + "\n")
    return list(TASKS)


def page(name: str, told: str) -> str:
    """Return the page of one environment, given the page on tasks."""
    kind, row = find_task(name), find_registered(name)
    section = re.search(rf"\n###? {name}\n(.*?)(?=\n##)", told, re.DOTALL)
    if section is None:
        raise ValueError(f"docs/tasks.md has no section on {name}")
    env: Any = Env(name, sensors=("contact",))
    names, limit = env.unwrapped.action_names, row.max_episode_steps
    env.reset(seed=0)
    metrics = env.unwrapped.batch.info()["metrics"]
    parts = [
        f"# {name}",
        f"> {kind.instruction}",
        film_of(name),
        re.sub(r"!\[[^\]]*\]\([^)]*\)\n*", "", section[1]).strip(),  # the film shows that picture
        "## Make it",
        f'```python\nimport gymnasium as gym, avenv\n\nenv = gym.make("avenv/{name}-v0", '
        f'sensors={SENSES[:3]!r})\nobservation, info = env.reset(seed=0)\n```',
        f"`avenv play --task {name}` lets you be the agent, `avenv demo --task {name}` films one. "
        f"An episode has {limit} actions at most, and takes place in `{row.scenes}` unless "
        "`scenes=` says otherwise.",
        "## Actions",
        table(("number", "action"), [(k, f"`{n}`") for k, n in enumerate(names)]),
        "## Observations",
        "What some sensors observe at their usual sizes; [observations](../observations.md) has "
        "them all.",
        spaces_of(name),
        "## Reward",
        reward_of(told),
        "## Metrics",
        f"Agents are compared by {', '.join(f'`{m}`' for m in kind.headline)}.",
        table(("metric", ""), [(f"`{m}`", MEASURES[m].says if m in MEASURES else "")
                               for m in metrics]),
        "## Options",
        options_of(kind.Options),
        "## Papers",
        inspect.cleandoc(inspect.getmodule(kind).__doc__ or ""),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def film_of(name: str) -> str:
    """Return a player of the film that ``films.write`` has made."""
    return (
        f'<video controls preload="none" width="640" src="{name}.mp4" poster="{name}.jpg" '
        f'aria-label="Film of {name}: the expert acts; what it sees, hears and where it is">'
        "</video>\n\nEight seconds of the expert, who knows the way, with the sound at its ears."
    )


def reward_of(told: str) -> str:
    """Return what the page on tasks says of the reward."""
    found = re.search(r"\*\*Reward\.\*\* (.*?)\n\n", told, re.DOTALL)
    assert found, "docs/tasks.md says nothing of the reward"
    return found[1] + " What this task adds stands above."


def spaces_of(name: str) -> str:
    """Return a table of observations: name, shape, type and range."""
    env: Any = Env(name, sensors=(*SENSES, *OWN.get(name, ())))
    rows = []
    for sensor, space in env.observation_space.spaces.items():
        low, high = getattr(space, "low", None), getattr(space, "high", None)
        between = "" if low is None else f"{low.min():g} to {high.max():g}"
        rows.append((f"`{sensor}`", str(space.shape), space.dtype, between))
    return table(("sensor", "shape", "type", "range"), rows)


def options_of(kind: type) -> str:
    """Return a table of a dataclass's fields, those of the classes it derives from included."""
    said: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        _, _, attributes = (one.__dict__.get("__doc__") or "").partition("Attributes:")
        for found in re.finditer(r"^ {8}([\w, ]+): (.*?)(?=^ {8}\w|\Z)", attributes + "\n",
                                 re.DOTALL | re.MULTILINE):  # fmt: skip
            words = " ".join(found[2].split()).replace("``", "`").replace("|", "\\|")
            said |= dict.fromkeys(found[1].split(", "), words)
    rows = []
    for field in fields(kind):
        default = field.default
        if default is MISSING and field.default_factory is not MISSING:
            default = field.default_factory()
        shown = "required" if default is MISSING else f"`{default!r}`"
        rows.append((f"`{field.name}`", shown, said.get(field.name, "")))
    return table(("option", "default", ""), rows)


def table(heads: tuple[str, ...], rows: list[tuple]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
