"""Train an audio-visual policy: `python scripts/train.py --config configs/train/apartment.yaml`."""

from pathlib import Path

import click

from avenv_agents.training import TrainingConfig, train


@click.command()
@click.option(
    "--config", default="configs/train/apartment.yaml", show_default=True, help="The run, as YAML."
)
@click.option("--out", default="runs/apartment", show_default=True, help="Folder for the results.")
@click.option("--steps", type=int, help="Environment steps, instead of the configuration's.")
@click.option("--resume", is_flag=True, help="Go on from the policy in the folder.")
def main(config: str, out: str, steps: int | None, resume: bool) -> None:
    """Train a policy with PPO and save it."""
    try:
        run = TrainingConfig.from_yaml(config)
        if steps is not None:
            run = TrainingConfig(**{**vars(run), "total_steps": steps})
        train(run, out, resume=resume)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"saved {Path(out) / 'policy.zip'}; watch with: tensorboard --logdir {out}")


if __name__ == "__main__":
    main()
