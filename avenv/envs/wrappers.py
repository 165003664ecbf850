"""Gymnasium wrappers that add to what an agent observes, made of the sound it hears.

Each adds one entry to the observation, a picture (rows, times, channels) like the spectrogram, and
comes in two forms: for a single environment, and, with ``Vector`` before its name, for a vector
environment. They need the observation ``"audio"``.

>>> env = avenv.envs.wrappers.LogMel(gymnasium.make("avenv/AudioGoal-v0"), sample_rate=16000)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorObservationWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from avenv.acoustics.signal import features as stft


@dataclass(frozen=True)
class _Feature:
    """What is added to an observation.

    Attributes:
        name: of the entry.
        compute: function of sound (..., C, N).
        space: of what it returns for sound (C, N).
    """

    name: str
    compute: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    space: spaces.Box


class _Adds(gym.ObservationWrapper, RecordConstructorArgs):
    """Adds a feature; ``arguments`` are those that made it, for Gymnasium's checker."""

    def __init__(self, env: gym.Env, feature: _Feature, **arguments: Any):
        gym.ObservationWrapper.__init__(self, env)
        RecordConstructorArgs.__init__(self, **arguments)
        self.feature = feature
        self.observation_space = _extended(env.observation_space, feature)

    def observation(self, observation: dict[str, Any]) -> dict[str, Any]:
        """Return the observation with the feature in it."""
        return observation | {self.feature.name: self.feature.compute(observation["audio"])}


class _VectorAdds(VectorObservationWrapper):
    """Adds a feature to all rows."""

    def __init__(self, env: VectorEnv, feature: _Feature):
        super().__init__(env)
        self.feature = feature
        self.single_observation_space = _extended(env.single_observation_space, feature)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)

    def observations(self, observations: dict[str, Any]) -> dict[str, Any]:
        """Return the observations with the feature in them."""
        return observations | {self.feature.name: self.feature.compute(observations["audio"])}


class LogMel(_Adds):
    """Adds ``log_mel`` (bands, T, C): see ``avenv.acoustics.signal.features.log_mel``."""

    def __init__(self, env: gym.Env, sample_rate: int, bands: int = 64):
        feature = _log_mel(env.observation_space, sample_rate, bands)
        super().__init__(env, feature, sample_rate=sample_rate, bands=bands)


class VectorLogMel(_VectorAdds):
    """``LogMel`` for vector environments."""

    def __init__(self, env: VectorEnv, sample_rate: int, bands: int = 64):
        super().__init__(env, _log_mel(env.single_observation_space, sample_rate, bands))


class InterauralFeatures(_Adds):
    """Adds ``interaural`` (257, T, 3): see ``avenv.acoustics.signal.features.interaural``."""

    def __init__(self, env: gym.Env):
        super().__init__(env, _interaural(env.observation_space))


class VectorInterauralFeatures(_VectorAdds):
    """``InterauralFeatures`` for vector environments."""

    def __init__(self, env: VectorEnv):
        super().__init__(env, _interaural(env.single_observation_space))


class GccPhat(_Adds):
    """Adds ``gcc_phat`` (2 max_lag + 1, T, 1): see ``avenv.acoustics.signal.features.gcc_phat``.

    Sound takes 0.8 ms at most from ear to ear: 13 samples at 16 kHz.
    """

    def __init__(self, env: gym.Env, max_lag: int = 16):
        super().__init__(env, _gcc_phat(env.observation_space, max_lag), max_lag=max_lag)


class VectorGccPhat(_VectorAdds):
    """``GccPhat`` for vector environments."""

    def __init__(self, env: VectorEnv, max_lag: int = 16):
        super().__init__(env, _gcc_phat(env.single_observation_space, max_lag))


def _log_mel(space: spaces.Space, sample_rate: int, bands: int) -> _Feature:
    channels, samples = _audio(space)
    filters = stft.mel_filters(sample_rate, bands)
    # |STFT| of a full-scale wave is at most the sum of the 400-sample Hann window, 200.
    loudest = 200.0**2 * filters.sum(axis=1).max()
    shape = bands, stft.num_frames(samples), channels
    box = spaces.Box(np.log(stft.FLOOR), np.log(loudest + 1), shape, np.float32)
    return _Feature("log_mel", lambda audio: stft.log_mel(audio, sample_rate, bands), box)


def _interaural(space: spaces.Space) -> _Feature:
    frames = stft.num_frames(_two_ears(space))
    high = np.empty((stft.SIZE // 2 + 1, frames, 3), np.float32)
    high[:] = 1.0, 1.0, stft.LEVEL_RANGE
    return _Feature("interaural", stft.interaural, spaces.Box(-high, high, dtype=np.float32))


def _gcc_phat(space: spaces.Space, max_lag: int) -> _Feature:
    shape = 2 * stft.check_lag(max_lag) + 1, stft.num_frames(_two_ears(space)), 1
    box = spaces.Box(-1.0, 1.0, shape, np.float32)
    return _Feature("gcc_phat", lambda audio: stft.gcc_phat(audio, max_lag), box)


def _audio(space: spaces.Space) -> tuple[int, int]:
    """Return channels and samples of the sound in an observation space."""
    if not isinstance(space, spaces.Dict) or "audio" not in space.spaces:
        raise ValueError("the environment has no observation 'audio'; give it that sensor")
    channels, samples = space["audio"].shape or ()
    return channels, samples


def _two_ears(space: spaces.Space) -> int:
    """Return the samples of binaural sound in an observation space."""
    channels, samples = _audio(space)
    if channels != 2:
        raise ValueError(f"the sound has {channels} channels; accepted: 2, of a left and right ear")
    return samples


def _extended(space: spaces.Space, feature: _Feature) -> spaces.Dict:
    assert isinstance(space, spaces.Dict)
    if feature.name in space.spaces:
        raise ValueError(f"the environment has an observation {feature.name!r} already")
    return spaces.Dict({**space.spaces, feature.name: feature.space})
