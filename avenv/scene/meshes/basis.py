"""Textures that Basis Universal has compressed: KTX2 and ``.basis``, as glTF and Habitat have them.

``opengl_basisu`` unpacks them by the reference transcoder; it comes with ``avenv[habitat]``.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError

_KTX2, _BASIS = b"\xabKTX 20\xbb\r\n\x1a\n", b"sB"


def is_basis(data: bytes) -> bool:
    """Say whether an image file is one of these."""
    return data.startswith((_KTX2, _BASIS))


def decode_basis(data: bytes, place: str, largest: int, side: int) -> NDArray[np.uint8]:
    """Return the pixels (H, W, 4) of the largest of an image's levels that is no wider than wanted.

    Args:
        data: the file.
        place: of it, for messages.
        largest: most pixels that are unpacked.
        side: pixels of width and height that are wanted at most.

    Raises:
        SceneError: it is broken or too large, or what unpacks it is not installed.
    """
    try:
        import opengl_basisu
    except ImportError:
        raise SceneError(f"{place}: textures by Basis Universal need opengl-basisu: pip install "
                         "'avenv[habitat]'") from None  # fmt: skip
    try:
        texture: Any = opengl_basisu.open(data)
        sizes = [texture.level_size(k) for k in range(texture.levels)]
        level = next((k for k, size in enumerate(sizes) if max(size) <= side), len(sizes) - 1)
        width, height = sizes[level]
        if width * height > largest:
            raise SceneError(f"{place}: the image has {width} x {height} pixels; at most "
                             f"{largest:,} are decoded")  # fmt: skip
        rows = texture.transcode("rgba8", level=level).data
        return np.ascontiguousarray(rows[::-1] if texture.y_flipped else rows)
    except (opengl_basisu.BasisuError, IndexError) as error:
        raise SceneError(f"{place}: cannot be decoded: {error}") from error
