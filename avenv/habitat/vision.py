"""habitat-sim as a backend of the pictures: it draws avenv's scenes with avenv's cameras.

    avenv.habitat.register_vision()      # once; habitat_sim has to be installed
    gym.make("avenv/AudioGoal-v0", vision="habitat", sensors=("rgb", "depth", "audio"))

A scene is exported as GLB beside a stage configuration that says which way is up (a GLB without one
is taken as Z-up) and asks for flat shading. Textures and depth are avenv's; light is not: there is
one light, and it shades nothing. What bodies hold is not drawn.
"""

import json
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core.suggest import accepted
from avenv.habitat.axes import to_habitat
from avenv.scene.compiled import CompiledScene
from avenv.simulation.export import glb_bytes
from avenv.vision import BACKENDS, MAX_DEPTH, Instances, Optics
from avenv.vision.camera.pictures import Pictures

SENSORS = ("rgb", "depth")
"""What habitat-sim draws of an exported scene."""

_STAGE = {"render_asset": "scene.glb", "up": [0, 1, 0], "front": [0, 0, -1], "shader_type": "flat",
          "requires_lighting": False, "is_collidable": False}  # fmt: skip
_NEAR, _FAR = 0.01, 1000.0  # metres


class ExportedScene:
    """A scene as files that habitat-sim opens; they go when it goes.

    Attributes:
        compiled: what it was made of.
        parts: 0, for nothing in it is moved.
        stage: its configuration.
    """

    parts = 0

    def __init__(self, compiled: CompiledScene):
        self.compiled = compiled
        folder = tempfile.TemporaryDirectory(prefix="avenv-habitat-")
        weakref.finalize(self, folder.cleanup)
        self.stage = Path(folder.name) / "scene.stage_config.json"
        self.stage.with_name("scene.glb").write_bytes(glb_bytes(compiled, self.stage.parent))
        self.stage.write_text(json.dumps(_STAGE))


class HabitatVision:
    """A row of ``avenv.vision.BACKENDS``.

    Args:
        gpu_device_id: of the device that draws; -1 is whatever OpenGL there is without NVIDIA's.

    Raises:
        ImportError: habitat_sim is not installed.
    """

    def __init__(self, gpu_device_id: int = -1):
        try:
            import_module("habitat_sim")
        except ImportError as error:
            raise ImportError(
                f"vision='habitat' needs habitat_sim, which cannot be imported: {error}; it is not "
                "on the package index: see its BUILD_FROM_SOURCE.md, or its conda packages"
            ) from error
        self.gpu_device_id = int(gpu_device_id)

    def prepare(self, compiled: CompiledScene, like: ExportedScene | None = None) -> ExportedScene:
        """Export a scene."""
        return ExportedScene(compiled)

    def lit(self, prepared: ExportedScene, light: str, rng: Any = None) -> ExportedScene:
        """Refuse: there is one light.

        Raises:
            ValueError: in any case.
        """
        raise ValueError(f"light is {light!r}; accepted by vision='habitat': 'full'")

    def make_renderer(self, n: int, optics: Optics, sensors: Iterable[str]) -> "HabitatRenderer":
        """Return what draws the pictures of n cameras.

        Raises:
            ValueError: a sensor or the projection is not habitat-sim's.
        """
        return HabitatRenderer(n, optics, tuple(sensors), self.gpu_device_id)


class HabitatRenderer:
    """Draws one camera after another; a scene is loaded when the first camera is in it.

    Attributes:
        pictures: (n, H, W, C) by sensor, filled by ``draw``.
    """

    def __init__(self, n: int, optics: Optics, sensors: tuple[str, ...], gpu_device_id: int):
        for name in sensors:
            if name not in SENSORS:
                raise ValueError(
                    f"sensors has {name!r}; {accepted(name, SENSORS)} by vision='habitat'"
                )
        if optics.projection != "perspective":
            raise ValueError(
                f"projection is {optics.projection!r}; accepted by vision='habitat': 'perspective'"
            )
        self.pictures: dict[str, NDArray] = Pictures.allocate(n, optics.size, sensors).sensors
        self._optics, self._sensors, self._gpu = optics, sensors, gpu_device_id
        self._simulator: Any = None
        self._shown: ExportedScene | None = None

    def draw(
        self,
        scenes: Sequence[ExportedScene],
        scene_of: ArrayLike,
        positions: ArrayLike,
        rotations: ArrayLike,
        instances: Instances | None = None,
        cameras: ArrayLike | None = None,
    ) -> None:
        """Fill the pictures; arguments as for ``avenv.vision.renderer.Renderer``.

        Raises:
            ValueError: something is to be drawn that moves.
        """
        if instances is not None and (np.asarray(instances.part) >= 0).any():
            raise ValueError("instances are to be drawn; accepted by vision='habitat': none")
        places, turns = np.asarray(positions, np.float64), np.asarray(rotations, np.float64)
        which = np.asarray(scene_of, np.int64)
        rows = np.arange(len(places)) if cameras is None else np.asarray(cameras, np.int64)
        for row in rows[np.argsort(which[rows], kind="stable")].tolist():
            self._show(scenes[which[row]])
            self._look(row, places[row], turns[row])

    def _show(self, scene: ExportedScene) -> None:
        """Load a scene, unless it is loaded."""
        if self._shown is scene:
            return
        configuration = self._configuration(scene)
        if self._simulator is None:
            self._simulator = import_module("habitat_sim").Simulator(configuration)
            weakref.finalize(self, self._simulator.close)
        else:
            self._simulator.reconfigure(configuration)
        self._shown = scene

    def _configuration(self, scene: ExportedScene) -> Any:
        """Return habitat-sim's configuration of a scene and of the cameras."""
        habitat_sim, magnum = import_module("habitat_sim"), import_module("magnum")
        backend = habitat_sim.SimulatorConfiguration()
        backend.scene_id = str(scene.stage)
        backend.gpu_device_id = self._gpu
        backend.enable_physics = False
        backend.load_semantic_mesh = False
        width, height = self._optics.size
        specs = []
        for name in self._sensors:
            spec = habitat_sim.CameraSensorSpec()
            spec.uuid = name
            spec.sensor_type = getattr(
                habitat_sim.SensorType, {"rgb": "COLOR", "depth": "DEPTH"}[name]
            )
            spec.resolution = [height, width]
            spec.hfov = 2 * np.rad2deg(np.arctan(width / 2 / self._optics.focal))
            spec.position = magnum.Vector3(0.0, 0.0, 0.0)
            spec.near, spec.far = _NEAR, _FAR
            specs.append(spec)
        agent = habitat_sim.AgentConfiguration(sensor_specifications=specs)
        return habitat_sim.Configuration(backend, [agent])

    def _look(self, row: int, position: NDArray[np.float64], rotation: NDArray[np.float64]) -> None:
        """Fill the pictures of one camera."""
        state = import_module("habitat_sim").AgentState()
        state.position = to_habitat(position).astype(np.float32)
        state.rotation = camera_quaternion(rotation)
        self._simulator.get_agent(0).set_state(state)
        seen = self._simulator.get_sensor_observations()
        if "rgb" in self._sensors:
            self.pictures["rgb"][row] = seen["rgb"][..., :3]
        if "depth" in self._sensors:
            depth = np.nan_to_num(np.asarray(seen["depth"], np.float32), posinf=0.0)
            self.pictures["depth"][row, ..., 0] = np.minimum(depth, MAX_DEPTH)


def camera_quaternion(rotation: NDArray[np.float64]) -> list[float]:
    """Return how Habitat turns a camera (x, y, z, w), given its columns forward, left and up.

    Its camera looks along -z, x is to the right and y up.
    """
    from scipy.spatial.transform import Rotation

    forward, left, up = to_habitat(rotation.T)
    turned = Rotation.from_matrix(np.column_stack([-left, up, -forward]))
    return [float(x) for x in turned.as_quat()]


def register_vision(name: str = "habitat", gpu_device_id: int = -1) -> None:
    """Let ``vision="habitat"`` draw with habitat-sim.

    Args:
        name: of the backend.
        gpu_device_id: of the device that draws; -1 is whatever OpenGL there is without NVIDIA's.

    Raises:
        ImportError: habitat_sim is not installed.
        ValueError: another backend has the name.
    """
    if name in BACKENDS and not isinstance(BACKENDS[name], HabitatVision):
        raise ValueError(f"the backend {name!r} is another already; accepted: another name")
    BACKENDS[name] = HabitatVision(gpu_device_id)  # type: ignore[assignment]  # has what modules do
