"""Fusions, memories, ears and controls at equal steps: `python scripts/compare_networks.py`.

Policies of different parts learn the same small task, by DAgger, for as many steps each: find what
sounds in a flat of two rooms. All are then judged on the same episodes; differences to the first
are of episode by episode, with 95 % intervals of a bootstrap. One seed each, so that differences
between seeds are not in the intervals.

Results are kept in a folder, a training and a file each: a run that is interrupted goes on.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray

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
        ppo={"rollout_steps": 64, "minibatches": 4, "learning_rate": 0.0002, "entropy": 0.003,
             "critic_updates": 2},
    )  # fmt: skip


def played(agent: Any, options: dict[str, Any], episodes: int) -> dict[str, list[float]]:
    """Return the metrics of episodes that no training saw."""
    report = evaluate(agent, episodes=episodes, seed=10**6, num_envs=16, progress=False, **options)
    return {name: report.values(name).tolist() for name in METRICS}


def interval(values: NDArray[np.float64]) -> str:
    """Return a mean with its 95 % interval, of a percentile bootstrap."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (4000, len(values))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"


def line(name: str, result: Mapping[str, Any], first: Mapping[str, Any]) -> str:
    """Return a row of the table."""
    success, spl = (np.array(result["metrics"][m]) for m in ("success", "spl"))
    difference = spl - np.array(first["metrics"]["spl"])
    told = "" if result is first else interval(difference)
    cells = name, interval(success), interval(spl), told, f"{result['seconds']:.0f}"
    return f"| {' | '.join(cells)} |"


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/networks"),
    show_default=True,
    help="Folder for trainings and results.",
)
@click.option("--steps", default=20_000, show_default=True, help="Of each training.")
@click.option("--episodes", default=100, show_default=True, help="By which each is judged.")
@click.option("--seed", default=0, show_default=True)
@click.option("--only", multiple=True, help="Some of the variants; may be repeated.")
@click.option("--table", is_flag=True, help="Print what there is already, and learn nothing.")
def main(
    out: Path, steps: int, episodes: int, seed: int, only: tuple[str, ...], table: bool
) -> None:
    """Train policies of different parts for equal steps and print how good they are."""
    torch.set_num_threads(1)
    parallel.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    scene = flat(out)
    chosen = [name for name in VARIANTS if not only or name in only]
    results: dict[str, dict[str, Any]] = {}

    def result(name: str, make: Any) -> None:
        file = out / f"{name.replace(' ', '_')}-{steps}-{episodes}-{seed}.json"
        if not file.exists() and not table:
            began = time.process_time()
            metrics = make()
            data = {"metrics": metrics, "seconds": time.process_time() - began}
            with draft_of(file) as draft:
                draft.write_text(json.dumps(data), encoding="utf-8")
        if file.exists():
            results[name] = json.loads(file.read_text(encoding="utf-8"))

    def folder(name: str) -> Path:
        return out / f"{name.replace(' ', '_')}-{steps}-{seed}"

    def learned(name: str, run: TrainingConfig) -> dict[str, list[float]]:
        train(run, folder(name), overwrite=True)
        return played(find_agent(str(folder(name))), run.env, episodes)

    for name in chosen:
        run = configuration(scene, steps, VARIANTS[name], seed)
        result(name, lambda name=name, run=run: learned(name, run))
    if FIRST in chosen:
        first = configuration(scene, steps, {}, seed)
        more = reinforced(first, steps, folder(FIRST) / "policy.pt")
        result("PPO after it", lambda: learned("PPO after it", more))
        for how in LOST:
            agent = Impaired(find_agent(str(folder(FIRST))), how) if not table else None
            result(f"made {how}", lambda a=agent: played(a, first.env, episodes))
    click.echo(f"{steps:,} steps each, {episodes} episodes, seed {seed}, most probable actions\n")
    click.echo("| | success | SPL | SPL more than the first | CPU s |\n|---|---|---|---|---|")
    base = results.get(FIRST) or next(iter(results.values()), None)
    for name, found in results.items():
        click.echo(line(name, found, base or found))


if __name__ == "__main__":
    main()
