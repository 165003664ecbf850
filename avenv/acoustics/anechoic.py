"""The backend without walls: what the ears would hear of a source in the free field.

Air, ears and the source's directivity are those of the native backend; everything that stands in a
scene is left out, walls between source and listener included. That is the control for every claim
about rooms: what is done as well without them was not done by hearing them.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from avenv.acoustics import native
from avenv.acoustics.field import SourceField
from avenv.acoustics.late.cells import lay_cells
from avenv.acoustics.late.tracing import LateField
from avenv.acoustics.native import QUESTION_SETTINGS
from avenv.acoustics.paths.image_sources import find_images
from avenv.acoustics.scene import AcousticScene, prepare
from avenv.acoustics.tables import AcousticTables, tabulate
from avenv.core.bands import OCTAVE_CENTRES
from avenv.scene.compiled import CompiledScene, SurfaceTable

__all__ = ["QUESTION_SETTINGS", "Engine", "prepare"]


class Engine(native.Engine):
    """Computes responses of the direct sound alone.

    Of the settings count ``temperature`` and ``humidity``, and ``max_time`` as the length.
    """

    def source_field(
        self, scene: AcousticScene, source: ArrayLike, ear_height: float
    ) -> SourceField:
        """Return what listeners need to know of a source (3,); nothing is traced.

        Raises:
            SceneError: the source is inside a solid, outside the scene or not a position.
        """
        position = scene.check_position(source, "source")
        tables = _free_field()
        return SourceField(tables, find_images(tables, position, order=0, rays=0), _no_late())


@cache
def _free_field() -> AcousticTables:
    none, bands = np.zeros(0, np.int32), np.zeros((0, len(OCTAVE_CENTRES)), np.float32)
    nothing = CompiledScene(
        name="free field",
        triangles=np.zeros((0, 3, 3), np.float32),
        uv=np.zeros((0, 3, 2), np.float32),
        surface=none,
        object=none,
        double_sided=np.zeros(0, np.bool_),
        surfaces=SurfaceTable((), np.zeros((0, 3), np.float32), bands, bands, bands),
        objects=(),
    )
    return tabulate(nothing)


@cache
def _no_late() -> LateField:
    """Return a late field of one cell in which nothing ever arrives."""
    cells = lay_cells(_free_field(), 0.0, cell=1.0, slab=1.0, all_heights=False)
    shape = len(cells.anchor), 0
    energy = np.zeros((*shape, len(OCTAVE_CENTRES)), np.float32)
    return LateField(cells, energy, np.zeros((*shape, 3), np.float32), bin=QUESTION_SETTINGS.bin)
