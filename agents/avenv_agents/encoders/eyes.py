"""Eyes: convolutions over the pictures of every camera, rgb and depth of one stacked."""

from abc import abstractmethod

import torch
from gymnasium import spaces
from torch import Tensor, nn

from avenv_agents.encoders.encoder import Encoder, dense, flat_length

RGB = 3
MIN_SIDE = 36
"""Pixels of the smallest picture that the three convolutions can read."""


class Eyes(Encoder):
    """What all cameras see, the features of one after those of another.

    Reads ``rgb`` and ``depth``, and ``name/rgb`` and ``name/depth`` of further cameras, whatever of
    these the space has. Pictures are (N, H, W, C), or of rgb (N, 3, H, W) where the space says so
    (as stable-baselines3's does); rgb in uint8, or in floats from 0 to 1.

    Args:
        space: of the observations.
        features: of one camera.

    Raises:
        ValueError: there is no picture, or one is too small.
    """

    def __init__(self, space: spaces.Dict, features: int = 256):
        super().__init__()
        shapes = {n: _channels_first(n, box.shape or ()) for n, box in space.spaces.items()}
        self.cameras = pictures_by_camera(shapes)
        if not self.cameras:
            raise ValueError(f"observations are {sorted(shapes)}; eyes need rgb or depth")
        self.reads = tuple(name for names in self.cameras.values() for name in names)
        self._max_depth = {
            name: float(box.high.max())
            for name, box in space.spaces.items()
            if _sensor(name) == "depth" and isinstance(box, spaces.Box)
        }
        self.by_camera = nn.ModuleDict()
        for camera, names in self.cameras.items():
            channels = sum(shapes[name][0] for name in names)
            self.by_camera[camera] = self.layers((channels, *shapes[names[0]][1:]), features)
        self.features = features * len(self.cameras)

    @abstractmethod
    def layers(self, shape: tuple[int, ...], features: int) -> nn.Module:
        """Return what makes features (N, F) of one camera's pictures (N, C, H, W) in 0..1."""

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return features (N, F) of the pictures of all cameras."""
        parts = []
        for camera, names in self.cameras.items():
            scaled = [self._scaled(name, observation[name]) for name in names]
            parts.append(self.by_camera[camera](torch.cat(scaled, dim=1)))
        return torch.cat(parts, dim=1)

    def _scaled(self, name: str, picture: Tensor) -> Tensor:
        """Return a picture as floats (N, C, H, W) in 0..1."""
        if _sensor(name) == "depth":
            return picture.permute(0, 3, 1, 2) / self._max_depth[name]
        if picture.dtype == torch.uint8:
            picture = picture / 255
        return picture if picture.shape[1] == RGB else picture.permute(0, 3, 1, 2)


class ConvolutionalEyes(Eyes):
    """Three convolutions (Mnih et al. 2015), as in AV-Nav (Chen et al. 2020, "SoundSpaces")."""

    def layers(self, shape: tuple[int, ...], features: int) -> nn.Module:
        """Return convolutions of 8, 4 and 3 pixels and a dense layer."""
        convolutions = nn.Sequential(
            *convolution(shape[0], 32, 8, 4),
            *convolution(32, 64, 4, 2),
            *convolution(64, 64, 3, 1),
            nn.Flatten(),
        )
        return nn.Sequential(convolutions, dense(flat_length(convolutions, shape), features))


class ResidualEyes(Eyes):
    """A slim ResNet-18 (He et al. 2016) with group normalisation (Wu & He 2018).

    Args:
        space: of the observations.
        features: of one camera.
        width: channels of the first stage, doubled in each of the three that follow.
    """

    def __init__(self, space: spaces.Dict, features: int = 256, width: int = 16):
        self._width = width
        super().__init__(space, features)

    def layers(self, shape: tuple[int, ...], features: int) -> nn.Module:
        """Return a stem that halves twice, four stages of two blocks, and a dense layer."""
        width = self._width
        stages: list[nn.Module] = [
            nn.Conv2d(shape[0], width, 7, 2, 3, bias=False),
            _norm(width),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        ]
        inputs = width
        for stage in range(4):
            outputs = width << stage
            stages.append(ResidualBlock(inputs, outputs, stride=1 if stage == 0 else 2))
            stages.append(ResidualBlock(outputs, outputs, stride=1))
            inputs = outputs
        network = nn.Sequential(*stages, nn.Flatten())
        return nn.Sequential(network, dense(flat_length(network, shape), features))


class ResidualBlock(nn.Module):
    """Two convolutions of 3 pixels around which the input passes: (N, C, H, W) to (N, C', H', W').

    Args:
        inputs, outputs: channels C and C'.
        stride: by which height and width are divided.
    """

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            _norm(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            _norm(outputs),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), _norm(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the rectified sum of input and residual."""
        return torch.relu(self.shortcut(x) + self.residual(x))


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(max(1, channels // 8), channels)


def convolution(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
    """Return a rectified convolution: (N, inputs, H, W) to (N, outputs, H', W')."""
    return [nn.Conv2d(inputs, outputs, kernel, stride), nn.ReLU()]


def pictures_by_camera(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the names of each camera's rgb and depth, by the name of the sense they make.

    Args:
        shapes: (C, H, W) of observations by name.

    Raises:
        ValueError: a picture is smaller than ``MIN_SIDE``.
    """
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


def _sensor(name: str) -> str:
    """Return what an observation is a picture of: the part after the camera's name."""
    return name.rpartition("/")[2]


def _channels_first(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    # All observations have their channels last; stable-baselines3 moves those of rgb to the front.
    if len(shape) != 3 or (_sensor(name) == "rgb" and shape[0] == RGB):
        return shape
    return (shape[2], shape[0], shape[1])
