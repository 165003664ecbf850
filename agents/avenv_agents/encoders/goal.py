"""A goal descriptor: what sounded and where it is, kept when it has fallen silent.

After Chen, Al-Halah & Grauman 2021, "Semantic Audio-Visual Navigation" (SAVi). Every step makes an
estimate of the source's category and place; what was believed before is carried along by the body's
own motion, and the two are blended, D_t = (1 - λ) D̂_t + λ f(D_{t-1}, Δp_t). There λ is 0.5 while
the sound is heard and 1 after that. Here an estimate says by how many metres it errs, counts by the
inverse of its square as a measurement does, and by how loud it is; of what was believed before a
learned share is kept at each step that is heard, and all of it in silence.
"""

from typing import Any, NamedTuple

import torch
from gymnasium import spaces
from torch import Tensor, nn

from avenv.core.suggest import accepted
from avenv.scene import CATEGORIES
from avenv_agents.encoders.ear import DIRECTIONS, OUTPUTS, STEP, BeliefEars, loudness
from avenv_agents.encoders.encoder import dense

FARTHEST = 20.0
"""Metres; no home is larger by much."""
LEAST_SPREAD = 0.2
"""Metres by which an estimate of a place errs, at least."""
UNLIKELY = -8.0
"""Log-probability of a category below which it is not told."""
SCALE = 5.0
"""Metres that are 1 in the features."""
HABITS = ("kept", "forgotten", "withheld")
"""What becomes of a descriptor in silence; the last is never told at all."""


class Estimate(NamedTuple):
    """Where something is and what, (..., K) each.

    Attributes:
        place: (..., 2) metres ahead of the body and to its left.
        spread: (...) metres by which that errs.
        category: (..., C) log-probabilities of ``avenv.scene.CATEGORIES``.
    """

    place: Tensor
    spread: Tensor
    category: Tensor


class Described(NamedTuple):
    """What T steps in E rows come to.

    Attributes:
        heard: the ear's features (T, E, F).
        at_once: what each step says by itself.
        goal: the descriptor: what they have said so far.
        audible: (T, E) how much of a step was heard, 0 to 1.
        known: (T, E) bool, whether anything has been heard yet.
        state: (E, S) after the last step.
    """

    heard: Tensor
    at_once: Estimate
    goal: Estimate
    audible: Tensor
    known: Tensor
    state: Tensor


class Estimator(nn.Module):
    """Two dense layers from what is heard and believed now to an estimate.

    It corrects what the belief says already: its directions, weighted, at its distance.

    Args:
        inputs: D of the vector ``binaural``.
        believed: length of the belief's features.
        width: of the layers.
        categories: C.
    """

    def __init__(self, inputs: int, believed: int, width: int, categories: int):
        super().__init__()
        self.layers = nn.Sequential(*dense(inputs + believed, width), *dense(width, width))
        self.heads = nn.Linear(width, 3 + categories)
        nn.init.zeros_(self.heads.weight)
        nn.init.zeros_(self.heads.bias)
        angles = torch.arange(DIRECTIONS) * STEP
        self.register_buffer("axes", torch.stack([angles.cos(), angles.sin()], 1), persistent=False)

    def forward(self, binaural: Tensor, believed: Tensor) -> Estimate:
        """Return what vectors (..., D) and the belief's features (..., F) tell."""
        out = self.heads(self.layers(torch.cat([binaural, believed], dim=-1)))
        distance = believed[..., OUTPUTS - 1, None].exp().clamp(max=FARTHEST)
        axes = self.axes
        assert isinstance(axes, Tensor)
        place = distance * (believed[..., :DIRECTIONS] @ axes) + SCALE * out[..., :2]
        spread = LEAST_SPREAD + SCALE * nn.functional.softplus(out[..., 2])
        return Estimate(place, spread, out[..., 3:].log_softmax(-1))


class GoalDescriptor(BeliefEars):
    """``belief_ears``, and behind their features what sounded and where it is.

    The descriptor is learned beforehand, in the first stage of a training (``descriptor`` in its
    configuration), and is then left as it is.

    Args:
        space: with ``binaural`` (D,) and ``pose``.
        weights, frozen, hidden, memory: of the ear, see ``BeliefEars``.
        width: of the estimator's layers.
        categories: C, the first of ``avenv.scene.CATEGORIES``.
        silence: one of ``HABITS``: whether the descriptor is kept or forgotten when the sound has
            ended, or withheld from the policy throughout, as controls.

    Raises:
        ValueError: there is no such habit, or see ``BeliefEars``.
    """

    extends = "belief_ears"

    def __init__(
        self, space: spaces.Dict, weights: str | None = None, frozen: bool = True,
        hidden: int = 256, memory: int = 128, width: int = 256, categories: int = len(CATEGORIES),
        silence: str = "kept",
    ):  # fmt: skip
        super().__init__(space, weights, frozen, hidden, memory)
        self.silence = check_habit(silence)
        inputs = self.belief.ear.layers[0].in_features
        assert isinstance(inputs, int)
        self.estimator = Estimator(inputs, self.belief.features, width, categories)
        self.staying = nn.Parameter(torch.zeros(()))  # its sigmoid: half, as λ in SAVi
        self.categories = categories
        self.features = self.belief.features + 8 + categories
        self.state = self.belief.state + 4 + categories

    def plain_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options with which its weights can be loaded anywhere."""
        own = {name: value for name, value in options.items() if name in ("width", "silence")}
        return {**super().plain_options(options), **own, "categories": self.categories}

    def describe(self, observation: dict[str, Tensor], state: Tensor, begun: Tensor) -> Described:
        """Return what T steps in E rows come to; arguments as of ``unroll``."""
        binaural, pose = observation["binaural"], observation["pose"]
        ears, own = state.split([self.belief.state, 4 + self.categories], dim=1)
        _, heard, ears = self.belief.unroll(binaural, pose, ears, begun)
        now = self.estimator(binaural, heard)
        audible = loudness(binaural)[..., 0]
        where = _turned(now.place, pose[..., 2]) + pose[..., :2]  # in the frame of the start
        said = torch.cat([where, now.spread.log()[..., None], now.category.clamp(UNLIKELY)], -1)
        stay = 1 - audible * (1 - self.staying.sigmoid())
        if self.silence == "forgotten":
            stay = stay * (audible > 0)
        stay = stay * ~begun
        weight = audible / now.spread**2
        trust, mean = own[:, 0], own[:, 1:]
        trusts, means = [], []
        for t in range(len(begun)):
            trust = stay[t] * trust + weight[t]
            gain = weight[t] / trust.clamp(min=1e-9)
            mean = torch.where((stay[t] > 0)[:, None], mean, 0.0)
            mean = mean + gain[:, None] * (said[t] - mean)
            trusts.append(trust)
            means.append(mean)
        believed = torch.stack(means)
        goal = Estimate(
            _turned(believed[..., :2] - pose[..., :2], -pose[..., 2]),
            believed[..., 2].exp(),
            believed[..., 3:].log_softmax(-1),
        )
        known = torch.stack(trusts) > 0
        after = torch.cat([ears, trust[:, None], mean], dim=1)
        return Described(heard, now, goal, audible, known, after)

    def unroll(
        self, observation: dict[str, Tensor], state: Tensor, begun: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return features (T, E, F) and the state (E, S) after T steps."""
        with torch.autocast(state.device.type, enabled=False):
            said = self.describe(observation, state, begun)
        told = self.silence != "withheld"
        described = _features(said) * (said.known & told)[..., None]
        return torch.cat([said.heard, described], dim=-1), said.state


def check_habit(silence: str) -> str:
    """Return a name in ``HABITS``; ``ValueError`` if it is none."""
    if silence not in HABITS:
        raise ValueError(f"silence is {silence!r}; {accepted(silence, HABITS)}")
    return silence


def _features(said: Described) -> Tensor:
    """Return a descriptor (T, E, 8 + C) as numbers of about 1."""
    place, spread, category = said.goal
    distance = place.norm(dim=-1).clamp(min=0.1)
    numbers = [
        *(place / SCALE).clamp(-FARTHEST / SCALE, FARTHEST / SCALE).unbind(-1),
        *(place / distance[..., None]).unbind(-1),
        distance.log(),
        spread.log(),
        said.audible,
        torch.ones_like(distance),
    ]
    return torch.cat([torch.stack(numbers, dim=-1), category.exp()], dim=-1)


def _turned(place: Tensor, angle: Tensor) -> Tensor:
    """Return places (..., 2), turned to the left by angles (...) in radians."""
    x, y = place.unbind(-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)
