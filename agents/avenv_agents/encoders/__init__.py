"""Encoders: each turns what one sense observes into one vector for a policy, by name."""

from gymnasium import spaces

from avenv.core.suggest import accepted
from avenv_agents.encoders.body import Contact, Pose, PreviousAction
from avenv_agents.encoders.ear import BeliefEars
from avenv_agents.encoders.ears import BinauralEars, PerfectEars, SpectrogramEars
from avenv_agents.encoders.encoder import Encoder
from avenv_agents.encoders.eyes import ConvolutionalEyes, ResidualEyes
from avenv_agents.encoders.goal import GoalDescriptor
from avenv_agents.encoders.maps import AcousticMap, GeometricMap
from avenv_agents.encoders.words import Instruction

ENCODERS: dict[str, type[Encoder]] = {
    "eyes": ConvolutionalEyes,
    "residual_eyes": ResidualEyes,
    "spectrogram_ears": SpectrogramEars,
    "binaural_ears": BinauralEars,
    "belief_ears": BeliefEars,
    "goal_descriptor": GoalDescriptor,
    "perfect_ears": PerfectEars,
    "geometric_map": GeometricMap,
    "acoustic_map": AcousticMap,
    "pose": Pose,
    "contact": Contact,
    "previous_action": PreviousAction,
    "instruction": Instruction,
}
"""Every encoder: a class made with an observation space and options of its own."""

EARS = (SpectrogramEars, BinauralEars, BeliefEars)
"""Those that hear."""


def make_encoder(name: str, space: spaces.Dict, **options: object) -> Encoder:
    """Return the encoder of a name in ``ENCODERS`` for observations of a space.

    Raises:
        ValueError: there is no such encoder, it takes no such option, or the space lacks what it
            reads.
    """
    if name not in ENCODERS:
        raise ValueError(f"encoder is {name!r}; {accepted(name, ENCODERS)}")
    try:
        return ENCODERS[name](space, **options)
    except TypeError as error:
        raise ValueError(f"encoder {name!r}, {options}: {error}") from error


__all__ = ["EARS", "ENCODERS", "Encoder", "make_encoder"]
