"""What a body is asked to do, read word by word."""

import torch
from gymnasium import spaces
from torch import Tensor, nn

from avenv_agents.encoders.encoder import Encoder, require


class Instruction(Encoder):
    """A learned vector for each word, read in their order by a gated recurrent unit.

    As the baselines of Anderson et al. 2018, "Vision-and-Language Navigation", read. Instructions
    are the same throughout an episode, so that each is read once, however many steps have it.

    Args:
        space: with ``instruction`` (L,), numbers of words from 1, and 0 after the last.
        features: length of the vector.
        words: length of the vector of a word.
    """

    reads = ("instruction",)

    def __init__(self, space: spaces.Dict, features: int = 64, words: int = 32):
        super().__init__()
        require(space, "instruction", "this encoder")
        numbers = space["instruction"]
        if not isinstance(numbers, spaces.Box):
            raise ValueError(f"instruction is of {numbers}; accepted: a Box of numbers of words")
        self.table = nn.Embedding(int(numbers.high.max()) + 1, words, padding_idx=0)
        self.reader = nn.GRU(words, features, batch_first=True)
        self.features = features

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return (N, F) of instructions (N, L), whole numbers; 0 where there are no words."""
        different, which = observation["instruction"].long().unique(dim=0, return_inverse=True)
        with torch.autocast(different.device.type, enabled=False):
            read, _ = self.reader(self.table(different))
        length = (different > 0).sum(1)
        last = read[torch.arange(len(read), device=read.device), (length - 1).clamp(min=0)]
        return (last * (length > 0)[:, None])[which]
