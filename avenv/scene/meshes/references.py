"""References from one file to another: followed within the scene's folder, never out of it."""

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import unquote

from avenv.core.errors import SceneError

MAX_BYTES = 1 << 30
"""Largest file that is read."""

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")


class References:
    """Reads what a document refers to.

    Args:
        document: the file with the references; they are relative to its folder.
        root: the folder that nothing is read outside of; by default the document's.
        digests: where to note the digest of each file that is read, by its path in ``root``;
            the first, which all begins with, under an empty name.
    """

    def __init__(
        self, document: Path, root: Path | None = None, digests: dict[str, str] | None = None
    ) -> None:
        self.digests = {} if digests is None else digests
        self.document = document
        self._base = document.parent.resolve()
        self.root = (root or document.parent).resolve()

    def find(self, reference: str, field: str) -> Path:
        """Return the file that a reference names; it need not be there.

        Raises:
            SceneError: it is a URL, an absolute path, or leads out of the folder.
        """
        place = f"{self.document}: {field}: {reference[:200]!r}"
        plain = unquote(reference).replace("\\", "/").strip()
        if _SCHEME.match(plain) or plain.startswith("/"):
            raise SceneError(f"{place} is a URL or an absolute path; accepted are relative paths")
        try:
            path = (self._base / plain).resolve()
            path.is_file()  # a name may be too long to ask
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SceneError(f"{place} is not a path: {reason}") from error
        if not path.is_relative_to(self.root):
            raise SceneError(f"{place} leads out of the scene's folder {self.root}")
        return path

    def read(self, reference: str, field: str) -> bytes | None:
        """Return the contents of a reference, or of a ``data:`` URI; None if it is missing.

        Raises:
            SceneError: it leads out of the folder, is too large, or cannot be read.
        """
        if reference.startswith("data:"):
            try:
                return base64.b64decode(reference.partition("base64,")[2], validate=True)
            except ValueError as error:  # also for what is not ASCII
                raise SceneError(f"{self.document}: {field}: broken base64: {error}") from error
        path = self.find(reference, field)
        return self._noted(path, path) if path.is_file() else None

    def read_document(self) -> bytes:
        """Return the contents of the document itself.

        Raises:
            SceneError: it is missing, too large, or cannot be read.
        """
        return self._noted(self.document, self._base / self.document.name)

    def inner(self, document: Path) -> "References":
        """Return the references of a document that this one refers to."""
        return References(document, self.root, self.digests)

    def _noted(self, path: Path, place: Path) -> bytes:
        content = read_file(path)
        # Nothing refers to the first by its name, so that it may be called otherwise.
        name = place.relative_to(self.root).as_posix() if self.digests else ""
        self.digests.setdefault(name, hashlib.sha256(content).hexdigest())
        return content


def read_file(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        SceneError: it is missing, unreadable, or larger than ``MAX_BYTES``.
    """
    try:
        if not path.is_file():
            raise SceneError(f"{path}: no such file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SceneError(f"{path}: has {size:,} bytes; at most {MAX_BYTES:,} are read")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, SceneError):
            raise
        raise SceneError(f"{path}: cannot be read: {error}") from error
