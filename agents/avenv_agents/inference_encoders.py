"""The encoders of policies in NumPy, see ``avenv_agents.inference``."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv_agents.inference_layers import (
    Array,
    Weights,
    conv2d,
    dense,
    group_norm,
    gru_cell,
    linear,
    log_softmax,
    max_pool,
    part,
    relu,
    sigmoid,
    softmax,
    softplus,
)

DIRECTIONS = 24
STEP = 2 * np.pi / DIRECTIONS
OUTPUTS = 2 * DIRECTIONS + 3
SILENT, LOUD, LEAST = np.float32(-2.4), np.float32(-2.0), np.float32(0.01)
FARTHEST, LEAST_SPREAD, UNLIKELY, SCALE = 20.0, 0.2, -8.0, 5.0
POSE_REACH, POSE_PATIENCE = 10.0, 25.0
"""As ``avenv_agents.encoders`` have them, where torch is needed to read them."""


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
    gate = _loudness(binaural)
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


def goal_descriptor(sense: Sense) -> Encoded:
    """``GoalDescriptor``, kept in silence: what sounded and where, behind ``belief_ears``."""
    memory = len(sense.weights["belief.correction.weight"][0])
    own_state, own_weights = 2 * DIRECTIONS + 7 + memory, part(sense.weights, "estimator")
    ears = sense._replace(state=sense.state[:, :own_state])
    heard, ears_state = belief_ears(ears)
    binaural, pose = sense.observation["binaural"], sense.observation["pose"][:, :3]
    layers = part(own_weights, "layers")
    hidden = dense(layers, dense(layers, np.concatenate([binaural, heard], axis=1)), 3)
    out = linear(part(own_weights, "heads"), hidden)
    angles = np.arange(DIRECTIONS, dtype=np.float32) * np.float32(STEP)
    axes = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    distance = np.minimum(np.exp(heard[:, OUTPUTS - 1, None]), np.float32(FARTHEST))
    place = distance * (heard[:, :DIRECTIONS] @ axes) + np.float32(SCALE) * out[:, :2]
    spread = np.float32(LEAST_SPREAD) + np.float32(SCALE) * softplus(out[:, 2])
    where = _turned_place(place, pose[:, 2]) + pose[:, :2]
    category = np.maximum(log_softmax(out[:, 3:]), np.float32(UNLIKELY))
    said = np.concatenate([where, np.log(spread)[:, None], category], axis=1)
    audible = _loudness(binaural)[:, 0]
    stay = (1 - audible * (1 - sigmoid(sense.weights["staying"]))) * ~sense.begun
    trust, before = sense.state[:, own_state], sense.state[:, own_state + 1 :]
    weight = audible / spread**2
    trust = stay * trust + weight
    gain = (weight / np.maximum(trust, np.float32(1e-9)))[:, None]
    before = before * (stay > 0)[:, None].astype(np.float32)
    mean = (before + gain * (said - before)).astype(np.float32)
    place = _turned_place(mean[:, :2] - pose[:, :2], -pose[:, 2])
    distance = np.maximum(np.hypot(place[:, 0], place[:, 1]), np.float32(0.1))[:, None]
    far = FARTHEST / SCALE
    numbers = [
        np.clip(place / np.float32(SCALE), -far, far),
        place / distance,
        np.log(distance),
        mean[:, 2:3],
        audible[:, None],
        np.ones_like(distance),
        softmax(mean[:, 3:]),
    ]
    described = np.concatenate(numbers, axis=1) * (trust > 0)[:, None]
    state = np.concatenate([ears_state, trust[:, None], mean], axis=1)
    return np.concatenate([heard, described], axis=1).astype(np.float32), state.astype(np.float32)


def _turned_place(place: Array, angle: Array) -> Array:
    """Return places (N, 2), turned to the left by angles (N,)."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = place.T
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=1)


def _loudness(binaural: Array) -> Array:
    """Return how far vectors (N, D) are from silence, (N, 1): ``encoders.ear.loudness``."""
    loudest = binaural[:, :DIRECTIONS].max(-1, keepdims=True)
    return np.clip((loudest - SILENT) / (LOUD - SILENT), 0, 1)


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


def instruction(sense: Sense) -> Encoded:
    """``Instruction``: words in their order."""
    words = sense.observation["instruction"]
    reader, vectors = part(sense.weights, "reader"), sense.weights["table.weight"][words]
    read = np.zeros((len(words), reader["weight_hh_l0"].shape[1]), np.float32)
    length = np.count_nonzero(words, axis=1)
    for k in range(length.max(initial=0)):
        goes_on = (k < length)[:, None]
        read = np.where(goes_on, gru_cell(reader, vectors[:, k], read), read)
    return read, sense.state


ENCODERS: dict[str, Callable[[Sense], Encoded]] = {
    "eyes": eyes,
    "residual_eyes": residual_eyes,
    "spectrogram_ears": spectrogram_ears,
    "binaural_ears": binaural_ears,
    "belief_ears": belief_ears,
    "goal_descriptor": goal_descriptor,
    "pose": pose,
    "contact": contact,
    "previous_action": previous_action,
    "instruction": instruction,
}
"""Twins of ``avenv_agents.encoders.ENCODERS``, by the same names."""
