"""How the rasteriser's kernels are compiled.

No fastmath where triangles are drawn: an edge must come out the same from both of its sides.

Numba counts the references to every array that a function is handed or takes out of a tuple, with
atomic operations that cost more than a small triangle and that threads contend for. Kernels whose
caller holds all the arrays anyway, and that allocate none, are compiled without (``_nrt``).
"""

from typing import Any

import numba as nb

_COMMON: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_BORROWING: dict[str, Any] = {**_COMMON, "_nrt": False}

kernel = nb.njit(**_COMMON)
"""Compile a function that allocates arrays, called once per picture or less."""

borrowing = nb.njit(**_BORROWING)
"""Compile a function that is called once per picture and allocates nothing."""

contracted = nb.njit(**_BORROWING, fastmath={"contract", "arcp"})
"""Compile a function that allocates nothing, where one rounding less does no harm: shading."""

inlined = nb.njit(**_BORROWING, forceinline=True)
"""Compile a function of the inner loops into its caller; it allocates nothing."""
