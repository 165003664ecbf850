"""What begins to sound, and what falls silent, when things get into other states."""

from collections.abc import Sequence
from dataclasses import replace

from avenv.simulation.emitters import Emitter
from avenv.simulation.hands import SHORT
from avenv.simulation.world import World
from avenv.sounds.sets import load_sounds

CRASH = 2.5
"""Seconds of the sound of a fall that are heard when a thing falls or breaks."""


def still_sounding(
    emitters: Sequence[Emitter], before: World, world: World, when: float
) -> list[Emitter]:
    """Return what sounds, where one world becomes another; what falls silent with its thing ends.

    Args:
        emitters: what sounds in the one.
        before: the world as it was.
        world: the same scene as it is then.
        when: seconds at which it changes.
    """
    sounding = {source.object for source in world.compiled.sources}
    changed = _changed(before, world)
    return [
        replace(emitter, end=when)
        if emitter.object in changed
        and emitter.object not in sounding
        and emitter.duration not in (CRASH, SHORT)  # that ends by itself
        and (emitter.end is None or emitter.end > when)
        else emitter
        for emitter in emitters
    ]


def begin_to_sound(before: World, world: World, when: float, sample_rate: int) -> list[Emitter]:
    """Return what begins to sound as one world becomes another, and what crashes.

    Args:
        before: the world as it was.
        world: the same scene as it is then.
        when: seconds at which it changes.
        sample_rate: Hz of the sounds.

    Raises:
        SoundError: a thing's sound cannot be played.
    """
    changed = _changed(before, world)
    known = {source.object for source in before.compiled.sources}
    begun = [s for s in world.compiled.sources if s.object in changed and s.object not in known]
    crashes = [crash for name in changed if (crash := world.compiled.event(name))]
    return [
        Emitter(
            source.position, load_sounds(source.sound, sample_rate)[0], source.level,
            object=source.object, onset=when, duration=duration,
        )
        for source, duration in [*((s, None) for s in begun), *((s, CRASH) for s in crashes)]
    ]  # fmt: skip


def _changed(before: World, world: World) -> list[str]:
    """Return the names of the things whose state differs between two worlds of one scene."""
    now = world.compiled.states
    return [name for name, state in before.compiled.states.items() if state != now[name]]
