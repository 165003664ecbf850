"""Scenes that are written while somebody stands in them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from avenv.play.server import Server
from avenv.simulation.world import World, load_scene

EVERY = 0.3
"""Seconds from one look at the file to the next."""


Told = Callable[[str], None]
"""Told after each change: what is wrong, or an empty text."""


@dataclass(frozen=True)
class Unwatched:
    """A scene that stays as it is.

    Attributes:
        world: the scene.
    """

    world: World

    async def follow(self, server: Server, told: Told) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()


class Watch:
    """Loads a scene's file anew whenever it is saved, and takes the server's visitors there.

    A file that is no scene any more leaves everybody where they are, and the pages say all that is
    wrong with it until it is one again.

    Args:
        path: of the scene.

    Attributes:
        world: the last that could be loaded.
        problem: what is wrong with the file as it is now; empty if nothing is.

    Raises:
        SceneError: the file is no scene to begin with.
    """

    def __init__(self, path: str | Path):
        self._path = Path(path)
        self._stamp = self._look()
        self.world: World = load_scene(self._path)
        self.problem = ""

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:  # editors take a file away for a moment
            return None
        return found.st_mtime_ns, found.st_size

    async def follow(self, server: Server, told: Told) -> None:
        """Look at the file again and again, and take a server's visitors along, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            stamp = self._look()
            if stamp is None or stamp == self._stamp:
                continue
            self._stamp = stamp
            await self._renew(server)
            told(self.problem)

    async def _renew(self, server: Server) -> None:
        try:
            world = await asyncio.to_thread(load_scene, self._path)
            await asyncio.to_thread(lambda: (world.walkable, world.raster))
            self.world, self.problem = world, ""
            for visit in list(server.visits.values()):
                await visit.move_to(world)
        except ValueError as error:
            self.problem = str(error)
        for visit in list(server.visits.values()):
            await visit.tell("file", problem=self.problem)
