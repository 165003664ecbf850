"""Impulse responses from one source to one listener or to many, by any backend."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics.backends import find_backend
from avenv.acoustics.batch import ResponseBatch
from avenv.acoustics.settings import AcousticSettings
from avenv.core.errors import SceneError, check_on_error
from avenv.scene.compiled import CompiledScene


def impulse_response(
    scene: Any,
    source: ArrayLike,
    listener: ArrayLike,
    heading: ArrayLike = 0.0,
    *,
    backend: str = "native",
    directivity: str = "omni",
    facing: float = 0.0,
    length: int | None = None,
    seed: int | None = None,
    settings: AcousticSettings | None = None,
    on_error: str = "raise",
    sample_rate: int = 16000,
    **ears: Any,
) -> NDArray[np.float32]:
    """Return the impulse response (channels, samples) from a source to a listener, or to many.

    Where no sound arrives it is zero, and a warning says so.

    Args:
        scene: a ``CompiledScene``, or what the backend's ``prepare`` has made of one.
        source: (3,) world metres.
        listener: (3,) centre of the head, world metres; or (J, 3), for (J, channels, samples).
        heading: of the listener, radians, or of each (J,).
        backend: a name in ``BACKENDS``.
        directivity: of the source, a name in ``DIRECTIVITIES``.
        facing: heading of the source, radians.
        length: samples; by default the longest that the backend's ``decay_length`` says of any.
        seed: of what is random, instead of the settings' own.
        settings: of the propagation; by default the backend's ``QUESTION_SETTINGS``.
        on_error: ``"raise"``, or ``"nan"``: the response to a listener who cannot be where it is
            is NaN.
        sample_rate: Hz.
        **ears: ``layout`` and ``hrtf``, as the backend's ``Engine`` takes them.

    Raises:
        SceneError: a position is inside a solid, outside the scene or not a position.
        ValueError: another argument is out of range.
    """
    kind = find_backend(backend)
    check_on_error(on_error)
    if isinstance(scene, CompiledScene):
        scene = kind.prepare(scene)
    settings = settings or kind.QUESTION_SETTINGS
    if seed is not None:
        settings = replace(settings, seed=seed)
    make = partial(kind.Engine, sample_rate, settings=settings, **ears)
    engine = make(length=length)  # what is wrong with it is said before the rays fly

    places, free = _listeners(scene, listener, on_error)
    headings = np.asarray(heading, np.float64)
    if headings.shape not in ((), (len(places),)):
        raise ValueError(
            f"heading has shape {headings.shape}; accepted: a number, or ({len(places)},)"
        )
    scene.check_position(source, "source")
    heights, field_of = np.unique(places[free, 2], return_inverse=True)
    if settings.all_heights:  # one field serves them all
        heights, field_of = heights[:1], np.zeros_like(field_of)
    batch = ResponseBatch(
        fields=[engine.source_field(scene, source, height) for height in heights.tolist()],
        field_of=field_of,
        listeners=places[free],
        headings=np.broadcast_to(headings, len(places))[free],
        directivities=(directivity,),
        facings=facing,
    )
    if length is None:
        engine = make(length=engine.decay_length(batch))
    responses = engine.responses(batch)
    if not np.isfinite(responses).all():
        raise ValueError(
            f"{scene.name}: the response to {source!r} has samples that are not finite"
        )
    if not free.all():
        heard, responses = responses, np.full((len(free), *responses.shape[1:]), np.nan, np.float32)
        responses[free] = heard
    return responses if np.ndim(listener) == 2 else responses[0]


def _listeners(
    scene: Any, listener: ArrayLike, on_error: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return one or many places as (J, 3), and which of them a listener can be at.

    Raises:
        SceneError: they are not places; or, if errors are raised, there can be none at one.
    """
    try:
        places = np.atleast_2d(np.array(listener, np.float64))
    except (TypeError, ValueError):
        places = np.zeros((0, 0))
    if places.ndim != 2 or places.shape[1] != 3:
        raise SceneError(
            f"{scene.name}: listener {listener!r} is not a position (x, y, z) in metres, nor many"
        )
    free = np.ones(len(places), np.bool_)
    for j, place in enumerate(places):
        try:
            places[j] = scene.check_position(place.tolist(), "listener")
        except SceneError:
            if on_error == "raise":
                raise
            free[j] = False
    return places, free
