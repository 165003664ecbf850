"""Text files as people have them: with a mark in front, comments, tabs, in some encoding."""

import codecs
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError

_JOINED = re.compile(r"\\[ \t]*\n")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)


def decode_text(raw: bytes, place: str) -> str:
    """Return a text file's contents: UTF-8, with or without a mark in front, or else Latin-1.

    Lines end with ``\\n``, whatever the file ends them with.

    Raises:
        SceneError: it is UTF-16 or UTF-32; the message begins with ``place``.
    """
    marked = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE))
    if marked or raw[:64].count(0) > len(raw[:64]) // 4:
        raise SceneError(f"{place}: is UTF-16 or UTF-32 text; save it as UTF-8")
    raw = raw.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def statements(text: str) -> Iterator[tuple[str, str]]:
    """Yield the first word and the rest of each line of an OBJ or MTL file, without blank ones.

    A backslash at a line's end joins it to the next. Comments stay in the rest: names may hold a
    ``#``, numbers may not.
    """
    if "\\" in text:
        text = _JOINED.sub(" ", _COMMENT.sub("", text))  # a comment may end with a path's backslash
    for line in text.split("\n"):
        words = line.split(None, 1)
        if len(words) == 2:
            yield words[0], words[1]


def name_of(rest: str) -> str:
    """Return the name in the rest of a line; ``oak # light`` is ``oak``, ``Stuff #25`` a name."""
    return re.sub(r"\s#(?!\d).*", "", rest).strip()


def numbers(text: str, dtype: type, place: str) -> NDArray[Any]:
    """Return the numbers (N,) of a text, divided by blanks.

    Raises:
        SceneError: something in it is no number of that kind.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "string or file could not be read")
        try:
            return np.fromstring(text, dtype, sep=" ")
        except (DeprecationWarning, ValueError) as error:
            word = next((w for w in re.split(r"[ \t\n]+", text) if not _is_number(w, dtype)), "?")
            raise SceneError(f"{place}: {word!r:.80} is no number") from error


def _is_number(word: str, dtype: type) -> bool:
    try:
        dtype(word)
    except ValueError:
        return False
    return True
