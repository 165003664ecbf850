"""Egocentric pictures of compiled scenes, by one of several backends."""

from avenv.vision.backends import BACKENDS, find_backend
from avenv.vision.camera.noise import CameraNoise, disturb_depth, disturb_rgb
from avenv.vision.camera.optics import PROJECTIONS, Optics
from avenv.vision.camera.pictures import MAX_DEPTH, SENSORS
from avenv.vision.light.moods import COARSE_UP_TO, LIGHTS, RANDOM, UNLIT, check_light
from avenv.vision.raster import lit, make_renderer, prepare
from avenv.vision.raster.scene import RasterScene, relight
from avenv.vision.renderer import Instances, PreparedScene, Renderer
from avenv.vision.view import render_view

__all__ = [
    "BACKENDS",
    "COARSE_UP_TO",
    "LIGHTS",
    "MAX_DEPTH",
    "PROJECTIONS",
    "RANDOM",
    "SENSORS",
    "UNLIT",
    "CameraNoise",
    "Instances",
    "Optics",
    "PreparedScene",
    "RasterScene",
    "Renderer",
    "check_light",
    "disturb_depth",
    "disturb_rgb",
    "find_backend",
    "lit",
    "make_renderer",
    "prepare",
    "relight",
    "render_view",
]
