"""One page that is connected: what it wants to hear and to change, and what it is sent."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from avenv.play import protocol as p
from avenv.play.changes import prepare
from avenv.play.plan import draw_plan
from avenv.play.session import Session
from avenv.play.sound import as_pcm
from avenv.play.telling import tell
from avenv.scene.materials import material_names
from avenv.simulation.world import World

MOST_AHEAD = 1.0
"""Seconds of sound that a page may ask for ahead of what it has been sent."""

MOST_CHANGES = 8
"""Changes of one page that may be under way."""

PICTURES_UNDER_WAY = 2
"""Pictures that a page has not shown yet, beyond which none is drawn."""

MOST_REASON = 120
"""Bytes of the reason with which a connection is closed (RFC 6455, 5.5)."""

_MEASURED_EVERY = 0.8  # seconds of the session's clock
_TOLD_EVERY = 5  # steps from one set of levels and captions to the next
_PATIENCE = 5  # steps without a picture, where there is hardly time for the sound


class Visit:
    """Serves a session to one page, until that is closed.

    Time passes only as far as the page wants to hear: the page's own clock of sound is the only
    one there is, so that nothing drifts, and nothing happens behind the back of one who is away.

    Args:
        session: what is shown.
        beside: threads for what takes long.
        notice: returns what there is to say of the scene's file, see ``watching.Watch.notice``.
    """

    def __init__(
        self,
        session: Session,
        beside: ThreadPoolExecutor,
        notice: Callable[[], dict[str, Any]] | None = None,
    ):
        self.session, self._notice = session, notice
        self._beside = beside
        self._stepping = ThreadPoolExecutor(1, "avenv-play")
        self._socket: web.WebSocketResponse | None = None
        self._next: Session | None = None
        self._changing = asyncio.Lock()
        self._tasks: set[asyncio.Task] = set()
        self._wanted, self._woken = 0, asyncio.Event()
        self._begin()

    def _begin(self) -> None:
        """Forget what an earlier connection was sent."""
        self._wanted, self._steps, self._measured_at = 0, 0, -(10**9)
        self._drawn, self._seen, self._waited = 0, 0, 0
        self._shown: tuple = ()
        self._told = -1
        self._planned: World | None = None
        self._listening_to = ""
        self._captions: list[str] = []
        self._measuring: asyncio.Task | None = None

    async def serve(self, socket: web.WebSocketResponse) -> None:
        """Send and receive until the page closes the connection or it is lost."""
        self._begin()
        self._socket = socket
        if self._notice is not None:
            await tell(socket, "file", **self._notice())
        playing = asyncio.create_task(self._play(socket))
        playing.add_done_callback(lambda task: self._spawn(self._give_up(task)))
        try:
            async for message in socket:
                if message.type != WSMsgType.TEXT:
                    break
                try:
                    self._take(socket, p.read_message(message.data))
                except ValueError as error:
                    await tell(socket, "problem", text=str(error))
        finally:
            self.session.walk = (0.0, 0.0)
            for task in (playing, *self._tasks):
                task.cancel()
            done = await asyncio.gather(playing, *self._tasks, return_exceptions=True)
        if isinstance(done[0], Exception) and not isinstance(done[0], ConnectionError):
            raise done[0]

    async def _give_up(self, playing: asyncio.Task) -> None:
        """Close the connection when nothing can be played any more."""
        if self._socket is not None and not playing.cancelled():
            reason = str(playing.exception()).encode()[:MOST_REASON]
            await self._socket.close(code=WSCloseCode.INTERNAL_ERROR, message=reason)

    async def move_to(self, world: World) -> None:
        """Let the visitor be in another world from now on, where it stands; nothing else waits.

        Raises:
            SceneError: it cannot be there.
        """
        async with self._changing:
            self._next = await self._in(self._beside, self.session.moved_to, world)
            self._woken.set()

    async def tell(self, kind: str, **content: Any) -> None:
        """Tell the page something, if it is there."""
        if self._socket is not None and not self._socket.closed:
            await tell(self._socket, kind, **content)

    async def leave(self) -> None:
        """Tell the page that there will be no more."""
        if self._socket is not None:
            await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server has ended")

    def close(self) -> None:
        """Give back the thread."""
        self._stepping.shutdown(wait=False, cancel_futures=True)

    # -- what the page says ------------------------------------------------------------------------

    def _take(self, socket: web.WebSocketResponse, message: Any) -> None:
        session = self.session
        match message:
            case p.Want():
                most = session.clock + int(MOST_AHEAD * session.sample_rate)
                self._wanted = min(message.until, most)
                self._woken.set()
            case p.Seen():
                self._seen = max(self._seen, min(message.number, self._drawn))
            case p.Walk():
                session.walk = message.ahead, message.turn
            case p.Look():
                session.pitch = message.pitch
            case p.Measure():
                self._listening_to, self._measured_at = message.source, -(10**9)
            case p.Act():
                raise ValueError("this is no episode of a task")
            case _ if len(self._tasks) >= MOST_CHANGES:
                raise ValueError("one thing after another: earlier changes are still under way")
            case p.Pick():
                self._spawn(self._pick(socket, message))
            case p.Compare():
                self._spawn(self._compare(socket, message))
            case _:
                self._spawn(self._change(socket, message))

    async def _change(self, socket: web.WebSocketResponse, change: p.Change) -> None:
        try:
            async with self._changing:
                apply = await self._in(self._beside, prepare, self.session, change)
                await self._in(self._stepping, apply)
        except ValueError as error:
            await tell(socket, "problem", text=str(error))
        else:
            if self.session.version != self._told:  # time may stand still
                await self._tell_scene(socket)
            await tell(socket, "done", what=change.kind)

    async def _pick(self, socket: web.WebSocketResponse, point: p.Pick) -> None:
        try:
            found = await self._in(self._stepping, self.session.surface_at, point.right, point.up)
        except ValueError as error:
            await tell(socket, "problem", text=str(error))
        else:
            await tell(socket, "picked", **found._asdict(), materials=material_names())

    async def _compare(self, socket: web.WebSocketResponse, both: p.Compare) -> None:
        first, second = ((way.scene, way.head, way.engine) for way in (both.a, both.b))
        try:
            async with self._changing:
                pair = await self._in(self._beside, self.session.compare, first, second)
                await tell(socket, "pair", gain=pair.gain, rate=self.session.sample_rate)
                for number, clip in enumerate(pair.clips):
                    frame = p.frame(p.CLIP, number, self.session.clock, as_pcm(clip))
                    await socket.send_bytes(frame)
        except ValueError as error:
            await tell(socket, "problem", text=str(error))

    def _spawn(self, job: Any) -> asyncio.Task:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @staticmethod
    async def _in(pool: ThreadPoolExecutor, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)

    # -- what the page is sent ---------------------------------------------------------------------

    async def _play(self, socket: web.WebSocketResponse) -> None:
        """Send what is seen and heard, step by step, in one session after another."""
        while True:
            await self._say_hello(socket)
            while self._next is None:
                if self.session.clock < self._wanted:
                    await self._advance(socket)
                else:
                    self._woken.clear()
                    await self._woken.wait()
            self._next.walk = self.session.walk
            self.session, self._next = self._next, None
            self._begin()

    async def _say_hello(self, socket: web.WebSocketResponse) -> None:
        session, step = self.session, self.session.simulator.settings.step_samples
        await tell(socket, "hello", rate=session.sample_rate, clock=session.clock, step=step)
        await self._tell_scene(socket)
        await self._show(socket)

    async def _advance(self, socket: web.WebSocketResponse) -> None:
        """Let a step pass: the sound comes first, the picture where there is time."""
        session = self.session
        at = session.clock
        heard = await self._in(self._stepping, lambda: as_pcm(session.step()))
        await socket.send_bytes(p.frame(p.SOUND, self._steps, at, heard))
        self._steps += 1
        self._waited += 1
        if session.clock >= self._wanted or self._waited > _PATIENCE:
            await self._show(socket)
        await tell(socket, "pose", **session.pose())
        if session.version != self._told:
            await self._tell_scene(socket)
        if self._steps % _TOLD_EVERY == 0:
            await self._tell_heard(socket)

    async def _show(self, socket: web.WebSocketResponse) -> None:
        """Send a picture, unless it is the same as before or the page is behind with them."""
        view = self.session.view()
        if view == self._shown or self._drawn - self._seen >= PICTURES_UNDER_WAY:
            return
        picture = await self._in(self._stepping, self.session.picture)
        self._shown, self._waited = view, 0
        self._drawn += 1
        await socket.send_bytes(p.frame(p.PICTURE, self._drawn, self.session.clock, picture))

    async def _tell_scene(self, socket: web.WebSocketResponse) -> None:
        self._told = self.session.version
        scene = await self._in(self._stepping, self.session.scene)
        await tell(socket, "scene", **scene)
        if self.session.world is not self._planned:
            self._planned = self.session.world
            self._spawn(self._send_plan(socket, self._planned))

    async def _send_plan(self, socket: web.WebSocketResponse, world: World) -> None:
        plan = await self._in(self._beside, draw_plan, world)
        if world is self.session.world:
            await tell(socket, "plan", **plan.place())
            await socket.send_bytes(p.frame(p.PLAN, 0, self.session.clock, plan.png))

    async def _tell_heard(self, socket: web.WebSocketResponse) -> None:
        session = self.session
        loud = await self._in(self._stepping, session.levels)
        await tell(socket, "levels", sample=session.clock, **loud)
        captions = await self._in(self._stepping, session.captions)
        if captions != self._captions:
            self._captions = captions
            await tell(socket, "captions", lines=captions)
        due = session.clock - self._measured_at >= _MEASURED_EVERY * session.sample_rate
        is_free = self._measuring is None or self._measuring.done()
        if self._listening_to and due and is_free:
            self._measured_at = session.clock
            self._measuring = self._spawn(self._measure(socket, self._listening_to))

    async def _measure(self, socket: web.WebSocketResponse, source: str) -> None:
        try:
            found = await self._in(self._beside, self.session.measure, source)
        except ValueError as error:
            self._listening_to = ""
            await tell(socket, "problem", text=str(error))
        else:
            await tell(socket, "measures", source=source, **found)
