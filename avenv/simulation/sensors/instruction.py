"""``instruction`` and ``answer``: what a body is asked to do and is told, as numbers of words."""

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.simulation.sensors.sensor import Sensor
from avenv.simulation.state import Start
from avenv.simulation.vocabulary import LENGTH, tokens, vocabulary


class Instruction(Sensor):
    """(E, 32) int32: numbers of the words in ``vocabulary.txt``, 0 after the last."""

    def space(self) -> spaces.Box:
        """Return int32 (32,) from 0 to the number of words."""
        return spaces.Box(0, len(vocabulary()), (LENGTH,), np.int32)

    def check(self, start: Start) -> None:
        """Raise ``ValueError`` if an instruction is too long or has a word that nobody knows."""
        tokens(start.instruction)

    def observe(self, out: NDArray) -> None:
        """Write the instructions."""
        for row, instruction in enumerate(self.rig.state.instruction):
            out[row] = tokens(instruction)


class Answer(Instruction):
    """(E, 32) int32: numbers of the words that the body was told in the latest step, else 0."""

    def check(self, start: Start) -> None:
        """Refuse nothing: all answers can be said."""

    def observe(self, out: NDArray) -> None:
        """Write the answers."""
        for row, answer in enumerate(self.rig.state.answer):
            out[row] = tokens(answer)
