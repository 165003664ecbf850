"""The first stage of a training: the goal descriptor learns what sounded and where it is.

Supervised, from what is met in episodes of the task itself: the oracle leads some of the steps and
the policy, as it is, the others. Only the descriptor learns. In the second stage, by whatever
method, it is left as it is, so that what rollouts remember of it stays true while the policy
learns. SAVi (Chen et al. 2021) divides likewise: its second stage has frozen encoders.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from avenv_agents.course import Course
from avenv_agents.dagger import Memory
from avenv_agents.encoders.goal import Estimate, GoalDescriptor, check_habit
from avenv_agents.policy import Policy, readable
from avenv_agents.rollout import Guide
from avenv_agents.workers import Crew

NAME = "goal_descriptor"


@dataclass(frozen=True)
class DescriptorConfig:
    """The numbers of the first stage.

    Attributes:
        share: of the run that it takes.
        led: share of the steps that the oracle takes.
        rollout_steps: T, steps of each row in a rollout.
        kept: rollouts, the latest, that are learned from.
        batches: minibatches that are learned from after each rollout.
        sequences: in a minibatch.
        learning_rate: of Adam; it falls linearly to a tenth.
        max_gradient: norm at which gradients are clipped.
    """

    share: float = 0.2
    led: float = 0.7
    rollout_steps: int = 64
    kept: int = 8
    batches: int = 48
    sequences: int = 64
    learning_rate: float = 1e-3
    max_gradient: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"descriptor.share is {self.share!r}; accepted: between 0 and 1")
        if not 0 <= self.led <= 1:
            raise ValueError(f"descriptor.led is {self.led!r}; accepted: 0 to 1")


def train_descriptor(
    config: DescriptorConfig, policy: Policy, workers: Crew, course: Course, device: str = "cpu"
) -> None:
    """Let a policy's descriptor learn until its share of the course is over.

    Args:
        config: the numbers.
        policy: on the device; it has a ``goal_descriptor``.
        workers: that collect rollouts.
        course: of the run; its optimizer is that of the policy.
        device: that torch computes on.
    """
    guide = Guide(asked=True, share=config.led, guarded=1.0)
    memory = Memory(config.kept, config.rollout_steps, device, seed=course.seed + course.steps)
    if course.share < config.share:
        workers.start(policy, config.rollout_steps, guide)
    while course.share < config.share:
        with course.timing("simulate"):
            rollout = workers.finish()
        course.took(rollout)
        ends = course.share >= config.share
        pauses = course.pauses or ends
        if not pauses:
            workers.start(policy, config.rollout_steps, guide)
        with course.timing("learn"):
            memory.add(rollout)
            losses = _learn(config, policy, course.optimizer, memory, course.share / config.share)
        course.tell(losses)
        if pauses and not ends:
            workers.start(policy, config.rollout_steps, guide)


def freeze_descriptor(policy: Policy) -> None:
    """Let a policy's descriptor, if it has one, learn no more, so that memories of it stay true."""
    if NAME in policy.encoders:
        descriptor_of(policy).requires_grad_(False)


def descriptor_of(policy: Policy) -> GoalDescriptor:
    """Return the goal descriptor of a policy; ``ValueError`` if it has none."""
    if NAME not in policy.encoders:
        raise ValueError(
            f"the policy has {', '.join(policy.encoders)} only; accepted: one with {NAME}"
        )
    encoder = policy.encoders[NAME]
    assert isinstance(encoder, GoalDescriptor)
    return encoder


def set_silence(policy: Policy, silence: str) -> None:
    """Let a policy's descriptor do otherwise in silence; ``ValueError`` if it has none."""
    descriptor_of(policy).silence = check_habit(silence)


def _learn(
    config: DescriptorConfig, policy: Policy, optimizer: torch.optim.Optimizer, memory: Memory,
    share: float,
) -> dict[str, float]:  # fmt: skip
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * (1 - 0.9 * min(1.0, share))
    encoder = descriptor_of(policy)
    learning = [p for p in encoder.parameters() if p.requires_grad]
    totals: dict[str, float] = {}
    for _ in range(config.batches):
        batch = memory.sample(config.sequences)
        losses = descriptor_losses(encoder, policy.state_of(NAME, batch["memory"][0]), batch)
        optimizer.zero_grad()
        losses["loss"].backward()
        nn.utils.clip_grad_norm_(learning, config.max_gradient)
        if not torch.isfinite(losses["loss"]):
            return {"loss": float("nan")}
        optimizer.step()
        for name, value in losses.items():
            totals[name] = totals.get(name, 0.0) + value.item() / config.batches
    return totals


def descriptor_losses(
    encoder: GoalDescriptor, state: Tensor, batch: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Return the loss of a minibatch, and how well the descriptor does, by name.

    Each step's own estimate counts as much as it was heard, the descriptor wherever anything has
    been heard. ``place_error`` is in metres and ``category_right`` a share, over the latter;
    ``silent_place_error`` over those steps of it in which nothing is heard.

    Args:
        encoder: that learns.
        state: (E, S) before the first step.
        batch: (T, E, ...) each, as ``Memory.sample`` returns it.
    """
    seen = {name: readable(batch[name]) for name in encoder.reads}
    said = encoder.describe(seen, state, batch["begun"])
    counts = batch["played"] & (batch["category"] >= 0)
    at_once, _, _ = _errors(said.at_once, batch, said.audible * counts)
    after = (said.known & counts).float()
    goal, error, right = _errors(said.goal, batch, after)
    silent = after * (said.audible == 0)
    return {
        "loss": at_once + goal,
        "descriptor": goal.detach(),
        "place_error": _mean(error, after),
        "silent_place_error": _mean(error, silent),
        "category_right": _mean(right, after),
    }


def _errors(
    said: Estimate, truth: dict[str, Tensor], weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss of estimates (T, E), the metres by which they err, and whether their
    category is right.

    A place errs like a Laplace distribution of two dimensions, exp(-r / s) / (2 π s²).
    """
    error = ((said.place - truth["goal"]).square().sum(-1) + 1e-6).sqrt()
    place = error / said.spread + 2 * said.spread.log()
    category = truth["category"].clamp(min=0)
    likelihood = said.category.gather(-1, category[..., None])[..., 0]
    right = (said.category.argmax(-1) == category).float()
    return _mean(place - likelihood, weight), error.detach(), right


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1e-6)
