"""Egocentric pictures from a compiled scene: a software rasteriser."""

from avenv.vision.clusters import RasterScene, prepare, relight
from avenv.vision.images import SENSORS, Frames
from avenv.vision.render import render, render_view

__all__ = ["SENSORS", "Frames", "RasterScene", "prepare", "relight", "render", "render_view"]
