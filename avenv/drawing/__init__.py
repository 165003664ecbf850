"""Pictures of scenes: plans, top-down maps, contact sheets, and the panel beside a view.

What needs Pillow is loaded when it is first asked for, so that importing avenv stays light.
"""

from typing import TYPE_CHECKING

from avenv.core.lazy import lazily

if TYPE_CHECKING:
    from avenv.drawing.panel import compose
    from avenv.drawing.topdown import TopDownMap

__all__ = ["TopDownMap", "compose"]

__getattr__ = lazily(__name__, {"TopDownMap": ".topdown", "compose": ".panel"})
