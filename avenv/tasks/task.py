"""What every task is: it samples an episode, says what actions do, and judges what came of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SoundError
from avenv.core.suggest import accepted
from avenv.navigation import GeodesicField
from avenv.simulation.simulator import Commands, Simulator
from avenv.simulation.state import Start
from avenv.simulation.world import World
from avenv.sounds import Sound
from avenv.sounds.sets import SoundSet, load_sounds
from avenv.tasks.actions import Actions
from avenv.tasks.episode import Episode, Reference


class Judgement(NamedTuple):
    """What a step was worth, (E,) each; zero and False for rows that took none."""

    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]


class Whereabouts(NamedTuple):
    """Where something is to be done next.

    Attributes:
        what: is there, in words, with a capital.
        place: (2,) where it is, world metres.
        field: of the distances on foot to where it can be done.
        now: whether it can be done at once.
    """

    what: str
    place: NDArray[np.float64]
    field: GeodesicField
    now: bool = True


class Task(ABC):
    """A task in E environments.

    A task says how an episode is built (``sample``), what actions do (``act``) and what came of
    them (``judge``, ``metrics``, ``truth``); it knows no pixels.

    Args:
        simulator: the bodies that act.
        options: an instance of ``Options``.

    Attributes:
        name: that it is registered under.
        Options: dataclass of its options.
        instruction: what it asks for, in words, where an episode says nothing else.
        headline: the metrics by which agents are compared, the most important first.
        actions: what agents may do.
        episodes: the episodes under way, by row.
    """

    name: str = ""
    Options: type[Any]
    instruction: str = ""
    headline: tuple[str, ...] = ()
    actions: Actions
    sounds: SoundSet | None = None
    samples_ahead: ClassVar[bool] = False
    """Whether ``sample`` is a function of its arguments alone, so that episodes may be made ready
    on another thread, before their turn. The class that defines ``sample`` says so."""

    def __init__(self, simulator: Simulator, options: Any):
        self.simulator = simulator
        self.options = options
        self.episodes: dict[int, Episode] = {}

    @abstractmethod
    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return a new episode in a world.

        Raises:
            SceneError: the world has no room for one.
        """

    def check_world(self, world: World) -> None:  # noqa: B027
        """Check that a world has what the task's episodes need.

        Homes of sets that lack it are passed over; any other scene is refused at once.

        Raises:
            SceneError: it lacks something; the message lists what is needed and what was found.
        """

    @abstractmethod
    def act(self, actions: NDArray, active: NDArray[np.bool_]) -> Commands:
        """Return what the bodies are to do for the actions (E, ...) of the active rows (E,)."""

    @abstractmethod
    def judge(
        self,
        active: NDArray[np.bool_],
        last: NDArray[np.bool_],
        moved: NDArray[np.float64],
        collided: NDArray[np.bool_],
    ) -> Judgement:
        """Judge the step that the active rows (E,) have taken, once its time has passed.

        Args:
            active: (E,) which rows took a step.
            last: (E,) whether it was the last that their episodes are given.
            moved: (E,) metres that their bodies moved.
            collided: (E,) whether something was in their way.
        """

    @abstractmethod
    def metrics(self) -> dict[str, NDArray[np.float64]]:
        """Return the metrics (E,) each of the episodes so far; those of one that is over stay."""

    @abstractmethod
    def truth(self) -> dict[str, NDArray]:
        """Return what an agent would like to know, (E,) each; never for agents under evaluation."""

    def begin(self, episodes: Mapping[int, Episode]) -> None:
        """Begin episodes in some rows; nothing changes if one of them cannot begin.

        Raises:
            ValueError: an episode does not fit the task.
            SceneError, SoundError: its scene or a sound cannot be used, or is another than it was.
        """
        starts = {row: self._start(episode) for row, episode in episodes.items()}
        self.simulator.begin(starts)
        self.episodes.update(episodes)

    def prepare(self, episode: Episode) -> Any:
        """Make ready what an episode needs when it begins, and return it; any thread may do so.

        Raises:
            SceneError, SoundError: as ``begin``.
        """
        return self.simulator.prepare(self._start(episode))

    def sample_world(self, rng: np.random.Generator) -> int:
        """Return the number of a scene, each as likely as the others."""
        return int(rng.integers(len(self.simulator.worlds)))

    def oracle_action(self, row: int) -> int:
        """Return the action that somebody who knows everything would take in one row.

        Raises:
            NotImplementedError: the task has no oracle.
        """
        raise NotImplementedError(f"{self.name} has no oracle")

    def chance(self, row: int) -> float:
        """Return the share of the first headline metric that mere guessing brings in one row.

        That of an episode that has just begun; ``avenv tasks check`` states its mean.
        """
        return 0.0

    def caption(self, row: int) -> list[str]:
        """Return what a film says of a moment, a line each."""
        return [self.simulator.state.instruction[row]]

    def marks(self, row: int) -> list[NDArray[np.float64]]:
        """Return the places (2,) that a map shows."""
        return []

    def whereabouts(self, row: int) -> Whereabouts | None:
        """Return where something is to be done next in a row; None: nothing is.

        A task that defines it may have somebody to ask (``oracle=True``).

        Raises:
            SceneError: it cannot be got at for the time being.
        """
        raise NotImplementedError(f"{self.name} tells nobody where anything is")

    def told(self, episode: Episode, world: World) -> tuple[float, float] | None:
        """Return where a body is told that its goal is: metres ahead of its start and to the left.

        None: it is not told.
        """
        return None

    def reference(self, world: World) -> Reference:
        """Return what names a world in episodes."""
        return Reference(world.reference, world.content_hash)

    def check_start(self, episode: Episode, world: World) -> None:
        """Raise ``ValueError`` if no body can stand where an episode begins."""
        if not world.walkable_for(self.simulator.body).is_walkable([episode.start])[0]:
            raise ValueError(
                f"episode.start is {episode.start}; accepted: a place on the floor of {world.name} "
                "where a body can stand"
            )

    def _start(self, episode: Episode) -> Start:
        """Return how an episode begins, if it fits."""
        if episode.task != self.name:
            raise ValueError(f"episode.task is {episode.task!r}; accepted here: {self.name!r}")
        for name in episode.expert:
            if name not in self.actions.names:
                raise ValueError(
                    f"episode.expert has the action {name!r}; {accepted(name, self.actions.names)}"
                )
        world = self.world(episode)
        for name in episode.knocks:
            if name not in world.compiled.row_of:
                raise ValueError(
                    f"episode.knocks has the thing {name!r}; "
                    f"{accepted(name, tuple(world.compiled.row_of))}"
                )
        emitters = tuple(source.emitter(self.sound(source.sound)) for source in episode.sources)
        return Start(
            world,
            episode.start,
            episode.heading,
            emitters,
            episode.events,
            episode.seed,
            episode.instruction or self.instruction,
            self.told(episode, world),
            {name: self.sound(reference) for name, reference in episode.knocks.items()},
        )

    def world(self, episode: Episode) -> World:
        """Return the world of an episode, in the states that it begins in."""
        world = self.simulator.worlds.find(episode.scene.name, episode.scene.hash)
        return world.with_states(episode.states) if episode.states else world

    def sound(self, reference: Reference) -> Sound:
        """Return the sound of a reference: one of the task's own, else of that name anywhere.

        Raises:
            SoundError: there is none of this name, or it is another than it was.
        """
        sound = self._own_sound(reference)
        if sound is None:
            sound = load_sounds(reference.name, self.simulator.settings.sample_rate)[0]
        if sound.hash != reference.hash:
            raise SoundError(
                f"episode.sources: the sound {reference.name!r} has the hash {sound.hash} here, "
                f"and had {reference.hash} when the episode was made; accepted: the same sound"
            )
        return sound

    def _own_sound(self, reference: Reference) -> Sound | None:
        """Return the sound of the task's own set that a reference means, if one does."""
        own = self.sounds
        if own is None:
            return None
        if reference.name in own.names:  # one of avenv's; files are named by their paths
            return own[own.names.index(reference.name)]
        ending = Path(reference.name).name
        for k, name in enumerate(own.names):
            if Path(name).name == ending and (sound := own[k]).hash == reference.hash:
                return sound
        return None


def renewed(
    old: dict[str, NDArray], new: dict[str, NDArray], rows: NDArray[np.bool_]
) -> dict[str, NDArray]:
    """Return values (E,) each that are new in some rows (E,) and stay in the others."""
    if not old or rows.all():
        return new
    return {name: np.where(rows, new[name], old[name]) for name in new}


def samples_ahead(task: Task) -> bool:
    """Return whether a task's episodes may be sampled before their turn, on another thread.

    A class that defines ``sample`` anew does not inherit what another said of its own.
    """
    kind = next(kind for kind in type(task).__mro__ if "sample" in vars(kind))
    return bool(vars(kind).get("samples_ahead", False))
