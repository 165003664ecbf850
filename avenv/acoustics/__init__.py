"""Impulse responses, streams and measures of sound in a compiled scene."""

from avenv.acoustics.backends import ENGINES, find_engine
from avenv.acoustics.ears.layouts import LAYOUTS, Layout, make_layout
from avenv.acoustics.ears.microphones import MicrophoneArray, spaced_pair
from avenv.acoustics.field import SourceField, limit_memory
from avenv.acoustics.measures import measures
from avenv.acoustics.native import Engine, ResponseJob, impulse_response
from avenv.acoustics.paths.directivity import DIRECTIVITIES
from avenv.acoustics.scene import AcousticScene, prepare
from avenv.acoustics.settings import AcousticSettings
from avenv.acoustics.signal.binaural import BinauralFeatures
from avenv.acoustics.signal.spectrogram import spectrogram, spectrogram_shape
from avenv.acoustics.signal.stream import Stream

__all__ = [
    "DIRECTIVITIES",
    "ENGINES",
    "LAYOUTS",
    "AcousticScene",
    "AcousticSettings",
    "BinauralFeatures",
    "Engine",
    "Layout",
    "MicrophoneArray",
    "ResponseJob",
    "SourceField",
    "Stream",
    "find_engine",
    "impulse_response",
    "limit_memory",
    "make_layout",
    "measures",
    "prepare",
    "spaced_pair",
    "spectrogram",
    "spectrogram_shape",
]
