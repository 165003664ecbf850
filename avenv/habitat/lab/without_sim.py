"""Let habitat-lab be imported where habitat_sim is not installed.

habitat-lab 0.3.3 imports habitat_sim and magnum at three places on the way to its core: the state
machine of things, the batch renderer and the rearrangement tasks. Each of these modules is replaced
by one that has the names that others import, and raises when one of them is used. Nothing is put in
the place of habitat_sim itself: whoever asks for ``Sim-v0`` still gets habitat-lab's own error.
"""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class NeedsHabitatSimError(ImportError):
    """Something of habitat-lab was used that cannot be without habitat_sim."""


def enable_without_sim() -> bool:
    """Make ``import habitat`` possible without habitat_sim; call it before that.

    Where habitat_sim is installed nothing is done.

    Returns:
        whether modules were replaced.

    Raises:
        ImportError: habitat-lab is not installed.
        RuntimeError: ``habitat`` has begun to be imported already.
    """
    if find_spec("habitat_sim") is not None:
        return False
    if find_spec("habitat") is None:
        raise ImportError(
            "habitat-lab is not installed; docs/habitat.md says how to install it without its pins"
        )
    if all(name in sys.modules for name in _REPLACED):
        return True
    if "habitat" in sys.modules:
        raise RuntimeError("habitat is imported already; accepted: enable_without_sim() before it")
    for name, contents in _REPLACED.items():
        module = ModuleType(name, "Replaced by avenv.habitat.lab.enable_without_sim.")
        module.__path__ = []
        module.__dict__.update(contents)
        sys.modules[name] = module
    return True


def _missing(name: str) -> type:
    """Return a class that cannot be made."""

    def refuse(self: Any, *args: Any, **kwargs: Any) -> None:
        raise NeedsHabitatSimError(f"{name} needs habitat_sim, which is not installed")

    return type(name, (), {"__init__": refuse})


def _untimed(*args: Any, **kwargs: Any) -> Callable:
    """Stand in for a decorator that measures how long a method takes."""
    return lambda method: method


_REPLACED: dict[str, dict[str, Any]] = {
    "habitat.sims.habitat_simulator.object_state_machine": {
        "ObjectStateMachine": _missing("ObjectStateMachine")
    },
    "habitat.core.batch_rendering.env_batch_renderer": {
        "EnvBatchRenderer": _missing("EnvBatchRenderer")
    },
    "habitat.tasks.rearrange": {"_try_register_rearrange_task": lambda: None},
    "habitat.tasks.rearrange.rearrange_sim": {"add_perf_timing_func": _untimed},
}
