"""The navigation graphs of SoundSpaces: places a metre apart, and which are neighbours.

A folder of metadata holds ``points.txt``, a number and (x, y, z) a line with z up at the height of
the head, and ``graph.pkl``, a pickled ``networkx.Graph`` whose nodes have a ``point`` on the floor
in Habitat's axes. (SoundSpaces, ``soundspaces/utils.py``: ``load_metadata``.)
"""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.core.files import draft_of, read_limited
from avenv.habitat.axes import to_habitat

HEAD = 1.5
"""Metres of the head above the floor in points.txt; in those of Replica it is 1.5528907."""

_LARGEST = 50_000_000  # bytes of a file
_REPLICA = 1.5528907


class Graph(NamedTuple):
    """Places and ways between them.

    Attributes:
        nodes: (N,) int64 numbers, ascending.
        points: (N, 3) on the floor, our axes, metres.
        edges: (E, 2) int64 numbers of neighbours, the smaller first, sorted.
    """

    nodes: NDArray[np.int64]
    points: NDArray[np.float64]
    edges: NDArray[np.int64]

    def neighbours(self, node: int) -> NDArray[np.int64]:
        """Return the numbers of a node's neighbours."""
        first, second = self.edges.T
        return np.sort(np.concatenate([second[first == node], first[second == node]]))

    def islands(self) -> NDArray[np.int64]:
        """Return for each node (N,) the number of the part of the graph that it is in."""
        from scipy.sparse.csgraph import connected_components

        return connected_components(self._ways(), directed=False)[1].astype(np.int64)

    def steps(self) -> NDArray[np.float64]:
        """Return how many edges are between any two nodes (N, N); inf: there is no way."""
        from scipy.sparse.csgraph import shortest_path

        return shortest_path(self._ways(), directed=False, unweighted=True)

    def _ways(self) -> Any:
        from scipy.sparse import coo_array

        rows, columns = np.searchsorted(self.nodes, self.edges).T
        return coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(self.nodes),) * 2)


def read_graph(folder: str | Path, head: float | None = None) -> Graph:
    """Return the graph of a folder of metadata.

    Args:
        folder: with ``points.txt`` and ``graph.pkl``. No code of the pickle's is run: it may hold
            a graph, numbers and arrays of them, and nothing else.
        head: metres of the points above the floor; by default 1.5, in a folder of Replica's
            1.5528907, as SoundSpaces has it.

    Raises:
        SceneError: a file is missing or damaged, would run code, or the two do not fit together.
    """
    folder = Path(folder)
    if head is None:
        head = _REPLICA if "replica" in str(folder).lower() else HEAD
    numbers, points = _read_points(folder / "points.txt", head)
    nodes, edges = _read_pickle(folder / "graph.pkl")
    where = np.searchsorted(numbers, nodes)
    known = (where < len(numbers)) & (numbers[np.minimum(where, len(numbers) - 1)] == nodes)
    if not known.all():
        raise SceneError(
            f"{folder / 'graph.pkl'}: node {nodes[~known][0]} is not in points.txt, which has "
            f"{len(numbers)}"
        )
    ends = np.isin(edges, nodes)
    if not ends.all():
        raise SceneError(f"{folder / 'graph.pkl'}: an edge ends at {edges[~ends][0]}, which is no "
                         "node")  # fmt: skip
    return Graph(nodes, points[where], edges)


def write_graph(graph: Graph, folder: str | Path, head: float = HEAD) -> None:
    """Write ``points.txt`` and ``graph.pkl`` as SoundSpaces reads them; needs networkx."""
    import networkx  # type: ignore[import-untyped]

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"{node}\t{x:.6f}\t{y:.6f}\t{z + head:.6f}\n"
        for node, (x, y, z) in zip(graph.nodes.tolist(), graph.points.tolist(), strict=True)
    ]
    made = networkx.Graph()
    for node, point in zip(graph.nodes.tolist(), to_habitat(graph.points).tolist(), strict=True):
        made.add_node(node, point=tuple(point))
    made.add_edges_from(graph.edges.tolist())
    with draft_of(folder / "points.txt") as draft:
        draft.write_text("".join(lines))
    with draft_of(folder / "graph.pkl") as draft:
        draft.write_bytes(pickle.dumps(made, protocol=4))


def _read_points(path: Path, head: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers (N,), ascending, and the points on the floor (N, 3)."""
    try:
        text = read_limited(path, _LARGEST).decode("utf-8-sig")
        rows = np.loadtxt(io.StringIO(text), ndmin=2)
    except (OSError, ValueError) as error:
        raise SceneError(f"{path}: cannot be read: {error}") from None
    if rows.ndim != 2 or rows.shape[1] != 4 or len(rows) == 0 or not np.isfinite(rows).all():
        raise SceneError(f"{path}: accepted: a number and x, y, z a line")
    order = np.argsort(rows[:, 0], kind="stable")
    numbers = rows[order, 0].astype(np.int64)
    if (np.diff(numbers) == 0).any():
        raise SceneError(f"{path}: a number comes twice")
    return numbers, rows[order, 1:] - (0.0, 0.0, head)


class _AnyGraph:
    """What stands in for ``networkx.Graph``: its attributes, and none of its code."""

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    """Reads graphs, numbers and arrays; refuses everything else, which could run code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("networkx.classes.graph", "Graph"):
            return _AnyGraph
        arrays = module in ("numpy.core.multiarray", "numpy._core.multiarray")
        if arrays and name in ("scalar", "_reconstruct"):
            return getattr(np._core.multiarray, name)  # type: ignore[attr-defined]
        if module == "numpy" and name in ("dtype", "ndarray"):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _read_pickle(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the nodes (N,), ascending, and the edges (E, 2) of a pickled graph."""
    try:
        made = _Unpickler(io.BytesIO(read_limited(path, _LARGEST))).load()
    except OSError as error:
        raise SceneError(f"{path}: cannot be read: {error}") from None
    except Exception as error:  # damaged pickles raise errors of every kind
        raise SceneError(f"{path}: is no pickled graph that can be trusted: {error}") from None
    state = getattr(made, "state", None)
    if not isinstance(state, Mapping) or not isinstance(state.get("_adj"), Mapping):
        raise SceneError(f"{path}: holds no networkx.Graph")
    try:
        nodes = np.array(sorted(int(node) for node in state["_node"]), np.int64)
        pairs = {
            (min(int(a), int(b)), max(int(a), int(b)))
            for a, near in state["_adj"].items() for b in near
        }  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise SceneError(f"{path}: its nodes are no numbers: {error}") from None
    return nodes, np.array(sorted(pairs), np.int64).reshape(-1, 2)
