"""Walks through homes, each a client's own, that are told apart by a handle nobody can guess."""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.suggest import accepted
from avenv.envs import Env
from avenv_agents.omni import media
from avenv_agents.omni.bearings import bearings_of

SENSORS = ("rgb", "depth", "audio", "pose", "contact")
"""What a body senses; nothing else is ever told while an episode is under way."""


class WalkError(ValueError):
    """Something cannot be done; the message says what can."""


@dataclass(frozen=True)
class Limits:
    """What clients may ask for, all together.

    Attributes:
        walks: open at once; for a further one the walk that is idle longest must make room.
        idle: seconds after which it must.
        episodes: of all walks, as long as the server runs.
        steps: of an episode.
        actions: of one call.
    """

    walks: int = 8
    idle: float = 600.0
    episodes: int = 1000
    steps: int = 500
    actions: int = 20

    def __post_init__(self) -> None:
        for name in ("walks", "episodes", "steps", "actions"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}; accepted: 1 or more")


@dataclass
class Walk:
    """One client's way through one home after another."""

    env: Env
    observation: dict[str, NDArray] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    is_over: bool = True
    used: float = 0.0


class Walks:
    """All walks of a server.

    Args:
        make: makes an environment with ``SENSORS`` and discrete actions.
        limits: what clients may ask for.

    Every method may be called from any thread; one works at a time.
    """

    def __init__(self, make: Callable[[], Env], limits: Limits):
        self._make, self._limits = make, limits
        self._walks: dict[str, Walk] = {}
        self._episodes = 0
        self._lock = threading.Lock()

    def reset(self, handle: str = "", seed: int | None = None) -> str:
        """Begin an episode, in a walk that is there or in a new one, and return its handle.

        Raises:
            WalkError: a limit is reached, there is no such walk, or the seed is none.
        """
        with self._lock:
            if self._episodes >= self._limits.episodes:
                raise WalkError(f"all {self._episodes} episodes of this server have been walked")
            if seed is not None and not 0 <= seed < 2**31:
                raise WalkError(f"seed is {seed}; accepted: 0 to {2**31 - 1}, or none")
            if not handle:
                self._make_room()
            walk = self._find(handle) if handle else Walk(self._make())
            walk.observation, walk.info = walk.env.reset(seed=seed)
            walk.steps, walk.is_over, walk.used = 0, False, time.monotonic()
            self._episodes += 1
            handle = handle or secrets.token_urlsafe(12)
            self._walks[handle] = walk
            return handle

    def step(self, handle: str, actions: Sequence[str]) -> str:
        """Carry out some actions, until one meets something or the episode is over; say how it was.

        Raises:
            WalkError: there is no such walk, action or episode.
        """
        with self._lock:
            walk = self._find(handle)
            names = walk.env.action_names
            if not 1 <= len(actions) <= self._limits.actions:
                raise WalkError(
                    f"{len(actions)} actions; accepted: 1 to {self._limits.actions} in one call"
                )
            for name in actions:
                if name not in names:
                    raise WalkError(f"action is {name!r:.60}; {accepted(name, names)}")
            if walk.is_over:
                raise WalkError("the episode is over; accepted: reset")
            told = []
            for name in actions:
                result = walk.env.step(names.index(name))
                walk.observation, _, terminated, truncated, walk.info = result
                walk.steps += 1
                walk.is_over = terminated or truncated or walk.steps >= self._limits.steps
                bumped = bool(walk.observation["contact"][0] > 0)
                told.append(name + (" (bumped into something)" if bumped else ""))
                if answer := walk.info.get("answer"):
                    told.append(f"you were told: {answer}")
                if bumped or walk.is_over or answer:
                    break
            done = f"{walk.steps}: " + ", ".join(told)
            return done + ("; the episode is over" if walk.is_over else "")

    def picture(self, handle: str, depth: bool = False) -> bytes:
        """Return a PNG of what is seen: colours, or depth in grey, white 10 m away."""
        with self._lock:
            seen = self._find(handle).observation
            return media.png_of(media.grey_of(seen["depth"]) if depth else seen["rgb"])

    def sound(self, handle: str) -> tuple[bytes, str]:
        """Return a WAV of what both ears heard last, and in words what microphones measure."""
        with self._lock:
            walk = self._find(handle)
            settings = walk.env.batch.simulator.settings
            heard, rate = walk.observation["audio"], settings.sample_rate
            latest = heard[:, -max(settings.step_samples, 512) :]
            return media.sound_file(heard, rate, "wav"), bearings_of(latest, rate)

    def state(self, handle: str) -> dict[str, Any]:
        """Return what a body knows of itself; how well it did, when the episode is over."""
        with self._lock:
            walk = self._find(handle)
            ahead, left, heading, seconds = (float(x) for x in walk.observation["pose"])
            told: dict[str, Any] = {
                "instruction": walk.info["instruction"],
                "actions": list(walk.env.action_names),
                "steps": walk.steps,
                "steps_left": self._limits.steps - walk.steps,
                "metres_ahead_of_start": round(ahead, 3),
                "metres_left_of_start": round(left, 3),
                "degrees_turned_left": round(float(np.rad2deg(heading)), 1),
                "seconds": round(seconds, 3),
                "bumped": bool(walk.observation["contact"][0] > 0),
                "over": walk.is_over,
            }
            if walk.is_over:
                told["success"] = bool(walk.info["metrics"]["success"] > 0)
            return told

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            for walk in self._walks.values():
                walk.env.close()
            self._walks.clear()

    def _find(self, handle: str) -> Walk:
        if handle not in self._walks:
            raise WalkError("there is no such walk; accepted: the handle that reset returned")
        walk = self._walks[handle]
        walk.used = time.monotonic()
        return walk

    def _make_room(self) -> None:
        if len(self._walks) < self._limits.walks:
            return
        oldest = min(self._walks, key=lambda handle: self._walks[handle].used)
        idle = time.monotonic() - self._walks[oldest].used
        if idle < self._limits.idle:
            raise WalkError(
                f"{len(self._walks)} walks are open, which is the most; accepted: reset with the "
                f"handle of yours, or later"
            )
        self._walks.pop(oldest).env.close()
