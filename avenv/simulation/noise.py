"""What is inexact about a body: its motion, its sense of place, its microphones. Off by default.

All of it is a function of the episode's seed and the step, so that it is the same in any batch.
Cameras have their own, ``avenv.vision.CameraNoise``.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 94.0
"""dB SPL (rms) of a sound whose rms pressure is 1.0: samples count pascals. A sound of the common
loudness, -26 dB, so has 68 dB SPL a metre away, as a voice or a telephone has."""

_MOTION, _PLACE, _MICROPHONES, _MATCH = range(4)  # streams of one episode's seed


@dataclass(frozen=True)
class ActuationNoise:
    """How motion differs from what was asked for, as standard deviations.

    Attributes:
        distance: of the metres walked, as a share of them.
        drift: radians that the heading is off after a metre.
        turn: of the angle turned, as a share of it.
    """

    distance: float = 0.05
    drift: float = 0.02
    turn: float = 0.05

    def __post_init__(self) -> None:
        _check(self, "actuation_noise")


@dataclass(frozen=True)
class PoseNoise:
    """How the observed ``pose`` differs from the true one, as standard deviations.

    The errors are those of dead reckoning: they add up along the way.

    Attributes:
        position: metres after a step, on either axis.
        heading: radians after a step.
    """

    position: float = 0.01
    heading: float = 0.005

    def __post_init__(self) -> None:
        _check(self, "pose_noise")


@dataclass(frozen=True)
class MicrophoneNoise:
    """What microphones add to the sound.

    Attributes:
        self_noise: level of the white noise of each, dB SPL.
        mismatch: standard deviation of their gains, dB; drawn once for each episode.
    """

    self_noise: float = 30.0
    mismatch: float = 0.5

    def __post_init__(self) -> None:
        if not (isinstance(self.self_noise, int | float) and -20 <= self.self_noise <= 120):
            raise ValueError(
                f"microphone_noise.self_noise is {self.self_noise!r}; accepted: -20 to 120 dB SPL"
            )
        if not (isinstance(self.mismatch, int | float) and 0 <= self.mismatch <= 20):
            raise ValueError(
                f"microphone_noise.mismatch is {self.mismatch!r}; accepted: 0 to 20 dB"
            )


def _check(noise: ActuationNoise | PoseNoise, name: str) -> None:
    for field in fields(noise):
        value = getattr(noise, field.name)
        if not (isinstance(value, int | float) and 0 <= value <= 1):
            raise ValueError(f"{name}.{field.name} is {value!r}; accepted: 0 to 1")


def disturbed_motion(
    noise: ActuationNoise, distance: float, turn: float, seed: int, step: int
) -> tuple[float, float]:
    """Return the metres walked and the radians turned where these were asked for."""
    walk, drift, rotate = _normal(seed, _MOTION, step, 3)
    return (
        distance * (1 + noise.distance * walk),
        turn * (1 + noise.turn * rotate) + noise.drift * drift * distance,
    )


def pose_error(noise: PoseNoise, seed: int, step: int) -> NDArray[np.float64]:
    """Return by how much (3,) the reckoned x, y and heading go wrong in one step."""
    scale = np.array([noise.position, noise.position, noise.heading])
    return scale * _normal(seed, _PLACE, step, 3)


def gains(noise: MicrophoneNoise, channels: int, seed: int) -> NDArray[np.float32]:
    """Return the gains (C,) of an episode's microphones."""
    decibels = noise.mismatch * _normal(seed, _MATCH, 0, channels)
    return (10 ** (decibels / 20)).astype(np.float32)


def self_noise(
    noise: MicrophoneNoise, channels: int, samples: int, seed: int, step: int
) -> NDArray[np.float32]:
    """Return the noise (C, N) of microphones in one step."""
    rms = 10 ** ((noise.self_noise - FULL_SCALE) / 20)
    white = _normal(seed, _MICROPHONES, step, channels * samples)
    return (rms * white).reshape(channels, samples).astype(np.float32)


def _normal(seed: int, stream: int, step: int, count: int) -> NDArray[np.float64]:
    return np.random.default_rng((int(seed), stream, int(step))).standard_normal(count)
