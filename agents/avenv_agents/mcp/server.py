"""The server: tools of the Model Context Protocol over walks, by its official SDK."""

from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Audio, Image
from mcp.server.mcpserver.exceptions import ToolError

from avenv_agents.mcp.walks import WalkError, Walks

INSTRUCTIONS = """You are the body of a robot in a home. Call `reset` first: it says what the task
is, and returns a handle that all other tools want. With `listen` you hear with two ears, with
`look` you see, with `step` you act; `state` tells how far you have come."""


def make_server(walks: Walks) -> MCPServer[Any]:
    """Return a server of some walks; it remembers nothing of its clients but those."""
    server: MCPServer[Any] = MCPServer("avenv", instructions=INSTRUCTIONS, log_level="ERROR")

    @server.tool()
    def reset(walk: str = "", seed: int | None = None) -> dict[str, Any]:
        """Begin an episode in a home, and learn what the task is.

        Args:
            walk: the handle of a walk of yours, to begin anew in it; empty: a new one.
            seed: of the episode; the same one begins the same episode.
        """
        handle = _said(walks.reset, walk, seed)
        return {"walk": handle, **_said(walks.state, handle)}

    @server.tool()
    def step(walk: str, actions: list[str]) -> str:
        """Carry out actions one after another, until the body bumps into something.

        Args:
            walk: the handle that reset returned.
            actions: their names, as state lists them; "stop" says that you are done.
        """
        return _said(walks.step, walk, actions)

    @server.tool(structured_output=False)
    def look(walk: str, depth: bool = False) -> Image:
        """See what is ahead, 90 degrees wide.

        Args:
            walk: the handle that reset returned.
            depth: see how far away things are instead: white is 10 m or more, black unknown.
        """
        return Image(data=_said(walks.picture, walk, depth), format="png")

    @server.tool(structured_output=False)
    def listen(walk: str) -> list[Any]:
        """Hear the latest sound with two ears, and read what microphones measure of it."""
        sound, told = _said(walks.sound, walk)
        return [Audio(data=sound, format="wav"), told]

    @server.tool()
    def state(walk: str) -> dict[str, Any]:
        """Know the task, your actions, and how far you have come from where you began."""
        return _said(walks.state, walk)

    return server


def _said(do: Any, *arguments: Any) -> Any:
    """Return what a walk does; what it refuses is said to the client."""
    try:
        return do(*arguments)
    except WalkError as error:
        raise ToolError(str(error)) from error
