"""Acoustic materials as habitat-sim's audio library reads them: JSON by labels of categories.

    {"materials": [{"name": "Carpet", "labels": ["rug", "carpet"],
                    "absorption": [125, 0.02, 250, 0.06], "scattering": [...],
                    "transmission": [...], "damping": [...]}]}

Coefficients are flat lists: a frequency in Hz, its value, the next frequency, and so on. A label is
the name of a semantic category; ``"default"`` is all others'.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avenv.core.bands import OCTAVE_CENTRES
from avenv.core.errors import SceneError
from avenv.core.files import read_limited

_LARGEST = 10_000_000  # bytes of a file; the one of Matterport3D has 20 kB
_USUAL = {"absorption": 0.1, "scattering": 0.1, "transmission": 0.0}


@dataclass(frozen=True)
class HabitatMaterial:
    """What a surface does to sound: shares of the energy in each of ``OCTAVE_CENTRES``.

    Attributes:
        name: what the file calls it.
        absorption: (7,) share that does not come back.
        scattering: (7,) share of what comes back that leaves diffusely.
        transmission: (7,) share that passes through one surface, never above the absorption.
    """

    name: str
    absorption: tuple[float, ...]
    scattering: tuple[float, ...]
    transmission: tuple[float, ...]

    @property
    def notes(self) -> dict[str, Any]:
        """The material as a mesh's own notes have it, which go before all rules."""
        return {
            "material": self.name,
            "absorption": list(self.absorption),
            "scattering": list(self.scattering),
            "transmission": list(self.transmission),
        }


def read_materials(path: str | Path) -> dict[str, HabitatMaterial]:
    """Return the materials of a file by their labels, in lower case.

    Between two frequencies a coefficient is interpolated over their logarithm; beyond the first and
    the last it stays.

    Raises:
        SceneError: the file cannot be read, or something in it is not as it should be.
    """
    path = Path(path)
    try:
        data = json.loads(read_limited(path, _LARGEST).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise SceneError(f"{path}: cannot be read as JSON: {error}") from None
    rows = data.get("materials") if isinstance(data, Mapping) else None
    if not isinstance(rows, list):
        raise SceneError(f"{path}: has no list of 'materials'")
    table: dict[str, HabitatMaterial] = {}
    for k, row in enumerate(rows):
        place = f"{path}: materials[{k}]"
        if not isinstance(row, Mapping):
            raise SceneError(f"{place} is {row!r:.80}; accepted: an object")
        labels = row.get("labels", [])
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise SceneError(f"{place}.labels is {labels!r:.80}; accepted: a list of names")
        values = {name: _bands(row.get(name), name, place) for name in _USUAL}
        passed = np.minimum(values["transmission"], values["absorption"])
        name = str(row.get("name", labels[0] if labels else f"material {k}"))
        made = HabitatMaterial(
            name, *(tuple(v.tolist()) for v in (values["absorption"], values["scattering"], passed))
        )
        for label in labels:
            table.setdefault(label.lower(), made)
    return table


def _bands(given: Any, name: str, place: str) -> Any:
    """Return a coefficient (7,) at the octaves' centres."""
    if given is None:
        return np.full(len(OCTAVE_CENTRES), _USUAL[name])
    flat = np.array(given, np.float64) if _is_flat(given) else np.zeros(0)
    if flat.size == 0 or not np.isfinite(flat).all():
        raise SceneError(f"{place}.{name} is {given!r:.80}; accepted: [Hz, value, Hz, value, ...]")
    hertz, values = flat[::2], flat[1::2]
    if (np.diff(hertz) <= 0).any() or hertz[0] <= 0:
        raise SceneError(
            f"{place}.{name}: the frequencies are {hertz.tolist()}; accepted: ascending, above 0 Hz"
        )
    if (values < 0).any() or (values > 1).any():
        raise SceneError(f"{place}.{name}: the values are {values.tolist()}; accepted: 0 to 1")
    return np.interp(np.log(OCTAVE_CENTRES), np.log(hertz), values)


def _is_flat(given: Any) -> bool:
    """Say whether it is a list of an even number of numbers."""
    numbers = isinstance(given, list) and all(
        isinstance(x, int | float) and not isinstance(x, bool) for x in given
    )
    return numbers and len(given) % 2 == 0
