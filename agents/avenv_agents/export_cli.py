"""The command line for policies that travel: `avenv export`."""

from dataclasses import replace
from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--caution",
    type=float,
    default=0.0,
    show_default=True,
    help="By how much to lower the logit of stopping; more stops later and errs less.",
)
@click.option(
    "--decision",
    help="How it decides: resolute, most_probable or drawn; default: as its configuration says.",
)
def export(run: Path, file: Path, caution: float, decision: str | None) -> None:
    """Write the policy of RUN, a training's folder or a file in it, to FILE, which ends in .npz.

    FILE acts without torch: `avenv demo --agent FILE`.
    """
    from avenv_agents.checkpoints import load_checkpoint  # brings torch
    from avenv_agents.config import TrainingConfig
    from avenv_agents.portable import save_portable
    from avenv_agents.runs import CONFIG_FILE, POLICY_FILE

    if file.suffix != ".npz":
        raise ValueError(f"file is {str(file)!r}; accepted: a name that ends in .npz")
    source = run / POLICY_FILE if run.is_dir() else run
    options = TrainingConfig.from_yaml(source.with_name(CONFIG_FILE)).env
    policy = load_checkpoint(source)
    policy.actor.bias.data[0] -= caution
    if decision is not None:
        policy.config = replace(policy.config, decision=decision)
    save_portable(file, policy, options)
    click.echo(f"wrote {file}, {file.stat().st_size / 1e6:.1f} MB")
