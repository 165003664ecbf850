"""The command line for training: `avenv train`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from avenv.cli.commands import cluster_of, cluster_option


@click.command()
@click.argument("config")
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    help="Folder for the policy, its configuration and the log; default: runs/NAME, as CONFIG's.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    help="Environment steps, in place of the configuration's; rounded up to whole rollouts.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Processes that play, in place of the configuration's.",
)
@cluster_option
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Of each worker of the cluster.",
)
@click.option(
    "--patience",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Of the cluster: share of the workers at whose end a rollout ends for all; 0.6 waits for "
    "no stragglers, and the curve then depends on who was slow.",
)
@click.option(
    "--learners",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Of the cluster: processes that make each update of PPO together, on GPUs if it has as "
    "many; of 1, this process.",
)
@click.option(
    "--minutes", type=click.FloatRange(0, min_open=True), help="After which the run ends, too."
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    help="Of environments and networks, in place of the configuration's.",
)
@click.option(
    "--control",
    help="Learn without a sense, or with the truth in place of sound: deaf, blind, perfect_ear.",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="That the learner computes on, cpu or cuda; auto: a GPU if there is one.",
)
@click.option("--resume", is_flag=True, help="Go on from the policy in the folder.")
@click.option("--overwrite", is_flag=True, help="Replace the run in the folder.")
def train(
    config: str,
    out: str | None,
    steps: int | None,
    workers: int | None,
    cluster: str | None,
    threads: int,
    patience: float,
    learners: int,
    minutes: float | None,
    seed: int | None,
    control: str | None,
    device: str,
    resume: bool,
    overwrite: bool,
) -> None:
    """Train a policy as CONFIG says: a name (apartment) or a YAML file.

    What has been learned is also kept when training is interrupted.
    """
    from avenv.benchmark import find_config
    from avenv_agents.config import TrainingConfig

    file = find_config("train", config)
    run = TrainingConfig.from_yaml(file)
    given: dict[str, Any] = {
        "total_steps": steps, "workers": workers, "minutes": minutes, "control": control,
        "seed": seed,
    }  # fmt: skip
    run = replace(run, **{name: value for name, value in given.items() if value is not None})
    own = filter(None, (file.stem, run.control, None if seed is None else f"seed{seed}"))
    folder = Path(out) if out else Path("runs") / "-".join(own)

    # These bring torch, for which the above need not wait.
    if run.method == "sb3":
        if cluster is not None:
            raise ValueError('on a cluster learn the methods "dagger" and "ppo", not "sb3"')
        if device != "auto":
            raise ValueError(
                f'device is {device!r}; "sb3" chooses its own, in `ppo: {{device: ...}}`'
            )
        from avenv_agents.training import train

        train(run, folder, resume=resume, overwrite=overwrite)
    else:
        from avenv_agents.learning import train as learn

        members = run.workers + (learners if learners > 1 else 0)
        joined = cluster_of(cluster, members, run.num_envs, threads)
        learn(
            run, folder, resume=resume, overwrite=overwrite, device=device, cluster=joined,
            patience=patience, learners=learners,
        )  # fmt: skip
    click.echo(f"saved {folder}; watch it with: tensorboard --logdir {folder}")
    click.echo(f"and evaluate it with: avenv evaluate --agent {folder}")
