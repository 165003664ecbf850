"""What things look like in notebooks.

Who draws them stands floors above, and is known by name alone, as tasks are in their table.
"""

from importlib import import_module
from typing import Any

SCENES = "avenv.drawing.notebook:scene_html"
"""What shows a scene, as ``module:function``."""


def html_of(thing: Any, shown_by: str) -> str:
    """Return a thing as HTML, by a function as ``module:function``."""
    module, _, name = shown_by.partition(":")
    return getattr(import_module(module), name)(thing)
