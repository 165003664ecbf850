"""Encoders that turn what is seen and heard into one vector for a policy.

One encoder per sense and one fusion. A sense is a key of the observation; the table `SENSES` says
which encoder reads it, so that a new sense is a new row.
"""

import gymnasium as gym
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

RGB = 3
MIN_SIDE = 36
"""Pixels of the smallest picture that the three convolutions can read."""


class PictureEncoder(nn.Module):
    """Three convolutions over pictures: rgb, depth or both stacked (Mnih et al. 2015).

    Args:
        channels: of all pictures together.
        size: (height, width).
        features: length of the output.
    """

    def __init__(self, channels: int, size: tuple[int, int], features: int):
        super().__init__()
        self.layers = nn.Sequential(
            *_convolution(channels, 32, 8, 4),
            *_convolution(32, 64, 4, 2),
            *_convolution(64, 64, 3, 1),
            nn.Flatten(),
        )
        self.output = _projection(self.layers, (channels, *size), features)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return features (N, F) of pictures (N, C, H, W) in 0..1."""
        return self.output(self.layers(pictures))


class SpectrogramEncoder(nn.Module):
    """Three convolutions over the spectrograms of both ears, and their difference.

    The difference of the log spectra is the interaural level difference, the plainest cue to the
    side a sound comes from; it is given as a channel of its own rather than left to be learned.
    """

    def __init__(self, channels: int, size: tuple[int, int], features: int):
        super().__init__()
        inputs = channels + (1 if channels == 2 else 0)
        self.layers = nn.Sequential(
            *_convolution(inputs, 32, 5, 2),
            *_convolution(32, 64, 3, 2),
            *_convolution(64, 64, 3, 1),
            nn.Flatten(),
        )
        self.output = _projection(self.layers, (inputs, *size), features)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Return features (N, F) of log spectrograms (N, C, frequency, time)."""
        if spectrogram.shape[1] == 2:
            difference = spectrogram[:, :1] - spectrogram[:, 1:]
            spectrogram = torch.cat([spectrogram, difference], dim=1)
        return self.output(self.layers(spectrogram))


class AudioVisualEncoder(BaseFeaturesExtractor):
    """Fuse sight and hearing: one encoder per camera and one for the ears, mixed by one layer.

    Args:
        observation_space: with any of ``rgb``, ``depth`` and ``spectrogram``, and ``name/rgb`` and
            ``name/depth`` of further cameras; other observations are not read.
        features: length of each encoder's features.
        features_dim: length of the fused features.

    Raises:
        ValueError: the space has none of these senses.
    """

    def __init__(
        self, observation_space: gym.spaces.Dict, features: int = 256, features_dim: int = 512
    ):
        super().__init__(observation_space, features_dim)
        shapes = {
            name: _channels_first(name, space.shape or ())
            for name, space in observation_space.items()
        }
        self.cameras = _pictures_by_camera(shapes)
        self.hears = "spectrogram" in shapes
        if not self.cameras and not self.hears:
            raise ValueError(
                f"observations are {sorted(shapes)}; the encoder needs rgb, depth or spectrogram"
            )
        self.max_depth = {
            name: float(space.high.max())
            for name, space in observation_space.items()
            if _sensor(name) == "depth" and isinstance(space, gym.spaces.Box)
        }
        senses = nn.ModuleDict()
        for sense, pictures in self.cameras.items():
            channels = sum(shapes[name][0] for name in pictures)
            _, height, width = shapes[pictures[0]]
            senses[sense] = PictureEncoder(channels, (height, width), features)
        if self.hears:
            channels, frequencies, times = shapes["spectrogram"]
            senses["hearing"] = SpectrogramEncoder(channels, (frequencies, times), features)
        self.senses = senses
        self.fusion = nn.Sequential(
            nn.Linear(features * len(senses), features_dim), nn.LayerNorm(features_dim), nn.ReLU()
        )

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return fused features (N, features_dim); rgb comes in 0..1 from stable-baselines3."""
        parts = []
        for sense, pictures in self.cameras.items():
            scaled = [self._picture(name, observation[name]) for name in pictures]
            parts.append(self.senses[sense](torch.cat(scaled, dim=1)))
        if self.hears:
            parts.append(self.senses["hearing"](observation["spectrogram"].permute(0, 3, 1, 2)))
        return self.fusion(torch.cat(parts, dim=1))

    def _picture(self, name: str, picture: Tensor) -> Tensor:
        if _sensor(name) == "depth":
            return picture.permute(0, 3, 1, 2) / self.max_depth[name]
        return picture if picture.shape[1] == RGB else picture.permute(0, 3, 1, 2)


def _sensor(name: str) -> str:
    """Return what an observation is a picture of: the part after the camera's name."""
    return name.rpartition("/")[2]


def _pictures_by_camera(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the names of each camera's rgb and depth, by the name of the sense they make."""
    cameras: dict[str, tuple[str, ...]] = {}
    for sensor in ("rgb", "depth"):
        for name in sorted(shapes):
            if _sensor(name) != sensor:
                continue
            if min(shapes[name][1:]) < MIN_SIDE:
                raise ValueError(
                    f"{name} is {shapes[name][2]}x{shapes[name][1]} pixels; the encoder needs "
                    f"{MIN_SIDE}x{MIN_SIDE} or more"
                )
            camera = name.rpartition("/")[0]
            sense = f"sight/{camera}" if camera else "sight"
            cameras[sense] = (*cameras.get(sense, ()), name)
    return cameras


def _convolution(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, stride), nn.ReLU()]


def _projection(layers: nn.Module, shape: tuple[int, ...], features: int) -> nn.Module:
    with torch.no_grad():
        length = layers(torch.zeros(1, *shape)).shape[1]
    return nn.Sequential(nn.Linear(length, features), nn.LayerNorm(features), nn.ReLU())


def _channels_first(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    # All observations have their channels last; stable-baselines3 moves those of rgb to the front.
    if len(shape) != 3 or (_sensor(name) == "rgb" and shape[0] == RGB):
        return shape
    return (shape[2], shape[0], shape[1])
