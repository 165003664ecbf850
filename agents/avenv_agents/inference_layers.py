"""Layers of networks in NumPy: each is the twin of a module of torch, within 1e-5."""

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float32]
Weights = Mapping[str, Array]
"""Of a module, under the names of its ``state_dict``."""


def part(weights: Weights, name: str) -> dict[str, Array]:
    """Return the weights of a module within a module."""
    return {k.removeprefix(f"{name}."): w for k, w in weights.items() if k.startswith(f"{name}.")}


def linear(weights: Weights, x: Array) -> Array:
    """Return (..., out) of x (..., in): ``nn.Linear``."""
    y = x @ weights["weight"].T
    return y + weights["bias"] if "bias" in weights else y


def layer_norm(weights: Weights, x: Array, epsilon: float = 1e-5) -> Array:
    """Return x (..., K) with mean 0 and variance 1, scaled and shifted: ``nn.LayerNorm``."""
    centred = x - x.mean(-1, keepdims=True)
    variance = np.mean(centred**2, axis=-1, keepdims=True)
    return centred / np.sqrt(variance + epsilon) * weights["weight"] + weights["bias"]


def group_norm(weights: Weights, x: Array, groups: int, epsilon: float = 1e-5) -> Array:
    """Return x (N, C, H, W) normalised over groups of channels: ``nn.GroupNorm``."""
    grouped = x.reshape(len(x), groups, -1)
    centred = grouped - grouped.mean(-1, keepdims=True)
    variance = np.mean(centred**2, axis=-1, keepdims=True)
    normal = (centred / np.sqrt(variance + epsilon)).reshape(x.shape)
    return normal * weights["weight"][:, None, None] + weights["bias"][:, None, None]


def conv2d(weights: Weights, x: Array, stride: int = 1, padding: int = 0) -> Array:
    """Return (N, out, H', W') of x (N, in, H, W): ``nn.Conv2d``."""
    kernel = weights["weight"]
    if padding:
        x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    patches = sliding_window_view(x, kernel.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    rows, _, height, width = patches.shape[:4]
    flat = patches.transpose(0, 2, 3, 1, 4, 5).reshape(rows * height * width, -1)
    y = (flat @ kernel.reshape(len(kernel), -1).T).reshape(rows, height, width, -1)
    y = y.transpose(0, 3, 1, 2)
    return y + weights["bias"][:, None, None] if "bias" in weights else y


def max_pool(x: Array, size: int, stride: int, padding: int) -> Array:
    """Return (N, C, H', W') of x (N, C, H, W): ``nn.MaxPool2d``."""
    edges = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    wide = np.pad(x, edges, constant_values=-np.inf)
    return sliding_window_view(wide, (size, size), axis=(2, 3))[:, :, ::stride, ::stride].max(
        (4, 5)
    )


def gru_cell(weights: Weights, x: Array, state: Array) -> Array:
    """Return the next state (N, H) for x (N, F): one step of ``nn.GRU`` with one layer."""
    ahead = x @ weights["weight_ih_l0"].T + weights["bias_ih_l0"]
    back = state @ weights["weight_hh_l0"].T + weights["bias_hh_l0"]
    reset_x, update_x, new_x = np.split(ahead, 3, axis=-1)
    reset_h, update_h, new_h = np.split(back, 3, axis=-1)
    reset, update = sigmoid(reset_x + reset_h), sigmoid(update_x + update_h)
    new = np.tanh(new_x + reset * new_h)
    return (1 - update) * new + update * state


def relu(x: Array) -> Array:
    """Return what is above 0."""
    return np.maximum(x, 0)


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x))."""
    return (0.5 * (1 + np.tanh(0.5 * x))).astype(x.dtype)


def softplus(x: Array) -> Array:
    """Return ln(1 + exp(x))."""
    return np.logaddexp(x, 0).astype(x.dtype)


def log_softmax(x: Array) -> Array:
    """Return the logarithms of probabilities (..., K)."""
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def softmax(x: Array, axis: int = -1) -> Array:
    """Return probabilities, along an axis."""
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def dense(weights: Weights, x: Array, first: int = 0) -> Array:
    """Return (N, out) of x (N, in): ``encoders.encoder.dense``, whose layers begin at a number."""
    y = linear(part(weights, str(first)), x)
    return relu(layer_norm(part(weights, str(first + 1)), y))
