"""What the parts of policies cost: parameters, and CPU time of a forward and a backward pass.

    python scripts/measure_networks.py

Times are of the process, not of the clock, on one thread, so that other work does not count. The
table is that of docs/agents.md.
"""

import time
from collections.abc import Callable, Iterator

import click
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from avenv.simulation.vocabulary import vocabulary
from avenv_agents.encoders import ENCODERS, make_encoder
from avenv_agents.fusion import FUSIONS, make_fusion
from avenv_agents.memory import MEMORIES, make_memory

STEPS = 16
"""In a row: what remembers is unrolled over so many."""
WIDTH = 512
"""What fusions return and memories take in."""


def space(side: int) -> spaces.Dict:
    """Return observations of a body with one camera."""
    return spaces.Dict(
        depth=spaces.Box(0, 10, (side, side, 1), np.float32),
        spectrogram=spaces.Box(0, 6, (65, 26, 2), np.float32),
        binaural=spaces.Box(-5, 5, (396,), np.float32),
        pose=spaces.Box(-100, 100, (4,), np.float32),
        geometric_map=spaces.Box(0, 1, (200, 200, 2), np.uint8),
        acoustic_map=spaces.Box(0, 6, (20, 20, 1), np.float32),
        contact=spaces.Box(0, 1, (1,), np.float32),
        truth=spaces.Box(-3, 3, (3,), np.float32),
        previous_action=spaces.Discrete(5),
        instruction=spaces.Box(0, len(vocabulary()), (32,), np.int32),
    )


def measured(run: Callable[[], Tensor], samples: int, repeats: int) -> float:
    """Return the least CPU microseconds of a sample, forward and backward, of some repeats."""
    times = []
    for _ in range(repeats + 1):
        begin = time.process_time()
        out = run()
        if out.requires_grad:
            out.sum().backward()
        times.append((time.process_time() - begin) / samples * 1e6)
    return min(times[1:])


def parts(side: int, rows: int) -> Iterator[tuple[str, str, nn.Module, Callable[[], Tensor]]]:
    """Yield kind, name, module and what it computes of every part, for ``STEPS`` steps of rows."""
    seen = space(side)
    seen.seed(0)
    drawn = [seen.sample() for _ in range(STEPS * rows)]
    observation = {
        name: torch.from_numpy(np.array([one[name] for one in drawn])).unflatten(0, (STEPS, rows))
        for name in seen.spaces
    }
    begun = torch.zeros(STEPS, rows, dtype=torch.bool)
    begun[0] = True
    sizes = []
    for name in ENCODERS:
        encoder = make_encoder(name, seen)
        state = torch.zeros(rows, encoder.state)
        yield (
            "encoder",
            name,
            encoder,
            lambda e=encoder, s=state: e.unroll(observation, s, begun)[0],
        )
        if name in ("eyes", "binaural_ears", "pose", "previous_action"):
            sizes.append(encoder.features)
    features = [torch.randn(STEPS * rows, size) for size in sizes]
    for name in FUSIONS:
        fusion = make_fusion(name, sizes, WIDTH)
        yield "fusion", name, fusion, lambda f=fusion: f(features)
    x = torch.randn(STEPS, rows, WIDTH)
    for name in MEMORIES:
        memory = make_memory(name, WIDTH)
        state = torch.zeros(rows, memory.state)
        yield "memory", name, memory, lambda m=memory, s=state: m.unroll(x, s, begun)[0]


@click.command()
@click.option("--side", default=64, show_default=True, help="Pixels of the depth picture.")
@click.option("--rows", default=8, show_default=True, help="Environments, of 16 steps each.")
@click.option("--repeats", default=5, show_default=True, help="Of which the fastest counts.")
def main(side: int, rows: int, repeats: int) -> None:
    """Print a table of all encoders, fusions and memories."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    click.echo("| part | name | parameters | µs per sample |")
    click.echo("|---|---|---|---|")
    for kind, name, module, run in parts(side, rows):
        count = sum(p.numel() for p in module.parameters())
        cost = measured(run, STEPS * rows, repeats)
        click.echo(f"| {kind} | `{name}` | {count:,} | {cost:,.0f} |")


if __name__ == "__main__":
    main()
