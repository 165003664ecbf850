"""What every encoder is: a module that reads some observations and returns one vector."""

from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor, nn


class Encoder(nn.Module):
    """Turns what one sense observes into a vector.

    Most remember nothing and define ``forward``. One that remembers (``BeliefEars``) sets ``state``
    and defines ``unroll``.

    Attributes:
        reads: names of the observations that it takes.
        features: length F of the vector.
        state: length S of what a row remembers; 0: nothing.
        extends: name of the encoder whose features its own begin with, if it is more of one.
    """

    reads: tuple[str, ...]
    features: int
    state: int = 0
    extends: str | None = None

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return features (N, F) of observations (N, ...)."""
        raise NotImplementedError

    def plain_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options with which its weights can be loaded anywhere.

        Args:
            options: with which it was made.
        """
        return options

    def unroll(
        self, observation: dict[str, Tensor], state: Tensor, begun: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return features (T, E, F) of T steps in E rows, and the state (E, S) after them.

        Args:
            observation: (T, E, ...) each.
            state: (E, S) before the first step; zeros at the very beginning.
            begun: (T, E) bool, where an episode begins with the step: the state is forgotten.
        """
        flat = {name: observation[name].flatten(0, 1) for name in self.reads}
        return self(flat).unflatten(0, begun.shape), state


def require(space: spaces.Dict, name: str, who: str) -> tuple[int, ...]:
    """Return the shape of an observation; ``ValueError`` if the space lacks it."""
    if name not in space.spaces:
        raise ValueError(f"observations are {sorted(space.spaces)}; {who} needs {name!r}")
    return space[name].shape or ()


def dense(inputs: int, outputs: int) -> nn.Sequential:
    """Return a linear layer, normalised and rectified: (N, inputs) to (N, outputs)."""
    return nn.Sequential(nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.ReLU())


def flat_length(layers: nn.Module, shape: tuple[int, ...]) -> int:
    """Return the length of what layers make of one input of a shape."""
    with torch.no_grad():
        return layers(torch.zeros(1, *shape)).shape[1]
