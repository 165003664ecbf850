"""Who may ask the server: the browser that was given its address, on this machine, nobody else."""

import secrets
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
        "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every answer says: the page loads from this server alone, and nobody frames it."""


def guard(token: str, port: Callable[[], int]) -> Middleware:
    """Return what lets through only requests with the token, to this host, from its own pages.

    A name that another site lets point to this machine (DNS rebinding) is no host of it, and what
    another site's page asks for says so in its ``Origin``.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts = [f"{name}:{port()}" for name in ("127.0.0.1", "localhost")]
        origin = request.headers.get("Origin")
        given = request.path.split("/")[1]
        if request.host not in hosts or origin not in (None, f"http://{request.host}"):
            raise web.HTTPForbidden(text="this server answers its own page only")
        if not secrets.compare_digest(given.encode(), token.encode()):
            text = "the address lacks the token that avenv play has printed"
            raise web.HTTPForbidden(text=text)
        return await handler(request)

    return check


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Put ``HEADERS`` on an answer before it is sent."""
    response.headers.update(HEADERS)
