"""Compile the kernels once per machine, and say so: the one wait that a user has to bear."""

import gc
import hashlib
import platform
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import llvmlite.binding
import numba
import numpy as np
from tqdm import tqdm

from avenv import navigation, vision
from avenv.acoustics import Engine, ResponseBatch, Stream, spectrogram
from avenv.acoustics.native import propagate
from avenv.core import frames
from avenv.core.cache import cache_folder
from avenv.core.errors import CacheWarning
from avenv.core.kernels import is_on_disk
from avenv.core.parallel import num_threads
from avenv.geometry import cast_rays, lines_of_sight
from avenv.navigation import follower
from avenv.scene import SceneBuilder, SceneSpec
from avenv.simulation.loading import load_scene
from avenv.simulation.world import World
from avenv.vision.raster.render import draw_cameras

_PACKAGE = Path(__file__).parents[1]
_SELDOM = (200_000, 10, 10)  # new objects until Python looks through them; it does so at 700
_done = False


def warm_up() -> bool:
    """Compile what is not compiled yet, with a progress bar; return whether anything was.

    If all is compiled, it returns at once.

    Numba keeps compiled kernels on disk. A mark in the cache folder says that they are there; it is
    named by everything that would make Numba compile anew.
    """
    global _done
    if _done:
        return False
    _done = True
    folder = cache_folder()
    mark = folder / f"kernels-{_state()}" if folder else None
    if mark and mark.exists():
        return False
    world = None
    stages = tqdm(STAGES.items(), desc="compiling kernels, once", unit="part", leave=False)
    with stages as bar, _collecting_seldom(), _compiling() as compiled:
        for name, stage in bar:
            bar.set_postfix_str(name)
            compiled(name)  # what other processes compile is only read then
            world = world or load_scene(_closet())
            stage(world)
    if mark:
        try:
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
        except OSError as error:
            warnings.warn(f"{mark} cannot be written ({error})", CacheWarning, stacklevel=2)
    return True


def compile_stages(names: Sequence[str]) -> None:
    """Compile what some of ``STAGES`` use, for another process, and print each that is done."""
    with _collecting_seldom():
        world = load_scene(_closet())
        for name in names:
            STAGES[name](world)
            print(name, flush=True)


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Let Python look for circular garbage seldom: among what a compiler makes it finds little.

    To look through all of that takes a tenth of the compiler's time.
    """
    usual = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def _compiling() -> Iterator[Callable[[str], None]]:
    """Let other Pythons compile if all is to be compiled; give a function that awaits a stage.

    The compiler has no threads, and keeps 400 MiB for as long as its process lives. Where there is
    no other Python, or it fails, nothing is awaited: what it has not compiled, this process does.
    """
    names, of = list(STAGES), dict[str, int]()
    split = names.index(BESIDE) if num_threads() > 1 else len(names)
    processes: list[subprocess.Popen[str]] = []

    def start(some: list[str]) -> None:
        process = _start(some) if some else None
        if process:
            of.update(dict.fromkeys(some, len(processes)))
            processes.append(process)

    def wait(name: str) -> None:
        if name in of:
            lines = iter(processes[of[name]].stdout or ())
            next((line for line in lines if line.strip() == name), None)
        if name == COMMON and processes:
            start(names[split:])

    try:
        if not (is_on_disk(propagate) or is_on_disk(draw_cameras)):
            start(names[:split])
        yield wait
    except BaseException:
        for process in processes:
            process.kill()
        raise
    finally:
        for process in processes:
            process.communicate()


def _start(names: list[str]) -> "subprocess.Popen[str] | None":
    """Let another Python ``compile_stages``; None where there is none."""
    if not sys.executable:
        return None
    code = f"from {__name__} import compile_stages; compile_stages({names!r})"
    code += "; import os; os._exit(0)"  # taking apart what the compiler made would take it seconds
    nowhere = subprocess.DEVNULL
    try:
        return subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=nowhere, stdout=subprocess.PIPE, stderr=nowhere, text=True,
        )  # fmt: skip
    except OSError:
        return None  # this one compiles all then


def _state() -> str:
    """Return a digest of sources, compiler and processor."""
    digest = hashlib.sha256(
        repr(
            (numba.__version__, platform.python_version(), llvmlite.binding.get_host_cpu_name())
        ).encode()
    )
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(f"{path}:{path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def _closet() -> SceneSpec:
    builder = SceneBuilder("closet")
    room = builder.room("closet", size=(3, 3))
    builder.place("plant", at=(2.4, 2.4), room=room)
    builder.place("floor_lamp", at=(0.5, 2.4), room=room)
    return builder.build()


def _cast(world: World) -> None:
    bvh, eye = world.compiled.bvh, np.array([[1.0, 1.0, 1.2]])
    cast_rays(bvh, eye, np.array([[1.0, 0.0, 0.0]]))
    lines_of_sight(bvh, eye, eye + 0.1)


def _look(world: World) -> None:
    renderer = vision.make_renderer(1, vision.Optics((32, 32)), ("rgb", "depth", "semantic"))
    eye = np.array([[1.0, 1.0, 1.2]])
    renderer.draw([world.raster], [0], eye, frames.body_rotation([0.0]))


def _walk(world: World) -> None:
    grid, here = world.walkable, np.array([[1.0, 1.0]])
    field = navigation.geodesic_field(grid, here[0])
    start = np.array([[1.0, 2.0]])
    navigation.move(grid, here, np.array([[0.1, 0.0]]))
    navigation.shortest_path(grid, field, start[0])
    follower.count_actions(grid, field, start[0], 0.0)
    follower.next_action(grid, field, start[0], 0.0)


def _respond(world: World) -> None:
    engine = Engine(16000, "binaural", 1600)
    field = engine.source_field(world.acoustics_for(), (1.0, 1.0, 1.0), 1.25)
    engine.responses(ResponseBatch.of_source(field, (2.0, 1.0, 1.25)))


def _listen(world: World) -> None:
    response = np.zeros((1, 2, 1600), np.float32)  # such as an engine makes
    response[:, :, 0] = 1
    stream = Stream(1, 2, 800, 1600, 1600)
    stream.reset(0, np.ones((1, stream.past), np.float32), response)
    stream.push(np.array([0]), np.ones((1, 1, 800), np.float32), response)
    spectrogram(stream.window)


STAGES: dict[str, Callable[[World], object]] = {
    "rays": _cast,
    "sound": _respond,
    "sight": _look,
    "walking": _walk,
    "hearing": _listen,
}
"""What uses all kernels, in the order in which they are compiled."""

COMMON, BESIDE = "rays", "sight"
"""The stage whose kernels the others need, and the first that a second process can compile, with
those after it, while a first one is at those before."""
