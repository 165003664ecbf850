"""Fusion: what one vector is made of the vectors of several senses, by name.

Every fusion is made with the sizes of its parts and the length of what it returns, and mixes the
parts (N, F_k) of N observations. The order of the parts matters to `film` alone: the first is
modulated by the others.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from avenv.core.suggest import accepted
from avenv_agents.encoders.encoder import dense

TOKENS = 4
"""Tokens that each part is cut into where parts attend to each other."""
HEADS = 4


class Concatenation(nn.Module):
    """One dense layer over all parts side by side."""

    def __init__(self, sizes: Sequence[int], features: int = 512):
        super().__init__()
        self.features = features
        self.layers = dense(sum(sizes), features)

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        """Return the fusion (N, F) of parts (N, F_k)."""
        return self.layers(torch.cat(list(parts), dim=1))


class SideBySide(nn.Module):
    """All parts as they are, one after another, as in AV-Nav; ``features`` is not read."""

    def __init__(self, sizes: Sequence[int], features: int = 512):
        super().__init__()
        self.features = sum(sizes)

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        """Return the fusion (N, sum of F_k) of parts (N, F_k)."""
        return torch.cat(list(parts), dim=1)


class Gating(nn.Module):
    """A weighted sum in which all parts together decide how much each counts, number by number.

    The gated multimodal unit of Arevalo et al. 2017, with gates that add up to 1.
    """

    def __init__(self, sizes: Sequence[int], features: int = 512):
        super().__init__()
        self.features = features
        self.projections = nn.ModuleList(nn.Linear(size, features) for size in sizes)
        self.gates = nn.Linear(sum(sizes), len(sizes) * features)

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        """Return the fusion (N, F) of parts (N, F_k)."""
        candidates = torch.stack([p(x) for p, x in zip(self.projections, parts, strict=True)], 1)
        gates = self.gates(torch.cat(list(parts), dim=1)).unflatten(1, candidates.shape[1:])
        return (gates.softmax(1) * candidates.tanh()).sum(1)


class FiLM(nn.Module):
    """The others scale and shift the first part, number by number (Perez et al. 2018)."""

    def __init__(self, sizes: Sequence[int], features: int = 512):
        super().__init__()
        self.features = features
        first, *others = sizes
        self.normalised = nn.Sequential(nn.Linear(first, features), nn.LayerNorm(features))
        self.modulation = nn.Linear(sum(others), 2 * features) if others else None

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        """Return the fusion (N, F) of parts (N, F_k)."""
        first, *others = parts
        x = self.normalised(first)
        if self.modulation is not None:
            scale, shift = self.modulation(torch.cat(others, dim=1)).chunk(2, dim=1)
            x = (1 + scale) * x + shift
        return x.relu()


class Attention(nn.Module):
    """Every part is cut into tokens, which attend to those of all parts (Vaswani et al. 2017)."""

    def __init__(self, sizes: Sequence[int], features: int = 512, width: int = 64):
        super().__init__()
        self.features = features
        self.tokens = _Tokens(sizes, width)
        self.block = _block(width)
        self.output = dense(len(sizes) * TOKENS * width, features)

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        """Return the fusion (N, F) of parts (N, F_k)."""
        tokens = torch.cat(self.tokens(parts), dim=1)
        return self.output(self.block(tokens).flatten(1))


class Bottleneck(nn.Module):
    """Parts tell each other only what passes through a few shared tokens (Nagrani et al. 2021).

    In each layer the tokens of every part attend to themselves and to the shared ones, which then
    become the mean of what the parts have made of them.
    """

    def __init__(
        self, sizes: Sequence[int], features: int = 512, width: int = 64, shared: int = 4,
        layers: int = 2,
    ):  # fmt: skip
        super().__init__()
        self.features = features
        self.tokens = _Tokens(sizes, width)
        self.shared = nn.Parameter(0.02 * torch.randn(shared, width))
        self.layers = nn.ModuleList(
            nn.ModuleList(_block(width) for _ in sizes) for _ in range(layers)
        )
        self.output = dense((len(sizes) * TOKENS + shared) * width, features)

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        """Return the fusion (N, F) of parts (N, F_k)."""
        tokens = self.tokens(parts)
        shared = self.shared.expand(len(parts[0]), -1, -1)
        for blocks in self.layers:
            assert isinstance(blocks, nn.ModuleList)
            both = [
                block(torch.cat([own, shared], dim=1))
                for block, own in zip(blocks, tokens, strict=True)
            ]
            tokens = [x[:, :TOKENS] for x in both]
            shared = torch.stack([x[:, TOKENS:] for x in both]).mean(0)
        return self.output(torch.cat([*tokens, shared], dim=1).flatten(1))


class _Tokens(nn.Module):
    """Cuts parts (N, F_k) into tokens (N, TOKENS, width) each."""

    def __init__(self, sizes: Sequence[int], width: int):
        super().__init__()
        self.width = width
        self.projections = nn.ModuleList(nn.Linear(size, TOKENS * width) for size in sizes)

    def forward(self, parts: Sequence[Tensor]) -> list[Tensor]:
        pairs = zip(self.projections, parts, strict=True)
        return [project(part).unflatten(1, (TOKENS, self.width)) for project, part in pairs]


def _block(width: int) -> nn.Module:
    """Return attention and two dense layers, each around which its input passes."""
    return nn.TransformerEncoderLayer(
        width, HEADS, 2 * width, dropout=0.0, batch_first=True, norm_first=True
    )


FUSIONS: dict[str, type[nn.Module]] = {
    "concatenation": Concatenation,
    "side_by_side": SideBySide,
    "gating": Gating,
    "film": FiLM,
    "attention": Attention,
    "bottleneck": Bottleneck,
}
"""Every fusion: a class made with the sizes of its parts and ``features``."""


def make_fusion(name: str, sizes: Sequence[int], features: int = 512) -> nn.Module:
    """Return the fusion of a name in ``FUSIONS``; ``ValueError`` for another, or for no parts."""
    if name not in FUSIONS:
        raise ValueError(f"fusion is {name!r}; {accepted(name, FUSIONS)}")
    if not sizes:
        raise ValueError("there is nothing to fuse; accepted: one encoder or more")
    return FUSIONS[name](sizes, features)
