"""What bodies see: the pictures of each of their cameras, with its noise."""

import zlib
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv import vision
from avenv.core.frames import body_rotation
from avenv.scene import CompiledScene
from avenv.simulation.body import Body
from avenv.simulation.cameras import Camera
from avenv.simulation.state import State, distinct
from avenv.simulation.world import World

ARM = 0.3
"""Metres from one thing that a body holds to the next."""


class Scenery:
    """The worlds of E bodies as eyes see them: in their light, and with what the bodies hold.

    Until an eye that makes rgb is opened, nothing is lit.

    Args:
        state: of the bodies.
        light: in which they see their world, or ``"random"``: another in each episode.
        backend: of the pictures, a name in ``avenv.vision.BACKENDS``.
    """

    def __init__(self, state: State, light: str, backend: str = "raster"):
        self._state, self._light, self.backend = state, light, backend
        self._lit: dict[int, tuple[World, int, Any]] = {}
        self._shows_color, self._is_coarse = False, True

    def open_eye(self, camera: Camera) -> None:
        """Take note of what a camera makes."""
        if "rgb" in camera.sensors:
            self._shows_color = True
            self._is_coarse &= max(camera.size) <= vision.COARSE_UP_TO

    def look_around(self) -> tuple[list[Any], NDArray[np.int64], vision.Instances | None]:
        """Return the distinct scenes, which of them (E,) each body is in, and what bodies hold."""
        seen = [self._scene(row) for row in range(len(self._state))]
        return *distinct(seen), self._held(seen)

    def prepared(self, world: World) -> Any:
        """Return a world as bodies see it, but for random light, of which it is the full one."""
        light = "full" if self._light == vision.RANDOM else self._light
        light = light if self._shows_color else vision.UNLIT
        return world.prepared_for(self.backend, light, self._is_coarse)

    def _scene(self, row: int) -> Any:
        """Return the world around one body in the light that it sees it in."""
        world, seed = self._state.here[row], int(self._state.seed[row])
        if not self._shows_color or self._light != vision.RANDOM:
            return self.prepared(world)
        if row not in self._lit or self._lit[row][:2] != (world, seed):
            room, rng = vision.find_backend(self.backend), np.random.default_rng(seed)
            lit = room.lit(self.prepared(world), vision.RANDOM, rng)
            self._lit[row] = world, seed, lit
        return self._lit[row][2]

    def _held(self, seen: list[Any]) -> vision.Instances | None:
        """Return where the things are that bodies hold, if any: in front of them, side by side."""
        state = self._state
        most = max(scene.parts for scene in seen)
        if most == 0:
            return None
        part = np.full((len(seen), most), -1, np.int32)
        rotation = np.tile(np.eye(3), (len(seen), most, 1, 1))
        translation = np.zeros((len(seen), most, 3))
        for row, scene in enumerate(seen):
            feet = np.array([*state.position[row], state.level[row]])
            own = in_hands(scene.compiled, state.body, feet, float(state.heading[row]))
            count = len(own.part[0])
            part[row, :count] = own.part[0]
            rotation[row, :count] = own.rotation[0]
            translation[row, :count] = own.translation[0]
        return vision.Instances(part, rotation, translation)

    def __deepcopy__(self, memo: Any) -> "Scenery":
        copy = Scenery(deepcopy(self._state, memo), self._light, self.backend)
        copy._shows_color, copy._is_coarse = self._shows_color, self._is_coarse
        return copy


def in_hands(
    compiled: CompiledScene, body: Body, feet: NDArray[np.float64], heading: float
) -> vision.Instances:
    """Return where the things are that one body holds: in front of it, side by side.

    Args:
        compiled: the scene, with them held.
        body: what it is like.
        feet: (3,) where it stands, world metres.
        heading: where to, radians.
    """
    things = [compiled.objects[number] for number in compiled.held]
    rotation = np.array([body_rotation(heading - t.heading) for t in things]).reshape(-1, 3, 3)
    translation = np.zeros((len(things), 3))
    for k, thing in enumerate(things):
        ahead, left, up = body.hands
        left += ARM * ((len(things) - 1) / 2 - k)
        here = feet + body_rotation(heading) @ np.array([ahead, left, up])
        translation[k] = here - rotation[k] @ np.array(thing.position)
    part = np.arange(len(things), dtype=np.int32)
    return vision.Instances(part[None], rotation[None], translation[None])


class Eye:
    """One camera of every body.

    Args:
        camera: where it is on the body, and what it makes.
        state: of the bodies.
        scenery: what there is to see.

    Attributes:
        pictures: (E, H, W, ...) by kind, as ``draw`` left them.
    """

    def __init__(self, camera: Camera, state: State, scenery: Scenery):
        self.camera, self._state, self._scenery = camera, state, scenery
        scenery.open_eye(camera)
        room = vision.find_backend(scenery.backend)
        self._renderer = room.make_renderer(len(state), camera.optics, camera.sensors)
        self._mount = body_rotation(np.deg2rad(camera.heading), np.deg2rad(camera.pitch))
        self._noise_stream = zlib.crc32(camera.name.encode())  # not of which others there are

    @property
    def pictures(self) -> dict[str, NDArray]:
        """What was drawn last, by kind of picture."""
        return self._renderer.pictures

    def draw(
        self,
        around: tuple[list[Any], NDArray[np.int64], vision.Instances | None],
        rows: NDArray[np.int64],
    ) -> None:
        """Draw what some bodies (R,) see of ``Scenery.look_around``; the others' pictures stay."""
        state = self._state
        scenes, scene_of, held = around
        turn = body_rotation(state.heading)
        floor = np.column_stack([state.position, state.level])
        eyes = floor + turn @ np.array(self.camera.position)
        self._renderer.draw(scenes, scene_of, eyes, turn @ self._mount, held, rows)
        if self.camera.noise is None:
            return
        for kind, disturb in (("rgb", vision.disturb_rgb), ("depth", vision.disturb_depth)):
            if kind in self.pictures:
                picture = self.pictures[kind][rows]
                noise, seed, steps = self.camera.noise, state.seed[rows], state.steps[rows]
                disturb(picture, noise, seed, steps, self._noise_stream)
                self.pictures[kind][rows] = picture
