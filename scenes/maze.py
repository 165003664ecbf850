"""Script a maze with a beacon: a different one for each seed, and always a way through.

Run ``python scenes/maze.py [maze.yaml] [seed]``. It walks to the beacon as one who knows the map
would, and checks that the sound comes round the corners instead of through the walls.
"""

import sys

import numpy as np
from shapely import box, union_all

import avenv
from avenv import SceneBuilder, SceneSpec
from avenv.envs.env import Env
from avenv.geometry import lines_of_sight

CELLS = 5  # on each side
PITCH, WIDTH = 1.8, 1.4  # metres from cell to cell, and of a corridor

Cell = tuple[int, int]


def carve(rng: np.random.Generator) -> dict[Cell, Cell]:
    """Return for each cell the one it was reached from, by a random walk that backtracks."""
    came_from, path = {(0, 0): (0, 0)}, [(0, 0)]
    while path:
        x, y = path[-1]
        free = [(x + dx, y + dy) for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))
                if 0 <= x + dx < CELLS and 0 <= y + dy < CELLS
                and (x + dx, y + dy) not in came_from]  # fmt: skip
        if free:
            path.append(free[rng.integers(len(free))])
            came_from[path[-1]] = (x, y)
        else:
            path.pop()
    return came_from


def way_out(cell: Cell, came_from: dict[Cell, Cell]) -> list[Cell]:
    """Return the cells from one back to the first."""
    way = [cell]
    while way[-1] != (0, 0):
        way.append(came_from[way[-1]])
    return way


def middle(cell: Cell) -> tuple[float, float]:
    """Return [x, y] of the middle of a cell, metres."""
    return PITCH * (cell[0] + 0.5), PITCH * (cell[1] + 0.5)


def build_maze(came_from: dict[Cell, Cell], goal: Cell) -> SceneSpec:
    """Describe the maze: one room whose outline is that of all corridors together."""
    corridors = []
    for cell, previous in came_from.items():
        ends = np.array([middle(cell), middle(previous)])
        corridors.append(box(*(ends.min(axis=0) - WIDTH / 2), *(ends.max(axis=0) + WIDTH / 2)))
    outline = union_all(corridors)
    b = SceneBuilder("maze", wall_thickness=0.1)
    maze = b.room("maze", polygon=outline.exterior.coords[:-1], walls="brick", floor="concrete")
    stool = maze.place("stool", at=middle(goal))
    radio = maze.place("radio", on=stool)
    b.source("beacon", on=radio)
    return b.build()


def check_maze(spec: SceneSpec, route: list[Cell]) -> None:
    """Assert that the beacon is found on foot and heard round corners."""
    world = avenv.load_scene(spec)
    [beacon] = world.compiled.sources
    start = middle((0, 0))
    walk = avenv.geodesic_distance(world, start, beacon.position[:2])
    assert 0.6 * PITCH * (len(route) - 2) < walk <= PITCH * (len(route) - 1)

    env = Env("AudioGoal", scenes=world, goals="sources", sounds="scene", sensors=("audio",))
    env.reset(seed=1)
    over, info = False, {}
    while not over:
        _, _, terminated, truncated, info = env.step(env.oracle_action())
        over = terminated or truncated
    assert info["metrics"]["success"] == 1
    print(f"found the beacon in {info['metrics']['num_actions']:.0f} actions")

    # Of the next cells, the one that is nearest through the walls for its way on foot.
    far = max(
        route[2:7], key=lambda cell: route.index(cell) / np.hypot(*np.subtract(cell, route[0]))
    )
    ears = (*middle(far), 1.2)
    assert not lines_of_sight(world.compiled.bvh, [beacon.position], [ears]).any()
    response = avenv.impulse_response(world, beacon.position, ears, layout="mono")[0]
    heard = np.argmax(np.abs(response) > 0.1 * np.abs(response).max()) / 16000 * 343
    straight = np.linalg.norm(np.subtract(ears, beacon.position))
    walk = avenv.geodesic_distance(world, ears[:2], beacon.position[:2])
    print(f"{straight:.1f} m through the walls, {walk:.1f} m on foot, {heard:.1f} m by ear")
    assert heard > 0.8 * walk > straight, "sound comes round the corners"


def main(path: str = "maze.yaml", seed: str = "0") -> None:
    """Carve, build, check and save a maze."""
    came_from = carve(np.random.default_rng(int(seed)))
    goal = max(came_from, key=lambda cell: len(way_out(cell, came_from)))
    spec = build_maze(came_from, goal)
    check_maze(spec, way_out(goal, came_from))
    spec.save(path)
    print(f"wrote {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
