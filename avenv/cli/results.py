"""The command line for folders of results: `avenv results`."""

from pathlib import Path

import click


@click.group("results")
def results_group() -> None:
    """Folders of results: put shards together, check claims, hand them on."""


@results_group.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False))
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    help="Folder to write; default: the one that has the shards.",
)
def merge(folders: tuple[str, ...], out: str | None) -> None:
    """Put the shards in FOLDERS together, or those in one folder.

    All must be of one evaluation, and none may be missing.
    """
    from avenv.benchmark.results import merge as put_together

    first = Path(folders[0])
    within = sorted(first.glob("shard-*-of-*"))
    if len(folders) > 1 and out is None:
        raise click.ClickException("several folders are given; accepted: with --out, one to write")
    shards = within if len(folders) == 1 and within else [Path(folder) for folder in folders]
    merged = put_together(shards, Path(out) if out else first)
    click.echo(merged.table())
    click.echo(f"wrote {out or first}")


@results_group.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False))
@click.option("--num-envs", type=click.IntRange(1), default=8, show_default=True)
def check(folders: tuple[str, ...], num_envs: int) -> None:
    """Play the actions in FOLDERS again and compare every metric.

    The exit status is 1 if a folder is false; the first false episode is named.
    """
    from avenv.benchmark.replay import check_results

    false = False
    for folder in folders:
        try:
            results = check_results(folder, num_envs)
        except ValueError as error:
            false = True
            where = "" if str(error).startswith(folder) else f"{folder}: "
            click.echo(f"Error: {where}{error}", err=True)
            continue
        click.echo(f"{folder}: true: {results.name}, {len(results.episodes)} episodes")
    if false:
        raise SystemExit(1)


@results_group.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="The JSON to write.")
def export(folder: str, out: str) -> None:
    """Write the trajectories in FOLDER as SoundSpaces' challenge has them."""
    import json

    from avenv.benchmark import read_results
    from avenv.core.files import draft_of
    from avenv.habitat import challenge_data

    results = read_results(folder)
    if not results.is_whole:
        raise click.ClickException(f"{folder} is not finished")
    data = challenge_data(results.episodes)
    with draft_of(out) as draft:
        draft.write_text(json.dumps(data), encoding="utf-8")
    click.echo(f"wrote {out}: {len(data['ACTIONS'])} episodes")
