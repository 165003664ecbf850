"""What a body knows of itself: where it thinks it is, what it touched, what it did."""

import torch
from gymnasium import spaces
from torch import Tensor, nn

from avenv_agents.encoders.encoder import Encoder, require

REACH = 10.0
"""Metres from the start that are 1 in the features."""
PATIENCE = 25.0
"""Seconds in which the feature of time falls to 1/e."""


class Pose(Encoder):
    """Place, direction and time since the start, scaled; nothing is learned.

    The time fades as in SAVi (Chen et al. 2021, "Semantic Audio-Visual Navigation").
    """

    reads = ("pose",)
    features = 5

    def __init__(self, space: spaces.Dict):
        super().__init__()
        require(space, "pose", "this encoder")

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return (N, 5) of poses (N, 4): x and y, cosine and sine of the heading, time."""
        x, y, heading, time = observation["pose"].unbind(-1)
        parts = x / REACH, y / REACH, heading.cos(), heading.sin(), torch.exp(-time / PATIENCE)
        return torch.stack(parts, dim=-1)


class Contact(Encoder):
    """Whether the last action met something solid, as it is."""

    reads = ("contact",)
    features = 1

    def __init__(self, space: spaces.Dict):
        super().__init__()
        require(space, "contact", "this encoder")

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return (N, 1)."""
        return observation["contact"]


class PreviousAction(Encoder):
    """A learned vector for each action that may have come before.

    Args:
        space: with ``previous_action``, a ``Discrete`` space; what stands for "none" at the
            beginning of an episode is one of its values.
        features: length of the vector.
    """

    reads = ("previous_action",)

    def __init__(self, space: spaces.Dict, features: int = 16):
        super().__init__()
        require(space, "previous_action", "this encoder")
        actions = space["previous_action"]
        if not isinstance(actions, spaces.Discrete):
            raise ValueError(f"previous_action is of {actions}; accepted: Discrete")
        self.table = nn.Embedding(int(actions.n), features)
        self.features = features

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return (N, F) of actions (N,), whole numbers."""
        return self.table(observation["previous_action"].long())
