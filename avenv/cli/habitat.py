"""`avenv habitat`: files for those who come from habitat-sim and SoundSpaces."""

import click


@click.group("habitat")
def habitat_group() -> None:
    """Bridges to habitat-sim, habitat-lab and SoundSpaces."""


@habitat_group.command("export-rirs")
@click.argument("scenes", nargs=-1, required=True)
@click.option("--out", default="data", show_default=True, help="SoundSpaces' folder of data.")
@click.option("--dataset", default="avenv", show_default=True, help="Folder below each of its.")
@click.option("--spacing", default=1.0, show_default=True, help="Metres between places.")
@click.option("--sample-rate", default=16000, show_default=True, help="Hz.")
@click.option("--seconds", default=1.0, show_default=True, help="Of a response.")
def export_rirs(
    scenes: tuple[str, ...], out: str, dataset: str, spacing: float, sample_rate: int,
    seconds: float,
) -> None:  # fmt: skip
    """Write SCENES (files, names, homes:val/0) as the responses that SoundSpaces reads.

    Every place of a lattice to every other, for four directions: 50 places are 10,000 files. What
    is there already is left, so that an interrupted run goes on.
    """
    from avenv.habitat import export_rirs as export
    from avenv.simulation.worlds import load_worlds

    for world in load_worlds(scenes):
        graph = export(world, out, dataset, spacing, sample_rate, seconds, progress=True)
        click.echo(
            f"{world.name}: {len(graph.nodes)} places, {4 * len(graph.nodes) ** 2} responses"
        )
    click.echo(f"wrote {out}")


@habitat_group.command("compare-navmesh")
@click.argument("scene")
@click.argument("navmesh", type=click.Path(exists=True, dir_okay=False))
def compare_navmesh(scene: str, navmesh: str) -> None:
    """Compare the walkable floor of SCENE with that of a NAVMESH of habitat-sim's."""
    from avenv.habitat import compare_navmesh as compare
    from avenv.habitat import read_navmesh
    from avenv.simulation.loading import load_scene

    mesh = read_navmesh(navmesh)
    click.echo(
        f"{navmesh}: {len(mesh.polygons)} polygons, for a body of {mesh.radius:g} m radius and "
        f"{mesh.height:g} m height that steps over {mesh.climb:g} m"
    )
    click.echo(str(compare(load_scene(scene), mesh)))
