"""The rasteriser, a backend: from triangle clusters to shaded pixels."""

from avenv.vision.raster.clusters import prepare, prepare_coarse, prepare_unlit
from avenv.vision.raster.guests import with_guests
from avenv.vision.raster.renderers import make_renderer
from avenv.vision.raster.scene import lit

__all__ = ["lit", "make_renderer", "prepare", "prepare_coarse", "prepare_unlit", "with_guests"]
