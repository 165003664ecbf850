"""Weights of networks in files that run no code: NumPy's archives, with a description in JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.files import draft_of

DESCRIPTION = "description.json"
"""Name of the description in the archive, an array of its bytes."""


def save_weights(
    path: str | Path, weights: Mapping[str, NDArray], description: Mapping[str, Any]
) -> None:
    """Write arrays by name and a description; the file appears only when it is whole."""
    text = json.dumps(dict(description), sort_keys=True).encode()
    arrays = {**weights, DESCRIPTION: np.frombuffer(text, np.uint8)}
    with draft_of(path) as draft, open(draft, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def load_weights(path: str | Path) -> tuple[dict[str, NDArray], dict[str, Any]]:
    """Return the arrays of a file, and its description; nothing in it is run.

    Raises:
        ValueError: there is no such file, or it holds no weights.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        description = json.loads(arrays.pop(DESCRIPTION).tobytes())
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist; accepted: a file of weights") from None
    except Exception as error:  # a damaged file raises all kinds of errors
        raise ValueError(
            f"{path} holds no weights ({error}); accepted: a file that avenv saved"
        ) from error
    if not isinstance(description, dict):
        raise ValueError(f"{path} has the description {description!r}; accepted: a mapping")
    return arrays, description
