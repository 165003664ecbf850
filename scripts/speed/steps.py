"""Full steps: by batch and sensors, by stage, and against what they cannot do without."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from avenv import vision
from avenv.acoustics import Engine, Stream
from avenv.core import frames
from avenv.envs import BatchEnv, Env
from avenv.simulation.ears import Ears
from avenv.simulation.eyes import Eye
from avenv.simulation.simulator import Simulator
from avenv.simulation.world import World
from avenv.tasks.navigation import NavigationTask
from speed.stopwatch import Contender, ratio, take_turns

SENSORS: dict[str, dict[str, Any]] = {
    "depth 64² + binaural": {"sensors": ("depth", "binaural"), "image_size": (64, 64)},
    "depth 64² + spectrogram": {"sensors": ("depth", "spectrogram"), "image_size": (64, 64)},
    "RGB-D 128² + spectrogram": {
        "sensors": ("rgb", "depth", "spectrogram"),
        "image_size": (128, 128),
    },
}
BATCHES = (1, 4, 16, 64)
ENDLESS = 2**40  # steps of an episode

STAGES = {
    "hearing": (Ears, "advance"),
    "of it responses": (Engine, "responses"),
    "of it convolution": (Stream, "push"),
    "pictures": (Eye, "draw"),
    "acting": (NavigationTask, "act"),
    "moving": (Simulator, "_move"),
    "judging, truth and metrics": (NavigationTask, "judge"),
}


def walker(world: World, batch: int, **options: Any) -> Callable[[], object]:
    """Return a function that takes a step of a random walk in each of some environments."""
    settings, actions = {"sounds": "phone", "max_episode_steps": ENDLESS}, _random_walk(batch)
    if batch == 1:
        env = Env(scenes=world, **settings, **options)
        env.reset(seed=0)
        return lambda: env.step(next(actions)[0])
    envs = BatchEnv(num_envs=batch, scenes=world, **settings, **options)
    envs.reset(seed=0)
    return lambda: envs.step(next(actions))


def _random_walk(batch: int) -> Iterator[NDArray[np.int64]]:
    """Yield actions (batch,) without end, drawn many at a time: to draw a single one is dear."""
    rng = np.random.default_rng(0)
    while True:
        yield from rng.choice([1, 2, 3], (1024, batch), p=[0.6, 0.2, 0.2])


def repeated(function: Callable[[], object], times: int) -> Callable[[], None]:
    """Return a function that calls another so many times."""

    def call() -> None:
        for _ in range(times):
            function()

    return call


def measure_steps(world: World, rounds: int) -> tuple[list[dict], list[dict]]:
    """Return rows and ratios of steps by sensors and batch, of one thread's CPU time."""
    rows, ratios = [], []
    for kind, options in SENSORS.items():
        contenders = []
        for batch in BATCHES:
            times = max(1, 32 // batch)
            step = repeated(walker(world, batch, **options), times)
            contenders.append(Contender(f"{kind}, batch {batch}", step, times * batch))
        timings = take_turns(contenders, rounds)
        rows += [timing.row(name) for name, timing in timings.items()]
        ratios.append(
            ratio(f"{kind}: a single environment over a row of a batch of 16", timings,
                  f"{kind}, batch 1", f"{kind}, batch 16")
        )  # fmt: skip
    return rows, ratios


def measure_floor(world: World, rounds: int, batch: int = 16) -> tuple[list[dict], list[dict]]:
    """Return rows and the ratio of a full step to what it cannot do without: raster and FFTs."""
    kind = "RGB-D 128² + spectrogram"
    rng = np.random.default_rng(0)
    eyes = np.column_stack([world.walkable.sample(rng, batch), np.full(batch, 1.25)])
    turns = frames.body_rotation(rng.uniform(-np.pi, np.pi, batch))
    renderer = vision.make_renderer(batch, vision.Optics((128, 128)), ("rgb", "depth"))
    step, length, ears = 4000, 16000, 2
    block = rng.standard_normal(2 * step).astype(np.float32)
    parts = rng.standard_normal((ears * length // step, 2 * step)).astype(np.float32)
    spectra = scipy.fft.rfft(parts[:ears])

    def floor() -> None:
        renderer.draw([world.raster], np.zeros(batch, np.int64), eyes, turns)
        for _ in range(batch):  # a new response, a new block, and what both make
            scipy.fft.rfft(parts)
            scipy.fft.rfft(block)
            scipy.fft.irfft(spectra)

    full = walker(world, batch, **SENSORS[kind])
    names = f"{kind}, batch {batch}", "raster and FFTs alone"
    timings = take_turns(
        [Contender(names[0], full, batch), Contender(names[1], floor, batch)], rounds
    )
    return (
        [timings[names[1]].row(names[1])],
        [ratio("a full step over raster and FFTs alone", timings, *names)],
    )


def measure_stages(world: World, steps: int) -> list[dict]:
    """Return rows of the CPU time that the stages of a step take, alone and in a batch."""
    rows = []
    for batch in (1, 16):
        kind = "RGB-D 128² + spectrogram"
        step = walker(world, batch, **SENSORS[kind])
        step()
        with _clocks() as spent:
            start = time.process_time()
            for _ in range(max(1, steps // batch)):
                step()
            spent["all"] = time.process_time() - start
        per = 1e6 / (max(1, steps // batch) * batch)
        rows += [
            {"name": f"{kind}, batch {batch}: {name}", "cpu_us": seconds * per}
            for name, seconds in spent.items()
        ]
    return rows


@contextmanager
def _clocks() -> Iterator[dict[str, float]]:
    """Add up the CPU seconds that ``STAGES`` take within; each call costs a microsecond more."""
    spent = dict.fromkeys(STAGES, 0.0)
    kept = {name: getattr(owner, method) for name, (owner, method) in STAGES.items()}

    def timed(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            start = time.process_time()
            try:
                return kept[name](*arguments, **more)
            finally:
                spent[name] += time.process_time() - start

        return call

    try:
        for name, (owner, method) in STAGES.items():
            setattr(owner, method, timed(name))
        yield spent
    finally:
        for name, (owner, method) in STAGES.items():
            setattr(owner, method, kept[name])
