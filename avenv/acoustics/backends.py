"""The engines to choose from: modules that each offer ``Engine`` and ``impulse_response``."""

from types import ModuleType

from avenv.acoustics import native as engine
from avenv.acoustics import pyroom as reference

ENGINES: dict[str, ModuleType] = {"native": engine, "pyroomacoustics": reference}


def find_engine(name: str) -> ModuleType:
    """Return an engine's module by its name in ``ENGINES``; ``ValueError`` for another."""
    if name not in ENGINES:
        raise ValueError(f"acoustics is {name!r}; accepted: {', '.join(map(repr, ENGINES))}")
    return ENGINES[name]
