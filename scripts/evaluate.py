"""Evaluate an agent: `python scripts/evaluate.py --agent oracle --episodes 100`."""

import functools
from pathlib import Path
from typing import Any

import click

from avenv.benchmark import agent_names, evaluate, find_agent, read_options


@click.command()
@click.option("--agent", required=True, help="A registered name, module:class, or a run's folder.")
@click.option("--config", help="Environment options as YAML.")
@click.option("--scene", "scenes", multiple=True, help="Scene files or names; may be repeated.")
@click.option("--sounds", help="Sound set, folder or file.")
@click.option("--episodes", default=100, show_default=True)
@click.option("--num-envs", default=8, show_default=True, help="Environments stepped at once.")
@click.option("--seed", default=0, show_default=True, help="Of the first episode.")
@click.option("--out", help="Write every episode's metrics to this JSON file.")
def main(
    agent: str,
    config: str | None,
    scenes: tuple[str, ...],
    sounds: str | None,
    episodes: int,
    num_envs: int,
    seed: int,
    out: str | None,
) -> None:
    """Run an agent and print SR, SPL, SoftSPL and SNA with confidence intervals."""
    try:
        if out and not Path(out).absolute().parent.is_dir():
            raise ValueError(f"out is {out!r}; there is no folder of that name")
        options = _options(agent, config)
        if scenes:
            options["scenes"] = list(scenes)
        if sounds:
            options["sounds"] = sounds
        factory = _policy(agent) if _is_run(agent) else find_agent(agent)
        report = evaluate(factory, agent, episodes, seed, num_envs, **options)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(report.table())
    if out:
        report.save(out)


def _is_run(agent: str) -> bool:
    return agent not in agent_names() and (agent.endswith(".zip") or Path(agent).is_dir())


def _policy(path: str) -> Any:
    from avenv_agents.training import PolicyAgent  # brings torch, which the baselines do without

    return functools.partial(PolicyAgent, path=path)


def _options(agent: str, config: str | None) -> dict[str, Any]:
    """Return the environment's options: of the file given, else those of the agent's own run."""
    if config is None and _is_run(agent):
        config = str((Path(agent) if Path(agent).is_dir() else Path(agent).parent) / "config.yaml")
    if config is None:
        return {}
    data = read_options(config)
    return dict(data.get("env", data))


if __name__ == "__main__":
    main()
