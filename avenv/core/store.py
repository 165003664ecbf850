"""Files by name that many machines write, each once and whole: a shared folder, or an object store.

What is not a folder is a URL that fsspec knows: ``s3://BUCKET/WHERE``, ``gs://``, ``sftp://``,
``file://``, each by a package of its own that fsspec names if it is missing. fsspec comes with
``avenv[cluster]``, and is imported when a URL is met.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from avenv.core.files import DRAFT, STALE, draft_of


def is_url(place: str | Path) -> bool:
    """Say whether a place is a URL, and no folder."""
    return isinstance(place, str) and "://" in place


def open_store(place: "str | Path | Store") -> "Store":
    """Return the store at a place: a folder, which need not be there yet, or a URL.

    Raises:
        ImportError: fsspec is not installed, or what it needs for the URL.
        OSError: it cannot be reached.
        ValueError: fsspec knows no such URL.
    """
    if isinstance(place, Folder | Objects):
        return place
    if not is_url(place):
        return Folder(Path(place).absolute())
    store = Objects(str(place).rstrip("/"))
    store.reach()
    return store


@dataclass(frozen=True)
class Folder:
    """A folder that all who write to it see at the same place.

    Attributes:
        path: of it, absolute.
    """

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def within(self, name: str) -> "Folder":
        """Return a folder within."""
        return Folder(self.path / name)

    def holds(self, name: str) -> bool:
        """Say whether there is a file of a name."""
        return (self.path / name).exists()

    def names(self) -> set[str]:
        """Return the names of all files, those in folders within too: ``"media/a.wav"``."""
        return {
            file.relative_to(self.path).as_posix()
            for file in self.path.rglob("*")
            if file.is_file() and not file.name.endswith(DRAFT)
        }

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            FileNotFoundError: there is none.
        """
        return (self.path / name).read_bytes()

    @contextmanager
    def write(self, name: str) -> Iterator[Path]:
        """Give the name of a draft, which becomes the file if nothing is raised."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft_of(file) as draft:
            yield draft

    def remove(self, name: str) -> None:
        """Delete a file."""
        (self.path / name).unlink()


@dataclass(frozen=True)
class Objects:
    """What fsspec finds at a URL. It is reached anew by each process that uses it.

    What goes wrong on the way is an ``OSError`` that names the URL, whatever the URL's package
    raises.

    Attributes:
        url: without a slash at its end.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def reach(self) -> tuple[Any, str]:
        """Return the file system, as fsspec has them, and the path in it.

        Raises:
            ImportError: fsspec is not installed, or what it needs for the URL.
            OSError: it cannot be reached.
            ValueError: fsspec knows no such URL.
        """
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise ImportError(
                f'{self.url} needs fsspec ({error}): pip install "avenv[cluster]"'
            ) from error
        try:
            system, path = url_to_fs(self.url)
        except ImportError as error:
            raise ImportError(f"{self.url}: {error}") from error
        except ValueError as error:
            raise ValueError(f"{self.url}: {error}; accepted: a folder, or a URL") from error
        except Exception as error:  # whatever the URL's package makes of it
            raise self._failed(error) from error
        system.invalidate_cache()  # others write, too
        return system, path.rstrip("/")

    def within(self, name: str) -> "Objects":
        """Return what is in a folder within."""
        return Objects(f"{self.url}/{name}")

    def holds(self, name: str) -> bool:
        """Say whether there is a file of a name.

        Raises:
            OSError: it cannot be found out.
        """
        system, path = self.reach()
        try:
            system.info(f"{path}/{name}")
        except FileNotFoundError:
            return False
        except Exception as error:
            raise self._failed(error) from error
        return True

    def names(self) -> set[str]:
        """Return the names of all files, as of ``Folder``; sweep stale drafts away.

        Raises:
            OSError: it cannot be reached.
        """
        system, path = self.reach()
        try:
            files = system.find(path)
        except FileNotFoundError:
            return set()
        except Exception as error:
            raise self._failed(error) from error
        for file in files:
            if file.endswith(DRAFT):
                with suppress(Exception):  # somebody else was faster, or this store knows no times
                    age = datetime.now(UTC) - system.modified(file)
                    if age.total_seconds() > STALE:
                        system.rm_file(file)
        root = len(path) + 1
        return {file[root:] for file in files if not file.endswith(DRAFT)}

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            FileNotFoundError: there is none.
            OSError: it cannot be reached.
        """
        system, path = self.reach()
        try:
            return system.cat_file(f"{path}/{name}")
        except FileNotFoundError:
            raise
        except Exception as error:
            raise self._failed(error) from error

    @contextmanager
    def write(self, name: str) -> Iterator[Path]:
        """Give the name of a draft on this machine, which is put there if nothing is raised.

        It is put beside its place and then moved there: half of it is never seen, and what was
        there before stays until then.

        Raises:
            OSError: it cannot be reached, or is full.
        """
        folder = tempfile.mkdtemp(prefix="avenv-")
        try:
            draft = Path(folder, Path(name).name)
            yield draft
            self._put(draft, name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def remove(self, name: str) -> None:
        """Delete a file.

        Raises:
            OSError: it cannot be reached, or there is none.
        """
        system, path = self.reach()
        try:
            system.rm_file(f"{path}/{name}")
        except Exception as error:
            raise self._failed(error) from error

    def _put(self, draft: Path, name: str) -> None:
        system, path = self.reach()
        folder, _, last = f"{path}/{name}".rpartition("/")
        aside = f"{folder}/.{last}.{uuid4().hex[:12]}{DRAFT}"
        try:
            if not system.async_impl:  # object stores have no folders: they would make a bucket
                system.makedirs(folder, exist_ok=True)
            system.put_file(str(draft), aside)
            system.mv(aside, f"{folder}/{last}")
        except BaseException as error:
            with suppress(Exception):  # it may not be there
                system.rm_file(aside)
            if not isinstance(error, Exception):
                raise
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> OSError:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        told = f"{self.url} cannot be used: {said}"
        number = getattr(error, "errno", None)
        return OSError(number, told) if isinstance(number, int) else OSError(told)


Store = Folder | Objects
"""Where many machines write. It can be sent to others."""
