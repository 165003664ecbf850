"""From the parts of a mesh to the surfaces of a scene: what is seen and heard of each triangle."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avenv.core.bands import OCTAVE_CENTRES
from avenv.core.color import encoded, linear
from avenv.core.errors import SceneError
from avenv.scene.compiled import SurfaceTable
from avenv.scene.materials import material
from avenv.scene.meshes.parts import MeshMaterial, MeshPart, Vector
from avenv.scene.meshes.rules import FILE, RULE, Choice, Rules
from avenv.scene.meshes.textures import mean_color
from avenv.scene.primitives import surface_uv

_SHADES = 256  # colours that the corners' own colours are brought down to


class _Row(NamedTuple):
    name: str
    color: Vector
    absorption: tuple[float, ...]
    scattering: tuple[float, ...]
    transmission: tuple[float, ...]
    texture: str
    emission: float


@dataclass
class SurfaceBook:
    """Collects the distinct surfaces and images of a scene.

    Args:
        path: the file, for messages.
        rules: choose materials by name and colour.
        named: materials by the file's own names, before all rules.
        default: instead of the rules' own.
    """

    path: str
    rules: Rules
    named: dict[str, str]
    default: str | None
    rows: dict[_Row, int] = field(default_factory=dict)
    images: list[NDArray[np.uint8]] = field(default_factory=list)
    plain: int = 0
    _image_rows: dict[int, int] = field(default_factory=dict)

    def enter(
        self, part: MeshPart, triangles: NDArray[np.float64], sheet: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], Choice]:
        """Enter a part's surfaces; return the rows (N,) and coordinates (N, 3, 2), and the choice.

        Args:
            part: what the file says.
            triangles: (N, 3, 3) its triangles in the world, metres.
            sheet: (N,) which of them bound no solid.
        """
        source = part.material
        if source.image is not None and part.uv is not None:
            row = self._image_rows.setdefault(id(source.image), len(self.images))
            if row == len(self.images):
                self.images.append(source.image)
            colors, texture = [mean_color(source.image)], f"image:{row}"
            code, uv = np.zeros(len(triangles), np.int64), part.uv
        else:
            texture, uv = "plain", surface_uv(triangles)
            if part.shade is not None:
                colors, code = _palette(part.shade)
            else:
                colors, code = [source.color] if source.color else [], np.zeros(len(triangles), int)
        mean = np.average(colors, axis=0, weights=np.bincount(code, minlength=len(colors))) \
            if colors else None  # fmt: skip
        choice = self._choose(part, None if mean is None else tuple(mean.tolist()))
        if not colors:
            self.plain += 1
            colors, texture = [material(choice.material).color], material(choice.material).texture
        table = np.zeros((2, len(colors)), np.int32)
        for kind in np.unique(sheet).tolist():
            table[int(kind)] = [self._row(source, choice, c, kind, texture) for c in colors]
        return table[sheet.astype(np.int64), code], uv, choice

    def _choose(self, part: MeshPart, color: Vector | None) -> Choice:
        source = part.material
        if source.notes is not None:
            return Choice(str(source.notes.get("material", source.name)), FILE)
        if source.name in self.named:
            return Choice(self.named[source.name], RULE)
        names = [n for n in (source.name, source.image_name, part.label or part.owner) if n]
        choice = self.rules.choose(names, color)
        if self.default is not None and choice.how == "by default":
            return choice._replace(material=self.default)
        return choice

    def _row(
        self, source: MeshMaterial, choice: Choice, color: Vector, sheet: bool, texture: str
    ) -> int:
        emission = source.emission
        if choice.how == FILE:
            assert source.notes is not None  # that is what the choice means
            bands = [
                _noted(source, key, self.path)
                for key in ("absorption", "scattering", "transmission")
            ]
            absorption, scattering, transmission = bands
        else:
            # Solid or sheet is how the mesh is built, not what the material mostly comes as.
            chosen = replace(material(choice.material), sheet=sheet)
            absorption, scattering = chosen.absorption, chosen.scattering
            transmission = chosen.transmission
            emission = emission or chosen.emission
        passed = tuple(min(t, a) for t, a in zip(transmission, absorption, strict=True))
        row = _Row(choice.material, color, absorption, scattering, passed, texture, emission)
        return self.rows.setdefault(row, len(self.rows))

    def table(self) -> SurfaceTable:
        """Return the surfaces entered."""
        columns = list(zip(*self.rows, strict=True))
        color, absorption, scattering, transmission = (
            np.array(column, np.float32) for column in columns[1:5]
        )
        return SurfaceTable(
            names=columns[0], color=color, absorption=absorption, scattering=scattering,
            transmission=transmission, texture=columns[5], emission=columns[6],
        )  # fmt: skip


def is_noted_sheet(part: MeshPart) -> bool | None:
    """Return whether avenv's own file says that a part is a sheet; None if it does not say."""
    noted = (part.material.notes or {}).get("sheet")
    return noted if isinstance(noted, bool) else None


def _noted(source: MeshMaterial, key: str, path: str) -> tuple[float, ...]:
    values = (source.notes or {}).get(key)
    good = isinstance(values, list) and len(values) == len(OCTAVE_CENTRES) and all(
        isinstance(v, int | float) and 0 <= v <= 1 for v in values
    )  # fmt: skip
    if not good:
        raise SceneError(f"{path}: material {source.name!r}: extras.avenv.{key} is {values!r:.80}; "
                         f"expected {len(OCTAVE_CENTRES)} numbers from 0 to 1")  # fmt: skip
    return tuple(float(v) for v in values or ())


def _palette(shade: NDArray[np.float64]) -> tuple[list[Vector], NDArray[np.int64]]:
    """Return a few colours that stand for all (N, 3), by median cut, and which is whose (N,)."""
    codes = np.round(255 * encoded(shade)).astype(np.uint8)
    image = Image.fromarray(codes[None]).quantize(_SHADES, Image.Quantize.MEDIANCUT,
                                                  dither=Image.Dither.NONE)  # fmt: skip
    code = np.asarray(image)[0].astype(np.int64)
    used, code = np.unique(code, return_inverse=True)
    entries = np.array(image.getpalette(), np.float64).reshape(-1, 3)[used]
    return [(r, g, b) for r, g, b in linear(entries / 255).tolist()], code.ravel()
