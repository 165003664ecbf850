"""Begin with the weights of another policy: one of the same parts, or of fewer."""

from torch import Tensor

from avenv_agents.checkpoints import load_checkpoint
from avenv_agents.encoders import Encoder
from avenv_agents.policy import Policy
from avenv_agents.runs import POLICY_FILE
from avenv_agents.shipped import find_shipped

FUSED = "fusion.layers.0.weight"
"""Of the layer in which ``concatenation`` weighs all senses, (features, sum of their lengths)."""


def start_from(policy: Policy, file: str) -> None:
    """Give a policy the weights of another, which may lack some of its encoders.

    What an encoder adds counts for nothing at first: its columns of the fusion are 0, so that the
    policy begins by doing what the other did. One that ``extends`` an encoder takes its weights.

    Args:
        policy: that begins.
        file: of the other; or its folder, or the name of one that comes with the package.

    Raises:
        ValueError: the other is no such policy.
    """
    path = find_shipped(file)
    other = load_checkpoint(path / POLICY_FILE if path.is_dir() else path)
    try:
        policy.load_state_dict(_fitted(policy, other))
    except (RuntimeError, KeyError) as error:
        said = str(error).partition("\n")[0]
        raise ValueError(
            f"start_from: {file} holds another policy ({said}); accepted: one of the same parts, "
            "or that lacks some of the encoders and has the fusion 'concatenation'"
        ) from error


def _fitted(policy: Policy, other: Policy) -> dict[str, Tensor]:
    """Return the weights of another policy as those of a policy; ``KeyError`` if they are not."""
    given = other.state_dict()
    if list(policy.encoders) == list(other.encoders):
        return given
    found, fused = policy.state_dict(), policy.state_dict()[FUSED].zero_()
    taken, ours, theirs = set(), 0, _places(other)
    for name, encoder in policy.encoders.items():
        assert isinstance(encoder, Encoder)
        source = name if name in other.encoders else str(encoder.extends)
        if source in other.encoders:
            taken.add(source)
            first, length = theirs[source]
            fused[:, ours : ours + length] = given[FUSED][:, first : first + length]
            of_it = f"encoders.{source}."
            for key in [key for key in given if key.startswith(of_it)]:
                found[f"encoders.{name}.{key.removeprefix(of_it)}"] = given[key]
        ours += encoder.features
    if left := sorted(set(other.encoders) - taken):
        raise KeyError(f"its {', '.join(left)} are not read")
    rest = {key: value for key, value in given.items() if not key.startswith("encoders.")}
    return {**found, **rest, FUSED: fused}


def _places(policy: Policy) -> dict[str, tuple[int, int]]:
    """Return where the features of each encoder begin among all, and how many they are."""
    places, first = {}, 0
    for name, encoder in policy.encoders.items():
        assert isinstance(encoder, Encoder)
        places[name] = first, encoder.features
        first += encoder.features
    return places
