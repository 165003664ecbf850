"""Draw the poses of a home: put bodies at places in it, let them move, and note what they hear."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core import frames
from avenv.core.errors import SceneError
from avenv.geometry import lines_of_sight
from avenv.navigation import FieldCache, GeodesicField, follower, shortest_path
from avenv.scene.homes import home_reference
from avenv.simulation.emitters import Emitter
from avenv.simulation.loading import load_scene
from avenv.simulation.settings import SensorSettings
from avenv.simulation.simulator import Commands, Simulator
from avenv.simulation.state import Start
from avenv.simulation.world import SOURCE_HEIGHT, World
from avenv.sounds.sets import load_sounds
from avenv_agents.poses import MOTIONS, RINGS, Poses, PoseSettings

TURN, STRIDE = np.deg2rad(15.0), 0.25
"""Radians of a turn, metres of a step."""
CLOSEST = 0.3
"""Metres between source and body, at least: nobody stands inside a source."""
CANDIDATES = 400
"""Places that are drawn for each source."""
LEG = 0.3
"""Metres after which the way has begun: nearer corners say nothing of where it leads."""
PAUSE = 1e-4
"""Share of a sound's own power below which a step of it is a pause."""


class _Drawn(NamedTuple):
    """One body's beginning."""

    start: Start
    field: GeodesicField
    room: str


def draw_home(settings: PoseSettings, split: str, number: int) -> Poses:
    """Return the poses of one home."""
    stream = {"train": 0, "val": 1, "test": 2}[split]
    rng = np.random.default_rng([settings.seed, stream, number])
    world = load_scene(home_reference(split, number))
    senses = SensorSettings(("binaural", "pose"))
    simulator = Simulator([world], senses, settings.places)
    drawn = _draw(rng, world, simulator, settings)
    simulator.begin({row: one.start for row, one in enumerate(drawn)})
    everywhere = np.ones(settings.places, bool)
    sides = rng.choice([-1.0, 1.0], settings.places)
    windows = []
    for step in range(MOTIONS[settings.motion]):
        if step:
            move = _turn if settings.motion == "turn" else _approach
            simulator.step(everywhere, move(simulator, drawn, sides))
        windows.append(_observe(simulator, drawn))
    starts = [one.start for one in drawn]
    return Poses(
        **{name: np.stack([w[name] for w in windows], axis=1) for name in windows[0]},
        home=np.full(settings.places, number, np.int32),
        room=np.array([one.room for one in drawn]),
        sound=np.array([start.emitters[0].sound.name for start in starts]),
        place=np.array([(*start.position, start.heading) for start in starts]),
        source=np.array([start.emitters[0].position for start in starts]),
    )


def _draw(
    rng: np.random.Generator, world: World, simulator: Simulator, settings: PoseSettings
) -> list[_Drawn]:
    """Return how each body begins."""
    sounds = load_sounds(settings.sounds, simulator.settings.sample_rate)
    grid = world.walkable_for(simulator.body)
    count = min(settings.sources, settings.places, len(world.places))
    chosen = rng.choice(len(world.places), count, replace=False)
    fields = FieldCache(count)
    drawn: list[_Drawn] = []
    for row in range(settings.places):
        source = world.source_places[chosen[row % count]]
        field = fields.get(grid, source[:2])
        place = _place(rng, world, simulator, field, source)
        sound = sounds.sample(rng)
        offset = int(rng.integers(len(sound.signal)))
        emitter = Emitter(source, sound, offset=offset)
        heading, seed = float(rng.uniform(-np.pi, np.pi)), int(rng.integers(2**63))
        start = Start(world, place, heading, (emitter,), seed=seed)
        drawn.append(_Drawn(start, field, _room(world, place)))
    return drawn


def _place(
    rng: np.random.Generator, world: World, simulator: Simulator, field: GeodesicField,
    source: tuple[float, float, float],
) -> tuple[float, float]:  # fmt: skip
    """Return where a body begins: each kind of place is as likely as the others that there are."""
    points = field.grid.sample(rng, CANDIDATES)
    height = source[2] - SOURCE_HEIGHT + simulator.body.ear_height
    ears = np.column_stack([points, np.full(len(points), height)])
    distance = np.linalg.norm(ears - source, axis=1)
    seen = lines_of_sight(world.compiled.bvh, ears, np.broadcast_to(source, ears.shape))
    kind = np.searchsorted(RINGS, distance) + (len(RINGS) + 1) * seen
    flat = np.hypot(*(points - source[:2]).T)
    kind[(flat < CLOSEST) | ~np.isfinite(field.at(points))] = -1
    kinds = np.unique(kind[kind >= 0])
    if len(kinds) == 0:
        raise SceneError(f"{world.name}: no place is {CLOSEST} m or more from a source")
    point = points[rng.choice(np.flatnonzero(kind == rng.choice(kinds)))]
    return float(point[0]), float(point[1])


def _room(world: World, place: tuple[float, float]) -> str:
    """Return the name of the room around a place."""
    from shapely.geometry import Point, Polygon

    for room in world.compiled.rooms:
        if Polygon(room.polygon).covers(Point(place)):
            return room.name
    return ""


# -- what bodies do and hear -----------------------------------------------------------------------


def _turn(simulator: Simulator, drawn: Sequence[_Drawn], sides: NDArray[np.float64]) -> Commands:
    """Turn each body to its side."""
    return Commands(np.zeros(len(drawn)), TURN * sides)


def _approach(
    simulator: Simulator, drawn: Sequence[_Drawn], sides: NDArray[np.float64]
) -> Commands:
    """Let each body take a step of the oracle; where that has arrived, turn to its side."""
    state = simulator.state
    distance, turn = np.zeros(len(drawn)), np.zeros(len(drawn))
    for row, one in enumerate(drawn):
        field, here = one.field, state.position[row]
        action = follower.next_action(
            field.grid, field, here, float(state.heading[row]), STRIDE, TURN, CLOSEST
        )
        distance[row] = STRIDE * (action == follower.FORWARD)
        turn[row] = TURN * {follower.TURN_LEFT: 1, follower.TURN_RIGHT: -1}.get(action, 0)
        if action == follower.STOP:
            turn[row] = TURN * sides[row]
    return Commands(distance, turn)


def _observe(simulator: Simulator, drawn: Sequence[_Drawn]) -> dict[str, NDArray]:
    """Return what all bodies hear now, and the truth."""
    state, seen = simulator.state, simulator.observe()
    sources = np.array([one.start.emitters[0].position for one in drawn])
    offset = frames.to_body(sources - state.ears(), state.heading)
    walk = [one.field.at(p[None])[0] for one, p in zip(drawn, state.position, strict=True)]
    return {
        "binaural": seen["binaural"].astype(np.float16),
        "pose": seen["pose"],
        "azimuth": frames.azimuth_elevation(offset)[0].astype(np.float32),
        "leg": np.array([_leg(state, row, one) for row, one in enumerate(drawn)], np.float32),
        "distance": np.linalg.norm(offset, axis=1).astype(np.float32),
        "walk": np.array(walk, np.float32),
        "visible": simulator.line_of_sight(sources),
        "sounding": np.array([_sounds(state, one.start.emitters[0], row)
                              for row, one in enumerate(drawn)]),
    }  # fmt: skip


def _leg(state: Any, row: int, one: _Drawn) -> float:
    """Return the direction from a head in which the shortest way to its source begins, radians."""
    here = state.position[row]
    way = shortest_path(one.field.grid, one.field, here) - here
    begun = np.flatnonzero(np.hypot(*way.T) >= LEG)
    if len(begun) == 0:
        return np.nan
    x, y = way[begun[0]]
    return float(frames.wrap_angle(np.arctan2(y, x) - state.heading[row]))


def _sounds(state: Any, emitter: Emitter, row: int) -> bool:
    """Return whether an emitter has made a sound in the step that has passed."""
    step = state.step_samples
    power = np.mean(emitter.samples(int(state.clock[row]) - step, step) ** 2)
    return bool(power > PAUSE * np.mean(emitter.sound.signal**2))
