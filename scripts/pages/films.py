"""A short film of each task, in which its expert acts: seen, heard and followed on the plan."""

import inspect
import shutil
from pathlib import Path

from avenv.benchmark import find_agent
from avenv.core.sources import digest_of, sources_of
from avenv.recording import film
from avenv.tasks import TASKS, find_task
from avenv_agents import baselines

STEPS = 32
"""Actions of a film: eight seconds."""

AGENTS = baselines.__file__
"""Where the expert is, which is found by its name."""

SEED = 1
"""Of the episodes, as in scripts/make_pictures_tasks.py."""


def write(docs: Path, out: Path, kept: Path, names: tuple[str, ...] = tuple(TASKS)) -> None:
    """Put the films of tasks into a folder, and the pictures that stand for them until they run.

    Those in the folder ``kept`` are used again if they were made by the same code.
    """
    for folder in (out, kept):
        folder.mkdir(parents=True, exist_ok=True)
    expert = find_agent("oracle")
    for name in names:
        task = inspect.getfile(find_task(name))
        made_by = digest_of(sources_of(film.__file__, __file__, task, AGENTS))
        path = kept / f"{name}-{made_by}.mp4"
        if not path.exists():
            for old in kept.glob(f"{name}-*.mp4"):
                old.unlink()
            draft = kept / f".{name}.mp4"
            film.record_episode(
                expert, draft, seed=SEED, progress=False, task=name, sensors=("audio",),
                max_episode_steps=STEPS,
            )  # fmt: skip
            draft.replace(path)
        shutil.copyfile(path, out / f"{name}.mp4")
        shutil.copyfile(docs / "images" / f"task_{name}.jpg", out / f"{name}.jpg")
