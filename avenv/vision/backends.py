"""The backends to choose from: modules that turn compiled scenes into pictures.

A backend is a module with a few functions:

- ``prepare(compiled, like=None)`` returns a ``PreparedScene``, whatever the backend draws from.
  ``like`` is the same scene prepared in other states, whose textures and light serve this one too.
- ``prepare_unlit(compiled, like=None)`` returns it without baked light, for cameras that make no
  rgb (optional: without it, ``prepare`` serves all).
- ``prepare_coarse(compiled, like=None)`` returns it with light for small pictures, of at most
  ``vision.COARSE_UP_TO`` pixels (optional: without it, ``prepare`` serves all).
- ``lit(prepared, light, rng=None)`` returns it in a light of ``vision.LIGHTS``, or in one that
  ``rng`` draws, ``"random"``; ``vision.light.moods.mood`` says what each of them means.
- ``with_guests(prepared, looks)`` returns it with kinds of the catalogue as further parts, drawn
  only where ``Instances`` say (optional: without it, nobody who is seen can walk about).
  ``prepared.guests`` then has their ``parts`` by look: as it stands, then its strides, if it has
  such; and ``spot_at(places)``, the ``Instances.light`` of who stands there.
- ``make_renderer(n, optics, sensors)`` returns a ``Renderer`` of n cameras of one kind.

A renderer is called once for a whole batch, with plain arrays that have a row for each camera, as a
GPU would take them. Its pictures are functions of each row alone: the same bits in any batch.

What prepares scenes is also called on a thread of its own, while cameras draw (environments with
``ahead=False`` keep to one thread).

A row ``BACKENDS["mine"] = module`` adds a backend.
"""

from types import ModuleType

from avenv.core.suggest import accepted
from avenv.vision import raster

BACKENDS: dict[str, ModuleType] = {"raster": raster}
"""What draws pictures, by name."""


def find_backend(name: str) -> ModuleType:
    """Return the module of a backend.

    Raises:
        ValueError: ``BACKENDS`` has no such name; the message says which it has.
    """
    if name in BACKENDS:
        return BACKENDS[name]
    raise ValueError(f"vision is {name!r}; {accepted(name, BACKENDS)}")
