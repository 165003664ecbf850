"""A scene in the browser: a local server, and a page to walk, look and listen in.

What needs aiohttp is loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avenv.play.server import Server, serve
    from avenv.play.session import Session

__all__ = ["Server", "Session", "serve"]

_HOMES = {"Server": "server", "Session": "session", "serve": "server"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
