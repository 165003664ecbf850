"""What backends are asked: a batch of responses, as arrays with one row for each."""

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics.paths.directivity import pinned_directivity
from avenv.acoustics.settings import AcousticSettings

MAX_LENGTH = 2**24
"""Samples of the longest response: some minutes at any rate, and more than any room rings."""


class ResponseBatch(NamedTuple):
    """J responses to compute, of S sources.

    Attributes:
        fields: S of them, one of each source, from the ``source_field`` of one engine.
        field_of: (J,) int64 index into ``fields``.
        listeners: (J, 3) centres of the heads, world metres.
        headings: (J,) of the listeners, radians, or one for all.
        directivities: J names in ``DIRECTIVITIES``, or one for all: how the source sounds.
        facings: (J,) headings of the sources, radians, or one for all.
    """

    fields: Sequence[Any]
    field_of: NDArray[np.int64]
    listeners: NDArray[np.float64]
    headings: NDArray[np.float64] | float = 0.0
    directivities: Sequence[str] = ("omni",)
    facings: NDArray[np.float64] | float = 0.0

    @classmethod
    def of_source(
        cls,
        field: Any,
        listeners: ArrayLike,
        headings: ArrayLike = 0.0,
        directivity: str = "omni",
        facing: float = 0.0,
    ) -> "ResponseBatch":
        """Return the batch of one source's field, heard by one listener (3,) or by many (J, 3)."""
        places = np.asarray(listeners, np.float64)
        if places.ndim < 2:
            places = places.reshape(1, -1)
        here = np.zeros(len(places), np.int64)
        turned = headings if isinstance(headings, float) else np.asarray(headings, np.float64)
        return cls((field,), here, places, turned, (directivity,), facing)


class Row(NamedTuple):
    """One of the responses of a batch; attributes as there."""

    field: Any
    listener: list[float]
    heading: float
    directivity: str
    facing: float


def check_batch(batch: ResponseBatch) -> ResponseBatch:
    """Return a batch with all its columns of full length, in arrays and lists.

    Raises:
        ValueError: columns differ in length, a listener's position or an angle is not finite, a
            directivity is unknown, or there is no such field.
    """
    rows = checked_rows(batch)
    return ResponseBatch(
        batch.fields,
        np.asarray(batch.field_of, np.int64),
        np.asarray(batch.listeners, np.float64),
        np.array([row.heading for row in rows], np.float64),
        [row.directivity for row in rows],
        np.array([row.facing for row in rows], np.float64),
    )


def checked_rows(batch: ResponseBatch) -> list[Row]:
    """Return the J rows of a batch, in plain Python.

    That is what one row takes least time with: where the processor has forgotten NumPy's code, each
    of its functions costs 10 µs.

    Raises:
        ValueError: as ``check_batch``.
    """
    listeners = np.asarray(batch.listeners, np.float64)
    if listeners.ndim != 2 or listeners.shape[1] != 3:
        raise ValueError(f"listeners has shape {listeners.shape}; accepted: (J, 3)")
    places: list[list[float]] = listeners.tolist()
    number = len(places)
    for j, place in enumerate(places):
        if not all(map(math.isfinite, place)):
            raise ValueError(f"jobs[{j}]: listener is {listeners[j]}; accepted: metres")
    field_of = np.asarray(batch.field_of, np.int64)
    if field_of.shape != (number,):
        raise ValueError(f"field_of has shape {field_of.shape}; accepted: ({number},)")
    which = field_of.tolist()
    if which and not 0 <= min(which) <= max(which) < len(batch.fields):
        raise ValueError(
            f"field_of is {min(which)} to {max(which)}; accepted: 0 to {len(batch.fields) - 1}"
        )
    fields = [batch.fields[k] for k in which]
    names = batch.directivities
    names = [names] if isinstance(names, str) else list(names)
    names = names * number if len(names) == 1 else names
    if len(names) != number:
        raise ValueError(f"directivities are {len(names)}; accepted: 1 or {number}")
    for name in names:
        pinned_directivity(name)
    headings = _angles("heading", batch.headings, number)
    facings = _angles("facing", batch.facings, number)
    return list(map(Row, fields, places, headings, names, facings))


def _angles(name: str, angles: ArrayLike, number: int) -> list[float]:
    """Return so many angles from as many or from one."""
    if isinstance(angles, float):
        many = [angles] * number
    else:
        given = np.asarray(angles, np.float64)
        if given.shape not in ((), (number,)):
            raise ValueError(f"{name}s have shape {given.shape}; accepted: one, or ({number},)")
        many = given.tolist() if given.shape else [float(given)] * number
    for j, angle in enumerate(many):
        if not math.isfinite(angle):
            raise ValueError(f"jobs[{j}]: {name} is {angle}; accepted: finite radians")
    return many


def as_output(out: NDArray[np.float32] | None, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return an array of a shape to write responses to: ``out`` if it is given.

    Raises:
        ValueError: it has another shape or is not float32.
    """
    if out is None:
        return np.empty(shape, np.float32)
    if out.shape != shape or out.dtype != np.float32:
        raise ValueError(f"out is {out.dtype} {out.shape}; accepted: float32 {shape}")
    return out


def as_length(length: int | None, settings: AcousticSettings, sample_rate: int) -> int:
    """Return the samples of a response, by default those of ``settings.max_time``.

    Raises:
        ValueError: the length is not a whole number, less than 1 or more than ``MAX_LENGTH``.
    """
    if length is None:
        return round(settings.max_time * sample_rate)
    if not isinstance(length, Integral) or not 1 <= length <= MAX_LENGTH:
        raise ValueError(f"length is {length!r}; accepted: whole samples, 1 to {MAX_LENGTH}")
    return int(length)
