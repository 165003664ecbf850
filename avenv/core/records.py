"""Options that are records of their own: given as a dataclass, or as its fields, as YAML does."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from avenv.core.suggest import did_you_mean


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
    try:
        return kind(**value)
    except TypeError as error:
        raise ValueError(
            f"{name} {dict(value)!r}; a {kind.__name__} needs its {_lacks(error)}"
        ) from None


def _lacks(error: TypeError) -> str:
    """Return which argument a constructor said is missing."""
    return str(error).rpartition("argument")[2].strip(": s'\"")
