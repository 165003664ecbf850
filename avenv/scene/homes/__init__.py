"""Procedural homes: endless by seed, and two fixed lists."""

from avenv.scene.homes.generate import HomeOptions, generate_home

__all__ = ["HomeOptions", "generate_home"]
