"""DAgger: learn what the oracle would do, wherever the policy itself leads.

Ross, Gordon & Bagnell 2011, "A Reduction of Imitation Learning and Structured Prediction to
No-Regret Online Learning". The policy acts, the oracle says at every step what it would have done;
the latest rollouts are kept, and sequences of them learned from. At the beginning the oracle takes
some of the steps itself (``beta``). The truth about the source is an auxiliary target: it is seen
while learning, never while acting.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from avenv.tasks.actions import STOP
from avenv_agents.course import Course
from avenv_agents.encoders.ear import histogram_of
from avenv_agents.policy import Policy, Unrolled
from avenv_agents.rollout import Guide, Rollout
from avenv_agents.workers import Crew


@dataclass(frozen=True)
class DaggerConfig:
    """The numbers of DAgger.

    Attributes:
        rollout_steps: T, steps of each row in a rollout: the length of the sequences learned from.
        kept: rollouts, the latest, that are learned from.
        batches: minibatches that are learned from after each rollout.
        sequences: in a minibatch.
        learning_rate: of Adam; it falls linearly to a tenth.
        guarded: share of the rows that the oracle helps: it does not let the policy stop at a wrong
            place, for one that stops too early would never see the rest of the way. In the others
            the policy decides as agents do, and success is counted.
        beta: share of the steps in guarded rows that the oracle takes at the beginning; it falls
            linearly to 0.
        beta_share: share of the run in which it does.
        stop_weight: how much more a step counts at which the oracle stops.
        caution: by how much the logit of stopping is lower than imitation alone would have it: 2.2
            stops where the oracle would with a probability of 0.9. A wrong stop costs the episode,
            one that is put off costs a step (logit adjustment: Menon et al. 2021).
        auxiliary: weight of the source's direction and nearness.
        value: weight of the return's error, so that PPO can go on from here.
        discount: of the return.
        max_gradient: norm at which gradients are clipped.
        bf16: compute the networks that learn in bfloat16 where that is safe (torch's autocast);
            recurrent layers, losses and weights stay in float32.
    """

    rollout_steps: int = 64
    kept: int = 16
    batches: int = 8
    sequences: int = 32
    learning_rate: float = 5e-4
    guarded: float = 0.75
    beta: float = 0.5
    beta_share: float = 0.2
    stop_weight: float = 1.0
    caution: float = 2.2
    auxiliary: float = 0.2
    value: float = 0.1
    discount: float = 0.99
    max_gradient: float = 1.0
    bf16: bool = False


def train_dagger(
    config: DaggerConfig, policy: Policy, workers: Crew, course: Course, device: str = "cpu"
) -> None:
    """Learn until the course is over; workers collect while what they brought is learned from.

    Args:
        config: the numbers.
        policy: on the device.
        workers: that collect rollouts.
        course: of the run; its optimizer is that of the policy.
        device: that torch computes on.
    """
    seed = course.seed + course.steps
    memory = Memory(config.kept, config.rollout_steps, device, seed, config.discount)
    workers.start(policy, config.rollout_steps, _guide(config, course.share))
    while not course.is_over:
        with course.timing("simulate"):
            rollout = workers.finish()
        course.took(rollout)
        pauses = course.pauses
        if not pauses:
            workers.start(policy, config.rollout_steps, _guide(config, course.share))
        with course.timing("learn"):
            memory.add(rollout)
            losses = _learn(config, policy, course.optimizer, memory, course.share)
        course.tell(losses)
        if pauses and not course.is_over:
            workers.start(policy, config.rollout_steps, _guide(config, course.share))


def _guide(config: DaggerConfig, share: float) -> Guide:
    beta = config.beta * max(0.0, 1 - share / config.beta_share) if config.beta_share else 0.0
    return Guide(asked=True, share=beta, guarded=config.guarded)


def _learn(
    config: DaggerConfig, policy: Policy, optimizer: torch.optim.Optimizer, memory: "Memory",
    share: float,
) -> dict[str, float]:  # fmt: skip
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * (1 - 0.9 * share)
    policy.train()
    totals: dict[str, float] = {}
    for _ in range(config.batches):
        losses = dagger_losses(config, policy, memory.sample(config.sequences))
        optimizer.zero_grad()
        losses["loss"].backward()
        nn.utils.clip_grad_norm_(policy.parameters(), config.max_gradient)
        if not torch.isfinite(losses["loss"]):
            return {"loss": float("nan")}
        optimizer.step()
        for name, value in losses.items():
            totals[name] = totals.get(name, 0.0) + value.item() / config.batches
    return totals


def dagger_losses(config: DaggerConfig, policy: Policy, batch: dict[str, Tensor]) -> dict:
    """Return the loss of a minibatch, and its parts by name."""
    seen = {name: batch[name] for name in [*policy.reads, *policy.added]}
    with torch.autocast(batch["begun"].device.type, torch.bfloat16, enabled=config.bf16):
        result = policy.unroll(seen, batch["memory"][0], batch["begun"])
    result, batch = only_played(result, batch)
    expert = batch["expert"]
    weight = torch.where(expert == STOP, config.stop_weight, 1.0)
    bold = result.logits.clone()
    bold[..., STOP] += config.caution
    imitation = functional.cross_entropy(
        bold.reshape(-1, bold.shape[-1]), expert.flatten(), reduction="none"
    )
    imitation = (imitation * weight.flatten()).sum() / weight.sum()
    azimuth, near = auxiliary_losses(result.auxiliary, batch)
    value = functional.smooth_l1_loss(result.value, batch["returns"])
    loss = imitation + config.auxiliary * (azimuth + near) + config.value * value
    agreed = (result.logits.argmax(-1) == expert).float().mean()
    parts = {"imitation": imitation, "azimuth": azimuth, "near": near, "value": value}
    return {"loss": loss, **{k: v.detach() for k, v in parts.items()}, "agreement": agreed}


def only_played(said: Unrolled, batch: dict[str, Tensor]) -> tuple[Unrolled, dict[str, Tensor]]:
    """Return what was said of the steps that were played, and what is known of them.

    All are (T, rows, ...); where some steps were not played, (N, ...), those that were.
    """
    played = batch["played"]
    if bool(played.all()):
        return said, batch
    chosen = {name: value[played] for name, value in batch.items() if name != "memory"}
    auxiliary = {name: value[played] for name, value in said.auxiliary.items()}
    said = said._replace(logits=said.logits[played], value=said.value[played], auxiliary=auxiliary)
    return said, chosen


def auxiliary_losses(said: dict[str, Tensor], truth: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return how wrong a policy is about where the source is, and whether it is in reach."""
    histogram = histogram_of(truth["azimuth"])
    azimuth = -(histogram * said["azimuth"].log_softmax(-1)).sum(-1).mean()
    near = functional.binary_cross_entropy_with_logits(said["near"], truth["near"].float())
    return azimuth, near


class Memory:
    """The latest rollouts, column by column: one column is one row's T steps, or fewer.

    Args:
        kept: how many rollouts.
        steps: T, of each.
        device: where they are kept.
        seed: of the order in which they are drawn.
        discount: of the return.
    """

    def __init__(self, kept: int, steps: int, device: str, seed: int, discount: float = 0.99):
        self._kept, self._steps, self._device, self._discount = kept, steps, device, discount
        self._random = np.random.default_rng(seed)
        self._arrays: dict[str, Tensor] = {}
        self._columns = self._room = 0  # that were ever added; that are kept

    def add(self, rollout: Rollout) -> None:
        """Keep a rollout in place of the oldest."""
        arrays: dict[str, np.ndarray] = {
            **rollout.observation,
            "begun": rollout.begun,
            "expert": rollout.expert,
            "azimuth": rollout.azimuth,
            "near": rollout.near,
            "goal": rollout.goal,
            "category": rollout.category,
            "returns": discounted(rollout, self._discount),
            "memory": rollout.memory[None],
            "played": rollout.played,
        }
        columns = rollout.begun.shape[1]
        if not self._arrays:
            self._room = self._kept * columns
            for name, array in arrays.items():
                length = 1 if name == "memory" else self._steps
                shape = length, self._room, *array.shape[2:]
                kind = torch.from_numpy(array[:0]).dtype
                self._arrays[name] = torch.zeros(shape, dtype=kind, device=self._device)
        fit = min(columns, self._room)  # more than at first, if workers have come since
        places = torch.arange(self._columns, self._columns + fit) % self._room
        self._arrays["played"][:, places] = False
        for name, array in arrays.items():
            kept = torch.from_numpy(array[:, :fit]).to(self._device)
            self._arrays[name][: len(array), places] = kept
        self._columns += fit

    def sample(self, sequences: int) -> dict[str, Tensor]:
        """Return some columns (T, sequences, ...), each at most once."""
        there = min(self._columns, self._room)
        chosen = self._random.choice(there, min(sequences, there), replace=False)
        index = torch.from_numpy(chosen).to(self._device)
        return {name: array[:, index] for name, array in self._arrays.items()}


def discounted(rollout: Rollout, discount: float) -> np.ndarray:
    """Return the discounted sum (T, E) of the rewards from each step on; 0 after the last."""
    returns, following = np.empty_like(rollout.reward), rollout.next_value
    for t in range(len(returns) - 1, -1, -1):
        after = np.where(rollout.ended[t], rollout.bootstrap[t], following)
        here = rollout.reward[t] + discount * after
        returns[t] = np.where(rollout.played[t], here, np.float32(0))
        following = np.where(rollout.played[t], here, following)
    return returns
