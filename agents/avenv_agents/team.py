"""Who learns together: each from some of the rows, and all take the same step.

Every loss is a mean over steps. A learner weighs its own by its share of the steps, so that what
all add up to, losses and gradients, is the mean over the steps of all: the step that one learner
would take from all rows.
"""

from collections.abc import Sequence
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

PATIENCE = timedelta(minutes=5)
"""How long a learner waits for the others before it gives the step up."""


class Alone:
    """One who learns from all rows."""

    def rows(self, own: int) -> tuple[int, int]:
        """Return the number of the first of one's own rows, and how many all have."""
        return 0, own

    def moments(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the values (N,...) of all."""
        return values.mean(), values.std()

    def weight(self, steps: int) -> float:
        """Return one's share of the steps of all."""
        return 1.0

    def add_up(self, parameters: Sequence[nn.Parameter], loss: Tensor) -> Tensor:
        """Make the gradients those of all, and return the loss of all."""
        return loss


class Team(Alone):
    """One of several, by ``torch.distributed``; in a process that belongs to no other.

    Args:
        store: by which they find each other.
        rank, size: which one this is, of how many.
        device: that learns; on GPUs they speak by NCCL, else by Gloo.
    """

    def __init__(self, store: distributed.Store, rank: int, size: int, device: str):
        self._rank, self._size, self._device = rank, size, device
        distributed.init_process_group(
            "nccl" if device == "cuda" else "gloo", store=store, rank=rank, world_size=size,
            timeout=PATIENCE,
        )  # fmt: skip

    def rows(self, own: int) -> tuple[int, int]:
        """Return the number of the first of one's own rows, and how many all have."""
        counts = torch.zeros(self._size, dtype=torch.int64, device=self._device)
        counts[self._rank] = own
        distributed.all_reduce(counts)
        return int(counts[: self._rank].sum()), int(counts.sum())

    def moments(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the values (N,...) of all."""
        count, total = self._sums(torch.tensor(values.numel()), values.sum())
        mean = total / count
        (squares,) = self._sums((values - mean).square().sum())
        return mean, (squares / (count - 1)).sqrt()

    def weight(self, steps: int) -> float:
        """Return one's share of the steps of all."""
        (total,) = self._sums(torch.tensor(steps))
        return steps / float(total)

    def add_up(self, parameters: Sequence[nn.Parameter], loss: Tensor) -> Tensor:
        """Make the gradients those of all, and return the loss of all."""
        own = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([loss.detach().reshape(1), *(g.flatten() for g in own)])
        distributed.all_reduce(flat)
        parts = flat[1:].split([g.numel() for g in own])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter).clone()
        return flat[0]

    def part(self) -> None:
        """Be alone again."""
        distributed.destroy_process_group()

    def _sums(self, *values: Tensor) -> Tensor:
        sums = torch.stack([v.to(self._device, torch.float64) for v in values])
        distributed.all_reduce(sums)
        return sums
