"""Tell a page something."""

import json
from typing import Any

from aiohttp import web


async def tell(socket: web.WebSocketResponse, kind: str, **content: Any) -> None:
    """Send a message of a kind as JSON."""
    await socket.send_str(json.dumps({"kind": kind, **content}))
