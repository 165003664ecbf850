"""Digest what environments give, so that two commits can be compared to the bit.

    python scripts/pin_bits.py write pins.json      # with the one commit
    python scripts/pin_bits.py check pins.json      # with the other, on the same machine

Every episode is one digest of its observations, rewards, ends and infos under seeded actions.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import click
import gymnasium as gym
import numpy as np
from tqdm import tqdm

import avenv  # noqa: F401 (registers the environments)

STEPS = 30
"""Actions after which the next episode begins: some stop before."""

PARTS: dict[str, dict[str, Any]] = {
    "apartment": {"scenes": "apartment", "sounds": "builtin:heard"},
    "homes": {"scenes": "homes:val", "sounds": "builtin:unheard", "light": "night"},
}
SENSORS = ("rgb", "depth", "semantic", "instance", "normal", "audio", "spectrogram")


def digest(env: gym.Env, seed: int | None, rng: np.random.Generator) -> str:
    """Return the digest of one episode."""
    told = hashlib.sha256()
    observation, info = env.reset(seed=seed)
    _tell(told, observation, info)
    for _ in range(STEPS):
        action = int(rng.choice(4, p=[0.02, 0.58, 0.2, 0.2]))
        observation, reward, terminated, truncated, info = env.step(action)
        _tell(told, observation, info, reward, terminated, truncated)
        if terminated or truncated:
            break
    return told.hexdigest()[:16]


def _tell(told: Any, observation: dict[str, np.ndarray], info: dict[str, Any], *more: Any) -> None:
    for name in SENSORS:
        told.update(np.ascontiguousarray(observation[name]).tobytes())
    groups = {group: dict(sorted(info[group].items())) for group in ("metrics", "truth")}
    told.update(repr((groups, more)).encode())


def digests(part: str, episodes: int) -> list[str]:
    """Return the digests of the episodes of one part, ten in a row in each home."""
    env = gym.make(
        "avenv/AudioGoal-v0", sensors=SENSORS, image_size=(48, 36), disable_env_checker=True,
        **PARTS[part],
    )  # fmt: skip
    rng = np.random.default_rng(0)
    numbers = tqdm(range(episodes), desc=part, unit="episode")
    return [digest(env, 0 if k == 0 else None, rng) for k in numbers]


@click.command()
@click.argument("what", type=click.Choice(["write", "check"]))
@click.argument("path", type=click.Path(dir_okay=False))
@click.option("--episodes", default=100, show_default=True, help="Of each part.")
def main(what: str, path: str, episodes: int) -> None:
    """Write the digests of AudioGoal's episodes to PATH, or check them against those in it."""
    if what == "write":
        made = {part: digests(part, episodes) for part in PARTS}
        Path(path).write_text(json.dumps(made, indent=1))
        click.echo(f"wrote {sum(map(len, made.values()))} digests to {path}")
        return
    pinned = json.loads(Path(path).read_text())
    wrong = 0
    for part, before in pinned.items():
        now = digests(part, min(episodes, len(before)))
        differing = [k for k, value in enumerate(now) if value != before[k]]
        wrong += len(differing)
        first = f", the first is {differing[0]}" if differing else ""
        click.echo(f"{part}: {len(differing)} of {len(now)} episodes differ{first}")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
