"""What sensors share that are functions of the window of sound."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from avenv.simulation.sensors.sensor import Rig, Sensor


class Feature(Sensor):
    """A function of each body's window (C, W); it is computed once for every moment it is heard."""

    name = "a feature"
    two_ears = False
    """Whether it needs exactly two channels, left first."""

    def __init__(self, rig: Rig):
        super().__init__(rig)
        self._ears = rig.ears
        channels = rig.settings.channels
        if self.two_ears and channels != 2:
            raise ValueError(
                f"sensors has {self.name!r} and layout is {rig.settings.layout!r}, channels "
                f"{channels}; accepted: a layout with a left and a right channel"
            )
        self._values = np.zeros((len(rig.state), *(self.space().shape or ())), np.float32)

    @abstractmethod
    def compute(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the features (R, ...) float32 of windows (R, C, W)."""

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Compute the features of the first windows."""
        # Row by row: NumPy rounds otherwise at the ends of its vectors, which depend on the batch.
        for row in rows.tolist():
            self._values[row] = self.compute(self._ears.window[row : row + 1])[0]

    def advance(self, rows: NDArray[np.int64]) -> None:
        """Compute the features of the windows as they are now."""
        self.begin(rows)

    def observe(self, out: NDArray) -> None:
        """Copy the features."""
        out[:] = self._values
