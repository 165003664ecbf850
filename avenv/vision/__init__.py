"""Egocentric pictures from a compiled scene: a software rasteriser."""

from avenv.vision.clusters import RasterScene, prepare, relight
from avenv.vision.images import SENSORS, Frames
from avenv.vision.noise import CameraNoise, disturb_depth, disturb_rgb
from avenv.vision.optics import PROJECTIONS, Optics
from avenv.vision.render import render
from avenv.vision.shading import MAX_DEPTH
from avenv.vision.views import Views, make_views, render_view

__all__ = [
    "MAX_DEPTH",
    "PROJECTIONS",
    "SENSORS",
    "CameraNoise",
    "Frames",
    "Optics",
    "RasterScene",
    "Views",
    "disturb_depth",
    "disturb_rgb",
    "make_views",
    "prepare",
    "relight",
    "render",
    "render_view",
]
