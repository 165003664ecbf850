"""What two microphones at the head measure, in words: a level, and how the ears differ."""

import numpy as np
from numpy.typing import NDArray

from avenv_agents.hearing import (
    FRAME,
    HEAD_RADIUS,
    SILENCE,
    SPEED_OF_SOUND,
    interaural_correlation,
    level_difference,
)

_SIDES = np.linspace(-1, 1, 37)  # sines of the angle to the left
CLEAR, VAGUE = 0.5, 0.25
"""Interaural correlations above which a direction is clear, and below which there is none."""


def bearings_of(audio: NDArray[np.float32], sample_rate: int) -> str:
    """Return in words what is measured of the sound (2, N) at the ears.

    Two ears at rest cannot tell front from back: of a direction both angles are told.
    """
    if audio.shape[1] < FRAME or (rms := float(np.sqrt(np.mean(audio**2)))) <= SILENCE:
        return "silence"
    level = f"{20 * np.log10(rms):.0f} dB re full scale"
    side, match = direction_of(audio, sample_rate)
    louder = level_difference(audio, sample_rate)
    ears = f"left ear {louder:+.0f} dB against the right"
    if match < VAGUE:
        return f"{level}; {ears}; from no one direction"
    angle = round(float(np.rad2deg(np.arcsin(abs(side)))) / 5) * 5
    how = "clearly" if match >= CLEAR else "vaguely"
    if angle == 0:
        return f"{level}; {ears}; {how} from straight ahead or behind"
    hand = "left" if side > 0 else "right"
    return f"{level}; {ears}; {how} from {angle}° or {180 - angle}° to the {hand}"


def direction_of(audio: NDArray[np.float32], sample_rate: int) -> tuple[float, float]:
    """Return the sine of the angle to the left at which two ears agree best, and how well.

    The time differences of a sphere, Woodworth 1938.
    """
    delays = HEAD_RADIUS / SPEED_OF_SOUND * (np.arcsin(_SIDES) + _SIDES)
    match = interaural_correlation(audio, sample_rate, delays)
    best = int(match.argmax())
    return float(_SIDES[best]), float(match[best])
