"""The backends to choose from: ``native`` hears rooms, ``anechoic`` none, ``pyroomacoustics`` one.

A backend is a module, and one row in ``BACKENDS``. It has

- ``prepare(compiled, like=None)``: a ``CompiledScene`` as the backend needs it, with a ``name`` and
  ``check_position(position, what)`` as of ``AcousticScene``, which most can share. ``like`` is the
  prepared scene of the same home in another state, returned where the two sound alike.
- ``QUESTION_SETTINGS``: the ``AcousticSettings`` of ``impulse_response`` if it is given none.
- ``Engine(sample_rate, layout="binaural", length=None, settings=None, hrtf=None)``, with the
  attributes ``length``, samples of a response, by default those of ``settings.max_time``, and
  ``channels``; it keeps nothing but caches. Its methods are

  - ``source_field(scene, source, ear_height)``: all that listeners at ``ear_height`` need to know
    of a source at (3,) metres in a prepared scene, and of that scene. ``field.moved(source)`` is
    the field of a source that has moved a little. ``SceneError`` where no source can be.
  - ``responses(batch, out=None)``: the responses (J, channels, length) float32 of a
    ``ResponseBatch``, as ``check_batch`` returns it; into ``out`` if given. The same bits for
    each, whatever else is in the batch. Where no sound arrives: zeros, and a warning.
  - ``decay_length(batch)``: the samples after which all of these have decayed by 60 dB, the
    length of responses for which none is asked.

``prepare`` and ``source_field`` are also called on a thread of their own, while others hear
(environments with ``ahead=False`` keep to one thread).
"""

from types import ModuleType

from avenv.acoustics import anechoic, native, pyroom
from avenv.core.suggest import accepted

BACKENDS: dict[str, ModuleType] = {
    "native": native,
    "pyroomacoustics": pyroom,
    "anechoic": anechoic,
}
"""What renders sound, by name."""


def find_backend(name: str) -> ModuleType:
    """Return a backend by its name in ``BACKENDS``.

    Raises:
        ValueError: there is none of this name.
    """
    if name in tuple(BACKENDS):
        return BACKENDS[name]
    raise ValueError(f"acoustics is {name!r}; {accepted(name, BACKENDS)}")
