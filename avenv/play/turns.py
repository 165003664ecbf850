"""A page at which a person plays an episode, turn by turn."""

import asyncio
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from avenv.play import protocol as p
from avenv.play.human import End, Game, Turn
from avenv.play.pictures import as_jpeg
from avenv.play.rivals import Score
from avenv.play.sound import as_pcm
from avenv.play.telling import tell

_QUALITY = 88  # of a JPEG


class TurnVisit:
    """Serves one episode to one page.

    Args:
        game: the episode.
        beside: not needed; games have threads of their own.
    """

    def __init__(self, game: Game, beside: ThreadPoolExecutor):
        self.game = game
        self._socket: web.WebSocketResponse | None = None
        self._waiting = ThreadPoolExecutor(1, "avenv-play-turn")
        self._turn: Turn | End | None = None
        self._scores: list[Score] = []
        self._asked = False
        self._clock = self._number = 0

    async def serve(self, socket: web.WebSocketResponse) -> None:
        """Show turns and take actions until the page closes the connection or it is lost."""
        self._socket = socket
        playing = asyncio.create_task(self._play(socket))
        try:
            async for message in socket:
                if message.type != WSMsgType.TEXT:
                    break
                try:
                    self._take(p.read_message(message.data))
                except ValueError as error:
                    await tell(socket, "problem", text=str(error))
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)

    async def leave(self) -> None:
        """Tell the page that there will be no more."""
        if self._socket is not None:
            await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server has ended")

    def close(self) -> None:
        """Give the game up."""
        self.game.leave()
        self._waiting.shutdown(wait=False, cancel_futures=True)

    def _take(self, message: Any) -> None:
        if not isinstance(message, p.Act):
            return  # time passes by actions alone
        turn = self._turn
        if not (self._asked and isinstance(turn, Turn)):
            raise ValueError("it is not your turn")
        if message.action >= len(turn.actions):
            raise ValueError(f"action is {message.action}; accepted: 0 to {len(turn.actions) - 1}")
        self._asked = False
        self.game.act(message.action)

    async def _play(self, socket: web.WebSocketResponse) -> None:
        if self._turn is not None:  # the page has come back
            await self._show(socket, self._turn)
            for score in self._scores:
                await self._tell_score(socket, score)
        while not self._is_over:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._waiting, self.game.next)
            if isinstance(found, Score):
                self._scores.append(found)
                await self._tell_score(socket, found)
                continue
            self._turn, self._asked = found, isinstance(found, Turn)
            await self._show(socket, found)

    @property
    def _is_over(self) -> bool:
        return isinstance(self._turn, End) and len(self._scores) == len(self._turn.rivals)

    async def _tell_score(self, socket: web.WebSocketResponse, score: Score) -> None:
        metrics, problem = _finite(score.metrics), score.problem
        await tell(socket, "beside", name=score.name, metrics=metrics, problem=problem)

    async def _show(self, socket: web.WebSocketResponse, turn: Turn | End) -> None:
        if isinstance(turn, End):
            await tell(
                socket, "end", metrics=_finite(turn.metrics), problem=turn.problem,
                headline=turn.headline, rivals=turn.rivals,
            )  # fmt: skip
            return
        picture = as_jpeg(turn.rgb, _QUALITY)
        if self._number == 0:
            await tell(socket, "hello", rate=turn.sample_rate, clock=0, step=turn.heard.shape[1])
        self._number += 1
        await socket.send_bytes(p.frame(p.PICTURE, self._number, self._clock, picture))
        await socket.send_bytes(p.frame(p.SOUND, self._number, self._clock, as_pcm(turn.heard)))
        self._clock += turn.heard.shape[1]
        await tell(
            socket, "turn", instruction=turn.instruction, answer=turn.answer,
            actions=turn.actions, steps=turn.steps,
        )  # fmt: skip


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Return metrics as JSON has them: None where one is no number."""
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}
