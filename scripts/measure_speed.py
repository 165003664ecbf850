"""Measure speed, ours and that of others, in turns: medians, spreads and ratios.

CPU time of all threads is what counts, and ratios of what was timed in one run: machines differ by
a factor of two or more, and the same machine by as much from hour to hour.

    python scripts/measure_speed.py --json speed.json --docs docs/speed.md
    python scripts/measure_speed.py --quick
    python scripts/measure_speed.py --sections resets --episodes 1000 --homes 100
    python scripts/measure_speed.py --against COMMIT
"""

import json
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numba

from avenv import load_scene
from avenv.core import parallel
from avenv.simulation.warmup import warm_up

sys.path.insert(0, str(Path(__file__).parent))

from speed import against, goals, parts, resets, steps
from speed.episodes import POLICIES

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
SECTIONS = (
    "pictures", "sound", "steps", "against", "stages", "resets", "growth", "homes", "start",
    "memory",
)  # fmt: skip


def machine() -> dict[str, Any]:
    """Return what the figures belong to."""
    model = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        names = [line.split(":")[1] for line in cpuinfo.read_text().splitlines()
                 if line.startswith("model name")]  # fmt: skip
        model = names[0].strip() if names else model
    root = Path(__file__).parents[1]
    commit = subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True, check=False).stdout.strip()  # fmt: skip
    return {
        "processor": model,
        "cores": parallel.num_threads(),
        "python": platform.python_version(),
        "numba": numba.__version__,
        "commit": commit or "unknown",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def measure(
    scene: str, sections: tuple[str, ...], rounds: int, triangles: int, episodes: int, homes: int,
    limit: int, long: int, before: str | None, policies: Sequence[str] = tuple(POLICIES),
) -> dict[str, Any]:  # fmt: skip
    """Return the rows and ratios of each section; one thread works, but where homes are played."""
    world = load_scene(scene)
    measured: dict[str, Any] = {}

    def section(name: str, *parts: Callable[[], Any]) -> None:
        if name not in sections:
            return
        rows, ratios = measured.setdefault(name, ([], []))
        for part in parts:
            found = part()
            more, compared = found if isinstance(found, tuple) else (found, [])
            show(name, more, compared)
            rows += more
            ratios += compared

    section("memory", parts.measure_memory)  # first: a child's peak counts its parent's
    section("start", parts.measure_start)
    if before:
        section("against", lambda: against.measure_against(before, max(2, rounds // 2)))
    section(
        "resets", lambda: resets.measure_resets(episodes, homes, limit=limit, policies=policies)
    )
    section("growth", lambda: resets.measure_growth(long, 3 * homes))
    parallel.set_num_threads(1)
    try:
        section("resets", lambda: resets.measure_one_reset(16, 2 * rounds))
        section("pictures", lambda: parts.measure_pictures(world, scene, rounds),
                lambda: parts.measure_town(world, triangles, rounds))  # fmt: skip
        section("sound", lambda: parts.measure_sound(world, rounds))
        section("steps", lambda: steps.measure_steps(world, rounds),
                lambda: steps.measure_floor(world, rounds))  # fmt: skip
        section("stages", lambda: steps.measure_stages(world, 32 * rounds))
        section(
            "homes",
            lambda: parts.measure_homes(max(1, rounds // 4)),
            lambda: parts.measure_reading(max(2, rounds // 4)),
        )
    finally:
        parallel.set_num_threads(None)
    return {name: {"rows": rows, "ratios": ratios} for name, (rows, ratios) in measured.items()}


def show(name: str, rows: list[dict], ratios: list[dict]) -> None:
    """Print a section."""
    click.echo(f"\n{name}")
    for row in rows:
        click.echo(f"  {row['name']:<64}{figure(row)}")
    for found in ratios:
        click.echo(f"  {found['name']:<64}{times(found)}")


def figure(row: dict[str, Any]) -> str:
    """Return what a row says, for people."""
    if "steps_per_cpu_s" in row:
        return (f"{row['steps_per_cpu_s']:,.0f} steps/CPU s, {row['steps_per_s']:,.0f} steps/s "
                f"({row['episodes']} episodes, {row['steps']:,} steps; "
                f"{row['resident_mib']:,.0f} MiB, {row['grown']:+.1%})")  # fmt: skip
    if "mib" in row:
        return f"{row['mib']:,} MiB"
    if "cpu_us" not in row:
        return ""
    spread = f" [{row['cpu_us_low']:,.0f}, {row['cpu_us_high']:,.0f}]" if "rounds" in row else ""
    wall = f", {row['wall_us']:,.0f} µs wall" if "wall_us" in row else ""
    return f"{row['cpu_us']:,.0f} µs CPU{spread}{wall}"


def times(found: dict[str, Any]) -> str:
    """Return a ratio, for people."""
    spread = f" [{goals.told(found['low'])}, {goals.told(found['high'])}]" if "low" in found else ""
    return f"{goals.told(found['ratio'])} ×{spread}"


def goal_row(row: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return what is said of a goal: what, measured, goal, and whether it is met."""
    return row["what"], row["measured"], row["goal"], "yes" if row["met"] else "no"


def document(path: Path, where: dict[str, Any], measured: dict[str, Any]) -> None:
    """Put the tables between the marks of a page."""
    page = path.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    lines = [
        BEGIN,
        "",
        f"{where['processor']}, {where['cores']} cores, Python {where['python']}, Numba "
        f"{where['numba']}, {where['date']}, commit {where['commit']}.",
    ]
    lines += ["", "### Goals", "", "| what | measured | goal | met |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(map(str, goal_row(row)))} |" for row in goals.judged(measured)]
    for name, section in measured.items():
        lines += ["", f"### {name.capitalize()}", "", "| | |", "|---|---|"]
        lines += [f"| {row['name']} | {figure(row)} |" for row in section["rows"]]
        lines += [f"| **{found['name']}** | **{times(found)}** |" for found in section["ratios"]]
    path.write_text(before + "\n".join([*lines, "", END]) + after, encoding="utf-8")


@click.command(help=__doc__)
@click.option("--scene", default="apartment", show_default=True)
@click.option("--rounds", default=15, show_default=True, help="Turns that everybody has.")
@click.option("--triangles", default=1_000_000, show_default=True, help="Of the largest scene.")
@click.option("--episodes", default=1000, show_default=True, help="For each policy.")
@click.option("--homes", default=100, show_default=True, help="New homes that they are in.")
@click.option("--limit", default=500, show_default=True, help="Steps of an episode at most.")
@click.option(
    "--long",
    default=200_000,
    show_default=True,
    help="Steps of the walk in which memory may not grow, in three times the homes.",
)
@click.option(
    "--sections", multiple=True, type=click.Choice(SECTIONS), help="By default, all of them."
)
@click.option("--against", "before", help="A commit, or a checkout of one, to compare with.")
@click.option("--quick", is_flag=True, help="Two rounds of little, to see that all of it runs.")
@click.option("--json", "out", type=click.Path(dir_okay=False), help="A file for the figures.")
@click.option("--docs", type=click.Path(exists=True), help="A page for the tables.")
def main(
    scene: str, rounds: int, triangles: int, episodes: int, homes: int, limit: int, long: int,
    sections: tuple[str, ...], before: str | None, quick: bool, out: str | None, docs: str | None,
) -> None:  # fmt: skip
    warm_up()
    where = machine()
    click.echo(", ".join(f"{name} {value}" for name, value in where.items()))
    if quick:
        rounds, triangles, episodes, homes, limit, long = 2, 1, 24, 2, 4, 48
    policies = tuple(POLICIES)[: 1 if quick else None]
    wanted = sections or SECTIONS
    measured = measure(scene, wanted, rounds, triangles, episodes, homes, limit, long, before,
                       policies)  # fmt: skip
    judged = goals.judged(measured)
    click.echo("\ngoals")
    for row in judged:
        what, found, bound, met = goal_row(row)
        click.echo(f"  {what:<72}{found:>12}  {bound:<10}  {'met' if met == 'yes' else 'missed'}")
    if out:
        Path(out).write_text(
            json.dumps({"machine": where, **measured, "goals": judged}, indent=1) + "\n"
        )
    if docs:
        document(Path(docs), where, measured)


if __name__ == "__main__":
    main()
