"""Where torch computes."""

import torch

DEVICES = ("auto", "cpu", "cuda")
"""What may be asked for; auto: a GPU if there is one."""


def find_device(name: str) -> str:
    """Return the device that is meant by a name in ``DEVICES``.

    Raises:
        ValueError: there is none of this name, or no GPU that torch can compute on.
    """
    if name not in DEVICES:
        raise ValueError(f"device is {name!r}; accepted: {', '.join(DEVICES)}")
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise ValueError("device is 'cuda', and torch sees no GPU; accepted: cpu or auto")
    return "cuda" if has_gpu and name != "cpu" else "cpu"
