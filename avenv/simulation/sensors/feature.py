"""What sensors share that are functions of the window of sound."""

from abc import abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avenv.simulation.sensors.sensor import Rig, Sensor


class Sliding(Protocol):
    """Features of E windows that slide, of which only what is new is made.

    Attributes:
        values: (E, ...) float32; the next call overwrites them.
    """

    values: NDArray[np.float32]

    def renew(self, rows: NDArray[np.int64], windows: NDArray[np.float32]) -> None:
        """Make the features of some rows (R,) of windows (E, C, W) anew."""

    def slide(self, rows: NDArray[np.int64], windows: NDArray[np.float32]) -> None:
        """Follow some rows (R,) of windows (E, C, W), which have moved on by one step."""


class Feature(Sensor):
    """A function of each body's window (C, W); it follows the window as it slides."""

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
        self._features = self.follow(len(rig.state))

    @abstractmethod
    def follow(self, num: int) -> Sliding:
        """Return what makes the features of so many windows."""

    def compute(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the features (R, ...) float32 of any windows (R, C, W)."""
        features = self.follow(len(windows))
        features.renew(np.arange(len(windows)), windows)
        return features.values

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Make the features of the first windows."""
        self._features.renew(rows, self._ears.window)

    def advance(self, rows: NDArray[np.int64]) -> None:
        """Make what is new of the features."""
        self._features.slide(rows, self._ears.window)

    def observe(self, out: NDArray) -> None:
        """Copy the features."""
        out[:] = self._features.values
