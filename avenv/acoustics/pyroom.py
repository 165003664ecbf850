"""The image sources and rays of pyroomacoustics, as a backend.

An independent library (Scheibler, Bezzam & Dokmanić, ICASSP 2018) to check the native backend
against, and to train with if you wish: slow, and with limits. It hears one room, the listener's,
as an empty prism: doors stand for what a probe of the wall meets there, an opening for a wall that
absorbs all, and furniture only for what it covers of walls, floor and ceiling. There is neither
diffraction nor sound from other rooms; the listener is one omnidirectional microphone.
"""

import warnings
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import Point, Polygon

from avenv.acoustics.air import SPEED_OF_SOUND, air_absorption
from avenv.acoustics.batch import ResponseBatch, as_length, as_output, check_batch
from avenv.acoustics.ears.layouts import make_layout
from avenv.acoustics.scene import AcousticScene, prepare
from avenv.acoustics.settings import AcousticSettings
from avenv.core.bands import OCTAVE_CENTRES
from avenv.core.errors import SceneError
from avenv.geometry import cast_rays
from avenv.scene.compiled import CompiledScene, Room

__all__ = ["QUESTION_SETTINGS", "Engine", "prepare"]

QUESTION_SETTINGS = AcousticSettings()
"""Of a response as long as those of the environments: rays of 4 s take their time."""

_PROBES = 16  # along each side of a wall, to see what it is made of
_PROBE_FROM, _PROBE_TO = 0.05, 0.3  # metres before a wall and behind it: the depth of a door
_NEAREST = 0.01  # metres, as of the native backend: at no distance the library divides by zero
_RECEIVER = 0.5  # metres, radius of the sphere that rays have to hit: the library's own default

Array = NDArray[np.float64]


class SourcePlace(NamedTuple):
    """What the engine keeps of a source: its scene, and its place (3,) in world metres."""

    scene: AcousticScene
    position: Array

    def moved(self, source: ArrayLike) -> "SourcePlace":
        """Return the field of a source that has moved to (3,)."""
        return self._replace(position=np.asarray(source, np.float64))


class Engine:
    """Computes mono responses as pyroomacoustics does: image sources, then traced rays.

    Of the settings count ``order``, ``rays``, ``seed``, ``temperature`` and ``humidity``. The
    library's generator is seeded anew for every response, which makes it the same every time.

    Attributes:
        length: samples of a response.
        settings: of the propagation.
        channels: 1.
    """

    channels = 1

    def __init__(
        self,
        sample_rate: int,
        layout: str = "mono",
        length: int | None = None,
        settings: AcousticSettings | None = None,
        hrtf: str | PathLike[str] | None = None,
    ) -> None:
        """Make an engine; ``length`` is by default that of ``settings.max_time``.

        Raises:
            ValueError: the layout is not ``"mono"``, or rate or length are out of range.
        """
        if layout != "mono" or hrtf is not None:
            raise ValueError(
                f"layout is {layout!r} and hrtf {hrtf!r}; the pyroomacoustics engine accepts "
                "'mono' and None only"
            )
        make_layout(layout, sample_rate)  # raises if there is no such sample rate
        self.settings = settings or AcousticSettings()
        self.length = as_length(length, self.settings, sample_rate)
        self._sample_rate = sample_rate

    def source_field(
        self, scene: AcousticScene, source: ArrayLike, ear_height: float
    ) -> SourcePlace:
        """Return what ``responses`` needs to know of a source (3,); nothing is traced yet.

        Raises:
            SceneError: the source is inside a solid, outside the scene or not a position, or the
                scene has no rooms, as imported meshes have none.
        """
        if not scene.compiled.rooms:
            raise SceneError(
                f"{scene.name} has no rooms; the pyroomacoustics engine hears rooms only"
            )
        return SourcePlace(scene, scene.check_position(source, "source"))

    def responses(
        self, batch: ResponseBatch, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Compute the responses (J, 1, length) of a batch, one after another.

        Where source and listener are not in one room the response is zero, and a warning says so.
        A listener nearer than 1 cm to the source hears it as from 1 cm.
        A heading turns no microphone.

        Raises:
            ValueError: as ``check_batch`` and ``as_output``, or a source is not omnidirectional.
        """
        batch = check_batch(batch)
        out = as_output(out, (len(batch.listeners), 1, self.length))
        for name in batch.directivities:
            if name != "omni":
                raise ValueError(
                    f"directivity is {name!r}; the pyroomacoustics engine accepts 'omni'"
                )
        for k, listener, row in zip(batch.field_of.tolist(), batch.listeners, out, strict=True):
            response = self._respond(batch.fields[k], listener)[: self.length]
            row[0, : len(response)] = response
            row[0, len(response) :] = 0
        return out

    def decay_length(self, batch: ResponseBatch) -> int:
        """Return ``length``: how long a room rings is not known before it is computed."""
        return self.length

    def _respond(self, field: SourcePlace, listener: Array) -> Array:
        import pyroomacoustics as pra  # a second to import, and only needed here

        try:
            room = self.room(field.scene.compiled, field.position, listener)
        except SceneError as reason:  # agents walk from room to room
            warnings.warn(f"no sound: {reason}", stacklevel=3)
            return np.zeros(0)
        pra.random.seed(self.settings.seed)
        room.compute_rir()
        # Fractional delays of the library begin half a filter before their tap.
        return room.rir[0][0][pra.constants.get("frac_delay_length") // 2 :]

    def room(self, compiled: CompiledScene, source: Array, listener: Array) -> Any:
        """Return the ``pyroomacoustics.Room`` with a source and a microphone, ready to compute.

        Raises:
            SceneError: source and listener are not in one room.
        """
        import pyroomacoustics as pra

        around = _room_of(compiled, source, listener)
        corner = np.array([*around.polygon.min(axis=0), around.floor])
        materials = {
            name: _material(compiled, *probes) for name, probes in _wall_probes(around).items()
        }
        options = {
            "fs": self._sample_rate,
            "max_order": self.settings.order,
            "air_absorption": True,
        }
        if _is_box(around):
            size = [*np.ptp(around.polygon, axis=0), around.height]
            room = pra.ShoeBox(size, materials=_box_names(around, materials), **options)
        else:
            sides = [materials[str(k)] for k in range(len(around.polygon))]
            corners = (around.polygon - corner[:2]).T
            room = pra.Room.from_corners(corners, materials=sides, **options)
            room.extrude(around.height, materials=materials)
        air = air_absorption(OCTAVE_CENTRES, self.settings.temperature, self.settings.humidity)
        room.set_air_absorption((air * np.log(10) / 10).tolist(), list(OCTAVE_CENTRES))
        room.set_sound_speed(SPEED_OF_SOUND)
        seconds = self.length / self._sample_rate
        room.set_ray_tracing(self.settings.rays, _RECEIVER, time_thres=seconds)
        room.add_source(source - corner)
        room.add_microphone(_at_least_apart(around, source, listener) - corner)
        return room


def _holds(room: Room, point: Array) -> bool:
    inside = room.floor < point[2] < room.floor + room.height
    return inside and Polygon(room.polygon).contains(Point(point[:2]))


def _at_least_apart(room: Room, source: Array, listener: Array) -> Array:
    """Return the listener (3,); where it is nearer to the source than 1 cm, a place 1 cm away."""
    if np.linalg.norm(listener - source) >= _NEAREST:
        return listener
    around = source + _NEAREST * np.concatenate([np.eye(3), -np.eye(3)])
    return next((place for place in around if _holds(room, place)), listener)


def _room_of(compiled: CompiledScene, source: Array, listener: Array) -> Room:
    """Return the room that listener (3,) and source (3,) are in."""
    rooms = [room for room in compiled.rooms if _holds(room, listener)]
    if not rooms:
        raise SceneError(
            f"{compiled.name}: the listener at {listener.round(3).tolist()} is in none of the "
            f"scene's {len(compiled.rooms)} rooms; the pyroomacoustics engine hears one room"
        )
    if not _holds(rooms[0], source):
        raise SceneError(
            f"{compiled.name}: the source at {source.round(3).tolist()} is not in the listener's "
            f"room, {rooms[0].name!r}; the pyroomacoustics engine hears one room"
        )
    return rooms[0]


def _wall_probes(room: Room) -> dict[str, tuple[Array, Array]]:
    """Return points (P, 3) on each wall and its outward normal (3,), by the wall's name.

    Walls are numbered as the sides of the polygon, the others are ``floor`` and ``ceiling``.
    """
    steps = (np.arange(_PROBES) + 0.5) / _PROBES
    low, high = room.polygon.min(axis=0), room.polygon.max(axis=0)
    shape = Polygon(room.polygon)
    plan = [
        (x, y)
        for x in low[0] + steps * (high - low)[0]
        for y in low[1] + steps * (high - low)[1]
        if shape.contains(Point(x, y))
    ]
    levels = {"floor": (room.floor, -1.0), "ceiling": (room.floor + room.height, 1.0)}
    probes = {
        name: (np.array([(*p, z) for p in plan]), np.array([0.0, 0.0, up]))
        for name, (z, up) in levels.items()
    }
    ends = np.roll(room.polygon, -1, axis=0)
    for number, (a, b) in enumerate(zip(room.polygon, ends, strict=True)):
        along = (a + steps[:, None] * (b - a)).repeat(_PROBES, axis=0)
        heights = np.tile(room.floor + steps * room.height, _PROBES)
        dx, dy = (b - a) / np.linalg.norm(b - a)
        probes[str(number)] = (np.column_stack([along, heights]), np.array([dy, -dx, 0.0]))
    return probes


def _material(compiled: CompiledScene, points: Array, normal: Array) -> Any:
    """Return the mean ``pyroomacoustics.Material`` of a wall at points (P, 3) on it.

    Where nothing is within the wall's thickness, all sound leaves.
    """
    import pyroomacoustics as pra

    directions = np.broadcast_to(normal, points.shape)
    _, triangle = cast_rays(
        compiled.bvh, points - _PROBE_FROM * normal, directions, _PROBE_FROM + _PROBE_TO
    )
    surface = compiled.surface[triangle]
    closed = (triangle >= 0)[:, None]
    absorption = np.where(closed, compiled.surfaces.absorption[surface], 1.0).mean(axis=0)
    scattering = np.where(closed, compiled.surfaces.scattering[surface], 0.0).mean(axis=0)
    centres = list(OCTAVE_CENTRES)
    return pra.Material(
        {"coeffs": absorption.tolist(), "center_freqs": centres},
        {"coeffs": scattering.tolist(), "center_freqs": centres},
    )


def _is_box(room: Room) -> bool:
    """Say whether a room is a rectangle along the axes."""
    sides = np.roll(room.polygon, -1, axis=0) - room.polygon
    return len(sides) == 4 and bool((np.abs(sides).min(axis=1) < 1e-6).all())


def _box_names(room: Room, materials: dict[str, Any]) -> dict[str, Any]:
    """Return the materials of a box under the names that ``pyroomacoustics.ShoeBox`` uses."""
    named = {"floor": materials["floor"], "ceiling": materials["ceiling"]}
    sides = np.roll(room.polygon, -1, axis=0) - room.polygon
    for number, (dx, dy) in enumerate(sides):
        if abs(dx) > abs(dy):
            named["south" if dx > 0 else "north"] = materials[str(number)]
        else:
            named["east" if dy > 0 else "west"] = materials[str(number)]
    return named
