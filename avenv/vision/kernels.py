"""How the rasteriser's kernels are compiled.

No fastmath: an edge must come out the same from both of its sides.
"""

import numba as nb

kernel = nb.njit(cache=True, nogil=True, error_model="numpy")
"""Compile a function that is called once per picture or less."""

contracted = nb.njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp"}, _nrt=False
)
"""Compile a function where a rounding more or less does no harm: shading."""

inlined = nb.njit(cache=True, nogil=True, error_model="numpy", forceinline=True, _nrt=False)
"""Compile a function of the inner loops into its caller.

A call costs more than a small triangle: Numba counts the references to every array handed over,
with atomic operations that the threads would also contend for.
"""
