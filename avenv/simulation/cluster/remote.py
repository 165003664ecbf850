"""What runs on the machines of a cluster."""

import os
import pickle
import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from avenv.core.sources import digest_of

VERSIONS = ("avenv", "numpy", "scipy", "numba")
"""Packages that are to be the same on all machines."""

THREADS = ("AVENV_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
           "NUMBA_NUM_THREADS")  # fmt: skip
"""Variables from which a process that starts reads how many threads it may use."""

TOLD = ("AVENV_STORE",)
"""Variables that workers have as whoever asks them."""

Place = tuple[str, list[str]]
"""A folder to work in, and folders of modules."""

_PACKAGE = Path(__file__).parents[2]


def place() -> Place:
    """Return by what files and modules are found here."""
    return os.getcwd(), [os.path.abspath(folder) for folder in sys.path]


def environment(threads: int) -> dict[str, str]:
    """Return variables of a worker with so many threads."""
    told = {name: os.environ[name] for name in TOLD if name in os.environ}
    return told | dict.fromkeys(THREADS, str(threads))


def versions() -> dict[str, str]:
    """Return what has to be the same on all machines: versions, and a digest of avenv's code."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in VERSIONS},
        "code": digest_of(sorted(map(str, _PACKAGE.rglob("*.py")))),
    }


def address() -> str:
    """Return by what other machines of the cluster reach this one."""
    from ray.util import get_node_ip_address

    return get_node_ip_address()


def once(where: Place, function: bytes) -> Any:
    """Return what a pickled function returns here."""
    go_to(*where)
    return pickle.loads(function)()


def each(where: Place, function: bytes, job: bytes) -> Iterator[Any]:
    """Yield what a generator does, and say of what users can put right where it was."""
    go_to(*where)
    try:
        yield from pickle.loads(function)(pickle.loads(job))
    except (ValueError, OSError, ImportError) as error:
        raise _here(error) from error


def one(function: Callable[..., Any], job: tuple[int, tuple]) -> Iterator[tuple[int, Any]]:
    """Yield the number of a job, and what a function returns for it."""
    yield job[0], function(*job[1])


class Member:
    """Holds what does its part on one machine from beginning to end.

    Args:
        where: by what it finds files and modules.
        make: makes it, given its number and whether it takes the place of one that has died.
        number: of the member.
    """

    def __init__(self, where: Place, make: bytes, number: int):
        import ray

        go_to(*where)
        self._refusal: Exception | None = None
        is_new = not ray.get_runtime_context().was_current_actor_reconstructed
        try:
            self._made = pickle.loads(make)(number, is_new)
        except (ValueError, OSError, ImportError) as error:  # told when it is asked something
            self._refusal = _here(error)

    def call(self, verb: str, *arguments: Any) -> Any:
        """Return what a method of it returns."""
        if self._refusal is not None:
            raise self._refusal
        return getattr(self._made, verb)(*arguments)


def go_to(folder: str, paths: list[str]) -> None:
    """Find files and modules by the names that they have where somebody asks."""
    if Path(folder).is_dir():
        os.chdir(folder)
    sys.path += [path for path in paths if path not in sys.path]


def _here(error: Exception) -> ValueError:
    return ValueError(f"{error} (on the machine {platform.node()})")
