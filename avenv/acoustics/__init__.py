"""Impulse responses, streams and measures of sound in a compiled scene."""

from avenv.acoustics.backends import BACKENDS, find_backend
from avenv.acoustics.batch import ResponseBatch, check_batch
from avenv.acoustics.ears.layouts import LAYOUTS, ChannelLayout, make_layout
from avenv.acoustics.ears.microphones import MicrophoneArray, spaced_pair
from avenv.acoustics.field import SourceField, limit_memory
from avenv.acoustics.impulse import impulse_response
from avenv.acoustics.measures import measures
from avenv.acoustics.native import Engine
from avenv.acoustics.paths.directivity import DIRECTIVITIES
from avenv.acoustics.scene import AcousticScene, prepare
from avenv.acoustics.settings import AcousticSettings
from avenv.acoustics.signal.binaural import BinauralFeatures
from avenv.acoustics.signal.spectrogram import spectrogram, spectrogram_shape
from avenv.acoustics.signal.stream import Stream

__all__ = [
    "BACKENDS",
    "DIRECTIVITIES",
    "LAYOUTS",
    "AcousticScene",
    "AcousticSettings",
    "BinauralFeatures",
    "ChannelLayout",
    "Engine",
    "MicrophoneArray",
    "ResponseBatch",
    "SourceField",
    "Stream",
    "check_batch",
    "find_backend",
    "impulse_response",
    "limit_memory",
    "make_layout",
    "measures",
    "prepare",
    "spaced_pair",
    "spectrogram",
    "spectrogram_shape",
]
