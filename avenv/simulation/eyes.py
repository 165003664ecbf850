"""What bodies see: the pictures of each of their cameras, with its noise."""

import zlib
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv import vision
from avenv.core.frames import body_rotation
from avenv.scene import CompiledScene
from avenv.simulation.body import Body
from avenv.simulation.cameras import Camera
from avenv.simulation.emitters import Emitter
from avenv.simulation.guests import guests_at, looks_of
from avenv.simulation.state import State, distinct
from avenv.simulation.world import World

ARM = 0.3
"""Metres from one thing that a body holds to the next."""


class Scenery:
    """The worlds of E bodies as eyes see them: in their light, with what the bodies hold and with
    those who walk about.

    Until an eye that makes rgb is opened, nothing is lit.

    Args:
        state: of the bodies.
        light: in which they see their world, or ``"random"``: another in each episode.
        backend: of the pictures, a name in ``avenv.vision.BACKENDS``.
    """

    def __init__(self, state: State, light: str, backend: str = "raster"):
        self._state, self._light, self.backend = state, light, backend
        self._lit: dict[int, tuple[Any, int, Any]] = {}
        self._shows_color, self._is_coarse = False, True

    def open_eye(self, camera: Camera) -> None:
        """Take note of what a camera makes."""
        if "rgb" in camera.sensors:
            self._shows_color = True
            self._is_coarse &= max(camera.size) <= vision.COARSE_UP_TO

    def look_around(self) -> tuple[list[Any], NDArray[np.int64], vision.Instances | None]:
        """Return the distinct scenes, which of them (E,) each body is in, and what moves in them:
        what bodies hold, and who walks about them."""
        seen = [self._scene(row) for row in range(len(self._state))]
        return *distinct(seen), self._placed(seen)

    def prepared(self, world: World, emitters: Sequence[Emitter] = ()) -> Any:
        """Return a world as bodies see it, but for random light, of which it is the full one.

        Those of the emitters that are seen can be drawn in it.
        """
        light = "full" if self._light == vision.RANDOM else self._light
        light = light if self._shows_color else vision.UNLIT
        return world.prepared_for(self.backend, light, self._is_coarse, looks_of(emitters))

    def _scene(self, row: int) -> Any:
        """Return the world around one body in the light that it sees it in."""
        world, seed = self._state.here[row], int(self._state.seed[row])
        prepared = self.prepared(world, self._state.emitters(row))
        if not self._shows_color or self._light != vision.RANDOM:
            return prepared
        if row not in self._lit or self._lit[row][:2] != (prepared, seed):
            room, rng = vision.find_backend(self.backend), np.random.default_rng(seed)
            self._lit[row] = prepared, seed, room.lit(prepared, vision.RANDOM, rng)
        return self._lit[row][2]

    def _placed(self, seen: list[Any]) -> vision.Instances | None:
        """Return where the things are that bodies hold, and those who walk about them, if any."""
        if not any(scene.parts for scene in seen):
            return None
        own = [things_about(scene, self._state, row) for row, scene in enumerate(seen)]
        n, most = len(seen), max(one.part.shape[1] for one in own)
        part, light = np.full((n, most), -1, np.int32), np.zeros((n, most), np.int32)
        rotation, translation = np.tile(np.eye(3), (n, most, 1, 1)), np.zeros((n, most, 3))
        for row, one in enumerate(own):
            count = one.part.shape[1]
            part[row, :count], light[row, :count] = one.part[0], one.light
            rotation[row, :count], translation[row, :count] = one.rotation[0], one.translation[0]
        return vision.Instances(part, rotation, translation, light)

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


def things_about(
    scene: Any,
    state: State,
    row: int,
    feet: NDArray[np.float64] | None = None,
    heading: float | None = None,
    ago: float = 0.0,
) -> vision.Instances:
    """Return where the things are that one body holds, and those who walk about it.

    Args:
        scene: ready to be drawn, with the looks of those who are about.
        state: of the bodies.
        row: of the body.
        feet: (3,) where it stands instead of its own place, for pictures between steps.
        heading: likewise, radians.
        ago: seconds before now at which they are there.
    """
    level, time = float(state.level[row]), float(state.time[row]) - ago
    where = np.array([*state.position[row], level]) if feet is None else feet
    facing = float(state.heading[row]) if heading is None else heading
    held = in_hands(scene.compiled, state.body, where, facing)
    guests = guests_at(scene, state.emitters(row), time, level)
    return vision.Instances(
        np.concatenate([held.part, guests.part], axis=1),
        np.concatenate([held.rotation, guests.rotation], axis=1),
        np.concatenate([held.translation, guests.translation], axis=1),
        np.concatenate([np.zeros_like(held.part), np.atleast_2d(guests.light)], axis=1),
    )


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
        self.camera, self._state = camera, state
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
        scenes, scene_of, things = around
        turn = body_rotation(state.heading)
        floor = np.column_stack([state.position, state.level])
        eyes = floor + turn @ np.array(self.camera.position)
        self._renderer.draw(scenes, scene_of, eyes, turn @ self._mount, things, rows)
        if self.camera.noise is None:
            return
        for kind, disturb in (("rgb", vision.disturb_rgb), ("depth", vision.disturb_depth)):
            if kind in self.pictures:
                picture = self.pictures[kind][rows]
                noise, seed, steps = self.camera.noise, state.seed[rows], state.steps[rows]
                disturb(picture, noise, seed, steps, self._noise_stream)
                self.pictures[kind][rows] = picture
