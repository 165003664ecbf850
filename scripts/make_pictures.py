"""Make the README's picture again: `python scripts/make_pictures.py`."""

from pathlib import Path

import click
import numpy as np
from PIL import Image

from avenv.drawing.screen import Screen
from avenv.envs.vector import BatchEnv

FOLDER = Path(__file__).parents[1] / "docs" / "images"


def demo(seed: int = 0, steps: int = 24) -> np.ndarray:
    """Return the panel of the demonstration after some steps of the oracle."""
    envs = BatchEnv(num_envs=1, scenes="apartment", goals="sources", sounds="scene")
    screen = Screen(envs.batch.simulator, envs.batch.task)
    envs.reset(seed=seed)
    screen.begin(0)
    for _ in range(steps):
        envs.step(envs.oracle_actions())
        screen.follow(0)
    return screen.picture(0)


@click.command(help=__doc__)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    help="Folder of the pictures; default: docs/images.",
)
def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    Image.fromarray(demo()).save(out / "demo.png", optimize=True)


if __name__ == "__main__":
    main()
