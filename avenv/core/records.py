"""Options that are records of their own: given as a dataclass, or as its fields, as YAML does."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from numbers import Integral, Real
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from avenv.core.suggest import did_you_mean

_PLAIN: dict[Any, tuple[tuple[type, ...], str]] = {
    bool: ((bool, np.bool_), "true or false"),
    int: ((Integral,), "a whole number"),
    float: ((Real,), "a number"),
    str: ((str,), "a text"),
}
"""What values of plain types may be, and what messages call them."""


def as_record(name: str, value: Any, kind: type) -> Any:
    """Return a record of a dataclass ``kind``, made from its fields where those are given.

    Raises:
        ValueError: it is neither, or a field is unknown, missing or out of range.
    """
    if isinstance(value, kind):
        return value
    known = [field.name for field in fields(kind)]
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} {value!r}; accepted: a {kind.__name__}, or its fields {known}")
    for key in value:
        if key not in known:
            raise ValueError(
                f"{name} {dict(value)!r}; accepted: the fields of a {kind.__name__}, {known}"
                f"{did_you_mean(str(key), known)}"
            )
    check_types(kind, value, f"{name.removesuffix(' is')}.")
    lacking = [of.name for of in fields(kind) if of.name not in value and is_needed(of)]
    if lacking:
        raise ValueError(f"{name} {dict(value)!r}; a {kind.__name__} needs its {lacking[0]}")
    return kind(**value)


def is_needed(of: Field) -> bool:
    """Return whether a dataclass's field has no default."""
    return of.default is MISSING and of.default_factory is MISSING


def check_types(of: Callable, values: Mapping[str, Any], prefix: str = "") -> None:
    """Raise ``ValueError`` if a value is of another type than a field or an argument.

    A bool is no number, and neither is what is not finite. Of containers the elements are not
    looked at.

    Args:
        of: the dataclass, or the function.
        values: by field, or by argument.
        prefix: what messages put before the name.
    """
    hints = _hints(of)
    for name, value in values.items():
        if not _fits(value, hints[name]):
            accepted = " or ".join(map(_called, _members(hints[name])))
            raise ValueError(f"{prefix}{name} is {value!r:.80}; accepted: {accepted}")


@cache
def _hints(of: Callable) -> dict[str, Any]:
    return get_type_hints(of)  # a tenth of a millisecond, and every emitter is checked


def _called(hint: Any) -> str:
    """Return what messages call an annotation."""
    if hint is type(None):
        return "nothing"
    return _PLAIN[hint][1] if hint in _PLAIN else f"a {getattr(hint, '__name__', hint)}"


@cache
def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of an annotation's type, as far as that is plain."""
    if len(members := _members(hint)) > 1:
        return any(_fits(value, member) for member in members)
    if hint in _PLAIN:
        if isinstance(value, bool | np.bool_) != (hint is bool):
            return False
        is_number = hint in (int, float)
        return isinstance(value, _PLAIN[hint][0]) and not (is_number and not _is_usable(value))
    kind = get_origin(hint) or hint
    if is_dataclass(kind):
        return isinstance(value, Mapping | kind)
    # Lists stand for tuples in YAML and JSON; these have checks of their own.
    return not isinstance(kind, type) or issubclass(kind, tuple | list) or isinstance(value, kind)


def _is_usable(number: Any) -> bool:
    return bool(-(2.0**63) <= number < 2.0**63)
