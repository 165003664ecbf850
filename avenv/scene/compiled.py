"""The compiled scene: flat arrays that eye, ear and foot share.

What is seen, heard and bumped into is the same geometry: one triangle list, one table of surfaces
and one table of objects. Vision, acoustics and navigation each derive their own tables from it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from functools import cached_property
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np
import shapely
from numpy.typing import NDArray

from avenv.core.bands import OCTAVE_CENTRES
from avenv.core.errors import SceneError
from avenv.core.vectors import cross
from avenv.geometry import BVH, build_bvh
from avenv.scene.content import content_hash
from avenv.scene.problems import suggest
from avenv.scene.states import HELD, State, Switch, is_put

_poses: "WeakKeyDictionary[CompiledScene, WeakValueDictionary]" = WeakKeyDictionary()
"""The first scene of each look that ``posed`` made of a scene, by the looks of its things."""

Array = NDArray[np.float32]
Index = NDArray[np.int32]


@dataclass(frozen=True)
class SurfaceTable:
    """The distinct surfaces of a scene, one row each; B = 7 octave bands of ``OCTAVE_CENTRES``.

    Attributes:
        names: material names, for people.
        color: (S, 3) linear-light reflectance in 0..1.
        absorption: (S, B) share of the incident energy that does not come back.
        scattering: (S, B) share of the reflected energy that leaves diffusely (ISO 17497-1).
        transmission: (S, B) share of the incident energy that passes through *one* surface. A wall
            or a closed solid is two surfaces, so each carries half its loss in dB; a single sheet
            carries all of it. Always <= absorption.
        texture: S names of ``avenv.scene.materials.TEXTURES``, or ``"image:K"`` for row K of
            ``CompiledScene.images``; none: all are plain.
        emission: S multiples of the light that well-lit white paper sends back, given off while
            the lamps are on; none: nothing shines.
    """

    names: tuple[str, ...]
    color: Array
    absorption: Array
    scattering: Array
    transmission: Array
    texture: tuple[str, ...] = ()
    emission: tuple[float, ...] = ()


@dataclass(frozen=True)
class SceneObject:
    """One thing in the scene: a piece of furniture, or one floor, ceiling, set of walls, door.

    Attributes:
        name: unique, e.g. ``"phone"``, ``"kitchen/floor"``.
        kind: catalogue kind, or ``floor``, ``ceiling``, ``wall``, ``door``, ``window``.
        category: semantic id, the row in ``CATEGORIES``.
        room: index of its room, -1 for what lies between rooms (doors).
        position: centre of its base, world metres; where it lies, if it has fallen.
        heading: radians.
        size: (length along its x, width along its y, height), metres, of the box round it.
        state: which of its states it is in, None if it has none.
        full: whether it is filled, as a box may be.
    """

    name: str
    kind: str
    category: int
    room: int
    position: tuple[float, float, float]
    heading: float
    size: tuple[float, float, float]
    state: str | None = None
    full: bool = False


@dataclass(frozen=True)
class Room:
    """One room: clear floor polygon (N, 2) counter-clockwise, floor level and height, metres."""

    name: str
    polygon: NDArray[np.float64]
    floor: float
    height: float


@dataclass(frozen=True)
class SceneSource:
    """A sound source that the scene itself names.

    Attributes:
        name: unique among the scene's sources.
        sound: a built-in kind (``"phone"``) or the path of a file, resolved.
        position: world metres.
        level: dB relative to the sound set's common loudness.
        object: name of the object that sounds, None for a source by itself.
    """

    name: str
    sound: str
    position: tuple[float, float, float]
    level: float = 0.0
    object: str | None = None


@dataclass(frozen=True, eq=False)
class CompiledScene:
    """Flat arrays of one scene, T triangles.

    Attributes:
        name: for messages: the spec's name or the file.
        triangles: (T, 3, 3) float32 corners, counter-clockwise seen from the front.
        uv: (T, 3, 2) float32 texture coordinates in metres along the surface; where the surface
            shows an image, in periods of it: u to the right, v up, repeating.
        surface: (T,) int32 row of ``surfaces``.
        object: (T,) int32 row of ``objects``.
        double_sided: (T,) bool, seen from behind too (sheets: curtains, leaves, imported meshes).
        images: textures (H, W, 4) uint8, sRGB and alpha, row 0 on top. Where alpha is below 128
            the surface is cut out.
        switches: the things that have states.
        rest: the scene that this one was made of by ``posed``; None for one as it was compiled.
        like: that scene, or an earlier one that ``posed`` made of it, if it has the same triangles
            of the same surfaces in the same light; what was derived of it serves too.
        origin: hash of the description or of the files that it was made of; empty for one that was
            made of arrays.
    """

    name: str
    triangles: Array
    uv: Array
    surface: Index
    object: Index
    double_sided: NDArray[np.bool_]
    surfaces: SurfaceTable
    objects: tuple[SceneObject, ...]
    rooms: tuple[Room, ...] = ()
    sources: tuple[SceneSource, ...] = field(default=())
    images: tuple[NDArray[np.uint8], ...] = ()
    switches: tuple[Switch, ...] = ()
    rest: "CompiledScene | None" = None
    like: "CompiledScene | None" = None
    origin: str = ""

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """The row of every object, by its name."""
        return {thing.name: row for row, thing in enumerate(self.objects)}

    @cached_property
    def states(self) -> Mapping[str, str]:
        """The state of everything that has states, by the object's name."""
        things = (self.objects[switch.object] for switch in self.switches)
        return {thing.name: thing.state for thing in things if thing.state is not None}

    def possible_states(self, name: str) -> tuple[str, ...]:
        """Return the states that an object may be in, besides those of lying where it was put.

        Raises:
            SceneError: no object of this name has states.
        """
        return tuple(self._switch(name).states)

    def event(self, name: str) -> SceneSource | None:
        """Return what was heard when an object got into its state, if that makes a sound.

        Raises:
            SceneError: no object of this name has states.
        """
        state = self._switch(name).state(self.states[name])
        assert state is not None
        return (
            SceneSource(name, state.event, state.place.mouth, object=name) if state.event else None
        )

    def wanted(self, states: Mapping[str, str]) -> dict[str, str]:
        """Return the states of all things once some are in others, by the objects' names.

        Raises:
            SceneError: an object has no states, or not this one; or these are no states by name.
        """
        if not isinstance(states, Mapping):
            raise SceneError(f"{self.name}: states are {states!r}; accepted: a mapping of names to "
                             "states")  # fmt: skip
        for name, state in states.items():
            known = self.possible_states(name)
            if not isinstance(state, str) or self._switch(name).state(state) is None:
                raise SceneError(f"{self.name}: {name!r} has no state {state!r}; it has "
                                 f"{', '.join(known)}")  # fmt: skip
        return {**self.states, **states}

    def posed(self, states: Mapping[str, str]) -> "CompiledScene":
        """Return the scene with some of its things in other states, by the objects' names.

        Triangles keep their number, order, texture coordinates and objects; those of the things
        move, or are of another surface. What falls lies where it was found to fall to, what was put
        somewhere (``states.put_state``) where its state says. A thing that falls silent loses its
        source, and one that begins to sound gets one. Put back as it was compiled, a scene is that
        very same one again.

        Raises:
            SceneError: an object has no states, or not this one; or these are no states by name.
        """
        rest = self.rest or self
        changed = {k: s for k, s in self.wanted(states).items() if s != rest.states[k]}
        return rest._with(changed) if changed else rest

    def _with(self, states: Mapping[str, str]) -> "CompiledScene":
        looks = tuple(
            switch.looks_like(states.get(thing.name, str(thing.state)))
            for switch, thing in ((s, self.objects[s.object]) for s in self.switches)
        )
        if self not in _poses:
            _poses[self] = WeakValueDictionary({self._looks(): self})
        poses = _poses[self]
        like = poses.get(looks)
        triangles, surface = self.triangles.copy(), self.surface.copy()
        objects, sources = list(self.objects), list(self.sources)
        for name, state in states.items():
            switch = self._switch(name)
            was, now = switch.states[self.states[name]], switch.state(state)
            assert now is not None
            triangles[switch.triangles], surface[switch.triangles] = now.corners, now.surface
            position, heading, size, mouth = now.place
            thing = objects[switch.object]
            room = self._room_at(position) if is_put(state) else thing.room
            objects[switch.object] = replace(
                thing, state=state, position=position, heading=heading, size=size, room=room
            )
            if now.sound is None:
                sources = [source for source in sources if source.object != name]
            elif was.sound is None:
                sources.append(SceneSource(name, now.sound, mouth, object=name))
        if like is not None:
            triangles, surface = like.triangles, like.surface
        scene = replace(self, triangles=triangles, surface=surface, objects=tuple(objects),
                        sources=tuple(sources), rest=self, like=like)  # fmt: skip
        poses.setdefault(looks, scene)
        return scene

    def _looks(self) -> "tuple[str, ...]":
        return tuple(s.looks_like(str(self.objects[s.object].state)) for s in self.switches)

    def _room_at(self, position: tuple[float, float, float]) -> int:
        """Return the index of the room that holds a place, -1 if none does."""
        x, y, z = position
        for number, room in enumerate(self.rooms):
            level = room.floor - 0.1 <= z < room.floor + room.height
            if level and shapely.contains_xy(shapely.Polygon(room.polygon), x, y):
                return number
        return -1

    def _switch(self, name: str) -> Switch:
        known = self._switch_of
        if name not in known:
            raise SceneError(
                f"{self.name}: there is no {name!r} that has states{suggest(name, known)}"
            )
        return known[name]

    @cached_property
    def _switch_of(self) -> dict[str, Switch]:
        return {self.objects[switch.object].name: switch for switch in self.switches}

    @cached_property
    def lamps(self) -> dict[str, float]:
        """How brightly each thing that glows in one of its states does so now, 0 to 1, by name."""
        levels = {}
        for row, bright in (self.rest or self)._brightness.items():
            thing = self.objects[row]
            now = bright.get(str(thing.state), next(iter(bright.values())))
            levels[thing.name] = now and min(1.0, now / max(bright.values()))
        return levels

    # Not cached, though costly where it is another scene: a scene that holds itself, or one that
    # holds it, stays in memory until Python looks for such circles, with all that was derived.
    @property
    def lit(self) -> "CompiledScene":
        """This scene with everything on that can glow: what its light is baked with."""
        glowing = (self.rest or self)._brightness.items()
        return self.posed(
            {self.objects[row].name: max(bright, key=bright.__getitem__) for row, bright in glowing}
        )

    @cached_property
    def _brightness(self) -> dict[int, dict[str, float]]:
        """The light that each object which glows in one of its states gives off in each of them."""
        every = {
            switch.object: {name: self._glow(state) for name, state in switch.states.items()}
            for switch in self.switches
        }
        return {row: bright for row, bright in every.items() if any(bright.values())}

    @cached_property
    def held(self) -> tuple[int, ...]:
        """Rows of the objects that somebody carries: they are nowhere in the scene."""
        return tuple(
            switch.object for switch in self.switches if self.objects[switch.object].state == HELD
        )

    @property
    def in_place(self) -> "CompiledScene":
        """This scene with everything that is held where it usually is."""
        usual = {
            self.objects[switch.object].name: next(iter(switch.states))
            for switch in self.switches
            if switch.object in self.held
        }
        return self.posed(usual) if usual else self

    def _glow(self, state: State) -> float:
        """Return how much light a thing gives off in a state, in any unit."""
        if not self.surfaces.emission:
            return 0.0
        a, b, c = np.moveaxis(state.corners.astype(np.float64), 1, 0)
        area = np.linalg.norm(cross(b - a, c - a), axis=1)
        return state.light * float(area @ np.array(self.surfaces.emission)[state.surface])

    @property
    def whole(self) -> "CompiledScene":
        """The scene with all that it has in any state: what this state does not have is where it
        is in the first that has it."""
        corners = self.triangles.copy()
        for switch in self.switches:
            here = corners[switch.triangles]
            for state in switch.states.values():
                absent = (here == here[:, :1]).all(axis=(1, 2))
                here[absent] = state.corners[absent]
        return replace(self, triangles=corners, like=None)

    @cached_property
    def normals(self) -> Array:
        """Unit front normals (T, 3) float32; zero for a degenerate triangle."""
        if self.rest is None:
            return _normals(self.triangles)
        normals = self.rest.normals.copy()
        moved = np.unique(np.flatnonzero(self.triangles != self.rest.triangles) // 9)
        normals[moved] = _normals(self.triangles[moved])
        return normals

    @cached_property
    def has_area(self) -> NDArray[np.bool_]:
        """Whether each triangle (T,) is one: what a state does not have lies in a point."""
        x, y, z = self.normals.T
        return (x != 0) | (y != 0) | (z != 0)

    @cached_property
    def category(self) -> Index:
        """Semantic id (T,) int32 of every triangle."""
        return np.array([o.category for o in self.objects], np.int32)[self.object]

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """Corners (2, 3) of the axis-aligned box around everything."""
        axes = [self.triangles[:, :, axis] for axis in range(3)]
        corners = [[f(axis) for axis in axes] for f in (np.min, np.max)]
        return np.array(corners, np.float64)

    @cached_property
    def bvh(self) -> BVH:
        """Bounding volume hierarchy over ``triangles``, built on first use."""
        if self.like is not None:
            return self.like.bvh
        return build_bvh(self.triangles)

    @cached_property
    def content_hash(self) -> str:
        """Hash (hexadecimal, 16 digits) of the place, in whatever states its things are.

        Of the description or of the files that it was made of, the same on every machine; or of all
        that it holds, if it was made of arrays.
        """
        if self.rest is not None:
            return self.rest.content_hash
        if self.origin:
            return self.origin
        switches = [
            (s.object, [(name, _posture(state)) for name, state in s.states.items()])
            for s in self.switches
        ]
        rooms = [(r.name, r.polygon.tolist(), r.floor, r.height) for r in self.rooms]
        return content_hash(
            [self.fingerprint, [astuple(o) for o in self.objects], rooms,
             [astuple(s) for s in self.sources], switches]
        )  # fmt: skip

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of all that sound, sight and motion depend on; a key of caches."""
        shapes = tuple(image.shape for image in self.images)
        looks = (OCTAVE_CENTRES, self.surfaces.texture, self.surfaces.emission, shapes)
        table = self.surfaces
        return _digest(
            looks, self.triangles, self.uv, self.surface, self.object, self.double_sided,
            table.color, table.absorption, table.scattering, table.transmission, *self.images,
        )  # fmt: skip

    @cached_property
    def acoustic_fingerprint(self) -> str:
        """Hex digest of what sound depends on: two scenes that only look different share it."""
        table = self.surfaces
        return _digest(
            OCTAVE_CENTRES, self.triangles, self.double_sided, table.absorption[self.surface],
            table.scattering[self.surface], table.transmission[self.surface],
        )  # fmt: skip


def _normals(triangles: Array) -> Array:
    a, b, c = (triangles[:, k].astype(np.float64) for k in range(3))
    n = cross(b - a, c - a)
    length = np.linalg.norm(n, axis=1, keepdims=True)
    return np.divide(n, length, out=np.zeros_like(n), where=length > 0).astype(np.float32)


def _posture(state: State) -> list[object]:
    """Return what makes a state another one, as plain data."""
    arrays = _digest("", state.corners, state.surface)
    return [arrays, state.place, state.sound, state.light, state.event]


def _digest(text: object, *arrays: NDArray) -> str:
    digest = hashlib.sha256(repr(text).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
