"""Gymnasium's view of it all: single and vector environments.

What is heavy is loaded when it is first asked for, so that importing avenv stays light.
"""

from typing import TYPE_CHECKING

from avenv.core.lazy import lazily

if TYPE_CHECKING:
    from avenv.envs.batch import Batch
    from avenv.envs.env import Env
    from avenv.envs.vector import BatchEnv

__all__ = ["Batch", "BatchEnv", "Env"]

__getattr__ = lazily(__name__, {"Batch": ".batch", "BatchEnv": ".vector", "Env": ".env"})
