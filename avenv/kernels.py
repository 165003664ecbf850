"""How kernels are compiled.

Numba counts the references to every array that a function is handed or takes out of a tuple, with
atomic operations that cost more than a small triangle and that threads contend for. Kernels whose
caller holds all the arrays anyway, and that allocate none, are compiled without (``_nrt``). What
only other kernels call is spared the way in from Python, half of what there is to compile.

No fastmath but where a decorator says so: an edge must come out the same from both of its sides.
"""

from typing import Any

import numba as nb

_COMMON: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_BORROWING: dict[str, Any] = {**_COMMON, "_nrt": False}
_INNER: dict[str, Any] = {**_BORROWING, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

kernel = nb.njit(**_COMMON)
"""Compile a function that Python calls and that allocates arrays."""

borrowing = nb.njit(**_BORROWING)
"""Compile a function that Python calls and that allocates nothing."""

contracted = nb.njit(**_BORROWING, fastmath={"contract", "arcp"})
"""Compile a function that allocates nothing, where one rounding less does no harm: shading."""

inner = nb.njit(**_INNER)
"""Compile a function that only kernels call and that allocates nothing."""

inlined = nb.njit(**_INNER, forceinline=True)
"""Compile such a function into its callers: in inner loops a call is dear."""

fast_kernel = nb.njit(**_COMMON, fastmath=True)
"""As ``kernel``, where sums may be taken in any order: signals."""

fast_inner = nb.njit(**_INNER, fastmath=True)
"""As ``inner``, where sums may be taken in any order."""

fast_borrowing = nb.njit(**_BORROWING, fastmath=True)
"""As ``borrowing``, where sums may be taken in any order."""
