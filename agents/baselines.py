"""Agents that learn nothing: the floor and the ceiling of every benchmark.

Each acts in all rows of a vector environment at once, as `avenv.benchmark.Agent` asks.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.tasks.navigation import FORWARD, STOP, TURN_LEFT, TURN_RIGHT
from avenv.vector import BatchEnv


class RandomAgent:
    """Takes every action with equal probability."""

    def __init__(self, envs: BatchEnv):
        self._actions = int(envs.single_action_space.n)
        self._random = [np.random.default_rng(row) for row in range(envs.num_envs)]

    def reset(self, row: int, seed: int) -> None:
        """Restart one row's random stream."""
        self._random[row] = np.random.default_rng(seed)

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return one random action for each row (E,)."""
        return np.array([random.integers(self._actions) for random in self._random])


class OracleAgent:
    """Knows the map and the source: follows the shortest path."""

    def __init__(self, envs: BatchEnv):
        self._envs = envs

    def reset(self, row: int, seed: int) -> None:
        """Nothing to forget."""

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return the shortest path's next action for each row (E,)."""
        return self._envs.oracle_actions()


class DirectionFollower:
    """Turns to where the sound comes from, walks there and stops when it is loud enough.

    Hears the direction from the time difference between the ears (generalised cross-correlation
    with phase transform, Knapp and Carter 1976) and the level difference. One pair of ears cannot
    tell front from back; a belief over directions, carried along while turning, can. Sees by the
    depth image only what is in the way.

    Args:
        envs: with the sensors ``audio`` and ``depth``.
        stop_level: root-mean-square pressure of the window above which the source is near.

    Raises:
        ValueError: a sensor is missing.
    """

    BINS = 72
    HEAD_RADIUS = 0.0875
    SPEED_OF_SOUND = 343.0

    def __init__(self, envs: BatchEnv, stop_level: float = 0.05):
        sensors = envs.batch.simulator.sensors
        missing = [name for name in ("audio", "depth") if name not in sensors.names]
        if missing or sensors.channels != 2:
            raise ValueError(
                f"sensors is {sensors.names!r} with layout {sensors.layout!r}; this agent needs "
                "'audio' and 'depth' and the layout 'binaural'"
            )
        self._rate = sensors.sample_rate
        self._step = sensors.step_samples
        self._turn = np.deg2rad(envs.batch.task.rules.turn_angle)
        self._stop_level = stop_level
        self._azimuth = -np.pi + (np.arange(self.BINS) + 0.5) * 2 * np.pi / self.BINS
        self._belief = np.full((envs.num_envs, self.BINS), 1 / self.BINS)
        self._detour = np.zeros(envs.num_envs, np.int64)

    def reset(self, row: int, seed: int) -> None:
        """Forget where the sound came from in one row."""
        self._belief[row] = 1 / self.BINS
        self._detour[row] = 0

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return an action for each row (E,)."""
        audio, depth = observation["audio"], observation["depth"][..., 0]
        actions = np.array([self._act(r, audio[r], depth[r]) for r in range(len(audio))])
        return actions

    def _act(self, row: int, audio: NDArray, depth: NDArray) -> int:
        level = float(np.sqrt(np.mean(np.square(audio))))
        if level > self._stop_level:
            return STOP
        self._listen(row, audio)
        action = self._steer(row, depth)
        self._carry(row, action)
        return action

    def _listen(self, row: int, audio: NDArray) -> None:
        """Multiply the belief by the likelihood of the heard time and level differences."""
        recent = audio[:, -2 * self._step :]
        if np.abs(recent).max() < 1e-6:
            return
        delay = interaural_delay(recent, self._rate, 0.8e-3)
        left, right = np.sqrt(np.mean(np.square(recent), axis=1)) + 1e-9
        side = np.sin(self._azimuth)
        # Woodworth's sphere; symmetric between front and back.
        lateral = np.arcsin(side)
        expected = self.HEAD_RADIUS / self.SPEED_OF_SOUND * (lateral + side)
        level_difference = 20 * np.log10(left / right)
        likelihood = np.exp(-0.5 * ((delay - expected) / 120e-6) ** 2)
        likelihood *= np.exp(-0.5 * ((level_difference - 8 * side) / 6) ** 2)
        self._belief[row] *= likelihood + 0.05
        self._belief[row] /= self._belief[row].sum()

    def _steer(self, row: int, depth: NDArray) -> int:
        height, width = depth.shape
        # The band of the picture in which a body of this width would meet an obstacle.
        ahead = depth[height // 3 : height - height // 4]
        ahead = np.where(ahead > 0, ahead, 10.0)
        middle = ahead[:, width // 3 : width - width // 3].min()
        blocked = middle < 0.45
        if self._detour[row] > 0 and not blocked:
            self._detour[row] -= 1
            return FORWARD
        if blocked:
            self._detour[row] = 3
            left, right = ahead[:, : width // 2].mean(), ahead[:, width // 2 :].mean()
            return TURN_LEFT if left >= right else TURN_RIGHT
        best = float(self._azimuth[int(np.argmax(self._belief[row]))])
        if abs(best) > 0.75 * self._turn:
            return TURN_LEFT if best > 0 else TURN_RIGHT
        return FORWARD

    def _carry(self, row: int, action: int) -> None:
        """Turn the belief against the body's own turn, and let it fade a little."""
        shift = {TURN_LEFT: -1, TURN_RIGHT: 1}.get(action, 0)
        bins = shift * self._turn / (2 * np.pi / self.BINS)
        belief = np.roll(self._belief[row], round(bins))
        fade = 0.15 if action == FORWARD else 0.02
        blurred = (np.roll(belief, 1) + belief + np.roll(belief, -1)) / 3
        self._belief[row] = (1 - fade) * blurred + fade / self.BINS


def interaural_delay(audio: NDArray[np.float32], sample_rate: int, limit: float) -> float:
    """Return how much later the right ear hears than the left, seconds (GCC-PHAT).

    Args:
        audio: (2, N), left first.
        sample_rate: Hz.
        limit: largest delay considered, seconds.
    """
    size = audio.shape[1] * 2
    left, right = np.fft.rfft(audio, size)
    cross = right * np.conj(left)
    frequency = np.fft.rfftfreq(size, 1 / sample_rate)
    # Above 3 kHz the head's shadow leaves little that is common to both ears.
    keep = (frequency > 150) & (frequency < 3000)
    spectrum = np.where(keep, cross / (np.abs(cross) + 1e-12 * np.abs(cross).max() + 1e-30), 0)
    upsample = 4
    correlation = np.fft.irfft(spectrum, size * upsample)
    reach = int(limit * sample_rate * upsample)
    lags = np.arange(-reach, reach + 1)
    return float(lags[np.argmax(correlation[lags])] / (sample_rate * upsample))
