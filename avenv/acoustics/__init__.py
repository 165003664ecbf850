"""Impulse responses, streams and measures of sound in a compiled scene."""

from avenv.acoustics.directivity import DIRECTIVITIES
from avenv.acoustics.engine import Engine, ResponseJob, impulse_response
from avenv.acoustics.engines import ENGINES, find_engine
from avenv.acoustics.features import spectrogram, spectrogram_shape
from avenv.acoustics.field import SourceField, limit_memory
from avenv.acoustics.layouts import LAYOUTS, Layout, make_layout
from avenv.acoustics.measures import measures
from avenv.acoustics.microphones import MicrophoneArray, spaced_pair
from avenv.acoustics.scene import AcousticScene, prepare
from avenv.acoustics.settings import AcousticSettings
from avenv.acoustics.stream import Stream

__all__ = [
    "DIRECTIVITIES",
    "ENGINES",
    "LAYOUTS",
    "AcousticScene",
    "AcousticSettings",
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
