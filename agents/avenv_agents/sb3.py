"""The encoders as stable-baselines3's features extractor."""

from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from avenv_agents.encoders.ears import SpectrogramEars
from avenv_agents.encoders.eyes import ConvolutionalEyes, Eyes
from avenv_agents.fusion import Concatenation


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
        self, observation_space: spaces.Dict, features: int = 256, features_dim: int = 512
    ):
        super().__init__(observation_space, features_dim)
        names = list(observation_space.spaces)
        sees = any(name.rpartition("/")[2] in ("rgb", "depth") for name in names)
        if not sees and "spectrogram" not in names:
            raise ValueError(
                f"observations are {sorted(names)}; the encoder needs rgb, depth or spectrogram"
            )
        self.senses = nn.ModuleDict()
        if sees:
            self.senses["sight"] = ConvolutionalEyes(observation_space, features)
        if "spectrogram" in names:
            self.senses["hearing"] = SpectrogramEars(observation_space, features)
        sizes = [int(sense.features) for sense in self.senses.values()]  # type: ignore[arg-type]
        self.fusion = Concatenation(sizes, features_dim)

    @property
    def cameras(self) -> dict[str, tuple[str, ...]]:
        """The names of each camera's pictures."""
        sight = dict(self.senses).get("sight")
        return sight.cameras if isinstance(sight, Eyes) else {}

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return fused features (N, features_dim); rgb comes in 0..1 from stable-baselines3."""
        return self.fusion([sense(observation) for sense in self.senses.values()])
