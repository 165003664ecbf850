"""What bodies do to things: use them, pick them up, put them down, knock on them, make a sound.

A verb is a function of a simulator and of the row of a body; ``VERBS`` lists them. What cannot be
done changes nothing, and says why.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from avenv.geometry import lines_of_sight
from avenv.scene.catalogue import kind, kind_names
from avenv.scene.states import HELD, put_state, used
from avenv.simulation.emitters import Emitter, Position
from avenv.simulation.placing import find_spot
from avenv.simulation.reach import in_reach
from avenv.simulation.world import World
from avenv.sounds import Sound, synthesise

if TYPE_CHECKING:
    from avenv.simulation.simulator import Simulator

SHORT = 1.0
"""Seconds that the sound of a knock or a chirp is played."""

CHIRP_LEVEL = -12.0
"""dB of a chirp, relative to the loudness that all sounds share; the ears are near."""

_OFF_SURFACE = 0.02  # m in front of what is knocked on that the knock sounds

_SUBSTANCES = {
    "impact_wood": "pine", "impact_metal": "steel", "impact_plastic": "abs", "smash": "porcelain",
    "impact_ceramic": "porcelain", "impact_glass": "soda_glass", "impact_soft": "wool",
    "impact_cardboard": "cardboard",
}  # fmt: skip
"""What a thing of a kind is made of, by the sound that it makes when it falls."""

_LOOKS = {
    "enamel": "steel", "steel": "steel", "metal": "steel", "brass": "brass", "plastic": "abs",
    "rubber": "foam", "glass": "soda_glass", "screen": "soda_glass", "mirror": "soda_glass",
    "sanitary": "porcelain", "tile": "porcelain", "marble": "earthenware", "stone": "earthenware",
    "brick": "earthenware", "plaster": "earthenware", "gypsum": "corrugated", "soil": "earthenware",
    "terracotta": "earthenware", "concrete": "earthenware", "cardboard": "cardboard",
    "paper": "cardboard", "canvas": "cardboard", "books": "corrugated", "fabric": "foam",
    "leather": "foam", "bedding": "down", "towelling": "wool", "felt": "wool", "rug": "wool",
    "carpet": "wool", "curtain": "wool", "foliage": "wool", "oak": "oak", "walnut": "oak",
    "mahogany": "oak", "beech": "beech", "lacquer": "beech",
}  # fmt: skip
"""What other things are made of, by a part of the name of their surface; else it is pine."""


_usable: "WeakKeyDictionary[World, Mapping[str, str]]" = WeakKeyDictionary()


class Act(NamedTuple):
    """What a body has tried to do, and what came of it.

    Attributes:
        verb: a name in ``VERBS``.
        thing: what it did it to, by name; None if to nothing.
        was: the state that the thing was in.
        state: the state that it is in now.
        on: what it was put on, by name.
        problem: why it could not be done; empty if it was.
    """

    verb: str
    thing: str | None = None
    was: str | None = None
    state: str | None = None
    on: str | None = None
    problem: str = ""

    @property
    def failed(self) -> bool:
        """Whether it could not be done."""
        return bool(self.problem)


def usable(world: World) -> Mapping[str, str]:
    """Return the state that each thing would get into that somebody can use, by name."""
    if world not in _usable:
        _usable[world] = _find_usable(world)
    return _usable[world]


def _find_usable(world: World) -> dict[str, str]:
    compiled = world.compiled
    after = {
        name: used(state, compiled.possible_states(name)) for name, state in compiled.states.items()
    }
    return {name: state for name, state in after.items() if state is not None}


def portable(world: World) -> list[str]:
    """Return the names of the things that somebody can pick up, and has not."""
    compiled = world.compiled
    return [
        name for name, state in compiled.states.items()
        if state != HELD and HELD in compiled.possible_states(name)
    ]  # fmt: skip


def held_thing(world: World) -> str | None:
    """Return the name of what the body holds, None if its hands are empty."""
    held = world.compiled.held
    return world.compiled.objects[held[0]].name if held else None


def _interact(simulator: "Simulator", row: int) -> Act:
    """Open, close, switch on or off what is in reach."""
    after = usable(simulator.state.here[row])
    thing, _ = _touched(simulator, row, after)
    if thing is None:
        return Act("interact", problem="nothing to use is in reach")
    return _change(simulator, row, "interact", thing, after[thing])


def _pick(simulator: "Simulator", row: int) -> Act:
    """Take what is in reach into the hands."""
    world = simulator.state.here[row]
    if world.compiled.held:
        return Act("pick", problem="the hands are full")
    thing, _ = _touched(simulator, row, portable(world))
    if thing is None:
        return Act("pick", problem="nothing to carry is in reach")
    return _change(simulator, row, "pick", thing, HELD)


def _put(simulator: "Simulator", row: int) -> Act:
    """Put what the body holds onto what is before it, or onto the floor."""
    state = simulator.state
    world = state.here[row]
    thing = held_thing(world)
    if thing is None:
        return Act("put", problem="the hands are empty")
    where = state.position[row], float(state.heading[row])
    spot = find_spot(world, simulator.body, *where, thing)
    if spot is None:
        return Act("put", thing, HELD, HELD, problem="there is no room ahead")
    there = put_state(spot.position, spot.heading)
    return _change(simulator, row, "put", thing, there, spot.on)


def _tap(simulator: "Simulator", row: int) -> Act:
    """Knock on what is in reach."""
    state = simulator.state
    thing, point = _touched(simulator, row, None)
    if thing is None:
        return Act("tap", problem="nothing is in reach")
    now = state.here[row].compiled.states.get(thing)
    eye = state.eyes()[row]
    place = point + _OFF_SURFACE * (eye - point) / max(np.linalg.norm(eye - point), 1e-9)
    sound = state.knocks[row].get(thing) or usual_knock(simulator, row, thing)
    _sound(simulator, row, sound, place, thing)
    return Act("tap", thing, now, now)


def _emit(simulator: "Simulator", row: int) -> Act:
    """Chirp, at the height of the hands."""
    state = simulator.state
    height = float(state.level[row]) + simulator.body.hands[2]
    chirp = synthesise("chirp", simulator.settings.sample_rate)
    _sound(simulator, row, chirp, np.array([*state.position[row], height]), level=CHIRP_LEVEL)
    return Act("emit")


def _wait(simulator: "Simulator", row: int) -> Act:
    """Do nothing."""
    return Act("wait")


VERBS: dict[str, Callable[["Simulator", int], Act]] = {
    "interact": _interact, "pick": _pick, "put": _put, "tap": _tap, "emit": _emit, "wait": _wait,
}  # fmt: skip
"""What bodies can do besides walking, by name."""


def substance(world: World, thing: str) -> str:
    """Return what a thing is made of, as knocking tells: a name in ``sounds.bodies.MATERIALS``.

    By its kind, if such things make a sound when they fall: equal boxes that look alike may be of
    different stuff. Else by the surface that most of it shows.
    """
    compiled = world.compiled
    row = compiled.row_of[thing]
    name = compiled.objects[row].kind
    falls = kind(name).falls if name in kind_names() else None
    if falls in _SUBSTANCES:
        return _SUBSTANCES[falls]
    surfaces = compiled.surface[compiled.object == row]
    shown = compiled.surfaces.names[int(np.bincount(surfaces).argmax())]
    return next((made for part, made in _LOOKS.items() if part in shown), "pine")


def usual_knock(simulator: "Simulator", row: int, thing: str) -> Sound:
    """Return what one hears who knocks on a thing, unless the episode says another sound."""
    world = simulator.state.here[row]
    full = world.compiled.objects[world.compiled.row_of[thing]].full
    filling = "full" if full else "hollow"
    name = f"rap?material={substance(world, thing)}&filling={filling}"
    return synthesise(name, simulator.settings.sample_rate)


def place_near(world: World, simulator: "Simulator", point: NDArray[np.float64]) -> Position | None:
    """Return the nearest place with a late field of its own: one in sight if there is one.

    It is the nearest of ``World.source_places``, which can be baked; None in a world without any.
    """
    places = np.array(world.source_places).reshape(-1, 3)
    if len(places) == 0:
        return None
    near = np.argsort(np.linalg.norm(places - point, axis=1), kind="stable")[:8]
    starts = np.broadcast_to(point, (len(near), 3))
    clear = lines_of_sight(world.compiled.bvh, starts, places[near])
    x, y, z = places[near[np.argmax(clear)]].tolist()
    return x, y, z


def _touched(
    simulator: "Simulator", row: int, things: Iterable[str] | None
) -> tuple[str | None, NDArray[np.float64]]:
    """Return the name of what one body would touch, and where."""
    state = simulator.state
    world, wanted = state.here[row], None if things is None else tuple(things)
    touch = in_reach(world, simulator.body, state.position[row], state.heading[row], wanted)
    number = int(touch.thing[0])
    return (world.compiled.objects[number].name if number >= 0 else None), touch.point[0]


def _change(
    simulator: "Simulator", row: int, verb: str, thing: str, state: str, on: str | None = None
) -> Act:
    """Put a thing into a state, if nothing is in the way."""
    from avenv.simulation.simulator import InTheWayError

    was = simulator.state.here[row].compiled.states[thing]
    try:
        simulator.set_states(row, {thing: state})
    except InTheWayError:
        return Act(verb, thing, was, was, problem="something is in the way")
    return Act(verb, thing, was, state, on)


def _sound(
    simulator: "Simulator",
    row: int,
    sound: Sound,
    place: NDArray[np.float64],
    thing: str | None = None,
    level: float = 0.0,
) -> None:
    """Let something sound once, now."""
    x, y, z = place.tolist()
    now = float(simulator.state.time[row])
    emitter = Emitter((x, y, z), sound, level, onset=now, duration=SHORT, object=thing)
    simulator.sound(row, emitter, place_near(simulator.state.here[row], simulator, place))
