"""What a backend makes: prepared scenes, and renderers that draw them."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.scene.compiled import CompiledScene


class Instances(NamedTuple):
    """K rigid things in front of each of n cameras.

    A pose moves a part from where it was compiled: point p goes to ``rotation @ p + translation``.
    To turn a door by R about its hinge h, give ``R`` and ``h - R @ h``.

    Attributes:
        part: (n, K) int32 which part to draw, -1 for none; a part may be drawn more than once.
        rotation: (n, K, 3, 3) float64 proper rotations.
        translation: (n, K, 3) float64 metres.
        light: (n, K) int32 which of the scene's lights each guest stands in, 0 of what is none.
    """

    part: NDArray[np.int32]
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]
    light: NDArray[np.int32] | int = 0


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
        cameras: ArrayLike | None = None,
    ) -> None:
        """Fill the pictures.

        Args:
            scenes: the distinct scenes, of the same backend.
            scene_of: (n,) which of them each camera is in.
            positions: (n, 3) metres.
            rotations: (n, 3, 3), columns forward, left and up as ``core.frames.body_rotation``
                gives.
            instances: where the scenes' movable parts are; by default, where they were compiled.
            cameras: (m,) numbers of those to draw, by default all n; the pictures of the others
                stay as they are.

        Raises:
            ValueError: a shape does not fit, a pose is not finite, or a part is not there.
        """
