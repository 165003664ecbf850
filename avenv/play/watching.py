"""Scenes that are written while somebody stands in them."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from avenv.core.errors import SceneError
from avenv.play.findings import Finding, find_places
from avenv.play.scripts import run_script
from avenv.play.server import Server
from avenv.scene import SceneSpec
from avenv.scene.files import SPEC_SUFFIXES
from avenv.scene.yaml_files import read_yaml
from avenv.simulation.loading import load_scene
from avenv.simulation.survey import survey
from avenv.simulation.world import World

EVERY = 0.3
"""Seconds from one look at the file to the next."""


Told = Callable[[str], None]
"""Told after each change: what is wrong or odd, or an empty text."""


class Watch:
    """Loads a scene's file anew whenever it is saved, and takes the server's visitors there.

    A file that is no scene any more leaves everybody where they are, and the pages say all that is
    wrong with it, at its place, until it is one again; of one that is, what is odd about it.

    Args:
        path: of the scene, or of a Python script that builds it, see ``scripts.run_script``.

    Attributes:
        world: the last that could be loaded.
        findings: about the file as it is now, as ``avenv scene check`` has them.

    Raises:
        SceneError: the file is no scene to begin with.
    """

    def __init__(self, path: str | Path):
        self._path = Path(path)
        self._stamp = self._look()
        self._built: SceneSpec | None = None
        self.world: World = self._load()
        self.findings = _odd(self.world)

    @property
    def report(self) -> str:
        """What is wrong or odd, a line for each; empty if nothing is."""
        return "\n".join(("warning: " if f.is_warning else "") + f.text for f in self.findings)

    def notice(self) -> dict[str, Any]:
        """Return the message for pages about the file as it is now."""
        return {"findings": [finding.told() for finding in self.findings]}

    def _load(self) -> World:
        self._built = None  # nor the one before, if the script now fails
        if self._path.suffix == ".py":
            self._built = run_script(self._path)
        return load_scene(self._built or self._path)

    def _written(self) -> Mapping[str, Any] | None:
        """Return what the file holds, however wrong; None where that cannot be said."""
        if self._built is not None:
            return self._built.to_dict()
        with suppress(SceneError):
            if self._path.suffix.lower() in SPEC_SUFFIXES:
                return read_yaml(self._path)
        return None

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
            told(self.report)

    async def _renew(self, server: Server) -> None:
        try:
            world = await asyncio.to_thread(self._load)
            await asyncio.to_thread(lambda: (world.walkable, world.raster))
            self.world = world
            for visit in list(server.visits.values()):
                try:
                    await visit.move_to(world)
                except SceneError as error:  # who stands where none can stand now stays behind
                    await visit.tell("problem", text=str(error))
            self.findings = await asyncio.to_thread(_odd, world)
        except ValueError as error:
            lines = str(error).splitlines()
            self.findings = find_places(lines, False, self._written(), self.world)
        for visit in list(server.visits.values()):
            await visit.tell("file", **self.notice())


def _odd(world: World) -> list[Finding]:
    """Return what is probably not meant in a scene that one can walk in."""
    return find_places(list(survey(world).warnings), True, None, world)
