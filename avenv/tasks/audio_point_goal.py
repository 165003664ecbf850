"""AudioPointGoal: AudioGoal, and the body is told about where the source is.

Chen et al. 2020, "SoundSpaces: Audio-Visual Navigation in 3D Environments". There the displacement
is exact; here it is as wrong as a first guess is, so that listening is worth it.
"""

from dataclasses import dataclass

import numpy as np

from avenv.simulation.world import World
from avenv.tasks.audiogoal import AudioGoal, AudioGoalOptions
from avenv.tasks.episode import Episode
from avenv.tasks.goals import displacement


@dataclass(frozen=True, kw_only=True)
class AudioPointGoalOptions(AudioGoalOptions):
    """Options of AudioPointGoal.

    Attributes:
        distance_error: standard deviation of the logarithm of the distance that is told: 0.2 is
            about 20 %.
        azimuth_error: standard deviation of its direction, degrees.
    """

    distance_error: float = 0.2
    azimuth_error: float = 15.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("distance_error", "azimuth_error"):
            value = getattr(self, name)
            if not 0 <= value < np.inf:
                raise ValueError(f"{name} is {value!r}; accepted: 0 or more")


class AudioPointGoal(AudioGoal):
    """Find the one thing that sounds; you are told about where it is."""

    Options = AudioPointGoalOptions
    options: AudioPointGoalOptions

    def told(self, episode: Episode, world: World) -> tuple[float, float]:
        """Return where the source is from the start, as well as the body is told."""
        ahead, left = displacement(episode, self.goal_at(episode, world))
        distance, azimuth = np.hypot(ahead, left), np.arctan2(left, ahead)
        # Not the stream of the episode's noise, nor that of its light.
        error = np.random.default_rng([episode.seed, 2]).normal(size=2)
        distance *= np.exp(self.options.distance_error * error[0])
        azimuth += np.deg2rad(self.options.azimuth_error) * error[1]
        return float(distance * np.cos(azimuth)), float(distance * np.sin(azimuth))
