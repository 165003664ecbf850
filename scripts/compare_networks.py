"""Fusions, memories, ears and controls at equal steps: `python scripts/compare_networks.py`.

Policies of different parts learn the same small task, by DAgger, for as many steps each: find what
sounds in a flat of two rooms. All are then judged on the same episodes; differences to the first
are of episode by episode and seed by seed, with 95 % intervals of a bootstrap that draws seeds and
episodes anew.

Results are kept in a folder, a training and a file each: a run that is interrupted goes on.
"""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from avenv.benchmark import Impaired, evaluate, find_agent
from avenv.core import parallel
from avenv.core.files import draft_of
from avenv.scene import SceneBuilder
from avenv_agents.config import TrainingConfig
from avenv_agents.learning import train

METRICS = ("success", "spl", "num_actions")
PARTS = {
    "encoders": {
        "eyes": {"features": 64},
        "binaural_ears": {"features": 128, "hidden": 128},
        "pose": None,
        "contact": None,
        "previous_action": None,
    },
    "features": 128,
    "memory_options": {"features": 128},
}
OTHER_EARS = {
    name: ({"weights": "homes"} if name == "belief_ears" else options)
    for name, options in {"belief_ears": None, **PARTS["encoders"]}.items()  # type: ignore[dict-item]
}
FIRST = "concatenation, GRU, binaural ears"
VARIANTS: dict[str, dict[str, Any]] = {
    FIRST: {},
    "side by side": {"policy": {"fusion": "side_by_side"}},
    "gating": {"policy": {"fusion": "gating"}},
    "FiLM": {"policy": {"fusion": "film"}},
    "attention": {"policy": {"fusion": "attention"}},
    "bottleneck": {"policy": {"fusion": "bottleneck"}},
    "no memory": {"policy": {"memory": "none", "memory_options": {}}},
    "four frames": {"policy": {"memory": "frames", "memory_options": {}}},
    "scene memory": {
        "policy": {"memory": "transformer", "memory_options": {"features": 128, "length": 32}}
    },
    "with the ear from homes": {"policy": {"encoders": OTHER_EARS}},
    "trained deaf": {"control": "deaf"},
    "trained blind": {"control": "blind"},
    "trained with a perfect ear": {"control": "perfect_ear"},
}
"""What differs from the first."""
AFTER = "PPO after it"
LOST = ("deaf", "blind", "mono", "swapped")
"""What the first is deprived of once it has learned."""


def flat(folder: Path) -> Path:
    """Write two rooms with a doorway between them and return the file."""
    builder = SceneBuilder("flat")
    left = builder.room("left", size=(4, 4))
    right = builder.room("right", size=(4, 4), at=(4, 0))
    builder.door(left, right)
    file = folder / "flat.yaml"
    builder.build().save(file)
    return file


def configuration(scene: Path, steps: int, changes: Mapping[str, Any], seed: int) -> TrainingConfig:
    """Return the training of a variant."""
    return TrainingConfig(
        env={
            "scenes": str(scene),
            "sounds": "builtin:heard",
            "sensors": ["depth", "binaural", "pose", "contact"],
            "image_size": [40, 40],
            "max_episode_steps": 100,
            "propagation": {"rays": 1024},
        },
        num_envs=16,
        total_steps=steps,
        seed=seed,
        checkpoint_every=10 * steps,
        method="dagger",
        policy={**PARTS, **changes.get("policy", {})},
        dagger={"rollout_steps": 32, "batches": 8, "sequences": 32, "learning_rate": 0.001,
                "auxiliary": 0.3},
        control=changes.get("control"),
    )  # fmt: skip


def reinforced(before: TrainingConfig, steps: int, weights: Path) -> TrainingConfig:
    """Return a training by PPO that goes on from what DAgger has taught."""
    return TrainingConfig(
        env=before.env, num_envs=16, total_steps=steps, seed=before.seed + 1, method="ppo",
        checkpoint_every=10 * steps, policy=before.policy, start_from=str(weights),
        ppo={"rollout_steps": 64, "epochs": 3, "minibatches": 2, "learning_rate": 0.0001,
             "entropy": 0.0, "value": 0.05, "auxiliary": 0.1, "critic_updates": 3},
    )  # fmt: skip


def played(agent: Any, options: dict[str, Any], episodes: int) -> dict[str, list[float]]:
    """Return the metrics of episodes that no training saw."""
    report = evaluate(agent, episodes=episodes, seed=10**6, num_envs=16, progress=False, **options)
    return {name: report.values(name).tolist() for name in METRICS}


@dataclass(frozen=True)
class Study:
    """What is compared.

    Attributes:
        out: folder for trainings and results.
        steps: of each training.
        episodes: by which each is judged.
    """

    out: Path
    steps: int
    episodes: int

    def result_file(self, name: str, seed: int) -> Path:
        """Return where the result of a row is kept."""
        return self.out / f"{_plain(name)}-{self.steps}-{self.episodes}-{seed}.json"

    def folder(self, name: str, seed: int) -> Path:
        """Return where a training is kept."""
        return self.out / f"{_plain(name)}-{self.steps}-{seed}"

    def configuration(self, name: str, seed: int) -> TrainingConfig:
        """Return the training of a row."""
        first = configuration(self.out / "flat.yaml", self.steps, VARIANTS.get(name, {}), seed)
        if name != AFTER:
            return first
        return reinforced(first, self.steps, self.folder(FIRST, seed) / "policy.pt")

    def measure(self, name: str, seed: int) -> None:
        """Train and judge a row, unless that has been done; its result is in its file."""
        torch.set_num_threads(1)
        parallel.set_num_threads(1)
        file = self.result_file(name, seed)
        if file.exists():
            return
        began = time.process_time()
        lost = name.removeprefix("made ")
        run = self.configuration(FIRST if lost in LOST else name, seed)
        if lost in LOST:
            agent: Any = Impaired(find_agent(str(self.folder(FIRST, seed))), lost)
        else:
            folder = self.folder(name, seed)
            train(run, folder, overwrite=True, progress=False, device="cpu")
            agent = find_agent(str(folder))
        metrics = played(agent, run.env, self.episodes)
        data = {"metrics": metrics, "seconds": time.process_time() - began}
        with draft_of(file) as draft:
            draft.write_text(json.dumps(data), encoding="utf-8")


def _plain(name: str) -> str:
    return name.replace(" ", "_").replace(",", "")


def interval(values: NDArray[np.float64]) -> str:
    """Return the mean of values (seeds, episodes) and its interval, of a percentile bootstrap."""
    rng, (seeds, episodes) = np.random.default_rng(0), values.shape
    some_seeds = rng.integers(seeds, size=(4000, seeds, 1))
    means = values[some_seeds, rng.integers(episodes, size=(4000, 1, episodes))].mean(axis=(1, 2))
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"


def line(name: str, results: list[dict[str, Any]], first: list[dict[str, Any]]) -> str:
    """Return a row of the table, of the results of every seed."""
    success, spl = (np.array([r["metrics"][m] for r in results]) for m in ("success", "spl"))
    difference = spl - np.array([r["metrics"]["spl"] for r in first])
    told = "" if results is first else interval(difference)
    seconds = np.mean([result["seconds"] for result in results])
    cells = name, interval(success), interval(spl), told, f"{seconds:.0f}"
    return f"| {' | '.join(cells)} |"


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/networks"),
    show_default=True,
    help="Folder for trainings and results.",
)
@click.option("--steps", default=30_000, show_default=True, help="Of each training.")
@click.option("--episodes", default=100, show_default=True, help="By which each is judged.")
@click.option("--seeds", default=3, show_default=True, help="Trainings of each.")
@click.option("--jobs", default=1, show_default=True, help="Trainings at once, a core each.")
@click.option("--only", multiple=True, help="Some of the variants beside the first.")
@click.option("--table", is_flag=True, help="Print what there is already, and learn nothing.")
def main(
    out: Path, steps: int, episodes: int, seeds: int, jobs: int, only: tuple[str, ...], table: bool
) -> None:
    """Train policies of different parts for equal steps and print how good they are."""
    out.mkdir(parents=True, exist_ok=True)
    flat(out)
    study = Study(out, steps, episodes)
    variants = [name for name in VARIANTS if name == FIRST or not only or name in only]
    later = [AFTER, *(f"made {how}" for how in LOST)]
    if not table:
        for names in (variants, later):  # those that go on from the first wait for it
            in_parallel(study.measure, [(name, seed) for seed in range(seeds) for name in names],
                        jobs)  # fmt: skip
    files = {
        name: [study.result_file(name, seed) for seed in range(seeds)]
        for name in [*variants, *later]
    }
    results = {
        name: [json.loads(file.read_text(encoding="utf-8")) for file in group]
        for name, group in files.items()
        if all(file.exists() for file in group)
    }
    if FIRST not in results:
        raise click.ClickException(f"{out} has no results of {FIRST!r} for {seeds} seeds yet")
    click.echo(f"{steps:,} steps each, {seeds} seeds, {episodes} episodes\n")
    click.echo("| | success | SPL | SPL more than the first | CPU s |\n|---|---|---|---|---|")
    for name, found in results.items():
        click.echo(line(name, found, results[FIRST]))


def in_parallel(do: Callable[..., None], calls: list[tuple], jobs: int) -> None:
    """Make calls, so many at a time, each in a process of its own."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(do, *call) for call in calls]
        for future in tqdm(futures, unit="training"):
            future.result()


if __name__ == "__main__":
    main()
