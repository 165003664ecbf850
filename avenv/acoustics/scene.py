"""A scene prepared to be heard: what all backends that know triangles need of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics.places import Floors, off_faces
from avenv.acoustics.tables import AcousticTables, is_inside_solid, tabulate
from avenv.core import cache
from avenv.core.errors import SceneError
from avenv.geometry import build_bvh
from avenv.scene.compiled import CompiledScene

_MAKERS = ("acoustics/tables.py",)
_NOTHING = np.zeros((0, 3, 3), np.float32)


@dataclass(frozen=True, eq=False)
class AcousticScene:
    """A compiled scene, and its acoustic tables when they are first asked for.

    Attributes:
        compiled: the scene.
    """

    compiled: CompiledScene

    @cached_property
    def tables(self) -> AcousticTables:
        """What kernels need to know of it; of a large scene it is kept on disk."""
        compiled = self.compiled
        if compiled.rest is not None or len(compiled.triangles) < cache.WORTH_KEEPING:
            return tabulate(compiled)
        key = f"tables-{cache.code_digest(*_MAKERS)}-{compiled.fingerprint}"
        kept = cache.recall(
            key, AcousticTables, lambda: tabulate(compiled)._replace(bvh=build_bvh(_NOTHING))
        )
        return kept._replace(bvh=compiled.bvh)

    @cached_property
    def _floors(self) -> Floors:
        return Floors(self.tables, self.compiled.rooms)

    @property
    def name(self) -> str:
        """The scene's name."""
        return self.compiled.name

    def check_position(self, position: ArrayLike, what: str) -> NDArray[np.float64]:
        """Return a position as (3,) float64 if sound can be there; on a face, just before it.

        Args:
            position: world metres.
            what: is there, for the message.

        Raises:
            SceneError: it is not three finite numbers, inside a solid, or, in a scene of rooms,
                neither in one of them nor in an opening between them.
        """
        try:
            point = np.array(position, np.float64)
        except (TypeError, ValueError):
            point = np.zeros(0)
        if point.shape != (3,) or not np.isfinite(point).all():
            raise SceneError(
                f"{self.name}: {what} {position!r} is not a position (x, y, z) in metres"
            )
        point = off_faces(self.tables, point)
        if wrong := self._wrong_with(point):
            place = ", ".join(f"{v:.3f}" for v in np.array(position, np.float64))
            raise SceneError(f"{self.name}: {what} ({place}) is {wrong}")
        return point

    def _wrong_with(self, point: NDArray[np.float64]) -> str:
        """Return why sound cannot be at a point (3,); empty if it can."""
        low, high = self.tables.bounds[:3], self.tables.bounds[3:]
        if self.compiled.rooms and ((point < low) | (point > high)).any():
            span = " x ".join(f"{a:.2f}..{b:.2f}" for a, b in zip(low, high, strict=True))
            return f"outside the scene, which spans {span} m"
        if is_inside_solid(self.tables, *point.tolist()):
            return "inside a solid or a wall; sound needs a place in the air"
        if self.compiled.rooms and not self._floors.hold(point):
            return "outside the scene's rooms"
        return ""


def prepare(compiled: CompiledScene, like: AcousticScene | None = None) -> AcousticScene:
    """Prepare a scene.

    Args:
        compiled: the scene.
        like: the same scene in another state; it is returned where the two sound alike.
    """
    if like and like.compiled.acoustic_fingerprint == compiled.acoustic_fingerprint:
        return like
    return AcousticScene(compiled)
