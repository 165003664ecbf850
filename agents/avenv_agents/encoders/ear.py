"""The ear: what one window of sound tells of its source, and what is believed after several.

``Ear`` hears one window: for each of 24 directions how probable it is that the source is there, and
that the way to it begins there. ``Belief`` adds these up while the body turns and walks: in the
frame of the start, where turning changes nothing, each window counts as much as it deserves, and a
silent one not at all. A small recurrent layer then corrects the sum.

Directions are azimuths relative to the head, positive to the left: direction k is 15° · k, so that
a turn of 15° moves them by one, and 0 is ahead.
"""

from math import pi
from pathlib import Path
from typing import Any, NamedTuple

import torch
from gymnasium import spaces
from torch import Tensor, nn

from avenv_agents.encoders.encoder import Encoder, dense, require
from avenv_agents.memory import Gru

DIRECTIONS = 24
STEP = 2 * pi / DIRECTIONS
"""Radians from one direction to the next."""
SPREAD = STEP / 2
"""Standard deviation of the histogram that stands for one direction, radians."""
LEVELS = slice(0, 24)
"""Where the vector has the levels of the last step; see docs/observations.md."""
SILENT, LOUD = -2.4, -2.0
"""Loudest band at which a window counts for nothing, and from which on it counts in full: 98 and
90 dB below full scale."""
FADING = 0.4, 2.0
"""Rates per metre walked at which is forgotten what was heard of directions, and of being near and
in sight, before they are learned."""
LEAST = 0.01
"""Weight of silence in the mean of what is heard of being near: there may be nothing else."""


class Heard(NamedTuple):
    """What windows tell, (..., K) each.

    Attributes:
        source: (..., 24) log-probabilities of the source's direction.
        leg: (..., 24) log-probabilities of the direction in which the way to it begins.
        near: (...) logit of its being within the success radius, on foot.
        visible: (...) logit of nothing standing in between.
        distance: (...) logarithm of its distance in metres.
    """

    source: Tensor
    leg: Tensor
    near: Tensor
    visible: Tensor
    distance: Tensor

    @classmethod
    def of(cls, numbers: Tensor) -> "Heard":
        """Return what ``OUTPUTS`` numbers (..., OUTPUTS) say."""
        source, leg, rest = numbers.split([DIRECTIONS, DIRECTIONS, 3], dim=-1)
        return cls(source.log_softmax(-1), leg.log_softmax(-1), *rest.unbind(-1))


OUTPUTS = 2 * DIRECTIONS + 3


class Ear(nn.Module):
    """Two dense layers over what two ears tell of one window.

    Args:
        inputs: D of the vector ``binaural``.
        hidden: width H of the layers.
        dropout: share of the hidden numbers that training leaves out.
    """

    def __init__(self, inputs: int = 396, hidden: int = 256, dropout: float = 0.0):
        super().__init__()
        self.layers = nn.Sequential(
            *dense(inputs, hidden), nn.Dropout(dropout), *dense(hidden, hidden), nn.Dropout(dropout)
        )
        self.heads = nn.Linear(hidden, OUTPUTS)
        self.weights = nn.Linear(hidden, 2)
        nn.init.zeros_(self.weights.weight)
        nn.init.zeros_(self.weights.bias)

    def forward(self, binaural: Tensor) -> tuple[Heard, Tensor]:
        """Return what vectors (..., D) tell, and the last hidden layer (..., H)."""
        hidden = self.layers(binaural)
        return Heard.of(self.heads(hidden)), hidden

    def weigh(self, binaural: Tensor, hidden: Tensor) -> Tensor:
        """Return how much a window counts (..., 2) in the two sums; silence counts 0."""
        return loudness(binaural) * nn.functional.softplus(self.weights(hidden))


class Belief(nn.Module):
    """What is believed after several windows, whatever the body did between them.

    A row remembers two histograms in the frame of its start, the mean of what it heard of being
    near and in sight, the pose in which it heard last, and a recurrent layer. The histograms add
    up exactly while the body only turns; they and the mean fade as it walks.

    Args:
        inputs: D of the vector ``binaural``.
        hidden: width of the ear's layers.
        memory: width M of the recurrent layer.
        dropout: of the ear.

    Attributes:
        state: length S of what a row remembers.
        features: length of ``features``.
    """

    def __init__(
        self, inputs: int = 396, hidden: int = 256, memory: int = 128, dropout: float = 0.0
    ):
        super().__init__()
        self.ear = Ear(inputs, hidden, dropout)
        self.fading = nn.Parameter(torch.tensor(FADING).expm1().log())
        self.gru = Gru(hidden + 2 * OUTPUTS + 3, memory)
        self.correction = nn.Linear(memory, OUTPUTS)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)
        self.state = 2 * DIRECTIONS + 4 + 3 + memory
        self.features = OUTPUTS + memory

    def unroll(
        self, binaural: Tensor, pose: Tensor, state: Tensor, begun: Tensor
    ) -> tuple[Heard, Tensor, Tensor]:
        """Return what is believed at T steps in E rows.

        Args:
            binaural: (T, E, D).
            pose: (T, E, 4), or more; x, y and heading relative to the start come first.
            state: (E, S) before the first step.
            begun: (T, E) bool, where an episode begins with the step.

        Returns:
            what is believed, (T, E, ...); features (T, E, F) for a policy: probabilities, and the
            recurrent layer; and the state (E, S).
        """
        heard, hidden = self.ear(binaural)
        weight = self.ear.weigh(binaural, hidden)
        sums, tally, last, memory = state.split([2 * DIRECTIONS, 4, 3, self.gru.state], dim=1)
        poses = torch.cat([last[None], pose[..., :3]])
        change = torch.where(begun[..., None], 0.0, poses[1:] - poses[:-1])
        walked = change[..., :2].norm(dim=-1)
        fading = nn.functional.softplus(self.fading)
        kept = torch.exp(-fading * walked[..., None]) * ~begun[..., None]
        evidence = weight[..., None] * turned(
            torch.stack([heard.source, heard.leg], dim=-2), pose[..., 2, None]
        )
        alone = torch.stack([heard.near, heard.visible, heard.distance], dim=-1)
        counts = loudness(binaural) + LEAST
        weighted = torch.cat([counts * alone, counts], dim=-1)
        sums = sums.unflatten(1, (2, DIRECTIONS))
        summed, tallied = [], []
        for t in range(len(begun)):
            sums = kept[t, :, :1, None] * sums + evidence[t]
            tally = kept[t, :, 1:] * tally + weighted[t]
            summed.append(sums)
            tallied.append(tally)
        ahead = turned(torch.stack(summed), -pose[..., 2, None]).log_softmax(-1)
        tallies = torch.stack(tallied)
        mean = tallies[..., :3] / tallies[..., 3:]
        believed = torch.cat([ahead.flatten(-2), mean], dim=-1)
        at_once = torch.cat([heard.source, heard.leg, alone], dim=-1)
        turn = change[..., 2]
        seen = [hidden, believed.clamp(min=-8), at_once.clamp(min=-8)]
        moves = torch.stack([turn.cos(), turn.sin(), walked], dim=-1)
        recalled, memory = self.gru.unroll(torch.cat([*seen, moves], dim=-1), memory, begun)
        result = Heard.of(believed + self.correction(recalled))
        features = torch.cat(
            [
                result.source.exp(),
                result.leg.exp(),
                torch.stack(
                    [result.near.sigmoid(), result.visible.sigmoid(), result.distance], dim=-1
                ),
                recalled,
            ],
            dim=-1,
        )
        after = torch.cat([sums.flatten(1), tally, pose[-1, :, :3], memory], dim=1)
        return result, features, after


class BeliefEars(Encoder):
    """``Belief`` as an encoder of a policy, trained beforehand by `avenv ear train`.

    Args:
        space: with ``binaural`` (D,) and ``pose``.
        weights: the file or folder that `avenv ear train` wrote, or the name of a policy that
            comes with the package, whose ear it is; None: to be learned with the policy.
        frozen: the policy's training leaves it as it is.
        hidden, memory: sizes, where there are no weights to tell them.

    Raises:
        ValueError: the space lacks an observation, or the weights are of another vector.
    """

    reads = ("binaural", "pose")

    def __init__(
        self, space: spaces.Dict, weights: str | Path | None = None, frozen: bool = True,
        hidden: int = 256, memory: int = 128,
    ):  # fmt: skip
        super().__init__()
        (inputs,) = require(space, "binaural", "this encoder")
        require(space, "pose", "this encoder")
        if weights is None:
            self.belief = Belief(inputs, hidden, memory)
        else:
            from avenv_agents.ear_files import load_ear

            self.belief = load_ear(weights)
            known = self.belief.ear.layers[0].in_features
            if known != inputs:
                raise ValueError(
                    f"{weights} is of a vector of {known} numbers; binaural has {inputs}"
                )
            self.belief.requires_grad_(not frozen)
        self.features, self.state = self.belief.features, self.belief.state

    def plain_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options with which its weights can be loaded anywhere."""
        return {"hidden": self.belief.ear.heads.in_features, "memory": self.belief.gru.state}

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return features (N, F) of observations (N, ...) that nothing came before."""
        rows = len(observation["pose"])
        state = observation["pose"].new_zeros(rows, self.state)
        begun = torch.ones(1, rows, dtype=torch.bool, device=state.device)
        once = {name: observation[name][None] for name in self.reads}
        return self.unroll(once, state, begun)[0][0]

    def unroll(
        self, observation: dict[str, Tensor], state: Tensor, begun: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return features (T, E, F) and the state (E, S) after T steps."""
        with torch.autocast(state.device.type, enabled=False):  # sums of many small numbers
            _, features, state = self.belief.unroll(
                observation["binaural"], observation["pose"], state, begun
            )
        return features, state


def loudness(binaural: Tensor) -> Tensor:
    """Return how far vectors (..., D) are from silence, (..., 1), from 0 to 1."""
    loudest = binaural[..., LEVELS].amax(-1, keepdim=True)
    return ((loudest - SILENT) / (LOUD - SILENT)).clamp(0, 1)


def turned(histogram: Tensor, angle: Tensor) -> Tensor:
    """Return histograms (..., 24) of directions, all turned to the left by angles (...) in radians.

    What lies between two directions is shared out linearly.
    """
    bins = angle[..., None] / STEP
    whole = bins.floor()
    share = bins - whole
    place = torch.arange(DIRECTIONS, device=histogram.device)
    index = (place - whole.long()) % DIRECTIONS
    index = index.expand(histogram.shape)
    nearer = histogram.gather(-1, index)
    farther = histogram.gather(-1, (index - 1) % DIRECTIONS)
    return (1 - share) * nearer + share * farther


def histogram_of(azimuth: Tensor) -> Tensor:
    """Return probabilities (..., 24) that stand for azimuths (...) in radians, as bells."""
    centres = torch.arange(DIRECTIONS, device=azimuth.device) * STEP
    off = (azimuth[..., None] - centres + pi) % (2 * pi) - pi
    return (-(off**2) / (2 * SPREAD**2)).softmax(-1)


def azimuth_of(log_probability: Tensor) -> Tensor:
    """Return the most probable azimuths (...) in radians, [-π, π), of histograms (..., 24).

    The mean of the highest direction and of the two on either side of it.
    """
    probability = log_probability.softmax(-1)
    peak = probability.argmax(-1, keepdim=True)
    around = torch.arange(-2, 3, device=peak.device)
    weight = probability.gather(-1, (peak + around) % DIRECTIONS)
    mean = (weight * around).sum(-1) / weight.sum(-1)
    angle = (peak[..., 0] + mean) * STEP
    return (angle + pi) % (2 * pi) - pi
