"""The materials of a glTF file and their images; where one cannot be read, the surface is plain."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from avenv.core.errors import SceneError
from avenv.scene.meshes.gltf_header import GltfMaterial, Header, Metallic, TextureUse
from avenv.scene.meshes.parts import MeshMaterial, Vector
from avenv.scene.meshes.references import References
from avenv.scene.meshes.textures import cut_out, decode_image, read_image, tinted

READ = {
    "KHR_texture_transform", "KHR_materials_unlit", "KHR_materials_emissive_strength",
    "KHR_materials_pbrSpecularGlossiness", "EXT_texture_webp", "KHR_texture_basisu",
    "GOOGLE_texture_basis",
}  # fmt: skip
"""Extensions that change how surfaces look, and are read."""

_GLOSSY = "KHR_materials_pbrSpecularGlossiness"
_STRONGEST = 100.0  # times well-lit white paper: the most that a surface gives off


def notes_of(extras: Any) -> dict[str, Any] | None:
    """Return what avenv itself noted in the ``extras`` of a file that it exported."""
    notes = extras.get("avenv") if isinstance(extras, dict) else None
    return notes if isinstance(notes, dict) else None


class Looks:
    """Reads the materials of one file.

    Args:
        header: the checked header.
        buffers: the contents of its buffers.
        references: reads its images.
    """

    def __init__(self, header: Header, buffers: list[bytes], references: References) -> None:
        self.missing: list[str] = []
        self.notes: list[str] = []
        self._header, self._buffers, self._references = header, buffers, references
        self._materials: dict[int | None, MeshMaterial] = {None: MeshMaterial()}
        self._images: dict[int, NDArray[np.uint8] | None] = {}

    def material(self, row: int | None) -> MeshMaterial:
        """Return a material with its image; the same one each time."""
        if row not in self._materials:
            assert row is not None  # None is there from the start
            self._materials[row] = self._read(row)
        return self._materials[row]

    def texture_use(self, row: int | None) -> TextureUse | None:
        """Return the material's reference to the texture of its base colour."""
        return None if row is None else _base(self._header.materials[row]).baseColorTexture

    def _read(self, row: int) -> MeshMaterial:
        material, place = self._header.materials[row], f"materials[{row}]"
        base = _base(material)
        color = None
        if base.baseColorFactor is not None:
            color = self._factor(base.baseColorFactor[:3], f"{place}.baseColorFactor")
        image, image_name = None, ""
        if base.baseColorTexture is not None:
            image, image_name = self._image(base.baseColorTexture)
        if image is not None:
            cutoff = {"OPAQUE": 0.0, "MASK": max(material.alphaCutoff, 0.0)}.get(material.alphaMode)
            image = cut_out(image, cutoff)
            image = tinted(image, color) if color else image
        emission = 0.0
        if material.emissiveTexture is None:  # where an image says what glows, most does not
            glow = self._factor(material.emissiveFactor, f"{place}.emissiveFactor")
            strength = material.extensions.get("KHR_materials_emissive_strength")
            times = strength.get("emissiveStrength", 1.0) if isinstance(strength, dict) else 1.0
            if isinstance(times, int | float) and times > _STRONGEST:
                self.notes.append(
                    f"{place}: emissiveStrength is {times:g}; taken as {_STRONGEST:g}"
                )
                times = _STRONGEST
            emission = max(glow) * number(times, 1.0, 0.0, _STRONGEST)
            if emission and not any(color or ()):
                color = glow
        notes = notes_of(material.extras)
        return MeshMaterial(material.name, color, image, image_name, emission, notes)

    def _factor(self, values: Sequence[float], place: str) -> Vector:
        """Return a colour within 0..1, and note if it had to be brought there."""
        r, g, b = np.clip(values, 0, 1).tolist()
        if (r, g, b) != tuple(values):
            shown = ", ".join(f"{v:g}" for v in values)
            self.notes.append(f"{place} is [{shown}], brought into 0..1")
        return r, g, b

    def _image(self, use: TextureUse) -> tuple[NDArray[np.uint8] | None, str]:
        """Return the first of a texture's images that can be read, and its name."""
        sources = list(self._sources(use.index))
        before = len(self.missing)
        for source in sources:
            image = self._header.images[source]
            uri = image.uri or "data:"
            if source not in self._images:
                self._images[source] = self._decode(source)
            if self._images[source] is not None:
                del self.missing[before:]  # another image stands in for those
                return self._images[source], image.name or ("" if uri.startswith("data:") else uri)
        if not sources:
            self.missing.append(f"textures[{use.index}] has no image that can be read")
        return None, ""

    def _sources(self, row: int) -> Iterator[int]:
        """Yield the images of a texture: WebP, the plain one, then those of other extensions."""
        if row >= len(self._header.textures):
            return
        texture = self._header.textures[row]
        named = {
            name: value.get("source")
            for name, value in texture.extensions.items()
            if isinstance(value, dict)
        }
        webp = named.pop("EXT_texture_webp", None)
        for source in dict.fromkeys((webp, texture.source, *named.values())):
            if isinstance(source, int) and 0 <= source < len(self._header.images):
                yield source

    def _decode(self, row: int) -> NDArray[np.uint8] | None:
        image, place = self._header.images[row], f"images[{row}]"
        if image.bufferView is None:
            if image.uri is None:
                self.missing.append(f"{place}: has neither uri nor bufferView")
                return None
            return read_image(self._references, image.uri, f"{place}.uri", self.missing)
        view = self._header.bufferViews[image.bufferView]
        end = view.byteOffset + view.byteLength
        try:
            return decode_image(self._buffers[view.buffer][view.byteOffset : end], place)
        except SceneError as error:
            self.missing.append(str(error))
            return None


def _base(material: GltfMaterial) -> Metallic:
    """Return the base colour, which the glossy model of glTF 1.0's days calls diffuse."""
    glossy = material.extensions.get(_GLOSSY)
    if not isinstance(glossy, dict):
        return material.pbrMetallicRoughness
    fields = {"baseColorFactor": glossy.get("diffuseFactor"),
              "baseColorTexture": glossy.get("diffuseTexture")}  # fmt: skip
    try:
        return Metallic.model_validate(fields)
    except ValidationError:
        return material.pbrMetallicRoughness


def transformed(uv: NDArray[np.float64], use: TextureUse | None) -> NDArray[np.float64]:
    """Return uv with v up; the file has v down and may transform it (KHR_texture_transform)."""
    change = use.extensions.get("KHR_texture_transform") if use else None
    if isinstance(change, dict):
        scale, offset = (_pair(change.get(k), d) for k, d in (("scale", 1.0), ("offset", 0.0)))
        turn = number(change.get("rotation"), 0.0, -100.0, 100.0)
        c, s = math.cos(turn), math.sin(turn)
        uv = (uv * scale) @ np.array([[c, -s], [s, c]]) + offset
    return np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1)


def number(value: Any, default: float, low: float, high: float) -> float:
    """Return a value if it is a number between two others, or else the default."""
    good = isinstance(value, int | float) and low <= value <= high
    return float(value) if good else default


def _pair(value: Any, default: float) -> NDArray[np.float64]:
    values = value if isinstance(value, list) and len(value) == 2 else [default] * 2
    return np.array([number(v, default, -1e6, 1e6) for v in values])
