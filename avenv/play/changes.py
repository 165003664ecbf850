"""What visitors change, in two parts: what takes long, on any thread; then the change, at once."""

from collections.abc import Callable, Mapping
from typing import Any

from avenv.core.errors import SceneError
from avenv.play import protocol as p
from avenv.play.beginning import emitters_of
from avenv.play.session import Session
from avenv.play.surfaces import with_material
from avenv.simulation.hands import usable
from avenv.simulation.world import SOURCE_HEIGHT

Apply = Callable[[], None]


def prepare(session: Session, change: p.Change) -> Apply:
    """Make ready what a change needs, and return what lets it come about.

    Any thread may prepare, so that the sound does not wait; who lets steps pass applies.

    Raises:
        ValueError: it cannot be; nothing has changed.
    """
    apply = _PREPARE[type(change)](session, change)

    def apply_and_note() -> None:
        before = session.world
        apply()
        if session.world is not before:
            session.before = before
        session.version += 1

    return apply_and_note


def _stand(session: Session, change: p.Stand) -> Apply:
    simulator, place = session.simulator, (change.x, change.y)
    return lambda: simulator.place(0, place, float(simulator.state.heading[0]))


def _use(session: Session, change: p.Use) -> Apply:
    before, after = session.world, usable(session.world)
    if change.thing not in after:
        raise SceneError(f"{before.name}: there is nothing to use that is called {change.thing!r}")
    states = {change.thing: after[change.thing]}
    world, known = before.with_states(states), {s.name for s in before.compiled.sources}
    begun = [e for k, e in emitters_of(world, session.sample_rate).items() if k not in known]
    session.foresee(world, *(voice.emitter for voice in session.voices.all()), *begun)
    world.prepared_for("raster", session.light)
    return lambda: session.simulator.set_states(0, states)


def _light(session: Session, change: p.Light) -> Apply:
    session.world.prepared_for("raster", change.light)
    return lambda: setattr(session, "light", change.light)


def _clad(session: Session, change: p.Clad) -> Apply:
    world = with_material(session.world, change.room, change.part, change.material)
    session.foresee(world, *(voice.emitter for voice in session.voices.all()))
    world.prepared_for("raster", session.light)
    return lambda: session.simulator.rebuild(0, world)


def _place(session: Session, change: p.Place) -> Apply:
    height = float(session.simulator.state.level[0]) + SOURCE_HEIGHT
    place, sound = (change.x, change.y, height), session.find_sound(change.sound)
    session.foresee(session.world, session.voices.begun(sound, place))
    return lambda: session.voices.begin(session.voices.begun(sound, place))


def _move(session: Session, change: p.Move) -> Apply:
    voices, voice = session.voices, session.voices.find(change.source)
    place = change.x, change.y, voice.emitter.at(float(session.simulator.state.time[0]))[2]
    session.foresee(session.world, voices.changed(voice, position=place))
    return lambda: voices.replace(change.source, position=place)


def _swap(session: Session, change: p.Swap) -> Apply:
    sound = session.find_sound(change.sound)
    session.voices.find(change.source)
    return lambda: session.voices.replace(change.source, sound=sound)


def _silence(session: Session, change: p.Silence) -> Apply:
    session.voices.find(change.source)
    return lambda: session.voices.silence(change.source)


_PREPARE: Mapping[type, Callable[[Session, Any], Apply]] = {
    p.Stand: _stand,
    p.Use: _use,
    p.Light: _light,
    p.Clad: _clad,
    p.Place: _place,
    p.Move: _move,
    p.Swap: _swap,
    p.Silence: _silence,
}
