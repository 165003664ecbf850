"""Ears that hear one window of sound and remember nothing."""

import torch
from gymnasium import spaces
from torch import Tensor, nn

from avenv_agents.encoders.encoder import Encoder, dense, flat_length, require
from avenv_agents.encoders.eyes import convolution


class SpectrogramEars(Encoder):
    """Three convolutions over the spectrograms of both ears, and their difference.

    AV-Nav's (Chen et al. 2020), with one channel more: the difference of the log spectra is the
    interaural level difference, the plainest cue to the side a sound comes from; it is given rather
    than left to be learned.

    Args:
        space: with ``spectrogram`` (frequency, time, C).
        features: length of the vector.
    """

    reads = ("spectrogram",)

    def __init__(self, space: spaces.Dict, features: int = 256):
        super().__init__()
        frequencies, times, channels = require(space, "spectrogram", "this encoder")
        inputs = channels + (1 if channels == 2 else 0)
        self.layers = nn.Sequential(
            *convolution(inputs, 32, 5, 2),
            *convolution(32, 64, 3, 2),
            *convolution(64, 64, 3, 1),
            nn.Flatten(),
        )
        length = flat_length(self.layers, (inputs, frequencies, times))
        self.output = dense(length, features)
        self.features = features

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return features (N, F) of log spectrograms (N, frequency, time, C)."""
        spectrogram = observation["spectrogram"].permute(0, 3, 1, 2)
        if spectrogram.shape[1] == 2:
            difference = spectrogram[:, :1] - spectrogram[:, 1:]
            spectrogram = torch.cat([spectrogram, difference], dim=1)
        return self.output(self.layers(spectrogram))


class PerfectEars(Encoder):
    """The truth in place of sound: where the source is, as it is; nothing is learned.

    What a policy with these ears does worse than the oracle is not the fault of its hearing.
    """

    reads = ("truth",)
    features = 3

    def __init__(self, space: spaces.Dict):
        super().__init__()
        require(space, "truth", "this encoder")

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return (N, 3): cosine and sine of the azimuth, the logarithm of the distance."""
        return observation["truth"]


class BinauralEars(Encoder):
    """Two dense layers over the compact vector of what two ears tell.

    Args:
        space: with ``binaural`` (D,).
        features: length of the vector.
        hidden: width of the layer in between.
    """

    reads = ("binaural",)

    def __init__(self, space: spaces.Dict, features: int = 256, hidden: int = 256):
        super().__init__()
        (inputs,) = require(space, "binaural", "this encoder")
        self.layers = nn.Sequential(*dense(inputs, hidden), *dense(hidden, features))
        self.features = features

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return features (N, F) of vectors (N, D)."""
        return self.layers(observation["binaural"])
