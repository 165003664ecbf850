"""The lights of a Habitat scene (``*.lighting_config.json``) as lamps: small globes that glow.

habitat-sim's lights are points without a body (``LightLayoutAttributes.h``). Light comes from
surfaces here, and eyes get used to a room's, so that only how bright lamps are to each other is
kept.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from avenv.scene.meshes.habitat_dataset import Template
from avenv.scene.meshes.habitat_json import Config, Number, Vector3
from avenv.scene.meshes.parts import MeshMaterial, MeshPart
from avenv.scene.problems import checked

NO_LIGHTS = ("", "no_lights")
"""Names that mean no layout: habitat-sim's own far lights, or none."""

_RADIUS = 0.04  # m of a globe
_BRIGHTEST = 14.0  # times well-lit white paper: as our own bulbs of glass

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Light(Config):
    """An entry of ``lights``."""

    type: str | None = None
    position: Vector3 | None = None
    direction: Vector3 | None = None
    color: tuple[Share, Share, Share] = (1.0, 1.0, 1.0)
    intensity: Number = 1.0
    position_model: str = "global"


class _Layout(Config):
    """A ``*.lighting_config.json``."""

    lights: Mapping[str, _Light] = Field(default_factory=dict)


def lamps_of(template: Template, own: Any) -> tuple[list[MeshPart], list[str]]:
    """Return the lamps of a layout in Habitat's world, and what is left out of it.

    Left out are lights from far away, those that go with the camera or a thing, and those that
    darken: light adds up.

    Args:
        template: of the layout; what the dataset adds to a file's lights is added here too.
        own: what its file holds.

    Raises:
        SceneError: a field has a value that it cannot have.
    """
    lights = list(_lights(template, own))
    kept = [(name, light) for name, light in lights if _why_not(light) is None]
    why = [reason for _, light in lights if (reason := _why_not(light)) is not None]
    brightest = max((light.intensity * max(light.color) for _, light in kept), default=1.0)
    lamps = [
        _lamp(f"light_{k}", light, _BRIGHTEST * light.intensity * max(light.color) / brightest)
        for k, (_, light) in enumerate(kept)
    ]
    return lamps, [
        f"{why.count(reason)} of {len(lights)} lights {reason}, and are left out"
        for reason in dict.fromkeys(why)
    ]


def _lights(template: Template, own: Any) -> Iterable[tuple[str, _Light]]:
    """Yield the lights of a layout's file and of the dataset: habitat-sim keeps them all."""
    for layer in template.attributes:
        data: Mapping[str, Any] = own if layer is None else layer
        layout = checked(_Layout, data, str(template.file))
        yield from layout.lights.items()


def _why_not(light: _Light) -> str | None:
    """Return why a light is no lamp, or None."""
    kind = light.type or ("directional" if light.position is None else "point")
    if kind.lower() == "directional" or (light.position or light.direction) is None:
        return "come from far away"
    if light.position_model.lower() != "global":
        return "go with the camera or a thing"
    return "do not shine, or darken" if light.intensity * max(light.color) <= 0 else None


def _lamp(name: str, light: _Light, emission: float) -> MeshPart:
    """Return a globe of glass that glows."""
    import trimesh

    globe = trimesh.creation.icosahedron()
    place = np.array(light.position or light.direction)
    r, g, b = (value / max(light.color) for value in light.color)
    glass = MeshMaterial("lamp_glass", (r, g, b), emission=emission)
    return MeshPart(name, _RADIUS * globe.triangles + place, glass, label="lamp")
