"""Meshes that people bring: read as scenes, with materials by name, colour or default."""

from avenv.scene.meshes.build import import_mesh, inspect_mesh, load_habitat, load_mesh
from avenv.scene.meshes.report import ImportReport, Mapped
from avenv.scene.meshes.settings import MeshSettings

__all__ = [
    "ImportReport",
    "Mapped",
    "MeshSettings",
    "import_mesh",
    "inspect_mesh",
    "load_habitat",
    "load_mesh",
]
