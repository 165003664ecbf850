"""How a mesh file is to be read, as keywords or as YAML beside it."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from avenv.scene.fields import Name
from avenv.scene.meshes.references import References
from avenv.scene.problems import checked
from avenv.scene.spec import SourceSpec
from avenv.scene.yaml_files import read_yaml

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048, "km": 1000.0}
"""Metres in one of a file's units."""

Unit = Literal["m", "cm", "mm", "in", "ft", "km"]


class MeshSettings(BaseModel):
    """A mesh as a scene. In YAML::

        mesh: house.glb                   # GLB, glTF, OBJ, PLY, STL, or a Habitat scene
        unit: cm
        rules: my_rules.yaml
        sources:
          - {on: phone}                   # an object of the mesh
          - {position: [2, 3, 1], sound: kettle}

    Attributes:
        mesh: the file, relative to this one and within its folder.
        name: of the scene; by default the file's.
        up: the axis that points up: ``Y`` or ``Z``; by default as the format has it: Y in glTF
            and OBJ, Z in PLY and STL.
        unit: metres in one of the file's units, or ``m``, ``cm``, ``mm``, ``in``, ``ft``, ``km``;
            by default metres.
        rules: file of rules that go before the shipped ones (``avenv/scene/meshes/rules.yaml``).
        materials: materials by the names that the file uses, before all rules.
        default: material of what no rule knows, instead of the rules' own.
        floor: level of the storey that is walked on, metres; by default the lowest large one.
        centre: whether the middle of its plan is moved to (0, 0), and the floor that is walked on
            to z = 0.
        units_to_meters: whether this field of Habitat's configurations is applied, which
            habitat-sim reads and does not apply.
        sources: sound sources; ``on`` names an object of the mesh.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mesh: Annotated[str, Field(min_length=1)]
    name: Name | None = None
    up: Literal["Y", "Z"] | None = None
    unit: Annotated[float, Field(strict=True, gt=0)] | Unit | None = None
    rules: str | None = None
    materials: dict[str, str] = {}
    default: str | None = None
    floor: Annotated[float, Field(strict=True)] | None = None
    centre: bool = False
    units_to_meters: bool = False
    sources: tuple[SourceSpec, ...] = ()

    _file: Path = PrivateAttr(Path())

    @classmethod
    def from_yaml(cls, path: Path) -> Self:
        """Read a scene file that names a mesh.

        Raises:
            SceneError: the file is missing or is not YAML, or a field is unknown or has a value
                that it cannot have; all of these are named.
        """
        return cls.checked(read_yaml(path), path)

    @classmethod
    def checked(cls, data: dict[str, Any], file: Path) -> Self:
        """Make settings of plain data; messages name ``file``, and paths start from its folder.

        Raises:
            SceneError: a field is missing or unknown, or has a value that it cannot have.
        """
        settings = checked(cls, data, str(file), {"sources": SourceSpec.model_fields})
        settings._file = file
        return settings

    @property
    def source(self) -> str:
        """What messages call these settings: their file, or the mesh's."""
        return str(self._file)

    def find(self, name: str, field: str) -> Path:
        """Return the path of a file that the settings name; it need not be there.

        Raises:
            SceneError: it lies outside the folder of the settings: people pass scenes on.
        """
        return References(self._file).find(name, field)
