"""The command line for scenes: `avenv scene check`, `plan`, `homes`, `export`."""

import click


@click.group("scene")
def scene_group() -> None:
    """Check scenes and draw them."""


@scene_group.command()
@click.argument("scenes", nargs=-1, required=True)
def check(scenes: tuple[str, ...]) -> None:
    """Name all that is wrong with SCENES (files or names); the exit status is 1 if anything is.

    Problems make a scene unusable. Warnings do not: rooms that nobody can walk to, sources that
    nobody can walk up to. For meshes it says what became of their materials, where floors are and
    whether there are holes.
    """
    from avenv.simulation.survey import survey

    bad = 0
    for name in scenes:
        try:
            found = survey(name)
        except ValueError as error:
            bad += 1
            click.echo(str(error))
            continue
        for warning in found.warnings:
            click.echo(f"{name}: warning: {warning}")
        if found.report is not None:
            click.echo(str(found.report))
        click.echo(f"{name}: ok: {found.summary}")
    if bad:
        raise SystemExit(1)


@scene_group.command()
@click.argument("name", metavar="SCENE")
@click.argument("out", type=click.Path(dir_okay=False))
@click.option(
    "--width", type=click.IntRange(200, 8000), default=1200, show_default=True, help="Pixels."
)
def plan(name: str, out: str, width: int) -> None:
    """Draw SCENE (a file or a name) from above: names, walkable floor, sources, a scale."""
    from avenv.drawing.blueprint import save_blueprint
    from avenv.simulation.loading import load_scene

    save_blueprint(load_scene(name), out, width)
    click.echo(f"wrote {out}")


@scene_group.command()
@click.argument("name", metavar="SCENE")
@click.argument("out", type=click.Path(dir_okay=False))
def export(name: str, out: str) -> None:
    """Write SCENE (a file or a name) to OUT: GLB for other programs, or YAML.

    YAML is for scenes that were described, not for meshes.
    """
    from avenv.simulation.export import export_scene

    export_scene(name, out)
    click.echo(f"wrote {out}")


@scene_group.command()
@click.argument("home", metavar="HOME")
@click.option(
    "--out", type=click.Path(dir_okay=False), required=True, help="The YAML file to write."
)
def homes(home: str, out: str) -> None:
    """Write a procedural HOME (val/3, test/0, train/12345) as YAML, to read or to change."""
    from avenv.scene.homes import find_homes, make_home

    found = find_homes(f"homes:{home.removeprefix('homes:')}")
    if len(found) > 1:
        raise click.ClickException(f"{home!r} are many homes; accepted: one, {home}/0")
    make_home(found.split, found.numbers[0]).save(out)
    click.echo(f"wrote {out}")
