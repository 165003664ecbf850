"""Charts of reports, drawn as SVG: bars with intervals, and curves."""

from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite

from avenv.benchmark.metrics import Estimate

COLOURS = ("#2862d6", "#d9541f", "#16925c", "#8a46b8", "#b58900", "#0b8fa3", "#c2325f", "#6b7280")
"""Of the agents, in their order; from the ninth on they come again."""

LABEL, BAR, WIDTH = 152, 13, 196
"""Pixels: of the groups' names, of a bar's height, of the unit's length."""


def colour(number: int) -> str:
    """Return the colour of an agent by its number."""
    return COLOURS[number % len(COLOURS)]


def bars(groups: Mapping[str, Sequence[Estimate]], what: str) -> str:
    """Return shares as bars with their intervals, one bar for each agent in each group.

    Args:
        groups: by name the shares of the agents, 0 to 1.
        what: they are of, for those who cannot see them.
    """
    parts: list[str] = []
    y = 8
    for name, estimates in groups.items():
        middle = y + len(estimates) * (BAR + 2) / 2 + 4
        parts.append(
            f'<text x="{LABEL - 8}" y="{middle:.0f}" text-anchor="end">{escape(name)}</text>'
        )
        for k, (mean, low, high) in enumerate(estimates):
            parts.append(
                f'<rect x="{LABEL}" y="{y}" width="{WIDTH * mean:.1f}" height="{BAR}" '
                f'fill="{colour(k)}"/>'
            )
            if isfinite(low):
                centre = y + BAR / 2
                parts.append(
                    f'<path d="M{LABEL + WIDTH * low:.1f} {centre}H{LABEL + WIDTH * high:.1f}" '
                    'stroke="#111" stroke-width="1.5"/>'
                )
            y += BAR + 2
        y += 8
    for tenth in range(0, 11, 2):
        x = LABEL + WIDTH * tenth / 10
        parts.insert(0, f'<path d="M{x:.1f} 4V{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{y + 14}" text-anchor="middle">{tenth / 10:g}</text>')
    return _svg(LABEL + WIDTH + 12, y + 20, parts, what)


def curves(lines: Mapping[str, Sequence[tuple[float, float]]], what: str) -> str:
    """Return curves of shares over steps.

    Args:
        lines: by name the points (steps, share); what is not finite is left out.
        what: they are of, for those who cannot see them.
    """
    width, height, left = 400, 200, 44
    most = max((x for line in lines.values() for x, _ in line), default=1.0) or 1.0
    parts = []
    for fifth in range(6):
        y = 10 + height * (1 - fifth / 5)
        parts.append(f'<path d="M{left} {y:.1f}H{left + width}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{fifth / 5:g}</text>')
    for k, (name, line) in enumerate(lines.items()):
        points = " ".join(
            f"{left + width * x / most:.1f},{10 + height * (1 - y):.1f}"
            for x, y in line
            if isfinite(x) and isfinite(y)
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour(k)}" stroke-width="2"/>'
        )
        parts.append(
            f'<text x="{left + 8}" y="{24 + 15 * k}" fill="{colour(k)}">{escape(name)}</text>'
        )
    parts.append(
        f'<text x="{left + width}" y="{height + 28}" text-anchor="end">{most:,.0f} steps</text>'
    )
    return _svg(left + width + 20, height + 36, parts, what)


def _svg(width: float, height: float, parts: Sequence[str], what: str) -> str:
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" '
        f'aria-label="{escape(what)}">{"".join(parts)}</svg>'
    )
