"""A ray against eight boxes, or four triangles, at once: one in each lane of a SIMD register.

Loops over so few things are unrolled by LLVM rather than vectorised, so what has to run in lanes is
said in its own language here: Numba ``intrinsic``s that emit operations on whole vectors. They are
plain IEEE operations in a fixed order, the same bits on every machine.
"""

from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

BOXES = 8
"""Boxes in a node of the tree."""
TRIANGLES = 4
"""Triangles in a leaf of the tree."""

_INDEX = ir.IntType(64)
_intrinsic: Any = intrinsic  # kernels call these without their first argument


@_intrinsic
def local_array(typing_context: Any, dtype: Any, size: Any) -> Any:
    """Return a pointer to ``size``, a literal, numbers of a type: on the stack, at no cost."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.get_data_type(dtype.dtype)
        return cgutils.alloca_once(builder, kind, size=size.literal_value)

    if not isinstance(size, types.IntegerLiteral):
        return None
    return types.CPointer(dtype.dtype)(dtype, size), emit


@_intrinsic
def lowest_bit(typing_context: Any, mask: Any) -> Any:
    """Return the number of the lowest bit that is set in a mask (uint64), which is not 0."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), emit


@_intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Let the processor fetch the line of its cache with element ``index`` (uint64) of an array
    that lies in one piece, counted through all its axes; nobody waits for it.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        place = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, *[number] * 3])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        to_read, often, data_cache = (ir.Constant(number, n) for n in (0, 3, 1))
        builder.call(fetch, [place, to_read, often, data_cache])
        return context.get_dummy_value()

    return types.none(array, index), emit


@_intrinsic
def enter_boxes(
    typing_context: Any, boxes: Any, node: Any, signs: Any, origin: Any, inverse: Any, far: Any,
    near: Any,
) -> Any:  # fmt: skip
    """Write where a ray enters the boxes of a node to ``near`` (BOXES,); return which it meets.

    Parameters
    ----------
    boxes : (N, 6, BOXES) float32, lower and upper corners; those of no box are +inf and -inf.
    node : uint64.
    signs : three uint64, 3 for an axis along which the ray flies backwards, else 0.
    origin, inverse : three float32, where the ray starts, and 1 over its direction.
    far : float32 beyond which nothing counts.
    near : pointer to float32.

    Returns a uint64 with bit k set for box k.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = _Lanes(context, builder, ir.FloatType(), BOXES)
        table = context.make_array(signature.args[0])(context, builder, args[0]).data
        entry, leave = lanes.spread(ir.Constant(ir.FloatType(), 0.0)), lanes.spread(args[5])
        for axis in range(3):
            sign, start, inverted = (builder.extract_value(args[k], axis) for k in (2, 3, 4))
            for upper in (0, 3):
                # the corner that a ray meets first: the lower, or going backwards the upper one
                side = ir.Constant(_INDEX, axis + upper)
                side = builder.sub(side, sign) if upper else builder.add(side, sign)
                row = builder.add(builder.mul(args[1], ir.Constant(_INDEX, 6)), side)
                t = builder.fsub(lanes.load(table, row), lanes.spread(start))
                t = builder.fmul(t, lanes.spread(inverted))
                if upper:
                    # A rounded ray must not slip past a box between its entry and its exit
                    # (Ize, "Robust BVH ray traversal", JCGT 2(2), 2013).
                    t = builder.fmul(t, lanes.spread(ir.Constant(ir.FloatType(), 1 + 2.0**-20)))
                    leave = lanes.least(t, leave)
                else:
                    entry = lanes.greatest(t, entry)
        lanes.store(entry, args[6])
        return lanes.mask(builder.fcmp_ordered("<=", entry, leave))

    signature = types.uint64(
        boxes, types.uint64, types.UniTuple(types.uint64, 3), types.UniTuple(types.float32, 3),
        types.UniTuple(types.float32, 3), types.float32, near,
    )  # fmt: skip
    return signature, emit


@_intrinsic
def cross_triangles(
    typing_context: Any, corners: Any, leaf: Any, axes: Any, origin: Any, shear: Any, out: Any
) -> Any:
    """Write where a ray crosses the triangles of a leaf to ``out`` (TRIANGLES,); return which.

    Parameters
    ----------
    corners : (L, 3, 3, TRIANGLES) float32, corner by axis; triangles that are none lie in a point.
    leaf : uint64.
    axes : three uint64, those of the sheared frame, z along the ray.
    origin, shear : three float64 in that frame.
    out : pointer to float64, in units of the ray's direction.

    Returns a uint64 with bit k set for triangle k; if there is none, ``out`` is left alone.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = _Lanes(context, builder, ir.DoubleType(), TRIANGLES)
        table = context.make_array(signature.args[0])(context, builder, args[0]).data
        axes, origin, shear = (
            [builder.extract_value(args[n], k) for k in range(3)] for n in (2, 3, 4)
        )
        shear = [lanes.spread(value) for value in shear]
        points = []
        for corner in range(3):
            first = builder.add(builder.mul(args[1], ir.Constant(_INDEX, 9)),
                                ir.Constant(_INDEX, 3 * corner))  # fmt: skip
            x, y, z = (
                builder.fsub(lanes.load(table, builder.add(first, axis)), lanes.spread(start))
                for axis, start in zip(axes, origin, strict=True)
            )
            points.append(
                _Corner(
                    builder.fsub(x, builder.fmul(shear[0], z)),
                    builder.fsub(y, builder.fmul(shear[1], z)),
                    z,
                )
            )
        a, b, c = points
        u, v, w = lanes.cross(c, b), lanes.cross(a, c), lanes.cross(b, a)
        total = builder.fadd(builder.fadd(u, v), w)
        height = builder.fadd(
            builder.fadd(builder.fmul(u, a.z), builder.fmul(v, b.z)), builder.fmul(w, c.z)
        )
        zero = lanes.spread(ir.Constant(ir.DoubleType(), 0.0))
        least, greatest = lanes.least(lanes.least(u, v), w), lanes.greatest(lanes.greatest(u, v), w)
        one_side = builder.or_(
            builder.fcmp_ordered(">=", least, zero), builder.fcmp_ordered("<=", greatest, zero)
        )
        met = lanes.mask(builder.and_(one_side, builder.fcmp_ordered("!=", total, zero)))
        with builder.if_then(builder.icmp_unsigned("!=", met, ir.Constant(_INDEX, 0))):
            lanes.store(builder.fdiv(builder.fmul(height, shear[2]), total), args[5])
        return met

    signature = types.uint64(
        corners, types.uint64, types.UniTuple(types.uint64, 3), types.UniTuple(types.float64, 3),
        types.UniTuple(types.float64, 3), out,
    )  # fmt: skip
    return signature, emit


class _Corner(NamedTuple):
    """A corner of every lane's triangle in the sheared frame."""

    x: Any
    y: Any
    z: Any


class _Lanes:
    """Emits operations on vectors of ``number`` numbers of a type."""

    def __init__(self, context: Any, builder: Any, kind: ir.Type, number: int) -> None:
        self._context, self._builder, self._number = context, builder, number
        self._kind = ir.VectorType(kind, number)

    def spread(self, value: Any) -> Any:
        """Put one number in all lanes."""
        builder, first = self._builder, ir.Constant(ir.IntType(32), 0)
        alone = builder.insert_element(ir.Constant(self._kind, ir.Undefined), value, first)
        places = ir.Constant(ir.VectorType(ir.IntType(32), self._number), [0] * self._number)
        return builder.shuffle_vector(alone, ir.Constant(self._kind, ir.Undefined), places)

    def load(self, table: Any, row: Any) -> Any:
        """Read a row of a table of float32 that has as many columns as there are lanes."""
        builder, single = self._builder, ir.VectorType(ir.FloatType(), self._number)
        place = builder.gep(table, [builder.mul(row, ir.Constant(_INDEX, self._number))])
        loaded = builder.load(builder.bitcast(place, single.as_pointer()), align=4)
        return loaded if single == self._kind else builder.fpext(loaded, self._kind)

    def store(self, value: Any, pointer: Any) -> None:
        """Write all lanes to where a pointer to their type points."""
        place = self._builder.bitcast(pointer, self._kind.as_pointer())
        self._builder.store(value, place, align=4)

    def least(self, a: Any, b: Any) -> Any:
        """Return the lesser of a and b in each lane; b where a is not a number."""
        return self._builder.select(self._builder.fcmp_ordered("<", a, b), a, b)

    def greatest(self, a: Any, b: Any) -> Any:
        """Return the greater of a and b in each lane; b where a is not a number."""
        return self._builder.select(self._builder.fcmp_ordered(">", a, b), a, b)

    def cross(self, a: _Corner, b: _Corner) -> Any:
        """Return a.x b.y - a.y b.x."""
        builder = self._builder
        return builder.fsub(builder.fmul(a.x, b.y), builder.fmul(a.y, b.x))

    def mask(self, lanes: Any) -> Any:
        """Return a vector of bits as one uint64."""
        bits = self._builder.bitcast(lanes, ir.IntType(self._number))
        return self._builder.zext(bits, ir.IntType(64))
