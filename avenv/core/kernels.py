"""How kernels are compiled.

Numba counts the references to every array that a function is handed or takes out of a tuple, with
atomic operations that cost more than a small triangle and that threads contend for. Kernels whose
caller holds all the arrays anyway, and that allocate none, are compiled without (``_nrt``). What
only other kernels call is spared the way in from Python, half of what there is to compile.

No fastmath but where a decorator says so: an edge must come out the same from both of its sides.
What fastmath makes of a function depends on what it is compiled with. So its callees are inlined:
the process that compiles a kernel would else call those that it compiled for themselves, later ones
those in the kernel's own file, and the last bits of the sound would differ.

No machine code is made of what only other kernels call as it is compiled: it becomes part of
theirs. Numba compiles a function once more for a number that it knows beforehand: where a count
begins that is handed on, that is ``np.int64(0)``. Its own functions (``min``, ``np.empty``) it
compiles once for every set of options that it is asked for them with, though few make a difference.

Numba keeps compiled kernels on disk until their own file changes, though they hold code and numbers
of others, too. Here they are kept until any file changes that theirs imports.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numba as nb
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, Flags
from numba.core.targetconfig import ConfigStack

from avenv.core.sources import digest_of, sources_of


class _Index(IndexDataCacheFile):
    """Numba's list of what is kept of one function; none where types in it are gone."""

    def _load_index(self) -> dict:
        try:
            return super()._load_index()
        except (AttributeError, ImportError):  # of another version of this package
            return {}


class _Kept(FunctionCache):
    """Numba's cache of one function, stamped with all that it is compiled from."""

    def __init__(self, function: Callable) -> None:
        super().__init__(function)
        stamp = digest_of(sources_of(inspect.getfile(function)))
        self._cache_file = _Index(self._cache_path, self._impl.filename_base, stamp)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Do as Numba does, but write no types beside the source: that takes long, for none."""
        super().save_overload(sig, data._replace(type_annotation=""))


class _Code(JITCodeLibrary):
    """Code of a kernel."""

    by_itself = True

    def _optimize_functions(self, ll_module: Any) -> None:
        """Do as Numba does, but not with what is only declared: that makes no difference."""
        ll_module.data_layout = self._codegen._data_layout
        for function in ll_module.functions:
            if not function.is_declaration:
                passes, builder = self._codegen._function_pass_manager()
                passes.run(function, builder)


class _Part(_Code):
    """Code of a function that only kernels call, for them to take in: it is never run by itself."""

    def _optimize_final_module(self) -> None:
        """Leave that to the kernels, but where bits or speed depend on it: fast or inlined."""
        if self.by_itself:
            super()._optimize_final_module()

    def _finalize_final_module(self) -> None:
        """Do as Numba does, but translate nothing into machine code."""
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return that there is no such machine code."""
        return 0

    @property
    def codegen(self) -> "_Part":
        """What ``set_env`` is called of."""
        return self

    def set_env(self, name: str, environment: Any) -> None:
        """Do nothing: there is no machine code that could raise an exception."""

    def serialize_using_object_code(self) -> tuple[str, str, bytes]:
        """Return what is kept on disk."""
        return self.serialize_using_bitcode()


class _Asked(Flags):
    """Options that Numba looks its own functions up with.

    For each call in a kernel it hashes thirty options and compares them, and does so for a
    twelfth of its time. So there is one object of each kind, hashed once.
    """

    __slots__ = ("_hash",)
    _hash: int

    def __hash__(self) -> int:
        """Return what Numba does."""
        try:
            return self._hash
        except AttributeError:
            self._hash = super().__hash__()
            return self._hash

    def copy(self) -> Flags:
        """Return options that may be changed."""
        return Flags(self)


_ASKED: dict[str, _Asked] = {}


class _Compiler(Compiler):
    """Compiles kernels."""

    kind: type[_Code] = _Code

    def compile_extra(self, func: Callable) -> Any:
        """Compile a function into code of our kind."""
        self.state.library = self.kind(self.state.targetctx.codegen(), func.__qualname__)
        self.state.library.enable_object_caching()
        flags = self.state.flags
        self.state.library.by_itself = bool(flags.fastmath or flags.forceinline)
        return super().compile_extra(func)

    def define_pipelines(self) -> Any:
        """Return Numba's, once it is told with which options it is to ask for its own functions."""
        asked: Any = _Asked(self.state.flags)
        asked.release_gil = asked.no_cpython_wrapper = asked.no_cfunc_wrapper = True
        asked.forceinline = bool(asked.fastmath)
        stack = ConfigStack()._stk
        stack.pop()  # a copy of the kernel's options, which it keeps
        stack.push(_ASKED.setdefault(str(asked), asked))
        return super().define_pipelines()


class _PartCompiler(_Compiler):
    """Compiles functions that only kernels call."""

    kind = _Part


def njit(**options: Any) -> Callable[[Callable], Any]:
    """Return Numba's decorator of these options, which keeps what it compiles on disk."""
    compiled = nb.njit(**options)

    def decorate(function: Callable) -> Any:
        dispatcher = compiled(function)
        if not nb.config.DISABLE_JIT:  # type: ignore[attr-defined]
            dispatcher._cache = _Kept(function)
        return dispatcher

    return decorate


def is_on_disk(dispatcher: Any) -> bool:
    """Say whether anything compiled of a kernel is on disk that is still as its sources say.

    True, too, where Numba is switched off and compiles nothing.
    """
    kept = getattr(dispatcher, "_cache", None)
    return kept is None or bool(kept._cache_file._load_index())


_COMMON: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "pipeline_class": _Compiler,
}
_BORROWING: dict[str, Any] = {**_COMMON, "_nrt": False}
_NO_WAY_IN: dict[str, Any] = {
    "no_cpython_wrapper": True,
    "pipeline_class": _PartCompiler,
}
_INNER: dict[str, Any] = {**_BORROWING, **_NO_WAY_IN}

kernel = njit(**_COMMON)
"""Compile a function that Python calls and that allocates arrays."""

part = njit(**{**_COMMON, **_NO_WAY_IN})
"""Compile a function that only kernels call and that allocates arrays."""

borrowing = njit(**_BORROWING)
"""Compile a function that Python calls and that allocates nothing."""

contracted = njit(**_BORROWING, fastmath={"contract", "arcp"})
"""Compile a function that allocates nothing, where one rounding less does no harm: shading."""

inner = njit(**_INNER)
"""Compile a function that only kernels call and that allocates nothing."""

inlined = njit(**_INNER, forceinline=True)
"""Compile such a function into its callers: in inner loops a call is dear."""

fast_kernel = njit(**_COMMON, fastmath=True)
"""As ``kernel``, where sums may be taken in any order: signals."""

fast_inner = njit(**_INNER, fastmath=True, forceinline=True)
"""As ``inlined``, where sums may be taken in any order."""

fast_part = njit(**{**_COMMON, **_NO_WAY_IN}, fastmath=True, forceinline=True)
"""As ``fast_inner``, of a function that allocates arrays."""

fast_borrowing = njit(**_BORROWING, fastmath=True)
"""As ``borrowing``, where sums may be taken in any order."""
