"""What the figures are to be, and whether they are."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Goal(NamedTuple):
    """What one figure is to be.

    Attributes:
        what: for people.
        section: in which it is measured.
        words: that the name of its row or ratio has in it.
        bound: that it is to keep.
        least: whether it is to be at least that; else at most.
        unit: ``"×"`` of a ratio; of a row ``"ms"`` or ``"s"`` of CPU, or ``"MiB"``.
    """

    what: str
    section: str
    words: tuple[str, ...]
    bound: float
    least: bool = False
    unit: str = "×"


ALONE = "a single environment over a row"
GOALS = (
    Goal("a full step, batch 16, over raster and FFTs alone", "steps", ("raster and FFTs",), 1.6),
    Goal("full steps/s, over those before", "against", ("full step", "over now"), 1.5, True),
    Goal("depth 64² + binaural, steps/s over depth 64² + spectrogram before", "against",
         ("binaural", "over now"), 2.5, True),
    Goal("a single environment over a row of a batch of 16, depth 64² + binaural", "steps",
         ("depth 64² + binaural", ALONE), 1.4),
    Goal("the same, depth 64² + spectrogram", "steps", ("depth 64² + spectrogram", ALONE), 1.4),
    Goal("the same, RGB-D 128² + spectrogram", "steps", ("RGB-D 128²", ALONE), 1.4),
    Goal("pyroomacoustics over a new binaural response, caches flushed", "sound",
         ("over", "caches flushed"), 800, True),
    Goal("the same, caches warm", "sound", ("over", "caches warm"), 1500, True),
    Goal("Embree's depth alone over RGB-D 128²", "pictures", ("Embree", "128²", "over"), 10, True),
    Goal("a warm reset over a step", "resets", ("warm reset over a step",), 3),
    Goal("steps/s on new homes over one warm home, walking, first pass", "resets",
         ("steps/s, walking", "first pass"), 0.6, True),
    Goal("the same, second pass", "resets", ("steps/s, walking", "second pass"), 0.85, True),
    Goal("memory of a long walk, second half over the quarter before", "growth",
         ("memory of the second half",), 1.02),
    Goal("light of a new home, small pictures", "homes", ("light, small",), 1.5, unit="s"),
    Goal("late field of a new source in a home", "homes", ("late field",), 100, unit="ms"),
    Goal("all kernels, compiled on one core", "start", ("compiling",), 60, unit="s"),
    Goal("memory of 16 environments", "memory", ("16 environments",), 1536, unit="MiB"),
)  # fmt: skip

_MICROSECONDS = {"ms": 1e3, "s": 1e6}


def told(figure: float) -> str:
    """Return a figure with three digits that count."""
    return f"{figure:.3g}" if figure < 1000 else f"{figure:,.0f}"


def judged(measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each goal that was measured what, its figure, the goal, and whether it is met."""
    found = []
    for goal in GOALS:
        figure = _figure(goal, measured.get(goal.section, {}))
        if figure is not None:
            met = figure >= goal.bound if goal.least else figure <= goal.bound
            bound = f"{'≥' if goal.least else '≤'} {goal.bound:,g} {goal.unit}"
            found.append(
                {
                    "what": goal.what,
                    "measured": f"{told(figure)} {goal.unit}",
                    "goal": bound,
                    "met": met,
                }
            )
    return found


def _figure(goal: Goal, section: Mapping[str, Any]) -> float | None:
    """Return the figure of a goal from its section, if it is there."""
    rows = section.get("ratios" if goal.unit == "×" else "rows", [])
    row = next((r for r in rows if all(word in r["name"] for word in goal.words)), None)
    if row is None:
        return None
    if goal.unit == "×":
        return float(row["ratio"])
    if goal.unit == "MiB":
        return float(row["mib"])
    return float(row["cpu_us"]) / _MICROSECONDS[goal.unit]
