"""What made a result: versions, revision, machine, and what tells an agent from others."""

import hashlib
import inspect
import os
import platform
import subprocess
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import avenv
from avenv.core import parallel

PACKAGES = ("avenv", "numpy", "scipy", "numba", "gymnasium", "scikit-fmm", "soxr", "torch")
"""Packages whose versions results may depend on."""

VECTORS = ("avx2", "fma", "avx512f", "neon", "sve")
"""Vector instructions by which kernels sum in another order."""


def origin() -> dict[str, Any]:
    """Return what a session of an evaluation runs with, as plain data."""
    return {
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "revision": revision(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": processor(),
        "instructions": instructions(),
        "cores": os.cpu_count(),
        "threads": parallel.num_threads(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def revision() -> str | None:
    """Return the commit of avenv's checkout, ``+`` behind it if files differ; None elsewhere."""
    root = Path(avenv.__file__).parents[1]
    if not (root / ".git").exists():
        return None
    with suppress(OSError, subprocess.SubprocessError):
        commit, changed = (
            subprocess.run(
                ["git", "-C", str(root), *command],
                capture_output=True, text=True, check=True, timeout=20,
            ).stdout.strip()
            for command in (("rev-parse", "HEAD"), ("status", "--porcelain", "-uno"))
        )  # fmt: skip
        return commit + ("+" if changed else "")
    return None


def processor() -> str:
    """Return the name of the processor's kind."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def instructions() -> str:
    """Return the vector instructions that kernels are compiled for, ``"x86_64 avx2 fma"``.

    Machines with the same ones give the same bits.
    """
    from llvmlite import binding
    from numba import config

    able = {name for name, has in binding.get_host_cpu_features().items() if has}
    if config.CPU_FEATURES is not None:  # type: ignore[attr-defined]
        able = {name[1:] for name in config.CPU_FEATURES.split(",") if name.startswith("+")}  # type: ignore[attr-defined]
    return " ".join([platform.machine(), *(name for name in VECTORS if name in able)])


def identity(agent: Callable) -> str:
    """Return what tells an agent from others of its name: a digest of its code or its policy."""
    own = getattr(agent, "fingerprint", None)
    if own is not None:
        return str(own)
    with suppress(OSError, TypeError):
        source = inspect.getsourcefile(inspect.unwrap(agent))
        if source:
            return hashlib.sha256(Path(source).read_bytes()).hexdigest()[:16]
    return ""
