"""Egocentric pictures from a compiled scene: a software rasteriser."""

from avenv.vision.camera import Lens, orthographic, perspective
from avenv.vision.clusters import RasterScene, prepare, relight
from avenv.vision.images import SENSORS, Frames
from avenv.vision.instances import Instances
from avenv.vision.moods import LIGHTS, RANDOM, check_light, lit
from avenv.vision.noise import CameraNoise, disturb_depth, disturb_rgb
from avenv.vision.optics import PROJECTIONS, Optics
from avenv.vision.render import render
from avenv.vision.shading import MAX_DEPTH
from avenv.vision.views import Views, make_views, render_view

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
