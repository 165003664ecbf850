"""Builders of the catalogue's objects, one short function per kind, grouped by use.

A builder takes the extents along x (depth), y (width) and z (height) in metres and returns, for
each part of the object, the solids it consists of. Together they fill these extents, centred above
the origin, with the front towards +x. Solids that touch reach a little into each other and never
share a plane, so that no two faces fight for a pixel. Other shapes of a kind, such as one with its
door open, have builders of the same form.
"""

from collections.abc import Callable

from avenv.scene.furniture import (
    bathroom,
    beings,
    decor,
    electronics,
    kitchen,
    living,
    seating,
    storage,
    tables,
    things,
)
from avenv.scene.primitives import Parts

Builder = Callable[[float, float, float], Parts]

BUILDERS: dict[str, Builder] = {
    builder.__name__: builder
    for module in (
        seating, tables, storage, kitchen, bathroom, electronics, decor, living, things,
        beings,
    )
    for builder in module.BUILDERS
}  # fmt: skip
"""The builder of each kind, by the kind's name."""

SHAPES: dict[tuple[str, str], Builder] = {
    pair: builder
    for module in (storage, kitchen, bathroom, electronics, decor, beings)
    for pair, builder in module.SHAPES.items()
}
"""Builders of the other shapes that some kinds have, by kind and shape: an open fridge."""
