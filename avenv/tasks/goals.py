"""Where a body should stand to be at a source."""

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.geometry import lines_of_sight
from avenv.navigation import WalkableGrid
from avenv.simulation.questions import REACH
from avenv.simulation.world import World


def standing_point(
    world: World, grid: WalkableGrid, source: tuple[float, float, float], height: float
) -> NDArray[np.float64]:
    """Return the walkable point (2,) nearest to a source from where nothing hides the source.

    A phone on a table by a thin wall may be nearer to the floor of the next room than to its own;
    hence the line of sight, from eyes at the ``height`` z.

    Raises:
        SceneError: there is none within ``REACH``, or the source is in another storey.
    """
    grid.check_storey(source[2], f"the source at ({source[0]:.2f}, {source[1]:.2f})")
    target = np.asarray(source[:2], np.float64)
    if grid.is_walkable(target[None])[0]:
        return target
    iy, ix = np.nonzero(grid.islands > 0)
    centres = grid.origin + grid.cell * (np.stack([ix, iy], axis=-1) + 0.5)
    distances = np.hypot(*(centres - target).T)
    near = np.argsort(distances, kind="stable")[: np.count_nonzero(distances <= REACH)]
    eyes = np.column_stack([centres[near], np.full(len(near), height)])
    # What is hidden in or under something is looked for right above it.
    for goal in (source, (source[0], source[1], height)):
        clear = lines_of_sight(world.compiled.bvh, eyes, np.tile(goal, (len(near), 1)))
        if clear.any():
            break
    else:
        raise SceneError(
            f"{world.name}: no place to stand within {REACH} m of the source at "
            f"({source[0]:.2f}, {source[1]:.2f}) from "
            "where it can be seen; accepted: a source beside walkable floor"
        )
    return centres[near[np.argmax(clear)]]
