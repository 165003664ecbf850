"""The local server behind the page: loopback only, one session for each page that is open."""

import asyncio
import errno
import secrets
import socket as sockets
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Any

from aiohttp import WSCloseCode, web

from avenv.play.guard import add_headers, guard
from avenv.play.protocol import MAX_MESSAGE
from avenv.play.uploads import MAX_BYTES, checked_name, read_upload, receive
from avenv.play.visit import Visit
from avenv.sounds import KINDS

MOST_SESSIONS = 8
"""Pages that may be open at once."""

KEPT = 20.0
"""Seconds for which the session of a page that was not closed, but lost, waits for its return."""

_FOR_GOOD = (WSCloseCode.OK, WSCloseCode.GOING_AWAY, WSCloseCode.INTERNAL_ERROR)
_TYPES = {
    "html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml",
}  # fmt: skip


class Server:
    """Serves the page, and to each that is open a session of its own.

    Args:
        open_session: makes a session, or what else ``visit`` serves; called in another thread.
        port: to listen on; 0: one that is free.
        kept: seconds for which the session of a lost connection is kept.
        most: pages that may be open at once.
        visit: what serves a session to a page, given threads for what takes long.
        index: the file of the page.

    Attributes:
        url: what to open in a browser.
        visits: of the pages that are open, or lost and expected back, by their secret names.

    Raises:
        OSError: the port is in use.
    """

    def __init__(
        self,
        open_session: Callable[[], Any],
        port: int = 0,
        kept: float = KEPT,
        most: int = MOST_SESSIONS,
        visit: Callable[[Any, ThreadPoolExecutor], Any] = Visit,
        index: str = "index.html",
    ):
        self._open_session, self._kept, self._most, self._visit = open_session, kept, most, visit
        self._index = index
        self.visits: dict[str, Any] = {}
        self._present: set[str] = set()
        self._opening = 0
        self._token = secrets.token_urlsafe(24)
        self._beside = ThreadPoolExecutor(2, "avenv-play-beside")
        self._socket = _listen(port)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/{self._token}/"
        self._page = _read_page()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to answer."""
        app = web.Application(
            middlewares=[guard(self._token, lambda: self.port)], client_max_size=MAX_BYTES
        )
        app.on_response_prepare.append(add_headers)
        app.on_shutdown.append(self._say_goodbye)
        app.router.add_get("/{token}/live", self._live)
        app.router.add_post("/{token}/sound", self._upload)
        app.router.add_get("/{token}/", self._file)
        app.router.add_get("/{token}/{name}", self._file)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def stop(self) -> None:
        """Close all pages' connections and answer no more."""
        if self._runner is not None:
            await self._runner.cleanup()
        for name in list(self.visits):
            self._free(name)
        self._beside.shutdown(wait=False, cancel_futures=True)

    async def _file(self, request: web.Request) -> web.Response:
        """Answer with a file of the page: these have all been read, and there is no other."""
        name = request.match_info.get("name", self._index)
        if name not in self._page:
            raise web.HTTPNotFound(text="there is no such file")
        kind = _TYPES[name.rpartition(".")[2]]
        return web.Response(body=self._page[name], content_type=kind, charset="utf-8")

    async def _live(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, heartbeat=15.0)
        await socket.prepare(request)
        try:
            name = await self._find_or_open(request.query.get("session", ""))
        except ValueError as error:
            await socket.send_json({"kind": "refused", "text": str(error)})
            await socket.close()
            return socket
        visit = self.visits[name]
        self._present.add(name)
        try:
            await socket.send_json({"kind": "session", "name": name, "sounds": KINDS})
            await visit.serve(socket)
        except ConnectionError:
            pass  # the page is gone
        finally:
            self._present.discard(name)
            closed = socket.close_code in _FOR_GOOD
            if closed or not self._kept:
                self._free(name)
            else:
                loop = asyncio.get_running_loop()
                loop.call_later(self._kept, self._free_if_away, name)
        return socket

    async def _find_or_open(self, name: str) -> str:
        """Return the name of a session: that of a page that comes back, or of a new one.

        Raises:
            ValueError: too many are open, or the scene cannot be walked in.
        """
        if name in self.visits and name not in self._present:
            return name
        if len(self.visits) + self._opening >= self._most:
            raise ValueError(f"the most pages that may be open are ({self._most}); close one")
        self._opening += 1
        try:
            loop = asyncio.get_running_loop()
            session = await loop.run_in_executor(self._beside, self._open_session)
        finally:
            self._opening -= 1
        name = secrets.token_urlsafe(12)
        self.visits[name] = self._visit(session, self._beside)
        return name

    async def _upload(self, request: web.Request) -> web.Response:
        visit = self.visits.get(request.query.get("session", ""))
        if not isinstance(visit, Visit):
            raise web.HTTPNotFound(text="there is no such session")
        try:
            name = checked_name(request.query.get("name", ""))
            content = await receive(request)
            loop, rate = asyncio.get_running_loop(), visit.session.sample_rate
            sound = await loop.run_in_executor(self._beside, read_upload, name, content, rate)
            visit.session.bring(sound)
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return web.json_response({"name": sound.name})

    def _free_if_away(self, name: str) -> None:
        if name not in self._present:
            self._free(name)

    def _free(self, name: str) -> None:
        if (visit := self.visits.pop(name, None)) is not None:
            visit.close()

    async def _say_goodbye(self, _: web.Application) -> None:
        for visit in self.visits.values():
            await visit.leave()


def _read_page() -> dict[str, bytes]:
    """Return the files of the page by their names."""
    entries = (files("avenv.play") / "page").iterdir()
    return {e.name: e.read_bytes() for e in entries if e.name.rpartition(".")[2] in _TYPES}


def _listen(port: int) -> sockets.socket:
    """Return a socket that listens on this machine's own interface.

    Raises:
        OSError: the port is in use, or may not be used.
    """
    try:
        return sockets.create_server(("127.0.0.1", port))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        what = "is in use" if taken else f"cannot be used ({error.strerror})"
        raise OSError(f"port {port} {what}; without --port a free one is found") from None


def serve(
    server: Server,
    ready: Callable[[str], None],
    meanwhile: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Run a server until it is interrupted.

    Args:
        server: what to run.
        ready: called with the address when it answers.
        meanwhile: what else is to be done then, without an end.
    """

    async def run() -> None:
        await server.start()
        try:
            ready(server.url)
            await (meanwhile() if meanwhile else asyncio.Event().wait())
        finally:
            await server.stop()

    asyncio.run(run())
