"""The scene of a recorded simulation: keyframes of habitat-sim's gfx-replay.

    replay = avenv.habitat.Replay()
    replay.add(sim.gfx_replay_manager.extract_keyframe())
    sensor = avenv.habitat.AudioSensor(replay=replay)

A keyframe says which assets were loaded, which instances of them are there, and where (habitat-sim,
``src/esp/gfx/replay/Keyframe.h``, ``src/esp/io/JsonEspTypes.cpp``). Files of many keyframes
(``write_saved_keyframes_to_file``) can be gone through one by one. Skinned bodies are left out.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.core.files import read_limited
from avenv.habitat.axes import rotation_of
from avenv.habitat.live import Placed, uniquely_named
from avenv.scene.meshes.habitat_assets import asset_axes

_LARGEST = 2**28  # bytes of a file

Matrix = NDArray[np.float64]


class Replay:
    """What is in the scene, keyframe after keyframe.

    Args:
        categories: names by semantic id, of which habitat-sim's recording has the ids only.
    """

    def __init__(self, categories: Mapping[int, str] | None = None):
        self._categories = dict(categories or {})
        self._frames: dict[str, Matrix] = {}
        self._made: dict[int, tuple[Path, Matrix]] = {}
        self._poses: dict[int, Matrix] = {}
        self._ids: dict[int, int] = {}

    def add(self, keyframe: str | Mapping[str, Any]) -> None:
        """Go on to the next keyframe.

        Args:
            keyframe: as ``extract_keyframe`` returns it, or one of ``read_keyframes``.

        Raises:
            SceneError: it is none.
        """
        try:
            data = json.loads(keyframe) if isinstance(keyframe, str) else keyframe
            data = data.get("keyframe", data)
            for load in data.get("loads", ()):
                frame = load.get("frame") or {}
                turn = asset_axes(
                    frame.get("up", (0, 1, 0)), frame.get("front", (0, 0, -1)), load["filepath"]
                )
                self._frames[load["filepath"]] = _matrix(turn)
            for row in data.get("creations", ()):
                self._create(int(row["instanceKey"]), row["creation"])
            for key in data.get("deletions", ()):
                self._made.pop(int(key), None)
            for row in data.get("stateUpdates", ()):
                pose = row["state"]["absTransform"]
                self._poses[int(row["instanceKey"])] = _matrix(
                    rotation_of(pose["rotation"]), pose["translation"]
                )
            for row in data.get("metadata", ()):
                self._ids[int(row["instanceKey"])] = int(row["metadata"]["semanticId"])
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            if isinstance(error, SceneError):
                raise
            raise SceneError(f"this is no keyframe of gfx-replay: {error!r}") from None

    def things(self) -> list[Placed]:
        """Return what is there now, where it is.

        Raises:
            SceneError: nothing is there.
        """
        if not self._made:
            raise SceneError("the replay has nothing in it yet; call add() with a keyframe first")
        return uniquely_named([
            Placed(
                path.name.partition(".")[0],
                path,
                self._poses.get(key, np.eye(4)) @ made,
                self._categories.get(self._ids.get(key, 0), ""),
            )
            for key, (path, made) in sorted(self._made.items())
        ])  # fmt: skip

    def _create(self, key: int, creation: Mapping[str, Any]) -> None:
        """Take note of an instance; what only semantic cameras see cannot be heard."""
        if creation.get("isSemantic") and not creation.get("isRGBD"):
            return
        name = str(creation["filepath"])
        path = Path(name)
        if not path.is_file():
            raise SceneError(f"the keyframe shows {name!r}, which is no file; things that "
                             "habitat-sim makes by itself cannot be heard")  # fmt: skip
        scale = np.diag([*(creation.get("scale") or (1, 1, 1)), 1.0])
        self._made[key] = path, scale @ self._frames.get(name, np.eye(4))


def read_keyframes(path: str | Path) -> list[dict[str, Any]]:
    """Return the keyframes of a file that ``write_saved_keyframes_to_file`` wrote.

    Raises:
        SceneError: it cannot be read, or has none.
    """
    try:
        data = json.loads(read_limited(Path(path), _LARGEST))
        frames = data["keyframes"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SceneError(f"{path}: is no file of gfx-replay: {error!r}") from None
    if not isinstance(frames, list) or not frames:
        raise SceneError(f"{path}: has no keyframes")
    return frames


def _matrix(turn: Matrix, place: Any = (0.0, 0.0, 0.0)) -> Matrix:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, place
    return matrix
