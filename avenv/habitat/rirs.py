"""Our scenes as the impulse responses that SoundSpaces 1 reads: every place to every place.

Below a folder of data lie, of a scene, ``metadata/DATASET/SCENE/points.txt`` and ``graph.pkl``
(``avenv.habitat.graphs``), and ``binaural_rirs/DATASET/SCENE/ANGLE/RECEIVER_SOURCE.wav``: two
channels of float32, the left ear first. The angle is that of the listener: 0 looks along our +y, 90
along +x, clockwise as seen from above (SoundSpaces, ``soundspaces/simulator.py``:
``azimuth_angle``). The head is 1.5 m above the floor, and so is the source.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from tqdm import tqdm

from avenv.acoustics import AcousticSettings, ResponseBatch
from avenv.acoustics.native import Engine
from avenv.core.errors import SceneError
from avenv.core.files import draft_of
from avenv.habitat.graphs import HEAD, Graph, write_graph
from avenv.navigation import WalkableGrid
from avenv.simulation.loading import load_scene
from avenv.simulation.warmup import warm_up
from avenv.simulation.world import World

ANGLES = (0, 90, 180, 270)
"""Degrees that SoundSpaces turns by."""

_SHIFTS = 8  # of the lattice in either direction, that are tried
_CLEAR = 0.05  # metres between the points of a way that are looked at


def graph_of(world: World, spacing: float = 1.0) -> Graph:
    """Return places ``spacing`` metres apart on a lattice, and which neighbours a step joins.

    SoundSpaces' agents walk straight from a place to the next, along x or y. The lattice is put so
    that as many places as possible hang together, doors permitting; the others are left out.

    Raises:
        SceneError: nobody can stand in it.
        ValueError: the spacing is out of range.
    """
    if not 0.25 <= spacing <= 5:
        raise ValueError(f"spacing is {spacing!r}; accepted: 0.25 to 5 m")
    grid = world.walkable
    low = grid.origin
    size = grid.cell * np.array(grid.islands.shape[::-1])
    shifts = np.arange(_SHIFTS) * (spacing / _SHIFTS)
    best = Graph(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 2), np.int64))
    for x in shifts:
        for y in shifts:
            along = np.arange(x, size[0], spacing), np.arange(y, size[1], spacing)
            made = _largest(_lattice(grid, low, *along, spacing))
            if len(made.nodes) > len(best.nodes):
                best = made
    if len(best.nodes) == 0:
        raise SceneError(f"{world.name}: there is no place to stand")
    return best


def _lattice(
    grid: WalkableGrid, low: NDArray[np.float64], x: NDArray, y: NDArray, spacing: float
) -> Graph:
    """Return the walkable points of a lattice at low + (x, y), and the ways between neighbours."""
    number = np.arange(len(x) * len(y)).reshape(len(x), len(y))
    points = low + np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    free = grid.is_walkable(points)
    pairs = np.concatenate(
        [np.column_stack([number[:-1].ravel(), number[1:].ravel()]),
         np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()])]
    )  # fmt: skip
    pairs = pairs[free[pairs].all(axis=1)]
    along = np.linspace(0, 1, round(spacing / _CLEAR) + 1)[:, None, None]
    first, second = points[pairs[:, 0]], points[pairs[:, 1]]
    way = first + along * (second - first)
    straight = grid.is_walkable(way.reshape(-1, 2)).reshape(way.shape[:2]).all(axis=0)
    floor = np.column_stack([points, np.full(len(points), grid.level)])
    return Graph(np.flatnonzero(free), floor[free], pairs[straight])


def _largest(graph: Graph) -> Graph:
    """Return the largest part of a graph that hangs together, its nodes numbered from 0."""
    if len(graph.nodes) == 0:
        return graph
    island = graph.islands()
    kept = island == np.bincount(island).argmax()
    nodes = graph.nodes[kept]
    edges = graph.edges[np.isin(graph.edges[:, 0], nodes)]
    return Graph(np.arange(len(nodes)), graph.points[kept], np.searchsorted(nodes, edges))


def heading_of_angle(angle: float) -> float:
    """Return the heading, radians, of a listener's angle in degrees."""
    return float(np.pi / 2 - np.deg2rad(angle))


def export_rirs(
    scene: Any,
    out: str | Path,
    dataset: str = "avenv",
    spacing: float = 1.0,
    sample_rate: int = 16000,
    seconds: float = 1.0,
    angles: Sequence[int] = ANGLES,
    settings: AcousticSettings | None = None,
    progress: bool = False,
) -> Graph:
    """Write a scene as SoundSpaces reads it; what is there already is left, so that it goes on.

    The files are many: with P places, P² responses for each angle.

    Args:
        scene: as ``load_scene`` takes it.
        out: SoundSpaces' folder of data.
        dataset: the name that the scene's folder is put under.
        spacing: metres between places.
        sample_rate: Hz.
        seconds: of a response.
        angles: degrees, of the listener.
        settings: of the propagation; by default the usual ones.
        progress: whether a bar tells it.

    Returns:
        the graph, whose numbers are in the files' names.

    Raises:
        SceneError: the scene cannot be loaded, or nobody can stand in it.
        ValueError: a number is out of range.
    """
    if not 0 < seconds <= 10:
        raise ValueError(f"seconds is {seconds!r}; accepted: more than 0, up to 10")
    warm_up()
    world = load_scene(scene)
    graph = graph_of(world, spacing)
    name = folder_name(world.name)
    rirs = Path(out) / "binaural_rirs" / dataset / name
    for angle in angles:
        (rirs / str(int(angle))).mkdir(parents=True, exist_ok=True)
    engine = Engine(sample_rate, "binaural", round(seconds * sample_rate), settings)
    for source in tqdm(graph.nodes.tolist(), disable=not progress, unit="source"):
        wanted = [
            (angle, receiver, rirs / str(int(angle)) / f"{receiver}_{source}.wav")
            for angle in angles for receiver in graph.nodes.tolist()
        ]  # fmt: skip
        wanted = [job for job in wanted if not job[2].exists()]
        for (_, _, path), response in zip(
            wanted, _responses(world, engine, graph, source, wanted), strict=True
        ):
            with draft_of(path) as draft:
                soundfile.write(draft, response.T, sample_rate, subtype="FLOAT", format="WAV")
    write_graph(graph, Path(out) / "metadata" / dataset / name)
    return graph


def _responses(
    world: World, engine: Engine, graph: Graph, source: int, wanted: Sequence[tuple]
) -> Iterator[NDArray[np.float32]]:
    """Yield the responses (2, samples) of one source to the listeners that are wanted."""
    if not wanted:
        return
    heads = graph.points + np.array([0.0, 0.0, HEAD])
    number = {node: k for k, node in enumerate(graph.nodes.tolist())}
    field = engine.source_field(world.acoustics_for(), heads[number[source]], float(heads[0, 2]))
    for start in range(0, len(wanted), 64):
        some = wanted[start : start + 64]
        listeners = heads[[number[receiver] for _, receiver, _ in some]]
        headings = [heading_of_angle(angle) for angle, _, _ in some]
        yield from engine.responses(ResponseBatch.of_source(field, listeners, headings))


def folder_name(name: str) -> str:
    """Return the name of a scene as that of a folder, of which SoundSpaces makes paths."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
