"""Impulse responses, streams and measures of sound in a compiled scene."""

from avenv.acoustics.engine import Engine, impulse_response
from avenv.acoustics.engines import ENGINES, find_engine
from avenv.acoustics.features import spectrogram, spectrogram_shape
from avenv.acoustics.field import SourceField
from avenv.acoustics.layouts import LAYOUTS, Layout, make_layout
from avenv.acoustics.measures import measures
from avenv.acoustics.scene import AcousticScene, prepare
from avenv.acoustics.settings import AcousticSettings
from avenv.acoustics.stream import Stream

__all__ = [
    "ENGINES",
    "LAYOUTS",
    "AcousticScene",
    "AcousticSettings",
    "Engine",
    "Layout",
    "SourceField",
    "Stream",
    "find_engine",
    "impulse_response",
    "make_layout",
    "measures",
    "prepare",
    "spectrogram",
    "spectrogram_shape",
]
