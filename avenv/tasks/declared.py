"""Episodes and events that scenes bring along, as a task plays them."""

import numpy as np

from avenv.core.errors import SceneError, SoundError
from avenv.scene.episode_spec import EpisodeSourceSpec, EpisodeSpec
from avenv.scene.episodes import find_heading
from avenv.simulation.emitters import Trajectory
from avenv.simulation.events import Event
from avenv.simulation.world import World
from avenv.sounds.sets import load_sounds
from avenv.tasks.episode import (
    Episode,
    EpisodeSource,
    Goal,
    Point,
    Reference,
    sound_reference,
)


def scene_events(world: World) -> tuple[Event, ...]:
    """Return what happens in every episode of a scene."""
    return tuple(Event(event.time, event.states) for event in world.events)


def declared_episodes(world: World, task: str, sample_rate: int) -> list[Episode]:
    """Return the episodes that a scene brings along.

    Args:
        world: the scene.
        task: name of the task that plays them.
        sample_rate: Hz, at which sounds are looked up.

    Raises:
        SceneError: it has none, or one names what is not there.
        SoundError: there is no sound of a name.
    """
    specs = world.spec.episodes if world.spec is not None else ()
    if not specs:
        raise SceneError(
            f"{world.name} brings no episodes along; accepted with episodes='scene': scenes that "
            "declare some"
        )
    return [_episode(spec, world, task, sample_rate) for spec in specs]


def _episode(spec: EpisodeSpec, world: World, task: str, sample_rate: int) -> Episode:
    here = world.with_states(spec.states) if spec.states else world
    names: list[str] = []
    sources: list[EpisodeSource] = []
    for own in here.compiled.sources:
        names.append(own.name)
        sound = _reference(own.sound, sample_rate)
        sources.append(EpisodeSource(sound, own.position, level=own.level, object=own.object))
    for source in spec.sources:
        names.append(source.name or source.default_name)
        sources.append(_source(source, here, sample_rate))
    events = (*scene_events(world), *(Event(e.time, e.states) for e in spec.events))
    return Episode(
        task=task,
        scene=Reference(world.reference, world.content_hash),
        start=spec.start,
        heading=find_heading(spec.facing, spec.start, here.compiled),
        sources=tuple(sources),
        states=spec.states,
        events=events,
        goals=_goals(spec, names, sources),
        instruction=spec.instruction,
        seed=spec.seed,
    )


def _source(spec: EpisodeSourceSpec, world: World, sample_rate: int) -> EpisodeSource:
    place, path, times = spec.position, spec.path or (), spec.times or ()
    sound = spec.sound
    if spec.on is not None:
        place, usual = _mouth(world, spec.on)
        sound = sound or usual
    if path:
        place = path[0]
        if spec.speed is not None:
            times = tuple(Trajectory.at_speed(path, spec.speed, spec.onset or 0.0).times.tolist())
    if place is None or sound is None:
        raise SceneError(f"{world.name}: the source {spec.default_name!r} has no place or no sound")
    return EpisodeSource(
        _reference(sound, sample_rate),
        place,
        path,
        times,
        spec.level,
        0.0,
        spec.onset,
        spec.duration,
        spec.period,
        spec.directivity,
        find_heading(spec.facing, place, world.compiled),
        spec.on,
        spec.look,
    )


def _mouth(world: World, name: str) -> tuple[Point, str | None]:
    """Return where a thing sounds from, and what it usually plays."""
    for source in world.compiled.sources:
        if source.object == name:
            return source.position, source.sound
    for switch in world.compiled.switches:
        if world.compiled.objects[switch.object].name == name:
            sounds = [state.sound for state in switch.states.values() if state.sound]
            state = switch.states[world.compiled.states[name]]
            return state.place.mouth, sounds[0] if sounds else None
    for thing in world.compiled.objects:
        if thing.name == name:
            x, y, z = thing.position
            return (x, y, z + thing.size[2] + 0.05), None
    raise SceneError(f"{world.name}: there is no object {name!r} for a source to be on")


def _goals(spec: EpisodeSpec, names: list[str], sources: list[EpisodeSource]) -> tuple[Goal, ...]:
    goal = spec.goal
    if goal is None:
        return ()
    if not isinstance(goal, str):
        return (Goal(position=tuple(map(float, goal))),)  # type: ignore[arg-type]
    if goal in names:
        return (Goal(source=names.index(goal)),)
    sounding = [k for k, source in enumerate(sources) if source.object == goal]
    return (Goal(source=sounding[0], object=goal),) if sounding else (Goal(object=goal),)


def _reference(sound: str, sample_rate: int) -> Reference:
    try:
        first = load_sounds(sound, sample_rate)[0]
    except SoundError as error:
        raise SoundError(f"episodes: {error}") from error
    return sound_reference(first)


def draw(episodes: list[Episode], rng: np.random.Generator) -> Episode:
    """Return one of some episodes, each as likely as the others."""
    return episodes[int(rng.integers(len(episodes)))]
