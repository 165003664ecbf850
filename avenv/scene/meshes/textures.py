"""Image textures: decoded within limits, with transparency as cut-outs."""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from avenv.core.color import encoded, linear
from avenv.core.errors import SceneError
from avenv.scene.meshes.basis import decode_basis, is_basis
from avenv.scene.meshes.parts import Vector
from avenv.scene.meshes.references import References

MAX_PIXELS = 1 << 26
"""Most pixels of an image that is decoded."""

MAX_SIDE = 1024
"""Larger images are scaled down to this: no camera of an agent sees more of a texture."""

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TGA", "GIF")
_CUT = 128  # alpha below which a surface is cut out


def read_image(
    references: References, reference: str, field: str, missing: list[str]
) -> NDArray[np.uint8] | None:
    """Return the pixels of a texture that a file refers to, as ``decode_image`` does.

    A scene is there without its looks: where the texture is not, or cannot be read, or lies outside
    the scene's folder, ``missing`` says so and None is returned.
    """
    try:
        data = references.read(reference, field)
        if data is None:
            missing.append(f"{field}: {reference!r:.200}")
            return None
        return decode_image(data, f"{field}: {reference!r:.80}")
    except SceneError as error:
        missing.append(str(error).removeprefix(f"{references.document}: "))
        return None


def decode_image(data: bytes, place: str) -> NDArray[np.uint8]:
    """Return an image file's pixels (H, W, 4) uint8, sRGB and alpha, row 0 on top.

    Raises:
        SceneError: it is none of the known formats, broken, or larger than ``MAX_PIXELS``; or it is
            by Basis Universal, and what unpacks that is not installed.
    """
    if is_basis(data):
        return _scaled(Image.fromarray(decode_basis(data, place, MAX_PIXELS, MAX_SIDE)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # ours is stricter
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise SceneError(
                        f"{place}: the image has {width} x {height} pixels; at most "
                        f"{MAX_PIXELS:,} are decoded"
                    )
                if max(width, height) > 2 * MAX_SIDE:
                    image.draft("RGB", (MAX_SIDE, MAX_SIDE))  # a JPEG is decoded smaller at once
                rgba = image.convert("RGBA")
    except SceneError:
        raise
    except Exception as error:  # Pillow raises what its decoders happen to meet in broken files
        reason = "unknown format" if isinstance(error, UnidentifiedImageError) else error
        raise SceneError(
            f"{place}: cannot be decoded: {reason}; accepted are {', '.join(_FORMATS)} images"
        ) from error
    return _scaled(rgba)


def _scaled(rgba: Image.Image) -> NDArray[np.uint8]:
    rgba.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    return np.array(rgba)


def tinted(image: NDArray[np.uint8], factor: Vector) -> NDArray[np.uint8]:
    """Return an image whose linear light is multiplied by a colour."""
    codes = linear(np.arange(256) / 255)[:, None] * np.asarray(factor)
    table = np.round(255 * encoded(codes)).astype(np.uint8)
    out = image.copy()
    for channel in range(3):
        out[..., channel] = table[image[..., channel], channel]
    return out


def cut_out(image: NDArray[np.uint8], cutoff: float | None) -> NDArray[np.uint8]:
    """Return an image with alpha 255, or below 128 where it is cut out: alpha below ``cutoff``.

    Without a cutoff what is less than half opaque is cut out, but an image that is so everywhere
    is a pane, and stays whole.
    """
    alpha = image[..., 3]
    hole = alpha < (_CUT if cutoff is None else 255 * cutoff)
    if cutoff is None and hole.all():
        hole = np.zeros_like(hole)
    out = image.copy()
    out[..., 3] = np.where(hole, 0, 255)
    return out


def mean_color(image: NDArray[np.uint8]) -> Vector:
    """Return the mean linear light of what is not cut out."""
    shown = image[image[..., 3] >= _CUT][:, :3]
    if not len(shown):
        return (0.5, 0.5, 0.5)
    r, g, b = (
        float(linear(np.arange(256) / 255) @ np.bincount(shown[:, k], minlength=256) / len(shown))
        for k in range(3)
    )
    return r, g, b
