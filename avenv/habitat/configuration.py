"""What an audio sensor of habitat-sim is told, in either of its dialects, as avenv understands it.

habitat-sim from v0.2.2 on documents one (docs/AUDIO.md: ``channelLayout.channelType``,
``acousticsConfig.enableMaterials``, ``irTime``); the branch that SoundSpaces 2 needs has another
(``channelLayout.type``, ``spec.enableMaterials``, ``maxIRLength``, ``directRayCount``). A build
without audio has empty classes by these names; ``AudioSensorSpec`` here stands in for them.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple

from avenv.acoustics import AcousticSettings
from avenv.core.suggest import accepted

LAYOUTS = {"mono": 1, "stereo": 2, "binaural": 2, "ambisonics": 4}
"""The channel layouts that there are here, and how many channels each has unless told."""


@dataclass
class AudioSensorSpec:
    """A description of an audio sensor, for habitat-sim built without audio.

    Its fields are set as those of ``habitat_sim.AudioSensorSpec``; what is not set has the value
    that habitat-sim gives it.

    Attributes:
        uuid: the name of the observation.
        position: of the ears above the agent's feet, in Habitat's axes, metres.
        channelLayout: ``channelType`` (or ``type``), a name or habitat-sim's enum, and
            ``channelCount``.
        acousticsConfig: the fields of ``FIELDS``.
        enableMaterials: tell materials apart.
    """

    uuid: str = "audio_sensor"
    position: Any = (0.0, 1.5, 0.0)
    channelLayout: Any = field(default_factory=SimpleNamespace)  # noqa: N815
    acousticsConfig: Any = field(default_factory=SimpleNamespace)  # noqa: N815
    enableMaterials: bool = True  # noqa: N815


@dataclass(frozen=True)
class Hearing:
    """What is asked for, in our words.

    Attributes:
        layout: as ``avenv.acoustics.make_layout`` takes it; of ambisonics the order is in it.
        sample_rate: Hz.
        settings: of the propagation.
        backend: of the sound.
        gain: pressure at 1 m in the free field.
        unit: metres in a unit of the scene's.
        materials: whether materials are told apart.
    """

    layout: str
    sample_rate: int
    settings: AcousticSettings
    backend: str
    gain: float
    unit: float
    materials: bool


class Field(NamedTuple):
    """A field of ``acousticsConfig``.

    Attributes:
        usual: habitat-sim's default.
        use: ``"read"``; ``"moot"``, for nothing here depends on it; or ``"fixed"``, which is said
            where something else than usual is asked for.
        note: what becomes of it.
    """

    usual: Any
    use: str
    note: str


FIELDS = {
    "sampleRate": Field(44100, "read", "the sample rate, Hz"),
    "irTime": Field(4.0, "read", "seconds after which a response ends, at most"),
    "maxIRLength": Field(4.0, "read", "the same, in SoundSpaces' dialect"),
    "unitScale": Field(1.0, "read", "metres in a unit of the scene and of positions"),
    "globalVolume": Field(0.25, "read", "pressure at 1 m; 1 is avenv's own"),
    "indirectRayCount": Field(5000, "read", "rays of the late field"),
    "indirect": Field(True, "read", "without: the direct sound alone, as if there were no walls"),
    "enableMaterials": Field(True, "read", "without: everything is of the default material"),
    "direct": Field(True, "fixed", "direct sound is always there"),
    "diffraction": Field(True, "fixed", "sound always bends, round up to three edges"),
    "dumpWaveFiles": Field(False, "fixed", "no files are written"),
    "writeIrToFile": Field(False, "fixed", "no files are written; getIR returns the response"),
    "transmission": Field(False, "moot", "walls always let through what their materials do"),
    "indirectRayDepth": Field(200, "moot", "rays live until the response ends"),
    "sourceRayCount": Field(200, "moot", "direct sound is exact"),
    "directRayCount": Field(200, "moot", "direct sound is exact"),
    "sourceRayDepth": Field(10, "moot", "direct sound is exact"),
    "maxDiffractionOrder": Field(10, "moot", "up to three edges"),
    "directSHOrder": Field(3, "moot", "directions are those of the layout"),
    "indirectSHOrder": Field(1, "moot", "directions are those of the layout"),
    "frequencyBands": Field(4, "moot", "always the octaves from 125 Hz to 8 kHz"),
    "threadCount": Field(1, "moot", "all cores, or as many as AVENV_THREADS says"),
    "updateDt": Field(0.02, "moot", "a response does not depend on those before it"),
    "temporalCoherence": Field(False, "moot", "the same places have the same response"),
    "meshSimplification": Field(False, "moot", "the mesh is heard as it is"),
}
"""What can be set in ``acousticsConfig``, in either dialect; docs/habitat.md has it as a table."""


def read_spec(spec: Any) -> Hearing:
    """Return what a specification asks for.

    Args:
        spec: habitat-sim's ``AudioSensorSpec``, or the one of this module.

    Raises:
        ValueError: a field is unknown or has a value that is not possible here.

    Warns:
        UserWarning: something that is asked for does not exist here.
    """
    said = dict(_said(getattr(spec, "acousticsConfig", None)))
    for name in said:
        if name not in FIELDS:
            raise ValueError(f"acousticsConfig has the field {name!r}; {accepted(name, FIELDS)}")
    wants = {name: said.get(name, known.usual) for name, known in FIELDS.items()}
    if (own := getattr(spec, "enableMaterials", None)) is not None:
        wants["enableMaterials"] = wants["enableMaterials"] and bool(own)
    for name, value in wants.items():
        if FIELDS[name].use == "fixed" and value != FIELDS[name].usual:
            said_so = f"acousticsConfig.{name} is {value!r}: {FIELDS[name].note}"
            warnings.warn(said_so, UserWarning, stacklevel=3)
    longest = min(_number(wants, "irTime"), _number(wants, "maxIRLength"))
    return Hearing(
        layout=_layout(getattr(spec, "channelLayout", None)),
        sample_rate=int(_number(wants, "sampleRate")),
        settings=AcousticSettings(
            max_time=longest, rays=int(_number(wants, "indirectRayCount")), all_heights=True
        ),
        backend="native" if wants["indirect"] else "anechoic",
        gain=_number(wants, "globalVolume"),
        unit=_number(wants, "unitScale"),
        materials=bool(wants["enableMaterials"]),
    )


def _said(fields: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields that a configuration has, of Python's or of C++'s making."""
    if fields is None:
        return
    for name in vars(fields) if hasattr(fields, "__dict__") and vars(fields) else dir(fields):
        if not name.startswith("_") and not callable(value := getattr(fields, name)):
            yield name, value


def _number(wants: dict[str, Any], name: str) -> float:
    value = wants[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise ValueError(f"acousticsConfig.{name} is {value!r}; accepted: a number above 0")
    return float(value)


def _layout(fields: Any) -> str:
    said = dict(_said(fields))
    for name in said:
        if name not in ("channelType", "type", "channelCount"):
            known = ("channelType", "channelCount")
            raise ValueError(f"channelLayout has the field {name!r}; {accepted(name, known)}")
    kind = said.get("channelType", said.get("type", "Binaural"))
    name = str(getattr(kind, "name", kind)).rpartition(".")[2].lower()
    if name not in LAYOUTS:
        raise ValueError(f"channelLayout.channelType is {kind!r}; {accepted(name, LAYOUTS)}")
    count = said.get("channelCount", LAYOUTS[name])
    if name != "ambisonics":
        if count != LAYOUTS[name]:
            raise ValueError(
                f"channelLayout.channelCount is {count!r} and the layout {name}; accepted: "
                f"{LAYOUTS[name]}"
            )
        return name
    orders = {4: 1, 9: 2, 16: 3}
    if count not in orders:
        raise ValueError(f"channelLayout.channelCount is {count!r} of ambisonics; accepted: "
                         f"{', '.join(map(str, orders))}")  # fmt: skip
    return f"ambisonics{orders[count]}"
