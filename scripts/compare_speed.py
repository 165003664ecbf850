"""Time full environment steps of this checkout against those of another, in turns.

    git worktree add ../before COMMIT
    python scripts/compare_speed.py ../before

Machines change their speed from minute to minute, so that only turns can be compared: CPU time of
a process for each round, of one commit and then of the other.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path

import click

HERE = Path(__file__).parents[1]

CHILD = """
import sys, time
import gymnasium as gym, numpy as np
import avenv

batch, steps = int(sys.argv[1]), int(sys.argv[2])
envs = gym.make_vec("avenv/AudioGoal-v0", num_envs=batch, scenes="apartment", sounds="phone",
                    sensors=("rgb", "depth", "audio", "spectrogram"), image_size=(128, 128))
envs.reset(seed=0)
rng = np.random.default_rng(0)
courses = rng.choice([1, 2, 3], (steps + 5, batch), p=[0.6, 0.2, 0.2])
for actions in courses[:5]:
    envs.step(actions)
start = time.process_time()
for actions in courses[5:]:
    envs.step(actions)
print(1000 * (time.process_time() - start) / steps / batch)
"""


def cpu_time(checkout: Path, batch: int, steps: int) -> float:
    """Return the milliseconds of CPU time per step and row in a fresh process."""
    path = os.pathsep.join([str(checkout), str(checkout / "agents")])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(batch), str(steps)],
        env=os.environ | {"PYTHONPATH": path}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(done.stdout.split()[-1])


@click.command()
@click.argument("other", type=click.Path(exists=True, file_okay=False))
@click.option("--rounds", default=7, show_default=True)
@click.option("--steps", default=60, show_default=True)
def main(other: str, rounds: int, steps: int) -> None:
    """Compare the CPU time of full steps (RGB-D 128², binaural, spectrogram) with OTHER's."""
    for batch in (16, 1):
        pairs = []
        for _ in range(rounds):
            count = steps if batch > 1 else 4 * steps
            pairs.append([cpu_time(path, batch, count) for path in (Path(other), HERE)])
        theirs, ours = zip(*pairs, strict=True)
        ratios = sorted(mine / other for other, mine in pairs)
        click.echo(
            f"batch {batch:>2}: {statistics.median(theirs):.2f} ms a row before, "
            f"{statistics.median(ours):.2f} now; ratio {statistics.median(ratios):.3f} "
            f"({ratios[0]:.3f} to {ratios[-1]:.3f})"
        )


if __name__ == "__main__":
    main()
