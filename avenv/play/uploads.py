"""Sounds that visitors bring along."""

import re
import tempfile
from pathlib import Path

from aiohttp import web

from avenv.core.errors import SoundError
from avenv.sounds import Sound
from avenv.sounds.files import SUFFIXES, read_sound

MAX_BYTES = 32_000_000
"""Of a file: six minutes of stereo at 44.1 kHz and 16 bits, or an hour of MP3."""

_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:]{1,100}")


def checked_name(name: str) -> str:
    """Return the name of a sound file, which is never used as a path.

    Raises:
        SoundError: it is none.
    """
    is_plain = _NAME.fullmatch(name) and not name.startswith(".")
    if not is_plain or Path(name).suffix.lower() not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise SoundError(f"a file is named {name!r:.99}; accepted: a plain name, ending in {known}")
    return name


async def receive(request: web.Request) -> bytes:
    """Return what a request brings, if it is not too large.

    Raises:
        web.HTTPRequestEntityTooLarge: it is; no more than ``MAX_BYTES`` are ever held.
    """
    announced = request.content_length or 0
    content = bytearray()
    if announced <= MAX_BYTES:
        async for chunk in request.content.iter_chunked(2**16):
            content += chunk
            if len(content) > MAX_BYTES:
                break
    if announced > MAX_BYTES or len(content) > MAX_BYTES:
        text = f"the file is larger than {MAX_BYTES / 1e6:g} MB"
        raise web.HTTPRequestEntityTooLarge(MAX_BYTES, max(announced, len(content)), text=text)
    return bytes(content)


def read_upload(name: str, content: bytes, sample_rate: int) -> Sound:
    """Return the sound in a file's content, called by the file's name.

    Raises:
        SoundError: it is no sound, or as ``avenv.sounds.files.read_sound``.
    """
    with tempfile.TemporaryDirectory(prefix="avenv-play-") as folder:
        path = Path(folder) / f"sound{Path(checked_name(name)).suffix.lower()}"
        path.write_bytes(content)
        try:
            return read_sound(path, sample_rate, name, Path(name).stem)
        except SoundError as error:
            raise SoundError(str(error).replace(str(path), name)) from None
