"""The table of materials: what a surface looks like and does to sound."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from avenv.core.bands import OCTAVE_CENTRES
from avenv.core.errors import SceneError
from avenv.scene.problems import suggest
from avenv.scene.yaml_files import read_yaml

_TABLE = Path(__file__).with_name("materials.yaml")
_FIELDS = ("color", "absorption", "scattering", "transmission_loss")
_OPTIONS = ("texture", "emission", "sheet")

TEXTURES = (
    "plain", "wood", "boards", "parquet", "panel", "tiles", "brick", "plaster", "concrete", "stone",
    "marble", "fabric", "leather", "carpet", "rug", "metal", "paper", "speckle", "foliage",
    "screen",
)  # fmt: skip
"""How a colour may vary over a surface; ``avenv.vision.raster.patterns`` draws them."""


@dataclass(frozen=True)
class Material:
    """One material; B = 7 octave bands of ``avenv.core.bands.OCTAVE_CENTRES``.

    Attributes:
        name: its name in the table.
        color: (3,) linear-light reflectance in 0..1.
        absorption: (B,) share of the incident energy that does not come back.
        scattering: (B,) share of the reflected energy that leaves diffusely.
        transmission_loss: (B,) dB of the whole construction.
        sheet: a single surface carries the whole loss (curtain, leaf), not half of it.
        texture: one of ``TEXTURES``; the mean over it is ``color``.
        emission: light given off per area while the lamps are on, as a multiple of what well-lit
            white paper sends back.
    """

    name: str
    color: tuple[float, float, float]
    absorption: tuple[float, ...]
    scattering: tuple[float, ...]
    transmission_loss: tuple[float, ...]
    sheet: bool = False
    texture: str = "plain"
    emission: float = 0.0

    @property
    def transmission(self) -> tuple[float, ...]:
        """Share (B,) of the incident energy that passes through one surface."""
        surfaces = 1 if self.sheet else 2
        return tuple(10.0 ** (-loss / (10.0 * surfaces)) for loss in self.transmission_loss)


def material(name: str) -> Material:
    """Return the material of this name.

    Raises:
        SceneError: the table has no such material; the message names the closest ones.
    """
    table = _table()
    if name not in table:
        raise SceneError(f"there is no material {name!r}{suggest(name, table)}")
    return table[name]


def material_names() -> tuple[str, ...]:
    """Return the names of all materials, in the order of the table."""
    return tuple(_table())


def register_materials(path: str | Path) -> tuple[str, ...]:
    """Add the materials of a YAML file, laid out as ``materials.yaml``, and return their names.

    A name may be registered again with the same values, as when a script runs twice.

    Raises:
        SceneError: the file cannot be read, a material is invalid, or a name already means
            another material. Nothing is added then.
    """
    table, added = _table(), _read(Path(path))
    for name, new in added.items():
        if table.get(name, new) != new:
            raise SceneError(f"{path}: material {name!r} already exists with other values")
    table.update(added)
    return tuple(added)


@cache
def _table() -> dict[str, Material]:
    return _read(_TABLE)


def _read(path: Path) -> dict[str, Material]:
    rows = read_yaml(path)
    return {str(name): _parse(str(name), row, f"{path.name}: {name}") for name, row in rows.items()}


def _parse(name: str, row: object, place: str) -> Material:
    if not isinstance(row, dict):
        raise SceneError(f"{place}: expected the fields {', '.join(_FIELDS)}, got {row!r}")
    if unknown := set(row) - {*_FIELDS, *_OPTIONS}:
        raise SceneError(f"{place}: unknown field {min(map(str, unknown))!r}; "
                         f"accepted are {', '.join(_FIELDS + _OPTIONS)}")  # fmt: skip
    if missing := [f for f in _FIELDS if f not in row]:
        raise SceneError(f"{place}: field {missing[0]!r} is missing")
    sheet = row.get("sheet", False)
    if not isinstance(sheet, bool):
        raise SceneError(f"{place}: sheet is {sheet!r}; expected true or false")
    texture = row.get("texture", "plain")
    if texture not in TEXTURES:
        raise SceneError(f"{place}: texture is {texture!r}; accepted are {', '.join(TEXTURES)}")
    made = Material(
        name=name,
        color=_linear(row["color"], f"{place}: color"),
        absorption=_bands(row["absorption"], 1.0, f"{place}: absorption"),
        scattering=_bands(row["scattering"], 1.0, f"{place}: scattering"),
        transmission_loss=_bands(row["transmission_loss"], 200.0, f"{place}: transmission_loss"),
        sheet=sheet,
        texture=texture,
        emission=_number(row.get("emission", 0.0), 1000.0, f"{place}: emission is"),
    )
    for band, passed, lost in zip(OCTAVE_CENTRES, made.transmission, made.absorption, strict=True):
        if passed > lost:
            raise SceneError(
                f"{place}: at {band:g} Hz one surface would pass {passed:.3f} of the energy but "
                f"absorb only {lost:.3f}; raise transmission_loss or absorption"
            )
    return made


def _bands(values: object, highest: float, place: str) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) != len(OCTAVE_CENTRES):
        raise SceneError(f"{place} is {values!r}; expected {len(OCTAVE_CENTRES)} numbers, one per "
                         "octave from 125 to 8000 Hz")  # fmt: skip
    return tuple(_number(value, highest, f"{place} has") for value in values)


def _number(value: object, highest: float, place: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= highest:
        raise SceneError(f"{place} {value!r}; expected numbers from 0 to {highest:g}")
    return float(value)


def _linear(color: object, place: str) -> tuple[float, float, float]:
    """Return the linear-light value of an sRGB colour ``#rrggbb`` (IEC 61966-2-1)."""
    text = color[1:] if isinstance(color, str) and color.startswith("#") else ""
    try:
        encoded = [c / 255.0 for c in bytes.fromhex(text)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in encoded)
    except ValueError:
        raise SceneError(f"{place} is {color!r}; expected sRGB as '#rrggbb'") from None
    return r, g, b
