"""How somebody who knows everything gets an errand done: walk, turn, act, by the agent's actions.

An errand is a verb and a thing. Where to stand for it is found once for each home and thing: places
from where the thing is what the hands would touch, whichever of the headings that turns allow.
"""

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.core.frames import wrap_angle
from avenv.navigation import FieldCache, GeodesicField, WalkableGrid, follower
from avenv.scene.compiled import SceneObject
from avenv.simulation.body import Body
from avenv.simulation.hands import held_thing, portable, usable
from avenv.simulation.placing import find_spot
from avenv.simulation.reach import REACH, in_reach
from avenv.simulation.simulator import Simulator
from avenv.simulation.world import World

BESIDE = 0.5
"""Metres on foot from a place within which somebody who is to stop there does."""

_LATTICE = 0.2  # m between the places that are tried
_FINE = np.deg2rad(7.5)  # half a turn: how far off a heading may be
_HEADINGS = _FINE * np.arange(-6, 7)  # about the way to the thing
_MOST_PLACES = 24  # of one thing
_LEAST, _ROOMY = (
    3,
    5,
)  # places beside one another, itself one, that a place needs, and that are fine

_places: "WeakKeyDictionary[WalkableGrid, dict]" = WeakKeyDictionary()


class Errand(NamedTuple):
    """What is to be done to a thing.

    Attributes:
        verb: a name in ``hands.VERBS``; or ``"stop"``.
        thing: name of what it is done to; of what ``put`` puts the thing in hand on; of a place.
        ready: whether to do it at once; else only to get ready for it.
        place: world metres, where to stop; for verbs the thing says where.
    """

    verb: str
    thing: str
    ready: bool = True
    place: tuple[float, float] | None = None


class Planner:
    """Plans errands over the map, for the bodies of a simulator.

    Args:
        simulator: whose bodies are to run errands.
        step: metres of one forward action.
        turn: radians of one turn action.
    """

    def __init__(self, simulator: Simulator, step: float, turn: float):
        self._simulator, self._step, self._turn = simulator, step, turn
        self._fields = FieldCache()

    def next_action(self, row: int, errand: Errand) -> str | int:
        """Return what a body does next for an errand: a number of ``MOTIONS`` or a verb.

        A body that is to get ready waits when it is.

        Raises:
            SceneError: there is no way to where it could be done.
        """
        state = self._simulator.state
        world, position = state.here[row], state.position[row]
        if errand.place is not None:
            return self._walk(row, self.field(world, errand), BESIDE)
        turns = self._turns_to(row, errand)
        if turns is None:
            field = self.field(world, errand)
            if not np.isfinite(field.at(position[None])[0]):
                raise SceneError(f"{world.name}: there is no way to where one can {errand}")
            action = self._walk(row, field, self._step)
            return action if action != follower.STOP else self._nudge(row, field)
        if turns:
            return follower.TURN_LEFT if turns > 0 else follower.TURN_RIGHT
        return errand.verb if errand.ready else "wait"

    def field(self, world: World, errand: Errand) -> GeodesicField:
        """Return the distances to where an errand can be done.

        Raises:
            SceneError: it can be done nowhere.
        """
        body = self._simulator.body
        if errand.place is not None:
            return self._fields.get(world.walkable_for(body), errand.place)
        places = standing_places(world, body, errand)
        if len(places) == 0:
            raise SceneError(f"{world.name}: one can {errand.verb} {errand.thing!r} from nowhere")
        return self._fields.get(world.walkable_for(body), places)

    def _walk(self, row: int, field: GeodesicField, near: float) -> int:
        """Return the next action on the way to a field's goal, STOP within so many metres of it."""
        state = self._simulator.state
        here = state.position[row], float(state.heading[row])
        return follower.next_action(field.grid, field, *here, self._step, self._turn, near)

    def _turns_to(self, row: int, errand: Errand) -> int | None:
        """Return how many turns to the left bring an errand about here; None: none do."""
        half = int(np.pi / self._turn)
        others = np.array(sorted(range(-half, half + 1), key=abs)[1:])
        for turns in (np.zeros(1, int), others):  # mostly a body that waits there faces it
            fits = self._fits(row, errand, turns)
            if fits.any():
                return int(turns[np.argmax(fits)])
        return None

    def _fits(self, row: int, errand: Errand, turns: NDArray[np.integer]) -> NDArray[np.bool_]:
        state = self._simulator.state
        headings = state.heading[row] + self._turn * turns
        places = np.broadcast_to(state.position[row], (len(turns), 2))
        return can_do(state.here[row], self._simulator.body, places, headings, errand)

    def _nudge(self, row: int, field: GeodesicField) -> int:
        """Return what brings a body nearer to the nearest place of a field than a step allows."""
        state = self._simulator.state
        away = field.goals - state.position[row]
        dx, dy = away[np.argmin(np.linalg.norm(away, axis=1))]
        error = float(wrap_angle(np.arctan2(dy, dx) - state.heading[row]))
        if abs(error) <= self._turn / 2:
            return follower.FORWARD
        return follower.TURN_LEFT if error > 0 else follower.TURN_RIGHT


def can_do(
    world: World,
    body: Body,
    positions: NDArray[np.float64],
    headings: NDArray[np.float64],
    errand: Errand,
) -> NDArray[np.bool_]:
    """Return whether bodies (N,) that stand somewhere would do an errand with its verb."""
    compiled = world.compiled
    row = compiled.row_of[errand.thing]
    if errand.verb != "put":
        near = _is_near(world, positions, errand.thing)
        fits = np.zeros(len(positions), bool)
        wanted = _wanted(world, errand.verb)
        fits[near] = in_reach(world, body, positions[near], headings[near], wanted).thing == row
        if errand.verb == "interact" and fits.any():  # and it does not swing at the body
            after = world.with_states({errand.thing: usable(world)[errand.thing]})
            fits &= after.walkable_for(body).is_walkable(positions)
        return fits
    held = held_thing(world)
    near = _is_near(world, positions, errand.thing) & (held is not None)
    return np.array(
        [
            bool(here)
            and (spot := find_spot(world, body, place, float(heading), str(held))) is not None
            and spot.on == errand.thing
            for here, place, heading in zip(near, positions, headings, strict=True)
        ],
        bool,
    )


def standing_places(world: World, body: Body, errand: Errand) -> NDArray[np.float64]:
    """Return places (K, 2) from where an errand can be done; they are kept with the home.

    From each the thing is what the hands would touch over half a turn to either side of some
    heading, so that a body that turns in steps gets it, and so it is from places beside it, so that
    one that walks in steps gets there.
    """
    grid = world.walkable_for(body)
    known = _places.setdefault(grid, {})
    thing = _thing(world, errand.thing)
    # All that it depends on, beside the triangles that the grid was made of.
    after = usable(world).get(thing.name) if errand.verb == "interact" else None
    wanted = _wanted(world, errand.verb)
    key = errand.verb, thing.name, thing.position, after, wanted, held_thing(world), body
    if key not in known:
        known[key] = _find_places(world, body, errand)
    return known[key]


def _find_places(world: World, body: Body, errand: Errand) -> NDArray[np.float64]:
    thing = _thing(world, errand.thing)
    reach = REACH + np.hypot(*thing.size[:2]) / 2
    axis = np.arange(-np.ceil(reach / _LATTICE), np.ceil(reach / _LATTICE) + 1) * _LATTICE
    x, y = np.meshgrid(thing.position[0] + axis, thing.position[1] + axis)
    places = np.column_stack([x.ravel(), y.ravel()])
    grid = world.walkable_for(body)
    places = places[grid.is_walkable(places) & (grid.island_of(places) == 1)]
    places = places[_is_near(world, places, errand.thing)]
    if len(places) == 0:
        return places
    to = np.subtract(thing.position[:2], places)
    headings = np.arctan2(to[:, 1], to[:, 0])[:, None] + _HEADINGS
    if errand.verb == "put":  # dear, and not choosy
        headings = headings[:, 6:7]
    at = np.repeat(places, headings.shape[1], axis=0)
    fits = can_do(world, body, at, headings.ravel(), errand).reshape(headings.shape)
    robust = fits if errand.verb == "put" else fits[:, :-2] & fits[:, 1:-1] & fits[:, 2:]
    good = places[robust.any(axis=1)]
    if len(good) == 0:
        return good
    around = np.linalg.norm(good[:, None] - good, axis=2) < 1.5 * _LATTICE
    neighbours = around.sum(axis=1)
    # Steps are as long as the lattice is wide: nobody lands on a place that stands alone.
    chosen = good[neighbours >= min(_ROOMY, max(_LEAST, neighbours.max()))]
    return chosen[:: max(1, -(-len(chosen) // _MOST_PLACES))]


def _thing(world: World, name: str) -> SceneObject:
    return world.compiled.objects[world.compiled.row_of[name]]


def _wanted(world: World, verb: str) -> tuple[str, ...] | None:
    """Return the names of the things that a verb is after; None: of all."""
    if verb == "interact":
        return tuple(usable(world))
    return tuple(portable(world)) if verb == "pick" else None


def _is_near(world: World, positions: NDArray[np.float64], name: str) -> NDArray[np.bool_]:
    """Return whether places (N, 2) are near enough to a thing to touch it."""
    thing = _thing(world, name)
    away = np.linalg.norm(positions - thing.position[:2], axis=1)
    return away <= REACH + np.hypot(*thing.size[:2]) / 2 + 0.1
