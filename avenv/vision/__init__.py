"""Egocentric pictures from a compiled scene: a software rasteriser."""

from avenv.vision.camera.noise import CameraNoise, disturb_depth, disturb_rgb
from avenv.vision.camera.optics import PROJECTIONS, Optics
from avenv.vision.camera.pictures import SENSORS, Frames
from avenv.vision.camera.projection import Lens, orthographic, perspective
from avenv.vision.camera.views import Views, make_views, render_view
from avenv.vision.light.moods import LIGHTS, RANDOM, check_light, lit
from avenv.vision.raster.clusters import RasterScene, prepare, relight
from avenv.vision.raster.instances import Instances
from avenv.vision.raster.render import render
from avenv.vision.raster.shading import MAX_DEPTH

__all__ = [
    "LIGHTS",
    "MAX_DEPTH",
    "PROJECTIONS",
    "RANDOM",
    "SENSORS",
    "CameraNoise",
    "Frames",
    "Instances",
    "Lens",
    "Optics",
    "RasterScene",
    "Views",
    "check_light",
    "disturb_depth",
    "disturb_rgb",
    "lit",
    "make_views",
    "orthographic",
    "perspective",
    "prepare",
    "relight",
    "render",
    "render_view",
]
