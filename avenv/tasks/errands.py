"""What tasks share in which something is to be done at some place: errands, and who runs them.

Where a body starts, how far it still is, who runs the errands and knows all, and who only guesses.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core import frames
from avenv.core.errors import SceneError
from avenv.geometry import lines_of_sight
from avenv.navigation import follower
from avenv.simulation.simulator import Simulator
from avenv.simulation.world import SOURCE_HEIGHT, World
from avenv.tasks.actions import DiscreteMotion
from avenv.tasks.declared import scene_events
from avenv.tasks.episode import Episode, Point
from avenv.tasks.experts import Errand, Planner, standing_places
from avenv.tasks.options import InteractionOptions
from avenv.tasks.task import Task, Whereabouts

TRIES = 200
"""Starts that are drawn until one is far enough from what is to be done."""


class ErrandTask(Task):
    """Run errands, for a batch of E environments.

    Attributes:
        verbs: what a body can do besides walking, names in ``hands.VERBS``.
    """

    Options = InteractionOptions
    options: InteractionOptions
    verbs: tuple[str, ...] = ("interact", "wait")

    def __init__(self, simulator: Simulator, options: InteractionOptions):
        super().__init__(simulator, options)
        turn = np.deg2rad(options.turn_angle)
        self.actions = DiscreteMotion(options.forward_step, turn, self.verbs)
        self.planner = Planner(simulator, options.forward_step, turn)

    @abstractmethod
    def is_over(self, row: int) -> bool:
        """Return whether a row's episode is over."""

    # -- what a task says --------------------------------------------------------------------------

    @abstractmethod
    def errands(self, row: int) -> list[Errand]:
        """Return what is still to be done in a row, in any order; empty when there is nothing."""

    def guess(self, row: int) -> Errand | str:
        """Return what somebody would do next who knows the home, and hears nothing.

        An errand, or the name of an action.

        Raises:
            NotImplementedError: the task has no such guess.
        """
        raise NotImplementedError(f"{self.name} has no guess")

    def idle(self, row: int) -> str:
        """Return the action, by name, of somebody who knows that nothing is to be done."""
        return "stop"

    def foreseen(self, episode: Episode) -> Sequence[Mapping[str, str]]:
        """Return the changes of things that are prepared before an episode, one after another."""
        return [event.states for event in episode.events]

    # -- episodes ----------------------------------------------------------------------------------

    def episode(
        self,
        rng: np.random.Generator,
        world: World,
        errands: Sequence[Errand],
        unseen: Point | None = None,
        known: World | None = None,
        others: Sequence[Errand] = (),
        **more: Any,
    ) -> Episode:
        """Return an episode that starts at least ``min_distance`` from what is to be done.

        Args:
            rng: to draw from.
            world: the scene, as it is loaded.
            errands: what is to be done first, in any order.
            unseen: a place that cannot be seen from the start.
            known: the world in which the errands are run, by default that in which it begins.
            others: what somebody might take for an errand: the start is as far from these.
            **more: further fields of ``Episode``; ``states`` are those that it begins in.

        Raises:
            SceneError: no place to start from is far enough.
        """
        here = world.with_states(more.get("states", {}))
        then = known or here
        starts = here.walkable_for(self.simulator.body).sample(rng, TRIES)
        near = [self.planner.field(then, errand).at(starts) for errand in (*errands, *others)]
        distances = np.min(near, axis=0)
        fits = np.isfinite(distances) & (distances >= self.options.min_distance)
        if unseen is not None:
            eye = here.level_for(self.simulator.body) + self.simulator.body.eye_height
            eyes = np.column_stack([starts, np.full(len(starts), eye)])
            fits &= ~lines_of_sight(here.compiled.bvh, eyes, np.tile(unseen, (len(eyes), 1)))
        allowed = np.flatnonzero(fits)
        if len(allowed) == 0:
            raise SceneError(
                f"{world.name}: no place to start from is {self.options.min_distance} m or more on "
                f"foot from {[e.thing for e in errands]}; accepted: a larger scene or a smaller "
                "min_distance"
            )
        start = starts[allowed[0]]
        return Episode(
            task=self.name,
            scene=self.reference(world),
            start=(float(start[0]), float(start[1])),
            heading=float(rng.uniform(-np.pi, np.pi)),
            events=(*scene_events(world), *more.pop("events", ())),
            geodesic_distance=self.way(then, start, errands),
            **more,
        )

    def way(self, world: World, start: NDArray[np.float64], errands: Sequence[Errand]) -> float:
        """Return how far one walks who runs some errands, always the nearest next, metres."""
        here, total, left = np.array(start, np.float64)[None], 0.0, list(errands)
        while left:
            fields = [self.planner.field(world, errand) for errand in left]
            away = [float(field.at(here)[0]) for field in fields]
            nearest = int(np.argmin(away))
            total += away[nearest]
            goals = fields[nearest].goals
            here = goals[np.argmin(np.linalg.norm(goals - here, axis=1))][None]
            left.pop(nearest)
        return total

    def seconds_to(self, way: float) -> float:
        """Return seconds in which anybody walks so many metres in a home, with turns and doubts."""
        options = self.options
        actions = 2 * way / options.forward_step + 2 * 180 / options.turn_angle
        return actions * self.simulator.settings.step_time

    def candidates(self, world: World, verb: str, names: Sequence[str]) -> list[str]:
        """Return those of some things that a body can get at with a verb."""
        body = self.simulator.body
        return [n for n in names if len(standing_places(world, body, Errand(verb, n)))]

    def variant(self, rng: np.random.Generator, kind: str) -> str:
        """Return the name of one of the eight variants of a kind of sound."""
        kept_back = "/unheard" if self.options.sounds == "unheard" else ""
        return f"{kind}{kept_back}/{rng.integers(8)}"

    def _checked(self, episode: Episode) -> Episode:
        """Return an episode if it fits the task.

        Raises:
            ValueError: it does not.
        """
        world = self.world(episode)
        if not world.walkable_for(self.simulator.body).is_walkable([episode.start])[0]:
            raise ValueError(
                f"episode.start is {episode.start}; accepted: a place on the floor of {world.name} "
                "where a body can stand"
            )
        names = {thing.name for thing in world.compiled.objects}
        for goal in episode.goals:
            if goal.object not in names and (goal.source is None or goal.object is not None):
                raise ValueError(
                    f"episode.goals has the object {goal.object!r}; accepted: one of {world.name}"
                )
        if not episode.goals:
            raise ValueError(f"episode.goals is empty; accepted: a goal for {self.name}")
        return episode if episode.instruction else replace(episode, instruction=self.instruction)

    # -- where things are to be done ---------------------------------------------------------------

    def _distance_left(self, row: int, position: NDArray[np.float64]) -> float:
        """Return the geodesic distance to the nearest of what is to be done; 0: nothing is."""
        here, world = position[None], self.simulator.state.here[row]
        try:
            away = [self.planner.field(world, e).at(here)[0] for e in self.errands(row)]
        except SceneError:  # it cannot be got at for the time being
            return np.inf
        return float(min(away, default=0.0))

    def _aims(self, row: int) -> tuple[World, frozenset[str]]:
        """Return what a row's distance is measured in, and to."""
        return self.simulator.state.here[row], frozenset(e.thing for e in self.errands(row))

    def _place_next(self, row: int) -> Point:
        """Return where the next thing is, just above it; ahead of the ears where there is none."""
        state = self.simulator.state
        errands = self.errands(row) if row in self.episodes else []
        if not errands:
            x, y = state.position[row] + frames.forward(state.heading[row])
            return float(x), float(y), float(state.ears()[row, 2])
        x, y, z, height = self._spot(row, errands[0])
        return x, y, z + height + 0.02

    def _spot(self, row: int, errand: Errand) -> tuple[float, float, float, float]:
        """Return where an errand is to be done: x, y, z and the height of what is there, metres."""
        if errand.place is not None:
            return *errand.place, float(self.simulator.state.level[row]), SOURCE_HEIGHT
        compiled = self.simulator.state.here[row].compiled
        thing = compiled.objects[compiled.row_of[errand.thing]]
        return *thing.position, thing.size[2]

    def marks(self, row: int) -> list[NDArray[np.float64]]:
        """Return where what is still to be done is (2,)."""
        return [np.array(self._spot(row, errand)[:2]) for errand in self.errands(row)]

    # -- experts -----------------------------------------------------------------------------------

    def oracle_action(self, row: int) -> int:
        """Return the next action of somebody who knows everything: the nearest errand first."""
        errands = [] if self.is_over(row) else self.errands(row)
        if not errands:
            return follower.STOP if self.is_over(row) else self._number(row, self.idle(row))
        return self._number(row, self.nearest(row, errands))

    def nearest(self, row: int, errands: Sequence[Errand]) -> Errand:
        """Return that of some errands which is nearest on foot to a body."""
        world, here = self.simulator.state.here[row], self.simulator.state.position[row][None]
        away = [float(self.planner.field(world, errand).at(here)[0]) for errand in errands]
        return errands[int(np.argmin(away))]

    def whereabouts(self, row: int) -> Whereabouts | None:
        """Return where the nearest errand is, and whether it can be run at once."""
        errands = self.errands(row)
        if not errands:
            return None
        world, errand = self.simulator.state.here[row], self.nearest(row, errands)
        kinds = {thing.name: thing.kind for thing in world.compiled.objects}
        what = kinds.get(errand.thing, errand.thing).replace("_", " ")
        place = np.array(self._spot(row, errand)[:2])
        return Whereabouts(f"The {what}", place, self.planner.field(world, errand), errand.ready)

    def deaf_action(self, row: int) -> int:
        """Return the next action of somebody who knows the home, and hears nothing."""
        return follower.STOP if self.is_over(row) else self._number(row, self.guess(row))

    def _number(self, row: int, wish: Errand | str) -> int:
        action: int | str
        try:
            action = self.planner.next_action(row, wish) if isinstance(wish, Errand) else wish
        except SceneError:  # shut off from it, as by a leaf that has swung; it may swing back
            action = "wait"
        return self.actions.names.index(action) if isinstance(action, str) else action
