"""Impulse responses, streams and measures of sound in a compiled scene."""

from avenv.acoustics.features import spectrogram, spectrogram_shape
from avenv.acoustics.layouts import LAYOUTS, Layout, make_layout
from avenv.acoustics.measures import measures
from avenv.acoustics.stream import Stream

__all__ = [
    "LAYOUTS",
    "Layout",
    "Stream",
    "make_layout",
    "measures",
    "spectrogram",
    "spectrogram_shape",
]
