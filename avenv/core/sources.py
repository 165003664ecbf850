"""What something is computed with: a file, and all of its own project that it imports.

Results and compiled kernels are kept under a digest of these, so that none outlives its code.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

_OWN = os.path.realpath(Path(__file__).parents[2])
"""The folder that avenv is in."""

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+([^\n#]*))",
    re.MULTILINE,
)


def sources_of(*files: str | Path) -> list[str]:
    """Return files and what they import, of their own packages and of avenv, sorted.

    What is imported inside a function counts; what is looked up by a name at run time does not.
    """
    found: set[str] = set()
    todo = [os.path.realpath(file) for file in files]
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += _imported(file)
    return sorted(found)


def digest_of(files: Iterable[str]) -> str:
    """Return a digest of what stands in files, wherever their packages are."""
    digest = hashlib.sha256()
    for file in files:
        folder, name = os.path.split(file)
        digest.update(
            f"{_package(folder)[1]}.{name}".encode() + hashlib.sha256(_read(file)).digest()
        )
    return digest.hexdigest()[:16]


@cache
def _read(file: str) -> bytes:
    return Path(file).read_bytes()


@cache
def _imported(file: str) -> list[str]:
    """Return the files of its own packages that a file imports."""
    folder, name = os.path.split(file)
    root, package = _package(folder)
    own = package.partition(".")[0] or name.removesuffix(".py")
    roots = {"avenv": _OWN, own: root}
    found: dict[str, None] = {}
    for dotted in _names(_read(file).decode(), package):
        top, _, rest = dotted.partition(".")
        if top in roots and (module := _module(os.path.join(roots[top], top), rest)):
            found[module] = None
    return list(found)


def _names(text: str, package: str) -> Iterator[str]:
    """Yield the dotted names that a module of a package imports; the last may be no module."""
    for module, names, plain in _IMPORT.findall(text):
        dots = len(module) - len(module.lstrip("."))
        around = package.split(".")[: 1 - dots or None] if dots else []
        before = [*around, *filter(None, module.split("."))]
        for part in re.findall(r"[\w.]+(?:[ \t]+as[ \t]+\w+)?", names or plain):
            yield ".".join([*before, part.split()[0]])


@cache
def _module(place: str, rest: str) -> str | None:
    """Return the file of the longest beginning of a dotted name that is a module."""
    first, _, more = rest.partition(".")
    if first and (found := _module(os.path.join(place, first), more)):
        return found
    for file in (os.path.join(place, "__init__.py"), f"{place}.py"):
        if os.path.isfile(file):
            return file
    return None


@cache
def _package(folder: str) -> tuple[str, str]:
    """Return where the outermost package around a folder lies, and the folder's dotted name."""
    if not os.path.isfile(os.path.join(folder, "__init__.py")):
        return folder, ""
    above, name = os.path.split(folder)
    root, package = _package(above)
    return root, f"{package}.{name}" if package else name
