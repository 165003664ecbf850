"""What ears learn from: the windows of places, as tensors.

Half of all places are heard as in a mirror, ears and truth alike. And every place's sound is
coloured: its levels in the bands are shifted at random, alike for both ears, for what a sound is
made of tells of the sound and not of where it is.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from avenv.acoustics.signal.binaural import BANDS, BinauralFeatures, mirrored
from avenv_agents.encoders.ear import SILENT
from avenv_agents.poses import Poses

LEVELS = ("step_level", "window_level")
"""Blocks of the vector that a sound's colour shifts."""


class Examples(NamedTuple):
    """P places with S windows each, on the device that learns: see ``Poses``."""

    binaural: Tensor
    pose: Tensor
    azimuth: Tensor
    leg: Tensor
    distance: Tensor
    near: Tensor
    visible: Tensor

    @classmethod
    def of(cls, poses: Poses, device: str | torch.device = "cpu") -> "Examples":
        """Return poses as tensors."""
        values = [getattr(poses, name) for name in cls._fields]
        return cls(*(torch.from_numpy(np.ascontiguousarray(v)).to(device) for v in values))

    def some(self, rows: Tensor) -> "Examples":
        """Return some places."""
        return Examples(*(value[rows] for value in self))


def windows(examples: Examples) -> Examples:
    """Return each window as a place of its own, (P · S, ...)."""
    return Examples(*(value.flatten(0, 1) for value in examples))


def batches(
    sets: Sequence[Examples], size: int, colour: float, order: np.random.Generator
) -> Iterator[Examples]:
    """Yield all places of all sets once in random order, half of them mirrored, all coloured.

    Args:
        sets: each has places of its own kind.
        size: places in a batch, at most.
        colour: standard deviation of the shifts of levels.
        order: what all that is random is drawn from.
    """
    device = sets[0].azimuth.device
    orders = [order.permutation(len(examples.azimuth)) for examples in sets]
    runs = [
        (examples, rows[start : start + size])
        for examples, rows in zip(sets, orders, strict=True)
        for start in range(0, len(rows), size)
    ]
    for k in order.permutation(len(runs)):
        examples, rows = runs[k]
        mirror = torch.from_numpy(order.random(len(rows)) < 0.5).to(device)
        shift = torch.from_numpy(order.normal(0, colour, (len(rows), BANDS))).to(device)
        batch = examples.some(torch.from_numpy(rows).to(device))
        yield coloured(in_mirror(batch, mirror), shift)


def coloured(batch: Examples, shift: Tensor) -> Examples:
    """Return a batch whose levels in the bands are shifted (B, 24), but for silence."""
    vectors = batch.binaural.clone()
    shift = shift.view(-1, *(1,) * (batch.azimuth.dim() - 1), BANDS).to(vectors.dtype)
    for name in LEVELS:
        levels = vectors[..., BinauralFeatures.slices[name]]
        shifted = (levels + shift).clamp(min=SILENT)
        vectors[..., BinauralFeatures.slices[name]] = torch.where(levels > SILENT, shifted, levels)
    return batch._replace(binaural=vectors)


@lru_cache
def _mirror_table(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return which number of a vector takes whose place in the mirror, and its sign, (D,)."""
    numbered = torch.from_numpy(mirrored(np.arange(1, size + 1, dtype=np.float32))).to(device)
    return numbered.abs().long() - 1, numbered.sign()


def in_mirror(batch: Examples, rows: Tensor) -> Examples:
    """Return a batch in which some rows (B,) are heard as in a mirror: left is right."""
    place, sign = _mirror_table(batch.binaural.shape[-1], rows.device)
    flip = rows.view(-1, *(1,) * (batch.azimuth.dim() - 1))
    other = batch.binaural[..., place] * sign.to(batch.binaural.dtype)
    side = torch.where(flip, -1.0, 1.0)
    ones = torch.ones_like(side)
    pose = batch.pose * torch.stack([ones, side, side, ones], dim=-1)
    return batch._replace(
        binaural=torch.where(flip[..., None], other, batch.binaural),
        pose=pose,
        azimuth=batch.azimuth * side,
        leg=batch.leg * side,
    )
