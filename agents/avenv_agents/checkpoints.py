"""Policies as files of tensors and plain data, which run no code of whoever made them."""

from pathlib import Path
from typing import Any

import torch
from gymnasium import spaces

from avenv.core.files import draft_of
from avenv_agents.policy import Policy, PolicyConfig

FORMAT = 1
"""Of the files; raise it when what is in them changes."""


def save_checkpoint(path: Path, policy: Policy, **more: Any) -> None:
    """Write a policy's weights and what it acts on; the file appears when it is whole.

    Args:
        path: of the file.
        policy: to be saved.
        **more: tensors and plain data to keep beside it.

    Raises:
        ValueError: it acts on or by what is no ``Box`` and no ``Discrete`` space.
    """
    config = policy.portable_config()
    data = {
        "format": FORMAT,
        "observations": {n: space_data(policy.observation_space[n]) for n in policy.reads},
        "actions": space_data(spaces.Discrete(policy.actions)),
        "policy": vars(config),
        "weights": policy.state_dict(),
        **more,
    }
    with draft_of(path) as draft:
        torch.save(data, draft)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what was saved: tensors and plain data; no code in the file is run.

    Raises:
        ValueError: it is not such a file.
    """
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
        known = data["format"]
    except Exception as error:  # a damaged file raises all kinds of errors
        said = str(error).partition("\n")[0].partition(". ")[0]
        raise ValueError(
            f"{path}: holds no weights that `avenv train` saved ({type(error).__name__}: {said})"
        ) from error
    if known != FORMAT:
        raise ValueError(f"{path}: is of format {known!r}; accepted: {FORMAT}, of this release")
    return data


def load_checkpoint(path: Path) -> Policy:
    """Return a policy that ``save_checkpoint`` wrote, to act; no code in the file is run.

    Raises:
        ValueError: it is not such a file.
    """
    data = read_checkpoint(path)
    try:
        observations = {name: space_of(s) for name, s in data["observations"].items()}
        policy = Policy(
            spaces.Dict(observations), space_of(data["actions"]), PolicyConfig(**data["policy"])
        )
        policy.load_state_dict(data["weights"])
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"{path}: its weights are of another policy: {said}") from error
    return policy.eval()


def space_data(space: spaces.Space) -> dict[str, Any]:
    """Return a space as tensors and plain data; ``ValueError`` if it is no Box or Discrete."""
    if isinstance(space, spaces.Discrete):
        return {"n": int(space.n), "start": int(space.start)}
    if isinstance(space, spaces.Box):
        return {name: torch.from_numpy(getattr(space, name).copy()) for name in ("low", "high")}
    raise ValueError(f"a policy is to act on {space}; accepted: Box and Discrete spaces")


def space_of(data: dict[str, Any]) -> spaces.Space:
    """Return the space that ``space_data`` described."""
    if "n" in data:
        return spaces.Discrete(data["n"], start=data["start"])
    low, high = data["low"].numpy(), data["high"].numpy()
    return spaces.Box(low, high, dtype=low.dtype.type)
