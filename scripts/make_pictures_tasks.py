"""Make the pictures of the tasks again: `python scripts/make_pictures_tasks.py [TASK ...]`."""

from pathlib import Path

import click
import numpy as np
from PIL import Image

from avenv.drawing.screen import Screen
from avenv.envs.vector import BatchEnv
from avenv.tasks import TASKS

FOLDER = Path(__file__).parents[1] / "docs" / "images"
SHARE = 0.6
"""Of the expert's actions, after which a picture is taken."""
SHARES = {"FollowMe": 0.358}
"""Those of tasks where there is more to see at another time: the person is in sight."""


def play(envs: BatchEnv, screen: Screen, seed: int, most: float = np.inf) -> int:
    """Let the expert play an episode, or so many actions of it, and return how many it took."""
    envs.reset(seed=seed)
    screen.begin(0)
    steps, over = 0, False
    while not over and steps < most:
        *_, terminated, truncated, _ = envs.step(envs.oracle_actions())
        over = bool(terminated[0] or truncated[0])
        screen.follow(0)
        steps += 1
    return steps


def moment(task: str, seed: int, share: float) -> np.ndarray:
    """Return the panel when the expert has taken a share of the actions that it needs."""
    envs = BatchEnv(task, 1, sensors=("audio",), autoreset_mode="Disabled")
    screen = Screen(envs.batch.simulator, envs.batch.task)
    play(envs, screen, seed, share * play(envs, screen, seed))
    return screen.picture(0)


@click.command(help=__doc__)
@click.argument("tasks", nargs=-1)
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--share",
    type=float,
    help=f"Of the expert's actions; default: {SHARE}, or when there is most to see.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    help="Folder of the pictures; default: docs/images.",
)
def main(tasks: tuple[str, ...], seed: int, share: float | None, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for task in tasks or TASKS:
        when = SHARES.get(task, SHARE) if share is None else share
        picture = Image.fromarray(moment(task, seed, when))
        picture.save(out / f"task_{task}.jpg", quality=80, optimize=True)
        print(f"wrote {out / f'task_{task}.jpg'}", flush=True)


if __name__ == "__main__":
    main()
