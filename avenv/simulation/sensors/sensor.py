"""What every sensor is, and what sensors are mounted on."""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.simulation.cameras import Camera
from avenv.simulation.ears import Ears
from avenv.simulation.eyes import Eye, Scenery
from avenv.simulation.state import Start, State
from avenv.simulation.world import World

if TYPE_CHECKING:
    from avenv.acoustics import AcousticSettings
    from avenv.simulation.settings import SensorSettings


class Rig:
    """What the sensors of E bodies share: settings, the state, and the organs that several read.

    Ears and eyes are made when a sensor asks for them, so that what nobody chose costs nothing.

    Attributes:
        settings: what was chosen.
        state: of the bodies; sensors read it.
    """

    def __init__(
        self,
        settings: "SensorSettings",
        state: State,
        acoustics: str = "native",
        propagation: "AcousticSettings | None" = None,
        vision: str = "raster",
    ):
        self.settings = settings
        self.state = state
        self._acoustics, self._propagation, self._vision = acoustics, propagation, vision
        self._eyes: dict[str, Eye] = {}

    @property
    def organs(self) -> tuple[Ears, ...]:
        """The ears, if a sensor asked for them."""
        return (self.ears,) if "ears" in self.__dict__ else ()

    @property
    def eyes(self) -> tuple[Eye, ...]:
        """The eyes that sensors asked for."""
        return tuple(self._eyes.values())

    @cached_property
    def ears(self) -> Ears:
        """What the bodies hear."""
        return Ears(self.settings, self.state, self._acoustics, self._propagation)

    @cached_property
    def scenery(self) -> Scenery:
        """The worlds as eyes see them."""
        return Scenery(self.state, self.settings.light, self._vision)

    def prepare(self, world: World) -> None:
        """Make what eyes and ears will need of a world before they are in it."""
        if self._eyes:
            self.scenery.prepared(world)
        if self.organs:
            world.acoustics_for(self._acoustics)

    def eye(self, camera: Camera | None = None) -> Eye:
        """Return what one camera sees, by default the one that looks straight ahead."""
        chosen = camera or self.settings.ahead(self.state.body.eye_height)
        if chosen is None:
            raise ValueError("the settings choose no picture of the camera at the eye")
        if chosen.name not in self._eyes:
            self._eyes[chosen.name] = Eye(chosen, self.state, self.scenery)
        return self._eyes[chosen.name]


class Sensor(ABC):
    """One observation of E bodies.

    What a sensor remembers it changes in ``begin`` and ``advance`` only: ``observe`` is pure. Rows
    must not depend on each other.

    Attributes:
        rig: what it is mounted on; ``rig.state`` says where the bodies are.
    """

    def __init__(self, rig: Rig):
        self.rig = rig

    @abstractmethod
    def space(self) -> spaces.Box:
        """Return the space of one body's observation."""

    def check(self, start: Start) -> None:  # noqa: B027
        """Raise ``ValueError`` if it cannot observe an episode that begins so."""

    def begin(self, rows: NDArray[np.int64]) -> None:  # noqa: B027
        """Take note that the episodes of some rows (R,) have begun."""

    def advance(self, rows: NDArray[np.int64]) -> None:  # noqa: B027
        """Take note that a step of time has passed for some rows (R,)."""

    @abstractmethod
    def observe(self, out: NDArray) -> None:
        """Write what all bodies observe now into ``out`` (E, ...), shaped as the space says."""
