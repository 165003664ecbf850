"""Tuples of arrays that kernels are handed as one thing.

Of each array that it is handed Numba asks what it is and where it lies: that takes 0.15 µs, or 2 µs
where the processor has just forgotten what Python knows of it. A scene has some seventy arrays; of
them that is asked once here.
"""

from typing import Any, Generic, TypeVar

import numba as nb
import numpy as np
from llvmlite import ir
from numba import _dispatcher, types
from numba.extending import (
    NativeValue,
    intrinsic,
    models,
    register_model,
    typeof_impl,
    unbox,
)

from avenv.core.kernels import borrowing

T = TypeVar("T", bound=tuple)
_intrinsic: Any = intrinsic  # kernels call these without their first argument
_known: dict[bytes, "_PinnedType"] = {}


class Pinned(Generic[T]):
    """A tuple of arrays, of numbers, or of such tuples, for kernels that call ``opened``.

    Attributes:
        value: the tuple. Its arrays live as long as this, and so do their places.
    """

    __slots__ = ("_address", "_numba_type_", "_places", "value")

    def __init__(self, value: T) -> None:
        self.value = value
        self._numba_type_ = _type_of(value)
        self._places = np.empty(_size_of(value), np.uint8)
        self._address = self._places.ctypes.data
        _note(value, self._places)

    def __reduce__(self) -> tuple[type["Pinned[T]"], tuple[T]]:
        return type(self), (self.value,)


class _PinnedType(types.Type):
    """Of a ``Pinned`` tuple of a type."""

    def __init__(self, inner: types.Type) -> None:
        self.inner = inner
        super().__init__(name=f"Pinned({inner})")


def _type_of(value: tuple) -> _PinnedType:
    """Return the type of a pinned value: Numba takes long to find it, but not to tell it apart."""
    print_of = _dispatcher.compute_fingerprint(value)
    if print_of not in _known:
        _known[print_of] = _PinnedType(nb.typeof(value))
    return _known[print_of]


@typeof_impl.register(Pinned)
def _type_of_pinned(pinned: Any, context: Any) -> types.Type:
    return pinned._numba_type_


@register_model(_PinnedType)
class _Model(models.OpaqueModel):
    """The address of the native tuple."""


@unbox(_PinnedType)
def _unbox(kind: Any, pinned: Any, context: Any) -> NativeValue:
    number = context.pyapi.object_getattr_string(pinned, "_address")
    address = context.pyapi.long_as_voidptr(number)
    context.pyapi.decref(number)
    return NativeValue(address)


@_intrinsic
def opened(typing_context: Any, pinned: Any) -> Any:
    """Return the tuple that is pinned."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        inner = signature.return_type
        place = builder.bitcast(args[0], context.get_value_type(inner).as_pointer())
        value = builder.load(place)
        if context.enable_nrt:
            context.nrt.incref(builder, inner, value)
        return value

    return (pinned.inner(pinned), emit) if isinstance(pinned, _PinnedType) else None


@_intrinsic
def _native_size(typing_context: Any, value: Any) -> Any:
    """Return the bytes that a native value takes."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = context.get_abi_sizeof(context.get_value_type(signature.args[0]))
        return ir.Constant(ir.IntType(64), size)

    return types.int64(value), emit


@_intrinsic
def _put(typing_context: Any, value: Any, out: Any) -> Any:
    """Write a native value to the bytes of ``out``, an array of uint8."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[1])(context, builder, args[1]).data
        builder.store(args[0], builder.bitcast(data, args[0].type.as_pointer()))
        return context.get_dummy_value()

    return types.none(value, out), emit


@borrowing
def _size_of(value):
    return _native_size(value)


# Borrowed arrays have no counter, so that nobody counts the references to what is opened either.
@borrowing
def _note(value, out):
    _put(value, out)
