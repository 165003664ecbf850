"""Fourier transforms of long signals, in whole SIMD registers, for convolution.

SciPy's transforms fill a quarter of a register, and only with several signals at once. Here one
complex signal is transformed by itself, sixteen numbers at a time, so that its bits are the same
whatever is transformed beside it. Spectra are left in whatever order they come out, which for
products does not matter, and only the inverse knows it: sorting takes as long as computing.

Decimation in frequency (Gentleman & Sande 1966), four branches at a time, down to blocks of sixteen
samples, each of which fills a register; sixteen of those are transposed and transformed by each
other. The inverse takes the same steps backwards.

``work`` (N / 16, 2, 16) float32 holds sixteen real parts, then the sixteen imaginary ones, and so
on, so that what is used together lies together; N is one of ``SIZES``.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from avenv.core.kernels import fast_inner, inlined

LANES = 16
"""Numbers in a register, or in two."""
SIZES = tuple(2**k for k in range(8, 23))
"""Samples of a transform."""

_INDEX = ir.IntType(64)
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_ONCE = ("contract",)  # a product and a sum may be rounded once
_intrinsic: Any = intrinsic  # kernels call these without their first argument

Pair = tuple[Any, Any]
"""Real and imaginary parts, a register each."""


def size_for(samples: int) -> int:
    """Return the least of ``SIZES`` that holds so many samples.

    Raises:
        ValueError: none does.
    """
    for size in SIZES:
        if size >= samples:
            return size
    raise ValueError(f"a transform of {samples} samples is asked for; accepted: up to {SIZES[-1]}")


@lru_cache(maxsize=8)
def roots_for(size: int) -> NDArray[np.float32]:
    """Return the roots of unity (n, 2, 16) that transforms of a size look up.

    For each stage in turn those of the angle -2π p / span, of twice and of three times that, for
    the first sixteen places p of its span, and so on for a quarter of it. Where blocks of two
    registers are left, those of the first.
    """
    rows, span = [], size
    while span >= 4 * LANES:
        place = np.arange(span // 4).reshape(-1, 1, LANES)
        rows.append(np.array([[1], [2], [3]]) * place * (-2 * np.pi / span))
        span //= 4
    if span == 2 * LANES:
        rows.append(np.arange(LANES).reshape(1, 1, LANES) * (-2 * np.pi / span))
    angles = np.concatenate([np.zeros((0, LANES)), *(r.reshape(-1, LANES) for r in rows)])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def places_for(size: int) -> NDArray[np.int64]:
    """Return where in a flat ``work`` the real part of each frequency (N,) is; 16 on, the other."""
    frequency, block, span = np.arange(size), np.zeros(size, np.int64), size
    while span > LANES:
        radix = 4 if span >= 4 * LANES else 2
        span //= radix
        block += frequency % radix * (span // LANES)
        frequency //= radix
    row = block // LANES * LANES + frequency
    return 2 * LANES * row + block % LANES


class _Registers:
    """Emits operations on rows (2, 16) of tables, the arrays that an intrinsic is given."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        self._builder = builder
        self._tables = [
            context.make_array(kind)(context, builder, arg).data
            for kind, arg in zip(signature.args, args, strict=True)
            if isinstance(kind, types.Array)
        ]

    def rows(self, first: Any, step: Any, number: int) -> list[Any]:
        """Return so many rows, a step from each other."""
        found = [first]
        for _ in range(number - 1):
            found.append(self._builder.add(found[-1], step))
        return found

    def load(self, row: Any, table: int = 0, beyond: int = 0) -> Pair:
        """Read a row of a table, or one so many beyond."""
        real, imaginary = self._pointers(row, table, beyond)
        return self._builder.load(real, align=4), self._builder.load(imaginary, align=4)

    def store(self, value: Pair, row: Any, table: int = 0) -> None:
        """Write a row of a table."""
        for part, pointer in zip(value, self._pointers(row, table, 0), strict=True):
            self._builder.store(part, pointer, align=4)

    def _pointers(self, row: Any, table: int, beyond: int) -> list[Any]:
        builder = self._builder
        first = builder.mul(row, ir.Constant(_INDEX, 2 * LANES))
        offsets = (ir.Constant(_INDEX, 2 * LANES * beyond + k) for k in (0, LANES))
        return [self._pointer(builder.add(first, offset), table) for offset in offsets]

    def _pointer(self, place: Any, table: int) -> Any:
        builder = self._builder
        return builder.bitcast(builder.gep(self._tables[table], [place]), _VECTOR.as_pointer())

    def load_samples(self, place: Any, table: int) -> Any:
        """Read sixteen numbers of a flat table, from a place on."""
        return self._builder.load(self._pointer(place, table), align=4)

    def store_samples(self, value: Any, place: Any, table: int) -> None:
        """Write sixteen numbers of a flat table, from a place on."""
        self._builder.store(value, self._pointer(place, table), align=4)

    def spread(self, value: Any) -> Any:
        """Put one number in all lanes."""
        builder, first = self._builder, ir.Constant(ir.IntType(32), 0)
        alone = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, first)
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(alone, ir.Constant(_VECTOR, ir.Undefined), lanes)

    def plus(self, a: Pair, b: Pair) -> Pair:
        """Return a + b."""
        add = self._builder.fadd
        return add(a[0], b[0], flags=_ONCE), add(a[1], b[1], flags=_ONCE)

    def minus(self, a: Pair, b: Pair) -> Pair:
        """Return a - b."""
        sub = self._builder.fsub
        return sub(a[0], b[0], flags=_ONCE), sub(a[1], b[1], flags=_ONCE)

    def plus_turned(self, a: Pair, b: Pair, sign: int) -> Pair:
        """Return a + i b, or a - i b where the sign is -1."""
        add, sub = self._builder.fadd, self._builder.fsub
        first, second = (sub, add) if sign > 0 else (add, sub)
        return first(a[0], b[1], flags=_ONCE), second(a[1], b[0], flags=_ONCE)

    def times(self, a: Pair, root: Pair, back: bool = False) -> Pair:
        """Return a times a root of unity; times its conjugate, to turn ``back``."""
        mul, add, sub = self._builder.fmul, self._builder.fadd, self._builder.fsub
        first, second = (add, sub) if back else (sub, add)
        (x, y), (cos, sin) = a, root
        return (
            first(mul(x, cos, flags=_ONCE), mul(y, sin, flags=_ONCE), flags=_ONCE),
            second(mul(y, cos, flags=_ONCE), mul(x, sin, flags=_ONCE), flags=_ONCE),
        )

    def four(self, sign: int, a: Pair, b: Pair, c: Pair, d: Pair) -> list[Pair]:
        """Return the transform of four numbers, with the sign that its exponents have."""
        even, odd, half, side = self.plus(a, c), self.plus(b, d), self.minus(a, c), self.minus(b, d)
        return [
            self.plus(even, odd), self.plus_turned(half, side, sign),
            self.minus(even, odd), self.plus_turned(half, side, -sign),
        ]  # fmt: skip

    def sixteen(self, values: list[Pair], sign: int) -> list[Pair]:
        """Return the transform of sixteen numbers."""
        columns = [self.four(sign, *values[n::4]) for n in range(4)]
        found: list[Any] = [None] * LANES
        for k in range(4):
            turned = [columns[0][k]]
            for n in range(1, 4):
                angle = sign * 2 * np.pi * n * k / LANES
                root = _constant(np.cos(angle)), _constant(np.sin(angle))
                turned.append(self.times(columns[n][k], root) if k else columns[n][k])
            found[k::4] = self.four(sign, *turned)
        return found

    def transposed(self, values: list[Pair]) -> list[Pair]:
        """Return the columns of sixteen rows of sixteen numbers."""
        real, imaginary = (self._columns(list(part)) for part in zip(*values, strict=True))
        return list(zip(real, imaginary, strict=True))

    def _columns(self, rows: list[Any]) -> list[Any]:
        distance = 1
        while distance < LANES:  # swap blocks of this size beside the diagonal
            for n in range(LANES):
                if n & distance == 0:
                    a, b = rows[n], rows[n + distance]
                    low = [LANES + k - distance if k & distance else k for k in range(LANES)]
                    high = [LANES + k if k & distance else k + distance for k in range(LANES)]
                    rows[n], rows[n + distance] = (
                        self._shuffled(a, b, low),
                        self._shuffled(a, b, high),
                    )
            distance *= 2
        return rows

    def _shuffled(self, a: Any, b: Any, lanes: list[int]) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), lanes)
        return self._builder.shuffle_vector(a, b, mask)


def _constant(value: float) -> Any:
    return ir.Constant(_VECTOR, [float(np.float32(value))] * LANES)


@_intrinsic
def split_four(
    typing_context: Any, work: Any, row: Any, quarter: Any, roots: Any, root: Any
) -> Any:
    """Transform the rows 0, 1, 2, 3 quarters further by each other, and turn them by the roots."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        do = _Registers(context, builder, signature, args)
        rows = do.rows(args[1], args[2], 4)
        parts = do.four(-1, *(do.load(r) for r in rows))
        for k in range(1, 4):
            parts[k] = do.times(parts[k], do.load(args[4], 1, k - 1))
        for part, r in zip(parts, rows, strict=True):
            do.store(part, r)
        return context.get_dummy_value()

    return types.none(work, types.int64, types.int64, roots, types.int64), emit


@_intrinsic
def join_four(typing_context: Any, work: Any, row: Any, quarter: Any, roots: Any, root: Any) -> Any:
    """Undo ``split_four``, but for a factor of 4."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        do = _Registers(context, builder, signature, args)
        rows = do.rows(args[1], args[2], 4)
        parts = [do.load(r) for r in rows]
        for k in range(1, 4):
            parts[k] = do.times(parts[k], do.load(args[4], 1, k - 1), back=True)
        for part, r in zip(do.four(1, *parts), rows, strict=True):
            do.store(part, r)
        return context.get_dummy_value()

    return types.none(work, types.int64, types.int64, roots, types.int64), emit


@_intrinsic
def split_two(typing_context: Any, work: Any, row: Any, roots: Any, root: Any) -> Any:
    """Transform two rows by each other, and turn the second by the roots."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        do = _Registers(context, builder, signature, args)
        first, second = do.rows(args[1], ir.Constant(_INDEX, 1), 2)
        a, b = do.load(first), do.load(second)
        do.store(do.plus(a, b), first)
        do.store(do.times(do.minus(a, b), do.load(args[3], 1)), second)
        return context.get_dummy_value()

    return types.none(work, types.int64, roots, types.int64), emit


@_intrinsic
def join_two(typing_context: Any, work: Any, row: Any, roots: Any, root: Any) -> Any:
    """Undo ``split_two``, but for a factor of 2."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        do = _Registers(context, builder, signature, args)
        first, second = do.rows(args[1], ir.Constant(_INDEX, 1), 2)
        a, b = do.load(first), do.times(do.load(second), do.load(args[3], 1), back=True)
        do.store(do.plus(a, b), first)
        do.store(do.minus(a, b), second)
        return context.get_dummy_value()

    return types.none(work, types.int64, roots, types.int64), emit


@_intrinsic
def split_block(typing_context: Any, work: Any, row: Any) -> Any:
    """Transform the numbers of each of sixteen rows; leave them transposed."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        do = _Registers(context, builder, signature, args)
        rows = do.rows(args[1], ir.Constant(_INDEX, 1), LANES)
        columns = do.transposed([do.load(r) for r in rows])
        for value, r in zip(do.sixteen(columns, -1), rows, strict=True):
            do.store(value, r)
        return context.get_dummy_value()

    return types.none(work, types.int64), emit


@_intrinsic
def join_block(typing_context: Any, work: Any, row: Any) -> Any:
    """Undo ``split_block``, but for a factor of 16."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        do = _Registers(context, builder, signature, args)
        rows = do.rows(args[1], ir.Constant(_INDEX, 1), LANES)
        values = do.sixteen([do.load(r) for r in rows], 1)
        for value, r in zip(do.transposed(values), rows, strict=True):
            do.store(value, r)
        return context.get_dummy_value()

    return types.none(work, types.int64), emit


@_intrinsic
def add_product(
    typing_context: Any, total: Any, row: Any, a: Any, row_a: Any, b: Any, row_b: Any
) -> Any:
    """Add a row of a times a row of b to one of total."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        do = _Registers(context, builder, signature, args)
        product = do.times(do.load(args[3], 1), do.load(args[5], 2))
        do.store(do.plus(do.load(args[1]), product), args[1])
        return context.get_dummy_value()

    return types.none(total, types.int64, a, types.int64, b, types.int64), emit


@_intrinsic
def copy_samples(typing_context: Any, source: Any, first: Any, target: Any, place: Any) -> Any:
    """Copy sixteen numbers of source (n,), from the first on, to a place of target (m,)."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        do = _Registers(context, builder, signature, args)
        do.store_samples(do.load_samples(args[1], 0), args[3], 1)
        return context.get_dummy_value()

    return types.none(source, types.int64, target, types.int64), emit


@_intrinsic
def weigh_samples(
    typing_context: Any, source: Any, first: Any, weights: Any, start: Any, target: Any, place: Any
) -> Any:
    """Copy sixteen numbers of source (n,), from the first on, times weights, to a place of target.

    The weights (m,) are those from the start on.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        do = _Registers(context, builder, signature, args)
        product = builder.fmul(do.load_samples(args[1], 0), do.load_samples(args[3], 1))
        do.store_samples(product, args[5], 2)
        return context.get_dummy_value()

    return types.none(source, types.int64, weights, types.int64, target, types.int64), emit


@_intrinsic
def fade_samples(
    typing_context: Any, before: Any, after: Any, place: Any, share: Any, scale: Any, out: Any,
    first: Any,
) -> Any:  # fmt: skip
    """Write sixteen numbers to out (n,), from the first on: some of before, faded into after.

    They are those from a place of either (m,) on, scaled; share (n,) is how far it has faded.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        do = _Registers(context, builder, signature, args)
        a, b, share = (do.load_samples(args[k], t) for k, t in ((2, 0), (2, 1), (6, 2)))
        way = builder.fmul(share, builder.fsub(b, a, flags=_ONCE), flags=_ONCE)
        mixed = builder.fadd(a, way, flags=_ONCE)
        do.store_samples(builder.fmul(mixed, do.spread(args[4]), flags=_ONCE), args[6], 3)
        return context.get_dummy_value()

    return types.none(before, after, types.int64, share, types.float32, out, types.int64), emit


@fast_inner
def transform(work, roots):
    """Replace work by its spectrum, in an order of its own."""
    rows = len(work)
    span, root = rows, 0
    while span >= 4:
        quarter = span // 4
        for start in range(0, rows, span):
            for k in range(quarter):
                split_four(work, start + k, quarter, roots, root + 3 * k)
        span, root = quarter, root + 3 * quarter
    if span == 2:
        for start in range(0, rows, 2):
            split_two(work, start, roots, root)
    for start in range(0, rows, LANES):
        split_block(work, start)


@fast_inner
def invert(work, roots):
    """Replace a spectrum, in the order of ``transform``, by N times its signal."""
    rows = len(work)
    for start in range(0, rows, LANES):
        join_block(work, start)
    root, span = len(roots), 1
    if rows & 0x55555555 == 0:  # an odd power of two
        span, root = 2, root - 1
        for start in range(0, rows, 2):
            join_two(work, start, roots, root)
    while span < rows:
        root -= 3 * span
        for start in range(0, rows, 4 * span):
            for k in range(span):
                join_four(work, start + k, span, roots, root + 3 * k)
        span *= 4


@inlined
def is_silent(signal):
    """Say whether all of a signal (n,) is zero."""
    for value in signal:  # noqa: SIM110 (Numba knows no all())
        if value != 0:
            return False
    return True


@fast_inner
def write_signal(signal, work, part):
    """Set the real (0) or imaginary (1) part of work to a signal (n,), and to zeros beyond it."""
    flat = work.reshape(work.size)
    full = len(signal) // LANES
    for row in range(full):
        copy_samples(signal, LANES * row, flat, (2 * row + part) * LANES)
    for row in range(full, len(work)):
        target = work[row, part]
        for lane in range(LANES):
            target[lane] = 0
    for t in range(LANES * full, len(signal)):
        work[full, part, t % LANES] = signal[t]


@fast_inner
def read_faded(before, after, part, begin, share, out):
    """Write part 0 or 1 of a signal, N times as large, to out (n,), as it fades into another.

    From sample ``begin`` on; ``share`` (n,) is how much the other counts.
    """
    scale = np.float32(1 / (LANES * len(before)))
    t, end = 0, len(out)
    flat, other = before.reshape(before.size), after.reshape(after.size)
    while t < end:
        row, lane = divmod(begin + t, LANES)
        place = (2 * row + part) * LANES + lane
        if lane == 0 and t + LANES <= end:
            fade_samples(flat, other, place, share, scale, out, t)
            t += LANES
        else:
            out[t] = scale * (flat[place] + share[t] * (other[place] - flat[place]))
            t += 1
