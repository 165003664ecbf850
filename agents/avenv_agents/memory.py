"""Memory: what a policy carries from step to step, by name.

Every memory is made with the length F of what it takes in and has ``features``, the length H of
what it returns, and ``state``, the length S of what a row remembers: zeros at the beginning.
Computing steps one by one or many at once is the same, but for rounding.
"""

import torch
from torch import Tensor, nn

from avenv.core.suggest import accepted


class Memory(nn.Module):
    """What a policy carries from step to step.

    Attributes:
        features: length H of what is returned.
        state: length S of what a row remembers.
    """

    features: int
    state: int

    def unroll(self, x: Tensor, state: Tensor, begun: Tensor) -> tuple[Tensor, Tensor]:
        """Return (T, E, H) of what comes in (T, E, F), and the state (E, S) after it.

        Args:
            x: (T, E, F).
            state: (E, S) before the first step.
            begun: (T, E) bool, where an episode begins with the step: what was before is forgotten.
        """
        raise NotImplementedError


class NoMemory(Memory):
    """Returns what comes in."""

    state = 0

    def __init__(self, inputs: int):
        super().__init__()
        self.features = inputs

    def unroll(self, x: Tensor, state: Tensor, begun: Tensor) -> tuple[Tensor, Tensor]:
        """Return what comes in (T, E, F) and the state (E, 0)."""
        return x, state


class FrameStack(Memory):
    """The last few inputs side by side, the latest last; zeros before the beginning.

    Args:
        inputs: F.
        frames: how many, the present one included.
    """

    def __init__(self, inputs: int, frames: int = 4):
        super().__init__()
        self.frames = frames
        self.features = inputs * frames
        self.state = inputs * (frames - 1)

    def unroll(self, x: Tensor, state: Tensor, begun: Tensor) -> tuple[Tensor, Tensor]:
        """Return (T, E, frames · F) of x (T, E, F)."""
        before = state.unflatten(1, (self.frames - 1, x.shape[2])).transpose(0, 1)
        sequence = torch.cat([before, x])  # (frames - 1 + T, E, F)
        age = _age(begun, self.frames - 1)
        steps, parts = len(x), []
        for back in range(self.frames - 1, -1, -1):
            first = self.frames - 1 - back
            known = (age >= back)[..., None]
            parts.append(torch.where(known, sequence[first : first + steps], 0.0))
        kept = sequence[len(sequence) - self.frames + 1 :].transpose(0, 1)
        ages = torch.arange(self.frames - 2, -1, -1, device=x.device)
        kept = torch.where((age[-1][:, None] >= ages)[..., None], kept, 0.0)
        return torch.cat(parts, dim=2), kept.flatten(1)


class Gru(Memory):
    """A gated recurrent unit (Cho et al. 2014).

    Args:
        inputs: F.
        features: H.
    """

    def __init__(self, inputs: int, features: int = 512):
        super().__init__()
        self.features, self.state = features, features
        self.cell = nn.GRU(inputs, features)

    def unroll(self, x: Tensor, state: Tensor, begun: Tensor) -> tuple[Tensor, Tensor]:
        """Return (T, E, H) of x (T, E, F).

        Each run of steps of one episode becomes a sequence of its own, so that the whole is one
        call whatever begins when.
        """
        steps, rows = begun.shape
        starts = begun.clone()
        starts[0] = True
        time = torch.arange(steps, device=x.device)[:, None].expand(steps, rows)
        first = torch.where(starts, time, 0).cummax(0).values
        place = time - first  # in its run
        run = (starts.T.flatten().cumsum(0) - 1).view(rows, steps).T
        count = int(starts.sum())
        padded = x.new_zeros(int(place.max()) + 1, count, x.shape[2])
        padded[place, run] = x
        begin = state.new_zeros(count, self.features)
        begin[run[0]] = torch.where(begun[0][:, None], 0.0, state)
        # In full precision whatever the caller's: errors of a recurrence add up.
        with torch.autocast(x.device.type, enabled=False):
            out, _ = self.cell(padded.float(), begin[None])
        out = out[place, run]
        return out, out[-1]


class SceneMemory(Memory):
    """Attends to what came in over the last steps of the episode (Fang et al. 2019; SAVi).

    The sizes are those of SAVi (Chen et al. 2021). The present input asks, what is remembered
    answers; unlike there, what is remembered does not attend to itself first, so that computing
    step by step costs no more than all at once.

    Args:
        inputs: F.
        features: H.
        length: steps that are remembered, the present one included.
        heads: of the attention.
    """

    def __init__(self, inputs: int, features: int = 256, length: int = 150, heads: int = 8):
        super().__init__()
        self.features, self.length, self.heads = features, length, heads
        self.state = (length - 1) * features + 1  # the last number: how many steps are remembered
        self.input = nn.Sequential(nn.Linear(inputs, features), nn.LayerNorm(features))
        self.query = nn.Linear(features, features)
        self.key_value = nn.Linear(features, 2 * features)
        self.mixed = nn.Linear(features, features)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(features),
            nn.Linear(features, 2 * features),
            nn.ReLU(),
            nn.Linear(2 * features, features),
        )
        self.output = nn.LayerNorm(features)

    def unroll(self, x: Tensor, state: Tensor, begun: Tensor) -> tuple[Tensor, Tensor]:
        """Return (T, E, H) of x (T, E, F)."""
        steps, past = len(x), self.length - 1
        embedded = self.input(x)
        before = state[:, :-1].unflatten(1, (past, self.features))
        sequence = torch.cat([before, embedded.transpose(0, 1)], dim=1)  # (E, past + T, H)
        age = _age(begun, past, state[:, -1])
        query = torch.arange(past, past + steps, device=x.device)[:, None]
        key = torch.arange(past + steps, device=x.device)
        back = query - key  # (T, past + T)
        seen = (back >= 0) & (back <= age.T[:, :, None])  # (E, T, past + T)
        keys, values = self.key_value(sequence).chunk(2, dim=2)
        attended = nn.functional.scaled_dot_product_attention(
            self._split(self.query(embedded.transpose(0, 1))),
            self._split(keys),
            self._split(values),
            attn_mask=seen[:, None],
        )
        mixed = self.mixed(attended.transpose(1, 2).flatten(2)).transpose(0, 1)
        y = embedded + mixed
        y = self.output(y + self.feed_forward(y))
        known = (age[-1] + 1).clamp(max=past)
        kept = sequence[:, sequence.shape[1] - past :].flatten(1)
        return y, torch.cat([kept, known[:, None].to(kept.dtype)], dim=1)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


def _age(begun: Tensor, most: int, known: Tensor | None = None) -> Tensor:
    """Return how many steps (T, E) before each one are of its episode, ``most`` at most.

    Args:
        begun: (T, E) bool.
        most: that are remembered.
        known: (E,) how many are remembered at the first step; by default ``most``.
    """
    time = torch.arange(len(begun), device=begun.device)[:, None].expand(begun.shape)
    before = time.new_full(begun.shape[1:], most) if known is None else known.long()
    first = torch.where(begun, time, -before).cummax(0).values  # step at which it began
    return (time - first).clamp(max=most)


MEMORIES: dict[str, type[Memory]] = {
    "none": NoMemory,
    "frames": FrameStack,
    "gru": Gru,
    "transformer": SceneMemory,
}
"""Every memory: a class made with ``inputs`` and options of its own."""


def make_memory(name: str, inputs: int, **options: int) -> Memory:
    """Return the memory of a name in ``MEMORIES``.

    Raises:
        ValueError: there is no such memory, or it takes no such option.
    """
    if name not in MEMORIES:
        raise ValueError(f"memory is {name!r}; {accepted(name, MEMORIES)}")
    try:
        return MEMORIES[name](inputs, **options)
    except TypeError as error:
        raise ValueError(f"memory {name!r}, {options}: {error}") from error
