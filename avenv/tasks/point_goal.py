"""PointGoal: walk to a place that the body is told, without a sound.

Anderson et al. 2018, "On Evaluation of Embodied Navigation Agents". The sensors ``pointgoal`` and
``pointgoal_with_gps_compass`` tell where the place is.
"""

import numpy as np

from avenv.simulation.world import World
from avenv.tasks.episode import Episode, Goal
from avenv.tasks.goals import displacement
from avenv.tasks.navigation import NavigationTask


class PointGoal(NavigationTask):
    """Walk to the place that you are told, and stop there."""

    instruction = "Walk to the place that you are told and stop there."
    samples_ahead = True

    def sample(self, rng: np.random.Generator, world: World) -> Episode:
        """Return an episode between two places of the floor."""
        grid = world.walkable_for(self.simulator.body)
        x, y = grid.sample(rng, 1)[0].tolist()
        return self.episode(rng, world, Goal((x, y, grid.level)))

    def told(self, episode: Episode, world: World) -> tuple[float, float]:
        """Return where the goal is from the start: metres ahead and to the left."""
        return displacement(episode, self.goal_at(episode, world))
