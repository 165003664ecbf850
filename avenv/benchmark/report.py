"""A report: one HTML file that needs nothing else, to look at how agents did."""

import base64
import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avenv.benchmark.charts import bars, colour, curves
from avenv.benchmark.compare import PRIVILEGED, Method, Row, cells_of, compare
from avenv.benchmark.metrics import MEASURES
from avenv.benchmark.replay import Replayed, replay
from avenv.benchmark.results import Results, read_sessions
from avenv.benchmark.strata import SHARES
from avenv.core.files import draft_of
from avenv.drawing import TopDownMap
from avenv.navigation import geodesic_field, shortest_path
from avenv.simulation.body import Body
from avenv.simulation.loading import load_scene
from avenv.simulation.world import World

MAP = 560
"""Pixels of a map's longer side: screens have two for one of the page's."""

MAX_EPISODES = 20_000
"""Of the list in a report."""


def write_report(
    path: str | Path,
    methods: Sequence[Method],
    maps: int = 12,
    films: Mapping[str, bytes] | None = None,
    logs: Sequence[Path] = (),
    folders: Sequence[Path] = (),
) -> None:
    """Write a report; the file appears when it is whole.

    Args:
        path: of the file.
        methods: whose results it tells, the first in most detail.
        maps: how many of its ways are drawn, half of them of failures if there are as many.
        films: MP4 files by what they show.
        logs: CSV files of trainings, with ``steps``, ``success`` and ``spl``.
        folders: of the results, for what their sessions ran with.

    Raises:
        ValueError: the results do not compare, or are of a set that is not here.
    """
    rows = compare(methods)
    first = methods[0].runs[0]
    heading = first.heading
    chosen = chosen_episodes(first, maps)
    played = replay(first, chosen, progress=False) if chosen else {}
    records = sorted(first.episodes, key=lambda r: not r["metrics"].get("success"))
    template = Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    page = template.substitute(
        title=escape(_title(heading)),
        about=escape(_about(first)),
        table=_table(rows),
        compared=f"Δ: difference from {escape(methods[0].name)}, episode by episode; p: exact "
        "McNemar test of success." if len(methods) > 1 else "",
        privileges=" ".join(
            f"{PRIVILEGED} {escape(m.name)} is told {escape(m.privilege)}."
            for m in methods
            if m.privilege
        ),
        keys=" &ensp; ".join(_key(k, method.name) for k, method in enumerate(methods)),
        strata=_strata(methods),
        curves=_curves(logs),
        ways=escape(f"Of {methods[0].name}: the way walked (blue, from the white disc), the "
                    "shortest one (dotted), the goal (arcs); green: success, red: failure."),
        maps="".join(_figure(r, played[r["number"]]) for r in records if r["number"] in played),
        films=_films(films or {}),
        data=_embedded(_list(methods)),
        origin=_origin(methods, folders),
    )  # fmt: skip
    with draft_of(path) as draft:
        draft.write_text(page, encoding="utf-8")


def chosen_episodes(results: Results, count: int) -> list[int]:
    """Return the numbers of some episodes to show, as many wins as failures, spread out."""
    won = [r["number"] for r in results.episodes if r["metrics"].get("success")]
    lost = [r["number"] for r in results.episodes if not r["metrics"].get("success")]
    failures = min(len(lost), max(count // 2, count - len(won)))
    return sorted(_spread(won, count - failures)) + sorted(_spread(lost, failures))


def _spread(numbers: Sequence[int], count: int) -> list[int]:
    count = min(count, len(numbers))
    return [numbers[k * len(numbers) // count] for k in range(count)]


def _title(heading: Mapping[str, Any]) -> str:
    about = heading["set"]
    if about is None:
        return f"{heading['task']}, episodes drawn by seed"
    return f"{about['name']}, {about['split']}"


def _about(results: Results) -> str:
    heading = results.heading
    about = heading["set"]
    pinned = f"; hash of the set {about['hash'][:16]}" if about else ""
    return (
        f"{len(results.episodes)} episodes of {heading['task']} in "
        f"{len({r['scene'] for r in results.episodes})} scenes; avenv {heading['avenv']}{pinned}."
    )


def _key(number: int, name: str) -> str:
    return f'<span class="key" style="background:{colour(number)}"></span>{escape(name)}'


def _table(rows: Sequence[Row]) -> str:
    head, *body = cells_of(rows)
    lines = "".join(f"<tr>{_cells('td', cells)}</tr>" for cells in body)
    return f"<table><thead><tr>{_cells('th', head)}</tr></thead><tbody>{lines}</tbody></table>"


def _cells(tag: str, cells: Iterable[str]) -> str:
    return "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)


def _strata(methods: Sequence[Method]) -> str:
    """Return a chart for each kind of strata."""
    measure = MEASURES["success"]
    first = methods[0].runs[0]
    charts = []
    for kind, groups in first.strata().items():
        told = {}
        for group in _in_order(kind, groups):
            where = {kind: group}
            rows = compare(methods, [measure], where)
            name = f"{group} ({len(first.within(where))})"
            told[name] = [row.estimates[measure.title] for row in rows]
        chart = bars(told, f"success by {kind}")
        charts.append(f"<figure><h3>{escape(kind)}</h3>{chart}</figure>")
    return "".join(charts) or "<p>These episodes have no strata.</p>"


def _in_order(kind: str, groups: Sequence[str]) -> list[str]:
    known = list(SHARES.get(kind, ()))
    return sorted(groups, key=lambda group: (known.index(group) if group in known else -1, group))


def _curves(logs: Sequence[Path]) -> str:
    if not logs:
        return ""
    lines: dict[str, list[tuple[float, float]]] = {}
    for log in logs:
        with open(log, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                for name in ("success", "spl"):
                    if row.get("steps") and row.get(name):
                        point = float(row["steps"]), float(row[name])
                        lines.setdefault(f"{log.parent.name}/{log.stem}: {name}", []).append(point)
    if not lines:
        raise ValueError(f"{', '.join(map(str, logs))}: no columns steps and success or spl")
    return f"<h2>Learning curves</h2>{curves(lines, 'success and SPL over training')}"


# -- ways ------------------------------------------------------------------------------------------


def _figure(record: Mapping[str, Any], played: Replayed) -> str:
    """Return the map of one episode."""
    metrics = record["metrics"]
    success = bool(metrics.get("success"))
    name = record.get("id", f"episode {record['number']}")
    words = [
        f"{name}: {record['scene']}",
        ", ".join(source.sound.name for source in played.episode.sources[:3]),
        ", ".join(f"{metrics[k]:.2f} {t}" for k, t in (("spl", "SPL"),) if k in metrics)
        + f" after {metrics.get('num_actions', len(record['actions'])):.0f} actions",
        record.get("error", ""),
    ]
    picture = _picture(way_drawn(played))
    lines = "<br>".join(escape(word) for word in words if word)
    return (
        f'<figure class="{"won" if success else "lost"}"><img alt="{escape(name)}" '
        f'src="data:image/webp;base64,{picture}"><figcaption>{lines}</figcaption></figure>'
    )


def way_drawn(played: Replayed) -> NDArray[np.uint8]:
    """Return the map (H, W, 3) of an episode that was played again."""
    world = load_scene(played.episode.scene.name)
    if played.episode.states:
        world = world.with_states(played.episode.states)
    low, high = world.compiled.bounds[:, :2]
    width, height = high - low + 0.6
    scale = MAP / max(width, height)
    plan = TopDownMap(world.compiled, (max(32, int(width * scale)), max(32, int(height * scale))))
    heading = played.episode.heading
    if len(played.path) > 1 and (played.path[-1] != played.path[-2]).any():
        heading = float(np.arctan2(*np.flip(played.path[-1] - played.path[-2])))
    return plan.draw(
        played.path[-1],
        heading,
        path=played.path,
        sources=played.marks,
        goal=played.marks[0] if played.marks else None,
        route=_shortest(world, played),
        hfov=60,
    )


def _shortest(world: World, played: Replayed) -> NDArray[np.float64] | None:
    if not played.marks:
        return None
    grid = world.walkable_for(Body())
    try:
        return shortest_path(grid, geodesic_field(grid, played.marks[0]), played.episode.start)
    except ValueError:  # a goal that has moved, or a way that doors have closed
        return None


def _picture(rgb: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "WEBP", quality=80)
    return base64.b64encode(buffer.getvalue()).decode()


def _films(films: Mapping[str, bytes]) -> str:
    if not films:
        return ""
    figures = "".join(
        f'<figure><video controls preload="metadata" src="data:video/mp4;base64,'
        f'{base64.b64encode(content).decode()}"></video><figcaption>{escape(name)}</figcaption>'
        "</figure>"
        for name, content in films.items()
    )
    return f'<h2>Films, with what both ears heard</h2><div class="films">{figures}</div>'


# -- the list --------------------------------------------------------------------------------------


def _list(methods: Sequence[Method]) -> dict[str, Any]:
    """Return the episodes as the page's script wants them."""
    first = methods[0].runs[0]
    kinds = list(first.strata())
    rows = []
    for k, record in enumerate(first.episodes[:MAX_EPISODES]):
        row = [record.get("id", str(record["number"])), record["scene"]]
        row += [record.get("strata", {}).get(kind, "") for kind in kinds]
        for method in methods:
            own = method.runs[0].episodes[k]
            metrics = own["metrics"]
            success = "yes" if metrics.get("success") else "no"
            row += [
                "error" if "error" in own else success,
                round(metrics.get("spl", 0.0), 4),
                len(own["actions"]),
            ]
        rows.append(row)
    return {"agents": [method.name for method in methods], "kinds": kinds, "episodes": rows}


def _embedded(data: Any) -> str:
    """Return data as JSON that cannot end the element it stands in."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _origin(methods: Sequence[Method], folders: Sequence[Path]) -> str:
    """Return what made the results."""
    entries: list[tuple[str, Mapping[str, Any]]] = []
    for method in methods:
        agent = method.runs[0].heading["agent"]
        told = {k: v for k, v in agent.items() if v not in ("", None, {})}
        entries.append((method.name, told | method.runs[0].heading["senses"]))
    entries.append(("rules", methods[0].runs[0].heading["rules"]))
    entries += [(folder.name, one) for folder in folders for one in read_sessions(folder)]
    listed = "".join(f"<dt>{escape(k)}</dt><dd>{escape(_words(v))}</dd>" for k, v in entries)
    return f"<dl>{listed}</dl>"


def _words(data: Any) -> str:
    """Return plain data as words: ``"order 2, body (radius 0.18, height 1.5)"``."""
    if isinstance(data, Mapping):
        parts = [
            f"{name} ({_words(value)})" if isinstance(value, Mapping) else f"{name} {_words(value)}"
            for name, value in data.items()
        ]
        return ", ".join(parts)
    return " ".join(map(str, data)) if isinstance(data, list) else str(data)
