"""The backends to choose from: modules that turn compiled scenes into pictures.

A backend is a module with three functions:

- ``prepare(compiled, like=None)`` returns a ``PreparedScene``, whatever the backend draws from.
  ``like`` is the same scene prepared in other states, whose textures and light serve this one too.
- ``lit(prepared, light, rng=None)`` returns it in a light of ``vision.LIGHTS``, or in one that
  ``rng`` draws, ``"random"``; ``vision.light.moods.mood`` says what each of them means.
- ``make_renderer(n, optics, sensors)`` returns a ``Renderer`` of n cameras of one kind.

A renderer is called once for a whole batch, with plain arrays that have a row for each camera, as a
GPU would take them. Its pictures are functions of each row alone: the same bits in any batch.

A row ``BACKENDS["mine"] = module`` adds a backend.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from types import ModuleType
from typing import Any, Protocol

from numpy.typing import ArrayLike, NDArray

from avenv.scene.compiled import CompiledScene
from avenv.vision import raster
from avenv.vision.raster.instances import Instances

BACKENDS: dict[str, ModuleType] = {"raster": raster}
"""What draws pictures, by name."""


class PreparedScene(Protocol):
    """A scene as a backend draws it."""

    @property
    def compiled(self) -> CompiledScene:
        """What it was made of."""
        ...

    @property
    def parts(self) -> int:
        """How many of its things ``Instances`` move; those of held objects are the last."""
        ...


class Renderer(Protocol):
    """What draws the pictures of n cameras of one kind.

    Attributes:
        pictures: (n, H, W, C) by sensor, as ``camera.pictures.Pictures`` has them; always the same
            arrays, which ``draw`` fills.
    """

    pictures: dict[str, NDArray]

    def draw(
        self,
        scenes: Sequence[Any],
        scene_of: ArrayLike,
        positions: ArrayLike,
        rotations: ArrayLike,
        instances: Instances | None = None,
    ) -> None:
        """Fill the pictures.

        Args:
            scenes: the distinct scenes, of the same backend.
            scene_of: (n,) which of them each camera is in.
            positions: (n, 3) metres.
            rotations: (n, 3, 3), columns forward, left and up as ``core.frames.body_rotation``
                gives.
            instances: where the scenes' movable parts are; by default, where they were compiled.

        Raises:
            ValueError: a shape does not fit, a pose is not finite, or a part is not there.
        """


def find_backend(name: str) -> ModuleType:
    """Return the module of a backend.

    Raises:
        ValueError: ``BACKENDS`` has no such name; the message says which it has.
    """
    if name in BACKENDS:
        return BACKENDS[name]
    close = get_close_matches(str(name), BACKENDS, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"backend is {name!r}; accepted: {', '.join(map(repr, BACKENDS))}{hint}")
