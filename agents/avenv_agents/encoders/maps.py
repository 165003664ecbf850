"""Maps that a body has drawn around itself, see ``avenv_agents.waypoints``."""

from gymnasium import spaces
from torch import Tensor, nn

from avenv_agents.encoders.encoder import Encoder, dense, flat_length, require
from avenv_agents.encoders.eyes import convolution


class _Map(Encoder):
    """Three convolutions over a map (side, side, C), as in AV-WaN (Chen et al. 2021).

    Args:
        space: with the map.
        features: length of the vector.
    """

    kernels: tuple[tuple[int, int], ...]
    """Sides and strides of the three."""

    def __init__(self, space: spaces.Dict, features: int = 512):
        super().__init__()
        (name,) = self.reads
        side, _, channels = require(space, name, "this encoder")
        widths = (channels, 32, 64, 32)
        layers = []
        for k, (kernel, stride) in enumerate(self.kernels):
            layers += convolution(widths[k], widths[k + 1], kernel, stride)
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.output = dense(flat_length(self.layers, (channels, side, side)), features)
        self.features = features

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return features (N, F) of maps (N, side, side, C)."""
        (name,) = self.reads
        return self.output(self.layers(observation[name].permute(0, 3, 1, 2).float()))


class GeometricMap(_Map):
    """Of what is solid and what has been seen."""

    reads = ("geometric_map",)
    kernels = ((8, 4), (4, 2), (3, 1))


class AcousticMap(_Map):
    """Of how loud it was where the body has been."""

    reads = ("acoustic_map",)
    kernels = ((5, 2), (3, 1), (3, 1))
