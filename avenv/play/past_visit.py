"""A page at which episodes of results are watched: it is sent all moments, and scrubs by itself."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from threading import Condition, Thread
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from avenv.play import protocol as p
from avenv.play.past import Moment, Past
from avenv.play.plan import draw_plan
from avenv.play.telling import tell

_WAIT = 0.5  # seconds after which a page that waits looks whether it is still there


class Tape:
    """Plays some pasts once, in a thread of its own, for all pages that watch them.

    Args:
        pasts: of one episode, side by side.

    Attributes:
        about: what is known of each before it begins.
    """

    def __init__(self, pasts: Sequence[Past]):
        self.about = [past.about() for past in pasts]
        self._moments: list[tuple[Moment | None, ...]] = []
        self._over, self._problem = False, ""
        self._more = Condition()
        Thread(target=self._play, args=(pasts,), name="avenv-watch", daemon=True).start()

    def wait(self, number: int) -> tuple[tuple[Moment | None, ...] | None, bool, str]:
        """Return the moments after so many actions, one for each past, None where it is over.

        Returns:
            the moments, or None if they are not there yet; whether there will be none; and why, if
            something went wrong.
        """
        with self._more:
            if number >= len(self._moments) and not self._over:
                self._more.wait(_WAIT)
            there = number < len(self._moments)
            moments = self._moments[number] if there else None
            return moments, self._over and not there, self._problem

    def _play(self, pasts: Sequence[Past]) -> None:
        try:
            for moments in zip_longest(*(past.moments() for past in pasts)):
                with self._more:
                    self._moments.append(moments)
                    self._more.notify_all()
        except (ValueError, OSError) as error:
            self._problem = str(error)
        finally:
            with self._more:
                self._over = True
                self._more.notify_all()


class PastVisit:
    """Sends a tape to one page.

    Args:
        tape: what is watched.
        beside: threads for what takes long.
    """

    def __init__(self, tape: Tape, beside: ThreadPoolExecutor):
        self._tape, self._beside = tape, beside
        self._waiting = ThreadPoolExecutor(1, "avenv-watch-page")
        self._socket: web.WebSocketResponse | None = None

    async def serve(self, socket: web.WebSocketResponse) -> None:
        """Send all moments, and stay until the page closes the connection or it is lost."""
        self._socket = socket
        sending = asyncio.create_task(self._send(socket))
        try:
            async for message in socket:
                if message.type != WSMsgType.TEXT:
                    break
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def leave(self) -> None:
        """Tell the page that there will be no more."""
        if self._socket is not None:
            await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server has ended")

    def close(self) -> None:
        """Give back the thread."""
        self._waiting.shutdown(wait=False, cancel_futures=True)

    async def _send(self, socket: web.WebSocketResponse) -> None:
        loop, number, over = asyncio.get_running_loop(), 0, False
        drawn: list[Any] = [None for _ in self._tape.about]
        await tell(socket, "past", pasts=self._tape.about)
        while not over:
            moments, over, problem = await loop.run_in_executor(
                self._waiting, self._tape.wait, number
            )
            for who, moment in enumerate(moments or ()):
                if moment is not None:
                    drawn[who] = await self._send_moment(socket, who, moment, drawn[who])
            number += moments is not None
        await tell(socket, "over", problem=problem)

    async def _send_moment(
        self, socket: web.WebSocketResponse, who: int, moment: Moment, drawn: Any
    ) -> Any:
        """Send a moment, and the plan if it is another; return the world that the plan is of."""
        world, at = moment.world, moment.step
        if world is not drawn:
            plan = await asyncio.get_running_loop().run_in_executor(self._beside, draw_plan, world)
            await tell(socket, "plan", who=who, step=at, **plan.place())
            await socket.send_bytes(p.frame(p.PLAN, who, at, plan.png))
        maps = {name: _address(png) for name, png in moment.told["maps"].items()}
        await tell(socket, "moment", who=who, step=at, **{**moment.told, "maps": maps})
        await socket.send_bytes(p.frame(p.PICTURE, who, at, moment.picture))
        await socket.send_bytes(p.frame(p.SOUND, who, at, moment.heard))
        return world


def _address(png: bytes) -> str:
    """Return an address that holds a picture itself."""
    return f"data:image/png;base64,{b64encode(png).decode()}"
