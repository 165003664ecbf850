"""AudioExplore: find out where the floor of a home is, with ears and, if given, eyes.

Coverage as Chen, Gupta & Gupta 2019, "Learning Exploration Policies for Navigation"; maps by echoes
as Purushwalkam et al. 2021, "Audio-Visual Floorplan Reconstruction". A chirp counts for what an
echo can tell of: the floor all round, as far as ``reach``, up to the next wall.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.simulation.simulator import Commands, Simulator
from avenv.simulation.world import World
from avenv.tasks.actions import MOTIONS, STOP, DiscreteMotion
from avenv.tasks.coverage import Coverage, CoverageOptions, outline, wall_iou
from avenv.tasks.declared import scene_events
from avenv.tasks.episode import Episode
from avenv.tasks.task import Judgement, Task, Whereabouts

EMIT = len(MOTIONS)
WORTH = 1.5
"""Square metres for which the oracle chirps."""
COVERAGE_REWARD = 10.0
"""For all of the floor; of a part as much less."""
COUNTS = ("num_actions", "chirps", "path_length", "collisions")


class AudioExplore(Task):
    """Explore a home by walking about and chirping, and stop when you have been everywhere."""

    Options = CoverageOptions
    options: CoverageOptions
    headline = ("success", "coverage")
    instruction = "Explore the home, and stop when there is no more to explore."
    samples_ahead = True

    def __init__(self, simulator: Simulator, options: CoverageOptions):
        super().__init__(simulator, options)
        turn, count = np.deg2rad(options.turn_angle), simulator.num_envs
        self.actions = DiscreteMotion(options.forward_step, turn, ("emit",))
        self._covered: dict[int, Coverage] = {}
        self._counts = {name: np.zeros(count) for name in COUNTS}
        self._stopped, self._chirps, self._stops = np.zeros((3, count), bool)

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode that begins anywhere."""
        x, y = world.walkable_for(self.simulator.body).sample(rng, 1)[0].tolist()
        heading, events = float(rng.uniform(-np.pi, np.pi)), scene_events(world)
        return Episode(self.name, self.reference(world), (x, y), heading, events=events)

    def begin(self, episodes: Mapping[int, Episode]) -> None:
        """Begin episodes in some rows; nothing changes if one of them cannot begin."""
        for episode in episodes.values():
            self.check_start(episode, self.world(episode))
        super().begin(episodes)
        for row in episodes:
            grid = self.simulator.state.here[row].walkable_for(self.simulator.body)
            self._covered[row] = Coverage(grid)
            for kept in (self._stopped, self._chirps, *self._counts.values()):
                kept[row] = 0
            self._covered[row].look(self.simulator.state, row, self.options, self._chirps[row])

    def act(self, actions: NDArray, active: NDArray[np.bool_]) -> Commands:
        """Return what the bodies are to do: walk, or chirp."""
        motion = self.actions.motion(actions)
        self._stops, self._chirps = active & motion.stop, active & (actions == EMIT)
        chirps = dict.fromkeys(np.flatnonzero(self._chirps).tolist(), "emit")
        return Commands(motion.distance * active, motion.turn * active, acts=chirps)

    def judge(
        self, active: NDArray[np.bool_], last: NDArray[np.bool_],
        moved: NDArray[np.float64], collided: NDArray[np.bool_],
    ) -> Judgement:  # fmt: skip
        """Judge a step by the floor that it has covered."""
        for count, more in zip(COUNTS, (active, self._chirps, moved, collided), strict=True):
            self._counts[count] += more * active
        before = self._coverage()
        for row in np.flatnonzero(active).tolist():
            self._covered[row].look(self.simulator.state, row, self.options, self._chirps[row])
        self._stopped |= self._stops
        gained = self._coverage() - before
        solved = self._stops & (self._coverage() >= self.options.share)
        reward = COVERAGE_REWARD * gained + self.options.success_reward * solved
        return Judgement(reward - self.options.step_penalty * active, self._stops)

    def _coverage(self) -> NDArray[np.float64]:
        rows = range(len(self._stopped))
        return np.array([self._covered[r].share if r in self._covered else 0.0 for r in rows])

    def metrics(self) -> dict[str, NDArray[np.float64]]:
        """Return the metrics of the episodes so far, (E,) each; ``covered_area`` in m²."""
        share, area = self._coverage(), np.zeros(len(self._stopped))
        for row, covered in self._covered.items():
            area[row] = covered.area(~covered.open)
        success = (self._stopped & (share >= self.options.share)).astype(np.float64)
        told = {"success": success, "coverage": share, "covered_area": area}
        return told | {name: count.copy() for name, count in self._counts.items()}

    def truth(self) -> dict[str, NDArray]:
        """Return how much of the floor has been covered, (E,)."""
        return {"coverage": self._coverage()}

    def wall_iou(self, row: int, walls: NDArray[np.bool_], origin: ArrayLike, cell: float) -> float:
        """Return how well a body's map of the walls agrees with them; see ``coverage.wall_iou``.

        ``origin`` (2,), the lower corner of square (0, 0), is metres ahead of the start and left.
        """
        state = self.simulator.state
        points = outline(state.here[row].walkable_for(self.simulator.body), state.origin[row])
        return wall_iou(points, walls, np.asarray(origin), cell)

    def oracle_action(self, row: int) -> int:
        """Return the next action of who walks to the nearest floor left, and chirps there."""
        options, state, covered = self.options, self.simulator.state, self._covered[row]
        if covered.share >= min(1.0, options.share + 0.02):
            return STOP
        around = covered.within(state, row, options.reach)
        if covered.area(around) >= WORTH:
            return EMIT
        where = state.position[row], float(state.heading[row])
        grid = state.here[row].walkable_for(self.simulator.body)
        action = covered.next_action(grid, *where, options)
        return EMIT if action == STOP and around.any() else action

    def whereabouts(self, row: int) -> Whereabouts | None:
        """Return where the nearest floor is that has not been covered."""
        state, covered = self.simulator.state, self._covered[row]
        grid = state.here[row].walkable_for(self.simulator.body)
        if covered.share >= 1 or (field := covered.nearest(grid, state.position[row])) is None:
            return None
        return Whereabouts("Floor that you have not seen", field.goals[0], field)

    def caption(self, row: int) -> list[str]:
        """Return how much has been covered, and by what."""
        told = {name: values[row] for name, values in self.metrics().items()}
        return [
            f"{told['coverage']:.0%} of the floor covered",
            f"{told['covered_area']:.0f} square metres by {told['chirps']:.0f} chirps",
            f"{told['num_actions']:.0f} actions, {told['path_length']:.1f} m walked",
        ]
