"""A scene in the browser: a local server, and a page to walk, look and listen in.

What needs aiohttp is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING

from avenv.core.lazy import lazily

if TYPE_CHECKING:
    from avenv.play.server import Server, serve
    from avenv.play.session import Session

__all__ = ["Server", "Session", "serve"]

__getattr__ = lazily(__name__, {"Server": ".server", "Session": ".session", "serve": ".server"})
