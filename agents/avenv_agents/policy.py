"""A policy: senses are encoded, fused and remembered; actor, critic and auxiliary heads read that.

`Policy.step` acts, `Policy.unroll` computes whole sequences to learn from; both give the same
numbers but for rounding. What a row remembers, of encoders and memory alike, is one vector.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor, nn

from avenv.core.suggest import accepted
from avenv_agents.decision import DECISIONS
from avenv_agents.encoders import Encoder, make_encoder
from avenv_agents.encoders.ear import DIRECTIONS
from avenv_agents.fusion import make_fusion
from avenv_agents.memory import make_memory

PREVIOUS = "previous_action"
"""Name of the observation that a policy adds itself: the last action, or that there was none."""

TRUTH = "truth"
"""Name of what no policy is told but those with perfect ears: see ``truth_of``."""

MASK = "action_mask"
"""Name of an observation (E, A), 1 at the actions that there are; others are never taken."""

FORBIDDEN = -1e9
"""Logit of an action that there is not."""


@dataclass(frozen=True)
class PolicyConfig:
    """What a policy is made of.

    Attributes:
        encoders: options of each encoder, by its name in ``ENCODERS``.
        fusion: a name in ``FUSIONS``.
        features: length of what it makes of all senses.
        memory: a name in ``MEMORIES``.
        memory_options: of the memory, such as ``{"features": 256}``.
        stop_bias: added to the logit of the first action, to stop: a policy that has learned
            nothing yet would end every fourth step.
        decision: how agents decide among actions, a name in ``decision.DECISIONS``.
    """

    encoders: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: {"eyes": {}, "binaural_ears": {}, "pose": {}, PREVIOUS: {}}
    )
    fusion: str = "concatenation"
    features: int = 256
    memory: str = "gru"
    memory_options: Mapping[str, int] = field(default_factory=lambda: {"features": 256})
    stop_bias: float = -3.0
    decision: str = "resolute"

    def __post_init__(self) -> None:
        if self.decision not in DECISIONS:
            raise ValueError(
                f"policy.decision is {self.decision!r}; {accepted(self.decision, DECISIONS)}"
            )
        # YAML writes an encoder without options as ``pose:``.
        plain = {name: dict(options or {}) for name, options in dict(self.encoders).items()}
        object.__setattr__(self, "encoders", plain)
        object.__setattr__(self, "memory_options", dict(self.memory_options))


class Unrolled(NamedTuple):
    """What a policy makes of T steps in E rows.

    Attributes:
        logits: (T, E, A) of the actions.
        value: (T, E) return that is expected.
        auxiliary: ``azimuth`` (T, E, 24), logits of the source's direction as in
            ``encoders.ear.histogram_of``, and ``near`` (T, E), logit of its being in reach.
        memory: (E, M) after the last step.
    """

    logits: Tensor
    value: Tensor
    auxiliary: dict[str, Tensor]
    memory: Tensor


class Policy(nn.Module):
    """An actor-critic policy with a memory.

    Args:
        observation_space: of one environment, a ``Dict``.
        action_space: ``Discrete``, its first action to stop.
        config: what it is made of.

    Attributes:
        reads: names of the environment's observations that it takes.
        added: names of those that are not the environment's: ``previous_action``, and ``truth`` if
            it has perfect ears.
        state: length M of what a row remembers.

    Raises:
        ValueError: there is no such part, or it does not fit the spaces.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        action_space: spaces.Space,
        config: PolicyConfig | None = None,
    ):
        super().__init__()
        if not isinstance(action_space, spaces.Discrete):
            raise ValueError(f"actions are {action_space}; accepted: Discrete")
        config = config or PolicyConfig()
        self.config, self.observation_space = config, observation_space
        self.actions = int(action_space.n)
        space = spaces.Dict(
            {
                **observation_space.spaces,
                PREVIOUS: spaces.Discrete(self.actions + 1),
                TRUTH: spaces.Box(-np.inf, np.inf, (3,), np.float32),
            }
        )
        made = {name: make_encoder(name, space, **opts) for name, opts in config.encoders.items()}
        self.encoders = nn.ModuleDict(made)
        self.fusion = make_fusion(
            config.fusion, [e.features for e in made.values()], config.features
        )
        inputs = self.fusion.features
        assert isinstance(inputs, int)
        self.memory = make_memory(config.memory, inputs, **config.memory_options)
        self.actor = nn.Linear(self.memory.features, self.actions)
        self.critic = nn.Linear(self.memory.features, 1)
        self.heads = nn.Linear(self.memory.features, DIRECTIONS + 1)
        nn.init.orthogonal_(self.actor.weight, 0.01)
        nn.init.zeros_(self.actor.bias)
        self.actor.bias.data[0] = config.stop_bias
        names = {name for e in made.values() for name in e.reads}
        self.reads = sorted(names - {PREVIOUS, TRUTH} | {MASK} & set(observation_space.spaces))
        self.added = [PREVIOUS, *sorted(names & {TRUTH})]
        self._states = [e.state for e in made.values()] + [self.memory.state]
        self.state = sum(self._states)

    def initial(self, rows: int) -> Tensor:
        """Return the memory (rows, M) of rows in which nothing has been yet."""
        return torch.zeros(rows, self.state, device=self.actor.weight.device)

    def step(
        self, observation: Mapping[str, Tensor], memory: Tensor, begun: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (E, A), values (E,) and the memory (E, M) after a step.

        Args:
            observation: (E, ...) each, of ``reads`` and ``added``: ``previous_action`` (E,) is the
                action that led here; where an episode begins it is not read.
            memory: (E, M) before the step.
            begun: (E,) bool, where an episode begins with it.
        """
        once = {name: value[None] for name, value in observation.items()}
        result = self.unroll(once, memory, begun[None])
        return result.logits[0], result.value[0], result.memory

    def unroll(self, observation: Mapping[str, Tensor], memory: Tensor, begun: Tensor) -> Unrolled:
        """Return what comes of T steps in E rows.

        Args:
            observation: (T, E, ...) each, as in ``step``.
            memory: (E, M) before the first step.
            begun: (T, E) bool, where an episode begins with the step.
        """
        previous = torch.where(begun, self.actions, observation[PREVIOUS])
        names = [*self.reads, *self.added]
        seen = {name: readable(observation[name]) for name in names} | {PREVIOUS: previous}
        *states, recalled = memory.split(self._states, dim=1)
        parts, after = [], []
        for encoder, state in zip(self.encoders.values(), states, strict=True):
            assert isinstance(encoder, Encoder)
            features, state = encoder.unroll(seen, state, begun)
            parts.append(features.flatten(0, 1))
            after.append(state)
        fused = self.fusion(parts).unflatten(0, begun.shape)
        x, recalled = self.memory.unroll(fused, recalled, begun)
        heads = self.heads(x).float()
        auxiliary = {"azimuth": heads[..., :-1], "near": heads[..., -1]}
        memory = torch.cat([*after, recalled], dim=1)
        value = self.critic(x).squeeze(-1).float()
        logits = self.actor(x).float()
        if MASK in self.reads:
            logits = logits.masked_fill(~observation[MASK].bool(), FORBIDDEN)
        return Unrolled(logits, value, auxiliary, memory)

    def state_of(self, name: str, memory: Tensor) -> Tensor:
        """Return the part (E, S) of memories (E, M) that is an encoder's."""
        return memory.split(self._states, dim=1)[list(self.encoders).index(name)]

    def portable_config(self) -> PolicyConfig:
        """Return the configuration with which this policy's weights can be loaded anywhere."""
        encoders = {}
        for name, encoder in self.encoders.items():
            assert isinstance(encoder, Encoder)
            encoders[name] = encoder.plain_options(dict(self.config.encoders[name]))
        own = {key: value for key, value in vars(self.config).items() if key != "encoders"}
        return PolicyConfig(encoders=encoders, **own)


def drawn(logits: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Return actions (E,) drawn by their logits (E, A), and the logarithms of their probabilities.

    Args:
        logits: (E, A).
        generator: to draw from.
    """
    log_probability = logits.log_softmax(-1)
    action = torch.multinomial(log_probability.exp(), 1, generator=generator)[:, 0]
    return action, log_probability.gather(1, action[:, None])[:, 0]


def truth_of(truth: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return what perfect ears hear (E, 3) of the truth that an ``info`` holds.

    Cosine and sine of the source's azimuth, and the logarithm of its distance in metres.
    """
    azimuth, distance = truth["source_azimuth"], truth["source_distance"]
    parts = np.cos(azimuth), np.sin(azimuth), np.log(np.maximum(distance, 0.1))
    return np.stack(parts, axis=-1).astype(np.float32)


def as_tensors(
    observation: Mapping[str, Any], names: list[str], device: torch.device | str = "cpu"
) -> dict[str, Tensor]:
    """Return some observations as tensors."""
    return {name: torch.from_numpy(np.asarray(observation[name])).to(device) for name in names}


def readable(x: Tensor) -> Tensor:
    """Return an observation as encoders read it: what was stored in half precision as float32."""
    return x.float() if x.dtype == torch.float16 else x
