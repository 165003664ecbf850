"""What a person watching an environment sees: the robot's view beside a map, and what it hears."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv import vision
from avenv.drawing.panel import compose
from avenv.drawing.textmap import text_map
from avenv.drawing.topdown import TopDownMap
from avenv.simulation.eyes import things_about
from avenv.simulation.guests import looks_of
from avenv.simulation.simulator import Simulator
from avenv.simulation.world import World

SIDE = 480
"""Height of view and map, pixels."""

MAX_MAPS = 8
"""Worlds whose maps are kept."""


class Captioned(Protocol):
    """What says what is going on: a task."""

    def caption(self, row: int) -> list[str]:
        """Return lines of text about one row."""

    def marks(self, row: int) -> list[NDArray[np.float64]]:
        """Return places (2,) to show on the map of one row."""


class Screen:
    """Pictures and text of E environments, with the way each body has come.

    Args:
        simulator: the bodies.
        task: says what is going on.
    """

    def __init__(self, simulator: Simulator, task: Captioned):
        self._simulator, self._task = simulator, task
        self._trails: list[list[NDArray[np.float64]]] = [[] for _ in range(simulator.num_envs)]
        self._maps: dict[World, TopDownMap] = {}
        self._window: Any = None

    def begin(self, row: int) -> None:
        """Start a new trail."""
        self._trails[row] = [self._simulator.state.position[row].copy()]

    def follow(self, row: int) -> None:
        """Add the present position to the trail."""
        self._trails[row].append(self._simulator.state.position[row].copy())

    def text(self, row: int) -> str:
        """Return a line of numbers over a map in characters."""
        state, marks = self._simulator.state, self._task.marks(row)
        grid = state.here[row].walkable_for(self._simulator.body)
        plan = text_map(
            grid.islands > 0,
            grid.origin,
            grid.cell,
            self._trails[row],
            float(state.heading[row]),
            marks[0] if marks else None,
        )
        return f"{'. '.join(self._task.caption(row))}\n{plan}\n"

    def picture(
        self,
        row: int,
        position: ArrayLike | None = None,
        heading: float | None = None,
        ago: float = 0.0,
    ) -> NDArray[np.uint8]:
        """Return the panel (H, W, 3) of one environment.

        Args:
            row: which environment.
            position: (x, y) to look from instead of the body's own, for pictures between steps.
            heading: likewise, radians.
            ago: seconds before now at which others are shown.
        """
        simulator, state = self._simulator, self._simulator.state
        world = state.here[row]
        at = state.position[row] if position is None else np.asarray(position, np.float64)
        facing = float(state.heading[row]) if heading is None else heading
        hfov = simulator.settings.hfov
        eye = (*at, state.level[row] + simulator.body.eye_height)
        feet = np.array([*at, state.level[row]])
        scene = world.prepared_for("raster", looks=looks_of(state.emitters(row)))
        view = vision.render_view(
            scene, eye, facing, size=(SIDE, SIDE), hfov=hfov, sensors=("rgb",),
            instances=things_about(scene, state, row, feet, facing, ago),
        )  # fmt: skip
        return compose(
            view["rgb"],
            self._map(row).draw(
                at,
                facing,
                path=[*self._trails[row][:-1], at],
                sources=self._task.marks(row),
                hfov=hfov,
            ),
            self._task.caption(row),
            simulator.window(row),
            height=SIDE,
        )

    def show(self, row: int) -> None:
        """Show the panel in a window (needs pygame)."""
        picture = self.picture(row)
        pygame = _import_pygame()
        size = (picture.shape[1], picture.shape[0])
        if self._window is None:
            pygame.display.init()
            pygame.display.set_caption("avenv")
            self._window = pygame.display.set_mode(size)
        surface = pygame.surfarray.make_surface(picture.swapaxes(0, 1))
        self._window.blit(surface, (0, 0))
        pygame.event.pump()
        pygame.display.flip()

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            _import_pygame().quit()
            self._window = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_window": None, "_maps": {}}

    def _map(self, row: int) -> TopDownMap:
        world = self._simulator.state.here[row]
        if world not in self._maps:
            compiled = world.compiled
            low, high = compiled.bounds[:, :2]
            aspect = (high[0] - low[0] + 0.6) / (high[1] - low[1] + 0.6)
            width = int(np.clip(SIDE * aspect, SIDE / 2, 2 * SIDE)) // 2 * 2
            if len(self._maps) == MAX_MAPS:
                self._maps.clear()
            self._maps[world] = TopDownMap(compiled, (width, SIDE))
        return self._maps[world]


def _import_pygame() -> Any:
    try:
        import pygame
    except ImportError as error:
        raise ImportError('render_mode="human" needs pygame: pip install "avenv[human]"') from error
    return pygame
