"""Score a model on several episode sets, and tell it in one table: how good, and at what cost."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from avenv.benchmark import Results, evaluate_set, load_set
from avenv.benchmark.compare import COSTS
from avenv.benchmark.metrics import MEASURES, Measure
from avenv.benchmark.results import short
from avenv_agents.omni.agent import Omni
from avenv_agents.omni.reference import Reference
from avenv_agents.omni.reference_server import answer_of, make_server

SETS = ("audiogoal-v1", "answer-door-v1", "false-alarm-v1")
"""One of walking to what sounds, and two of acting at the right time on the right thing."""

TOLD = ("success", "spl", "efficiency", "premature_acts", "misled_acts", "wrong_acts")
"""Metrics in the table."""


def score(
    omni: Omni,
    sets: Sequence[str] = SETS,
    split: str = "mini",
    out: Path = Path("results/omni"),
    episodes: int | None = None,
    num_envs: int = 8,
    progress: bool = True,
) -> dict[str, Results]:
    """Evaluate a model on several sets; stopped, the same call goes on and asks nothing twice.

    Args:
        omni: the model and its server.
        sets: by name; each has a folder of its own in ``out``.
        split, episodes, num_envs, progress: as of ``evaluate_set``.
        out: folder for the results.

    Raises:
        ValueError: as ``evaluate_set``, or the server cannot be asked.
        KeyboardInterrupt: by Ctrl-C or SIGTERM; what is finished is kept.
    """
    return {
        name: evaluate_set(
            omni, "omni", load_set(name), split, out / f"{name}-{split}", episodes, num_envs,
            arguments=omni.told, progress=progress,
        )
        for name in sets
    }  # fmt: skip


def table(results: Mapping[str, Results]) -> str:
    """Return in Markdown how good a model is at each set, with intervals, and what an episode cost.

    What no set measures, or nothing costs, is no column.
    """
    measured = {name: set(one.episodes[0]["metrics"]) for name, one in results.items()}
    told = [metric for metric in TOLD if any(metric in own for own in measured.values())]
    ledgers = {name: one.ledger() for name, one in results.items()}
    charged = [n for n in COSTS if any(own.get(n, (0, 0))[0] for own in ledgers.values())]
    lines = [["set", "episodes", *(_measure(m).title for m in told), *map(COSTS.get, charged)]]
    lines.append(["---"] * len(lines[0]))
    for name, one in results.items():
        cells = [str(one.interval(m)) if m in measured[name] else "" for m in told]
        costs = [short(ledgers[name].get(n, (0, 0))[1]) for n in charged]
        lines.append([name, str(len(one.episodes)), *cells, *costs])
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


@contextmanager
def reference_served() -> Iterator[str]:
    """Serve the reference model on this machine as long as the context lasts.

    Yields:
        its address.
    """
    server = make_server(answer_of(Reference()))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _measure(metric: str) -> Measure:
    return MEASURES.get(metric) or Measure(metric, metric, metric)
