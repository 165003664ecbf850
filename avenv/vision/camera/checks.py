"""Checks of numbers that users hand in; their messages name the argument and the row."""

from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core.finite import are_finite


def is_number(value: Any) -> TypeGuard[float]:
    """Tell whether this is a real number, of Python's or NumPy's."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def as_numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return a copy as float64 in C order.

    Raises:
        ValueError: these are no numbers; the message says ``name``.
    """
    # A copy, so that the kernel never sees a read-only or strided array and compiles once.
    try:
        return np.array(values, np.float64, order="C")
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {values!r}; numbers are needed") from None


def check_finite(name: str, numbers: NDArray[np.float64]) -> None:
    """Raise ``ValueError``, which names the first one, if there are numbers that are not finite."""
    if not are_finite(numbers):
        bad = np.argwhere(~np.isfinite(numbers))
        place = f"{name}[{', '.join(map(str, bad[0]))}]" if numbers.ndim else name
        raise ValueError(f"{place} is {numbers[tuple(bad[0])]}; a finite number is needed")


def finite(name: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a copy as float64 in C order.

    Raises:
        ValueError: it has another shape or a number that is not finite; the message says ``name``.
    """
    numbers = as_numbers(name, values)
    if numbers.shape != shape:
        raise ValueError(f"{name} has shape {numbers.shape}; {shape} is needed")
    check_finite(name, numbers)
    return numbers
