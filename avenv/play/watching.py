"""Scenes that are written while somebody stands in them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from avenv.play.scripts import run_script
from avenv.play.server import Server
from avenv.simulation.loading import load_scene
from avenv.simulation.world import World

EVERY = 0.3
"""Seconds from one look at the file to the next."""


Told = Callable[[str], None]
"""Told after each change: what is wrong, or an empty text."""


class Watch:
    """Loads a scene's file anew whenever it is saved, and takes the server's visitors there.

    A file that is no scene any more leaves everybody where they are, and the pages say all that is
    wrong with it until it is one again.

    Args:
        path: of the scene, or of a Python script that builds it, see ``scripts.run_script``.

    Attributes:
        world: the last that could be loaded.
        problem: what is wrong with the file as it is now; empty if nothing is.

    Raises:
        SceneError: the file is no scene to begin with.
    """

    def __init__(self, path: str | Path):
        self._path = Path(path)
        self._stamp = self._look()
        self.world: World = self._load()
        self.problem = ""

    def _load(self) -> World:
        is_script = self._path.suffix == ".py"
        return load_scene(run_script(self._path) if is_script else self._path)

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
            world = await asyncio.to_thread(self._load)
            await asyncio.to_thread(lambda: (world.walkable, world.raster))
            self.world, self.problem = world, ""
            for visit in list(server.visits.values()):
                await visit.move_to(world)
        except ValueError as error:
            self.problem = str(error)
        for visit in list(server.visits.values()):
            await visit.tell("file", problem=self.problem)
