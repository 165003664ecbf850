"""The file of a trained ear."""

from pathlib import Path
from typing import Any

import torch

from avenv_agents.encoders.ear import Belief
from avenv_agents.shipped import find_shipped
from avenv_agents.weights import load_weights, save_weights

EAR_FILE = "ear.npz"
KIND = "ear"
SIZES = ("inputs", "hidden", "memory")


def save_ear(path: Path, belief: Belief, description: dict[str, Any]) -> None:
    """Write the weights of a belief, with its sizes and what else is to be known of it."""
    sizes = {
        "inputs": belief.ear.layers[0].in_features,
        "hidden": belief.ear.heads.in_features,
        "memory": belief.gru.state,
    }
    weights = {name: value.cpu().numpy() for name, value in belief.state_dict().items()}
    save_weights(path, weights, {**description, "kind": KIND, **sizes})


def load_ear(path: str | Path) -> Belief:
    """Return the belief in a file, in the folder of its training, or of a shipped policy's name.

    Raises:
        ValueError: there is none.
    """
    path = find_shipped(path)
    path = path / EAR_FILE if path.is_dir() else path
    weights, description = load_weights(path)
    if description.get("kind") != KIND or not all(name in description for name in SIZES):
        raise ValueError(f"{path} holds no ear; accepted: what `avenv ear train` wrote")
    belief = Belief(**{name: description[name] for name in SIZES})
    tensors = {name: torch.from_numpy(value) for name, value in weights.items()}
    try:
        belief.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{path} is of another version of the ear: {error}") from error
    return belief.eval()
