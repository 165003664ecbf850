"""The impulse responses of SoundSpaces as a backend of the sound: heard where they were made.

    avenv.habitat.register_rirs("data", "replica")
    gym.make("avenv/AudioGoal-v0", scenes=..., acoustics="soundspaces", ...)

Of a scene it reads ``metadata/DATASET/SCENE`` (``avenv.habitat.graphs``) and
``binaural_rirs/DATASET/SCENE/ANGLE/RECEIVER_SOURCE.wav`` (or ``RECEIVER-SOURCE.wav``, as older
copies are named). There are responses for places on the graph and for four directions. A listener
hears that of the nearest place and the nearest direction, a source is at the nearest place; heights
count for nothing, and neither do things that move.
"""

from collections.abc import Mapping
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics import BACKENDS, AcousticSettings, ResponseBatch, check_batch
from avenv.acoustics.batch import as_length, as_output
from avenv.core.errors import SceneError
from avenv.habitat.graphs import Graph, read_graph
from avenv.habitat.rirs import ANGLES, folder_name
from avenv.scene.compiled import CompiledScene

REACH = 0.75
"""Metres at most from a place that is heard in another's stead: half the diagonal of a square metre
is 0.71."""

_KEPT = 512  # responses in memory: 64 MB of one second at 16 kHz


class RecordedScene:
    """The places of one scene and the folder of its responses.

    Attributes:
        name: the scene's.
        folder: of the angles.
        graph: its places.
        reach: metres, as ``register_rirs`` has it.
    """

    def __init__(self, name: str, folder: Path, graph: Graph, reach: float):
        self.name, self.folder, self.graph, self.reach = name, folder, graph, reach

    def check_position(self, position: ArrayLike, what: str) -> NDArray[np.float64]:
        """Return a position (3,).

        Raises:
            SceneError: it is no position, or too far from all places.
        """
        point = np.asarray(position, np.float64)
        if point.shape != (3,) or not np.isfinite(point).all():
            raise SceneError(f"{self.name}: {what} {position!r} is not a position (x, y, z)")
        self.nearest(point, what)
        return point

    def nearest(self, point: NDArray[np.float64], what: str) -> int:
        """Return the number of the place nearest to a point (3,), on its storey.

        Raises:
            SceneError: it is farther than ``reach``.
        """
        away = self.graph.points - point
        # The floor that it is above counts; heads and sources are up to 3 m above theirs.
        other = (away[:, 2] > 0.5) | (away[:, 2] < -3.0)
        distance = np.where(other, np.inf, np.hypot(away[:, 0], away[:, 1]))
        k = int(distance.argmin())
        if distance[k] > self.reach:
            x, y, z = point.round(3).tolist()
            raise SceneError(
                f"{self.name}: {what} ({x}, {y}, {z}) is {distance[k]:.2f} m from the nearest of "
                f"{len(self.graph.nodes)} places of {self.folder}; accepted: up to {self.reach} m"
            )
        return int(self.graph.nodes[k])


class RecordedField(NamedTuple):
    """What is known of a source: its scene, and the number of its place."""

    scene: RecordedScene
    node: int

    def moved(self, source: ArrayLike) -> "RecordedField":
        """Return the field of a source that has moved to (3,)."""
        return self._replace(node=self.scene.nearest(np.asarray(source, np.float64), "source"))


class Engine:
    """Looks responses up; a file that is missing or not as it should be is an error.

    Attributes:
        length: samples of a response; what a file has more is cut off, and less filled with zeros.
        settings: of which only ``max_time`` counts.
        channels: 2.
    """

    channels = 2

    def __init__(
        self,
        sample_rate: int,
        layout: str = "binaural",
        length: int | None = None,
        settings: AcousticSettings | None = None,
        hrtf: str | PathLike[str] | None = None,
    ) -> None:
        """Make an engine; ``length`` is by default that of ``settings.max_time``.

        Raises:
            ValueError: the layout is not ``"binaural"``, or the length is out of range.
        """
        if layout != "binaural" or hrtf is not None:
            raise ValueError(
                f"layout is {layout!r} and hrtf {hrtf!r}; SoundSpaces' responses accept 'binaural' "
                "and None only"
            )
        self.settings = settings or AcousticSettings()
        self.length = as_length(length, self.settings, sample_rate)
        self._sample_rate = sample_rate

    def source_field(
        self, scene: RecordedScene, source: ArrayLike, ear_height: float
    ) -> RecordedField:
        """Return the place of a source (3,).

        Raises:
            SceneError: there is none near it.
        """
        return RecordedField(scene, scene.nearest(np.asarray(source, np.float64), "source"))

    def responses(
        self, batch: ResponseBatch, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Look the responses (J, 2, length) of a batch up.

        Raises:
            SceneError: a file is missing, has another rate or not two channels, or a listener is
                too far from all places.
            ValueError: as ``check_batch`` and ``as_output``, or a source is not omnidirectional.
        """
        batch = check_batch(batch)
        out = as_output(out, (len(batch.listeners), 2, self.length))
        for name in batch.directivities:
            if name != "omni":
                raise ValueError(
                    f"directivity is {name!r}; SoundSpaces' responses accept 'omni' only"
                )
        headings = np.asarray(batch.headings)
        for j, (k, listener) in enumerate(zip(batch.field_of, batch.listeners, strict=True)):
            field = batch.fields[k]
            receiver = field.scene.nearest(listener, "listener")
            folder = field.scene.folder / str(nearest_angle(float(headings[j])))
            found = _read(folder, receiver, field.node, self._sample_rate)[:, : self.length]
            out[j, :, : found.shape[1]] = found
            out[j, :, found.shape[1] :] = 0
        return out

    def decay_length(self, batch: ResponseBatch) -> int:
        """Return ``length``: the files say nothing else."""
        return self.length


class RecordedBackend:
    """SoundSpaces' data as a row of ``avenv.acoustics.BACKENDS``.

    Args:
        data: the folder with ``metadata`` and ``binaural_rirs``.
        dataset: the name of the folder below each.
        scenes: folders of scenes by their names, where these differ.
        reach: metres at most from a place that is heard in another's stead.
    """

    QUESTION_SETTINGS = AcousticSettings()
    Engine = Engine

    def __init__(
        self,
        data: str | Path,
        dataset: str,
        scenes: Mapping[str, str] | None = None,
        reach: float = REACH,
    ):
        self.data, self.dataset = Path(data), dataset
        self._scenes, self._reach = dict(scenes or {}), float(reach)
        for part in ("metadata", "binaural_rirs"):
            if not (self.data / part / dataset).is_dir():
                raise ValueError(
                    f"{self.data}: there is no folder {part}/{dataset}; accepted: SoundSpaces' "
                    "folder of data, or what `avenv habitat export-rirs` writes"
                )

    def prepare(self, compiled: CompiledScene, like: Any = None) -> RecordedScene:
        """Return the places of a scene; in another state it sounds the same.

        Raises:
            SceneError: there are none of it, or its graph cannot be read.
        """
        if like is not None:
            return like
        name = self._scenes.get(compiled.name, folder_name(compiled.name))
        graph = read_graph(self.data / "metadata" / self.dataset / name)
        rirs = self.data / "binaural_rirs" / self.dataset / name
        if not rirs.is_dir():
            raise SceneError(f"{compiled.name}: there is no folder {rirs}")
        return RecordedScene(compiled.name, rirs, graph, self._reach)


def register_rirs(
    data: str | Path,
    dataset: str,
    name: str = "soundspaces",
    scenes: Mapping[str, str] | None = None,
    reach: float = REACH,
) -> None:
    """Let ``acoustics="soundspaces"`` hear the responses of a folder of data.

    Args:
        data: the folder with ``metadata`` and ``binaural_rirs``.
        dataset: the name of the folder below each, such as ``"replica"``.
        name: of the backend.
        scenes: folders of scenes by the scenes' names, where these differ.
        reach: metres at most from a place that is heard in another's stead.

    Raises:
        ValueError: there is no such folder, or another backend has the name.
    """
    backend = RecordedBackend(data, dataset, scenes, reach)
    known: Any = BACKENDS.get(name)
    same = isinstance(known, RecordedBackend) and vars(known) == vars(backend)
    if known is not None and not same:
        raise ValueError(f"the backend {name!r} is another already; accepted: another name")
    if known is None:
        BACKENDS[name] = backend  # type: ignore[assignment]  # it has what modules have


def nearest_angle(heading: float) -> int:
    """Return the one of ``ANGLES`` that is nearest to a heading in radians."""
    turned = np.rad2deg(np.pi / 2 - heading)
    away = [abs((turned - angle + 180) % 360 - 180) for angle in ANGLES]
    return ANGLES[int(np.argmin(np.round(away, 9)))]


@lru_cache(maxsize=_KEPT)
def _read(folder: Path, receiver: int, source: int, sample_rate: int) -> NDArray[np.float32]:
    """Return the response (2, samples) of a file, which is not to be changed.

    Raises:
        SceneError: it is missing or cannot be read, has another rate or not two channels.
    """
    paths = [folder / f"{receiver}{separator}{source}.wav" for separator in "_-"]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise SceneError(f"{paths[0]}: there is no such file, nor {paths[1].name}")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise SceneError(f"{path}: cannot be read: {error}") from None
    if rate != sample_rate:
        raise SceneError(f"{path}: is at {rate} Hz, and {sample_rate} Hz are wanted; accepted: "
                         f"sample_rate={rate}")  # fmt: skip
    if samples.shape[1] != 2:
        raise SceneError(
            f"{path}: has {samples.shape[1]} channels; accepted: 2, the left ear first"
        )
    if not np.isfinite(samples).all():
        raise SceneError(f"{path}: has samples that are not finite")
    samples.setflags(write=False)
    return samples.T
