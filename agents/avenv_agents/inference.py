"""The forward pass of a policy in NumPy, so that a trained one acts where torch is not installed.

Each function is the twin of a torch module and takes its weights under the names of its
``state_dict``. Twins equal their modules within 1e-5, as a test holds them to. Layers and encoders
are in ``inference_layers`` and ``inference_encoders``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.suggest import accepted
from avenv_agents.inference_encoders import ENCODERS, Sense
from avenv_agents.inference_layers import (
    Array,
    Weights,
    dense,
    gru_cell,
    layer_norm,
    linear,
    part,
    relu,
    softmax,
)

# -- fusion ----------------------------------------------------------------------------------------


def concatenation(weights: Weights, parts: Sequence[Array]) -> Array:
    """``Concatenation``: (N, F) of parts (N, F_k)."""
    return dense(part(weights, "layers"), np.concatenate(list(parts), axis=1))


def side_by_side(weights: Weights, parts: Sequence[Array]) -> Array:
    """``SideBySide``: (N, sum of F_k) of parts (N, F_k)."""
    return np.concatenate(list(parts), axis=1)


def gating(weights: Weights, parts: Sequence[Array]) -> Array:
    """``Gating``: (N, F) of parts (N, F_k)."""
    candidates = np.stack(
        [linear(part(weights, f"projections.{k}"), x) for k, x in enumerate(parts)], axis=1
    )
    gates = linear(part(weights, "gates"), np.concatenate(list(parts), axis=1))
    gates = softmax(gates.reshape(candidates.shape), axis=1)
    return (gates * np.tanh(candidates)).sum(1)


def film(weights: Weights, parts: Sequence[Array]) -> Array:
    """``FiLM``: (N, F) of parts (N, F_k)."""
    first, *others = parts
    normalised = part(weights, "normalised")
    x = layer_norm(part(normalised, "1"), linear(part(normalised, "0"), first))
    if others:
        both = linear(part(weights, "modulation"), np.concatenate(others, axis=1))
        scale, shift = np.split(both, 2, axis=1)
        x = (1 + scale) * x + shift
    return relu(x)


FUSIONS: dict[str, Callable[[Weights, Sequence[Array]], Array]] = {
    "concatenation": concatenation,
    "side_by_side": side_by_side,
    "gating": gating,
    "film": film,
}
"""Twins of ``avenv_agents.fusion.FUSIONS`` without attention."""


# -- memory ----------------------------------------------------------------------------------------


def gru(weights: Weights, x: Array, state: Array, begun: NDArray[np.bool_]) -> tuple[Array, Array]:
    """``Gru``: (N, H) of x (N, F), twice: it is the state, too."""
    out = gru_cell(part(weights, "cell"), x, np.where(begun[:, None], 0, state))
    return out, out


def no_memory(
    weights: Weights, x: Array, state: Array, begun: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """``NoMemory``."""
    return x, state


def frames(
    weights: Weights, x: Array, state: Array, begun: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """``FrameStack``: (N, frames · F) of x (N, F), and all but the oldest of them."""
    out = np.concatenate([np.where(begun[:, None], 0, state), x], axis=1)
    return out, out[:, x.shape[1] :]


MEMORIES: dict[str, Callable[..., tuple[Array, Array]]] = {
    "none": no_memory,
    "frames": frames,
    "gru": gru,
}
"""Twins of ``avenv_agents.memory.MEMORIES`` without attention."""


def twin(kind: str, name: str, table: Mapping[str, Any]) -> Any:
    """Return the twin of a module by its name.

    Raises:
        ValueError: there is none, and torch is needed.
    """
    if name not in table:
        raise ValueError(f"{kind} {name!r} needs torch; without it: {accepted(name, table)}")
    return table[name]


# -- a whole policy --------------------------------------------------------------------------------


class PolicyForward:
    """A policy: encoders, fusion, memory and a linear layer to the actions.

    What a row remembers (M,) are the states of its encoders, in their order, and that of its
    memory.

    Args:
        weights: of the policy, under ``encoders.NAME``, ``fusion``, ``memory`` and ``actor``.
        description: with the names of its ``encoders``, ``fusion`` and ``memory``; ``states``, the
            lengths of what encoders and memory remember; and ``highest``, the greatest value of
            each depth picture.

    Raises:
        ValueError: a part of it needs torch.
    """

    def __init__(self, weights: Weights, description: Mapping[str, Any]):
        names = description["encoders"]
        self._encoders = [
            (twin("encoder", name, ENCODERS), part(weights, f"encoders.{name}")) for name in names
        ]
        self._fusion = twin("fusion", description["fusion"], FUSIONS), part(weights, "fusion")
        self._memory = twin("memory", description["memory"], MEMORIES), part(weights, "memory")
        self._actor = part(weights, "actor")
        self._states = [int(length) for length in description["states"]]
        self._highest = dict(description["highest"])

    def initial(self, rows: int) -> Array:
        """Return what rows remember in the beginning, (N, M)."""
        return np.zeros((rows, sum(self._states)), np.float32)

    def step(
        self, observation: Mapping[str, NDArray], memory: Array, begun: NDArray[np.bool_]
    ) -> tuple[Array, Array]:
        """Return logits (N, A) of the actions, and what rows (N, M) remember.

        Args:
            observation: (N, ...) each, ``previous_action`` (N,) among them if the policy reads it:
                the action that led here; where an episode begins it is not read.
            memory: (N, M) before the step.
            begun: (N,) bool, where an episode begins with the step.
        """
        if "previous_action" in observation:
            none = len(self._actor["weight"])
            previous = np.where(begun, none, observation["previous_action"])
            observation = {**observation, "previous_action": previous}
        *states, last = np.split(memory, np.cumsum(self._states)[:-1], axis=1)
        features, kept = [], []
        for (encode, weights), state in zip(self._encoders, states, strict=True):
            encoded, state = encode(Sense(weights, observation, state, begun, self._highest))
            features.append(encoded)
            kept.append(state)
        fuse, weights = self._fusion
        remember, memory_weights = self._memory
        out, last = remember(memory_weights, fuse(weights, features), last, begun)
        return linear(self._actor, out), np.concatenate([*kept, last], axis=1)
