"""What things are, guessed from how high, wide and even they are: fallen things, and tables."""

from typing import NamedTuple

from avenv_agents.heights import Thing, Top

FLAT = 0.15
"""Metres below which whatever lies about may have fallen."""
STANDS = 0.75
"""How high something is for its width that stands there as it always did, as a ball."""
BOXES = 0.23
"""Metres; what is as high is most probably a box."""
NARROW, SHORT = 0.1, 0.2
"""Metres: what is that narrow, and no higher, may lie on its edge; legs are longer."""
BACKED = 0.4
"""Share of the edge of a seat, at least, behind which there is a back or an arm."""


class _Table(NamedTuple):
    """One sort of tables: heights in metres, half their width, and square metres."""

    low: float
    high: float
    half: float
    least: float
    most: float


TABLES = (
    _Table(0.66, 0.83, 0.28, 0.40, 3.0),
    _Table(0.36, 0.48, 0.23, 0.35, 0.9),
    _Table(0.46, 0.58, 0.17, 0.14, 0.3),
)
"""To eat and write at, before a sofa, beside a bed: the likeliest first."""
ANY_TOP = _Table(0.36, 0.95, 0.1, 0.08, 3.0)
"""What one tries where there seems to be no table."""


def may_have_fallen(thing: Thing) -> bool:
    """Return whether something looks as if it lay there, and not as if it stood there always."""
    if thing.width <= NARROW:
        return thing.height < SHORT
    return thing.height < min(BOXES, max(FLAT, STANDS * thing.width))


def is_table(top: Top, sort: _Table) -> bool:
    """Return whether an even surface may be a table of some sort."""
    return (
        sort.low < top.height < sort.high
        and sort.least < top.area < sort.most
        and top.half > sort.half
        and top.backed < BACKED
    )
