"""Gymnasium's view of it all: single and vector environments.

What is heavy is loaded when it is first asked for, so that importing avenv stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avenv.envs.batch import Batch
    from avenv.envs.env import Env
    from avenv.envs.vector import BatchEnv

__all__ = ["Batch", "BatchEnv", "Env"]

_HOMES = {"Batch": "batch", "BatchEnv": "vector", "Env": "env"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
