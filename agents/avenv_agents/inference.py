"""The forward pass of a policy in NumPy, so that a trained one acts where torch is not installed.

Each function is the twin of a torch module and takes its weights under the names of its
``state_dict``. Twins equal their modules within 1e-5, as a test holds them to.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from avenv.core.suggest import accepted

Array = NDArray[np.float32]
Weights = Mapping[str, Array]

DIRECTIONS = 24
STEP = 2 * np.pi / DIRECTIONS
OUTPUTS = 2 * DIRECTIONS + 3
SILENT, LOUD, LEAST = np.float32(-2.4), np.float32(-2.0), np.float32(0.01)
POSE_REACH, POSE_PATIENCE = 10.0, 25.0
"""As ``avenv_agents.encoders`` have them, where torch is needed to read them."""


def part(weights: Weights, name: str) -> dict[str, Array]:
    """Return the weights of a module within a module."""
    return {k.removeprefix(f"{name}."): w for k, w in weights.items() if k.startswith(f"{name}.")}


# -- layers ----------------------------------------------------------------------------------------


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


# -- encoders --------------------------------------------------------------------------------------


class Sense(NamedTuple):
    """What a twin of an encoder is given.

    Attributes:
        weights: of the encoder.
        observation: (N, ...) each.
        state: (N, S) before the step.
        begun: (N,) bool.
        highest: the greatest value of each observation, where it has one.
    """

    weights: Weights
    observation: Mapping[str, NDArray]
    state: Array
    begun: NDArray[np.bool_]
    highest: Mapping[str, float]


Encoded = tuple[Array, Array]
"""Features (N, F) and the state (N, S)."""


def _pictures(sense: Sense) -> list[tuple[str, Array]]:
    """Return each camera's name and its pictures (N, C, H, W) in 0..1, in the encoder's order."""
    prefix = "by_camera."
    names = [k.removeprefix(prefix).split(".")[0] for k in sense.weights if k.startswith(prefix)]
    cameras = []
    for name in dict.fromkeys(names):
        camera = name.removeprefix("sight").removeprefix("/")
        channels = []
        for picture in ("rgb", "depth"):
            key = f"{camera}/{picture}" if camera else picture
            if key in sense.observation:
                scale = 255.0 if picture == "rgb" else sense.highest[key]
                channels.append(sense.observation[key].astype(np.float32) / np.float32(scale))
        cameras.append((f"{prefix}{name}", np.concatenate(channels, -1).transpose(0, 3, 1, 2)))
    return cameras


def eyes(sense: Sense) -> Encoded:
    """``ConvolutionalEyes``."""
    features = []
    for name, x in _pictures(sense):
        weights = part(sense.weights, name)
        for layer, stride in ((0, 4), (2, 2), (4, 1)):
            x = relu(conv2d(part(weights, f"0.{layer}"), x, stride))
        features.append(dense(part(weights, "1"), x.reshape(len(x), -1)))
    return np.concatenate(features, axis=1), sense.state


def residual_eyes(sense: Sense) -> Encoded:
    """``ResidualEyes``."""
    features = []
    for name, x in _pictures(sense):
        weights = part(sense.weights, name)
        x = relu(_norm(part(weights, "0.1"), conv2d(part(weights, "0.0"), x, 2, 3)))
        x = max_pool(x, 3, 2, 1)
        for block in range(8):
            stride = 2 if block in (2, 4, 6) else 1
            x = _residual_block(part(weights, f"0.{4 + block}"), x, stride)
        features.append(dense(part(weights, "1"), x.reshape(len(x), -1)))
    return np.concatenate(features, axis=1), sense.state


def _residual_block(weights: Weights, x: Array, stride: int) -> Array:
    y = relu(_norm(part(weights, "residual.1"), conv2d(part(weights, "residual.0"), x, stride, 1)))
    y = _norm(part(weights, "residual.4"), conv2d(part(weights, "residual.3"), y, 1, 1))
    if shortcut := part(weights, "shortcut"):
        x = _norm(part(shortcut, "1"), conv2d(part(shortcut, "0"), x, stride))
    return relu(x + y)


def _norm(weights: Weights, x: Array) -> Array:
    return group_norm(weights, x, max(1, x.shape[1] // 8))


def spectrogram_ears(sense: Sense) -> Encoded:
    """``SpectrogramEars``."""
    x = sense.observation["spectrogram"].transpose(0, 3, 1, 2)
    if x.shape[1] == 2:
        x = np.concatenate([x, x[:, :1] - x[:, 1:]], axis=1)
    for layer, stride in ((0, 2), (2, 2), (4, 1)):
        x = relu(conv2d(part(sense.weights, f"layers.{layer}"), x, stride))
    return dense(part(sense.weights, "output"), x.reshape(len(x), -1)), sense.state


def binaural_ears(sense: Sense) -> Encoded:
    """``BinauralEars``."""
    layers = part(sense.weights, "layers")
    return dense(layers, dense(layers, sense.observation["binaural"]), 3), sense.state


def belief_ears(sense: Sense) -> Encoded:
    """``BeliefEars``: what one window tells, added to what is believed."""
    weights = part(sense.weights, "belief")
    binaural, pose = sense.observation["binaural"], sense.observation["pose"][:, :3]
    ear = part(weights, "ear")
    layers = part(ear, "layers")
    hidden = dense(layers, dense(layers, binaural), 4)
    heard = linear(part(ear, "heads"), hidden)
    directions = log_softmax(heard[:, : 2 * DIRECTIONS].reshape(-1, 2, DIRECTIONS))
    alone = heard[:, 2 * DIRECTIONS :]
    loudest = binaural[:, :DIRECTIONS].max(-1, keepdims=True)
    gate = np.clip((loudest - SILENT) / (LOUD - SILENT), 0, 1)
    weight = gate * softplus(linear(part(ear, "weights"), hidden))
    ends = np.cumsum([2 * DIRECTIONS, 4, 3])
    sums, tally, last, memory = np.split(sense.state, ends, axis=1)
    change = np.where(sense.begun[:, None], 0, pose - last)
    walked = np.hypot(change[:, 0], change[:, 1])
    kept = np.exp(-softplus(weights["fading"]) * walked[:, None]) * ~sense.begun[:, None]
    heading = pose[:, 2, None]
    sums = kept[:, :1, None] * sums.reshape(-1, 2, DIRECTIONS)
    sums = sums + weight[:, :, None] * turned(directions, heading)
    ahead = log_softmax(turned(sums, -heading)).reshape(len(pose), -1)
    tally = kept[:, 1:] * tally
    tally = tally + np.concatenate([(gate + LEAST) * alone, gate + LEAST], axis=1)
    believed = np.concatenate([ahead, tally[:, :3] / tally[:, 3:]], axis=1)
    at_once = np.concatenate([directions.reshape(len(pose), -1), alone], axis=1)
    moves = np.stack([np.cos(change[:, 2]), np.sin(change[:, 2]), walked], axis=1)
    x = np.concatenate([hidden, np.maximum(believed, -8), np.maximum(at_once, -8), moves], axis=1)
    memory = np.where(sense.begun[:, None], 0, memory)
    memory = gru_cell(part(weights, "gru.cell"), x, memory)
    result = believed + linear(part(weights, "correction"), memory)
    probabilities = softmax(result[:, : 2 * DIRECTIONS].reshape(-1, 2, DIRECTIONS))
    near_visible, distance = result[:, -3:-1], result[:, -1:]
    features = [probabilities.reshape(len(pose), -1), sigmoid(near_visible), distance, memory]
    state = np.concatenate([sums.reshape(len(pose), -1), tally, pose, memory], axis=1)
    return np.concatenate(features, axis=1), state.astype(np.float32)


def turned(histogram: Array, angle: Array) -> Array:
    """Return histograms (..., 24) turned to the left by angles (...): ``encoders.ear.turned``."""
    bins = (angle / np.float32(STEP))[..., None]
    whole = np.floor(bins)
    share = bins - whole
    index = (np.arange(DIRECTIONS) - whole.astype(np.int64)) % DIRECTIONS
    index = np.broadcast_to(index, histogram.shape)
    nearer = np.take_along_axis(histogram, index, -1)
    farther = np.take_along_axis(histogram, (index - 1) % DIRECTIONS, -1)
    return (1 - share) * nearer + share * farther


def pose(sense: Sense) -> Encoded:
    """``Pose``."""
    x, y, heading, time = sense.observation["pose"].T
    parts = [x / POSE_REACH, y / POSE_REACH, np.cos(heading), np.sin(heading),
             np.exp(-time / POSE_PATIENCE)]  # fmt: skip
    return np.stack(parts, axis=1).astype(np.float32), sense.state


def contact(sense: Sense) -> Encoded:
    """``Contact``."""
    return sense.observation["contact"], sense.state


def previous_action(sense: Sense) -> Encoded:
    """``PreviousAction``."""
    return sense.weights["table.weight"][sense.observation["previous_action"]], sense.state


ENCODERS: dict[str, Callable[[Sense], Encoded]] = {
    "eyes": eyes,
    "residual_eyes": residual_eyes,
    "spectrogram_ears": spectrogram_ears,
    "binaural_ears": binaural_ears,
    "belief_ears": belief_ears,
    "pose": pose,
    "contact": contact,
    "previous_action": previous_action,
}
"""Twins of ``avenv_agents.encoders.ENCODERS``, by the same names."""


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
