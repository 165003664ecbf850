"""Recurrent PPO, from top to bottom: Schulman et al. 2017, "Proximal Policy Optimization".

The numbers by default are those of AV-Nav (Chen et al. 2020, "SoundSpaces", and its published
configuration); advantages are generalised (Schulman et al. 2016). Minibatches are whole rows of the
rollout, so that the policy's memory is computed as it was when it acted.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avenv_agents.course import Course
from avenv_agents.dagger import auxiliary_losses, only_played
from avenv_agents.policy import Policy
from avenv_agents.rollout import Rollout
from avenv_agents.team import Alone
from avenv_agents.workers import Crew

ALONE = Alone()


@dataclass(frozen=True)
class PpoConfig:
    """The numbers of PPO.

    Attributes:
        rollout_steps: T, steps of each row in a rollout.
        epochs: times that a rollout is learned from.
        minibatches: that its rows are dealt to.
        learning_rate: of Adam.
        clip: by which the ratio of probabilities may differ from 1.
        decays: whether both fall linearly to 0.
        discount: γ.
        trace: λ of the advantages.
        entropy: weight of the actions' entropy.
        value: weight of the error of the values.
        auxiliary: weight of the source's direction and nearness, as in DAgger.
        critic_updates: rollouts at the beginning from which the critic alone learns, with all
            that it reads as it is: a policy that comes from DAgger would be spoilt by values that
            are not yet, and by changes to what its actor reads.
        max_gradient: norm at which gradients are clipped.
        bf16: compute the networks that learn in bfloat16 where that is safe (torch's autocast);
            recurrent layers, losses and weights stay in float32.
    """

    rollout_steps: int = 150
    epochs: int = 4
    minibatches: int = 1
    learning_rate: float = 2.5e-4
    clip: float = 0.1
    decays: bool = True
    discount: float = 0.99
    trace: float = 0.95
    entropy: float = 0.2
    value: float = 0.5
    auxiliary: float = 0.0
    critic_updates: int = 0
    max_gradient: float = 0.5
    bf16: bool = False


class Update(NamedTuple):
    """How a rollout is learned from.

    Attributes:
        seed: of the order of its rows.
        left: of learning rate and clip, 1 at the beginning.
        values_only: whether only the critic learns.
    """

    seed: tuple[int, int]
    left: float = 1.0
    values_only: bool = False


class Learner(Protocol):
    """Who makes the updates."""

    def finish(self, workers: Crew) -> Any:
        """Return what workers have collected, as ``learn`` takes it; a course takes note of it."""

    def learn(self, rollout: Any, update: Update) -> dict[str, float]:
        """Learn from it, and return the means of the losses by name."""


class OneLearner:
    """This process; ``learners.Learners`` are several.

    Args:
        config: the numbers.
        policy: on the device.
        optimizer: of the policy.
        device: that torch computes on.
    """

    def __init__(
        self, config: PpoConfig, policy: Policy, optimizer: torch.optim.Optimizer, device: str
    ):
        self._config, self._policy, self._optimizer = config, policy, optimizer
        self._device = device

    def finish(self, workers: Crew) -> Rollout:
        """Return what workers have collected."""
        return workers.finish()

    def learn(self, rollout: Rollout, update: Update) -> dict[str, float]:
        """Learn from a rollout, and return the means of the losses by name."""
        batch = batch_of(self._config, rollout, self._device)
        return learn_from(self._config, self._policy, self._optimizer, batch, update)


def train_ppo(
    config: PpoConfig, policy: Policy, workers: Crew, course: Course, device: str = "cpu",
    learner: Learner | None = None,
) -> None:  # fmt: skip
    """Learn until the course is over.

    Args:
        config: the numbers.
        policy: that acts, is validated and kept; on the device.
        workers: that collect rollouts.
        course: of the run; its optimizer is that of the policy.
        device: that torch computes on.
        learner: that changes both; by default this process.
    """
    learner = learner or OneLearner(config, policy, course.optimizer, device)
    while not course.is_over:
        with course.timing("simulate"):
            workers.start(policy, config.rollout_steps)
            rollout = learner.finish(workers)
        left = 1 - course.share if config.decays else 1.0
        course.took(rollout)
        with course.timing("learn"):
            seed, values_only = (course.seed, course.steps), course.updates <= config.critic_updates
            losses = learner.learn(rollout, Update(seed, left, values_only))

        # Tell how it goes; save and validate where that is due.
        course.tell(losses)


def learn_from(
    config: PpoConfig, policy: Policy, optimizer: torch.optim.Optimizer, batch: dict[str, Tensor],
    update: Update, team: Alone = ALONE,
) -> dict[str, float]:  # fmt: skip
    """Learn from a batch in a few epochs over its rows; return the means of the losses by name.

    Args:
        config: the numbers.
        policy: on the device that the batch is on.
        optimizer: of the policy.
        batch: own rows, as of ``batch_of``.
        update: how.
        team: who learns from other rows meanwhile; what they return adds up to the means.
    """
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * update.left
    policy.train()
    random = np.random.default_rng(update.seed)
    parts_that_learn = policy.critic if update.values_only else policy
    learning = [p for p in parts_that_learn.parameters() if p.requires_grad]
    totals: dict[str, float] = {}
    own = batch["begun"].shape[1]
    first, rows = team.rows(own)
    parts = min(config.minibatches, rows)
    for _ in range(config.epochs):
        for share in np.array_split(random.permutation(rows), parts):
            here = share[(share >= first) & (share < first + own)] - first
            index = torch.from_numpy(here).to(batch["begun"].device)
            some = {name: array[:, index] for name, array in batch.items()}
            losses = ppo_losses(
                config, policy, some, config.clip * update.left, update.values_only, team
            )
            optimizer.zero_grad()
            losses["loss"].backward(inputs=learning)
            loss = team.add_up(learning, losses["loss"])
            nn.utils.clip_grad_norm_(policy.parameters(), config.max_gradient)
            if torch.isfinite(loss):
                optimizer.step()
            for name, value in losses.items():
                mean = value.item() / (config.epochs * parts)
                totals[name] = totals.get(name, 0.0) + mean
    return totals


def batch_of(config: PpoConfig, rollout: Rollout, device: str) -> dict[str, Tensor]:
    """Return what is learned from of a rollout (T, E, ...), on the device that learns."""
    advantage = advantages(rollout, config.discount, config.trace)
    arrays = {
        **rollout.observation,
        "begun": rollout.begun,
        "action": rollout.action,
        "log_probability": rollout.log_probability,
        "advantage": advantage,
        "returns": advantage + rollout.value,
        "azimuth": rollout.azimuth,
        "near": rollout.near,
        "memory": rollout.memory[None],
        "played": rollout.played,
    }
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def advantages(rollout: Rollout, discount: float, trace: float) -> NDArray[np.float32]:
    """Return the generalised advantages (T, E): Schulman et al. 2016, equation 16.

    Nothing passes the end of an episode but, where it was truncated, the value of its last
    observation. They are 0 where nothing was played.
    """
    result = np.empty_like(rollout.reward)
    following, advantage = rollout.next_value, np.zeros_like(rollout.next_value)
    for t in range(len(result) - 1, -1, -1):
        ended = rollout.ended[t]
        after = np.where(ended, rollout.bootstrap[t], following)
        error = rollout.reward[t] + discount * after - rollout.value[t]
        advantage = error + discount * trace * np.where(ended, np.float32(0), advantage)
        advantage = np.where(rollout.played[t], advantage, np.float32(0))
        result[t] = advantage
        following = np.where(rollout.played[t], rollout.value[t], following)
    return result


def ppo_losses(
    config: PpoConfig, policy: Policy, batch: dict[str, Tensor], clip: float, values_only: bool,
    team: Alone = ALONE,
) -> dict[str, Tensor]:  # fmt: skip
    """Return the loss of a minibatch (T, rows, ...), and its parts by name.

    Of a team, each is what one's own steps contribute to the mean over the steps of all.
    """
    weight = team.weight(int(batch["played"].sum()))
    if not weight:  # others have all rows of the minibatch
        if not values_only:
            team.moments(batch["advantage"][batch["played"]])
        return {"loss": sum((p.sum() for p in policy.parameters()), torch.tensor(0.0)) * 0}
    seen = {name: batch[name] for name in [*policy.reads, *policy.added]}
    with torch.autocast(batch["begun"].device.type, torch.bfloat16, enabled=config.bf16):
        result = policy.unroll(seen, batch["memory"][0], batch["begun"])
    result, batch = only_played(result, batch)
    value = (result.value - batch["returns"]).square().mean() / 2
    if values_only:
        return {"loss": weight * config.value * value, "value": weight * value.detach()}
    log_probability = result.logits.log_softmax(-1)
    entropy = -(log_probability.exp() * log_probability).sum(-1).mean()
    taken = log_probability.gather(-1, batch["action"][..., None])[..., 0]
    ratio = (taken - batch["log_probability"]).exp()
    mean, deviation = team.moments(batch["advantage"])
    advantage = ((batch["advantage"] - mean) / (deviation + 1e-5)).float()
    clipped = ratio.clamp(1 - clip, 1 + clip)
    surrogate = torch.minimum(ratio * advantage, clipped * advantage).mean()
    loss = -surrogate + config.value * value - config.entropy * entropy
    parts = {"surrogate": surrogate, "value": value, "entropy": entropy}
    if config.auxiliary:
        azimuth, near = auxiliary_losses(result.auxiliary, batch)
        loss = loss + config.auxiliary * (azimuth + near)
        parts |= {"azimuth": azimuth, "near": near}
    parts["clipped"] = ((ratio - 1).abs() > clip).float().mean()
    return {"loss": weight * loss, **{name: weight * part.detach() for name, part in parts.items()}}
