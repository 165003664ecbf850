"""Independent poses in homes, and what is heard there: what ears learn from and are tested on.

Of every home, bodies are put at places that are spread evenly over how far the source is and
whether it is in sight, and hear a few windows while they turn in place or walk to the source. With
each window goes the truth: where the source is, and where the way to it begins.

A folder holds one archive for each home, and ``settings.json``. A home is drawn from the seed and
its number alone, so that neither the number of processes nor an interruption shows in the data.
"""

import io
import json
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from avenv.core.store import Store, open_store
from avenv.core.suggest import accepted
from avenv.scene.homes import find_homes
from avenv.simulation.cluster import Cluster
from avenv.simulation.sharing import check_shared, share_out
from avenv.sounds.sets import load_sounds

VERSION = 1
SETTINGS_FILE = "settings.json"
MOTIONS = {"turn": 6, "approach": 11}
"""What bodies do, and how many windows they hear: turn in place, or take ten steps of the oracle,
who stops as near to the source as it can and then turns."""
RADIUS = 1.0
"""Metres on foot within which a body is near: where episodes succeed."""
RINGS = (1.0, 2.0, 5.0)
"""Metres that divide places by their distance from the source."""


@dataclass(frozen=True)
class PoseSettings:
    """What is drawn.

    Attributes:
        homes: of which set, ``"homes:train/0-99"``.
        sounds: that sources play, as ``load_sounds`` takes them by name.
        places: bodies in each home.
        sources: places of sources in each home, each for as many bodies.
        motion: what bodies do, of ``MOTIONS``.
        seed: of all that is drawn.

    Raises:
        ValueError: a value is out of range.
        SceneError, SoundError: there are no such homes or sounds.
    """

    homes: str = "homes:train/0-99"
    sounds: str = "builtin:heard"
    places: int = 40
    sources: int = 8
    motion: str = "turn"
    seed: int = 0

    def __post_init__(self) -> None:
        find_homes(self.homes)
        load_sounds(self.sounds)
        for name, least in (("places", 1), ("sources", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} is {value!r}; accepted: a whole number from {least}")
        if self.motion not in MOTIONS:
            raise ValueError(f"motion is {self.motion!r}; {accepted(self.motion, MOTIONS)}")


class Poses(NamedTuple):
    """P places with S windows each.

    Attributes:
        binaural: (P, S, D) float16.
        pose: (P, S, 4) float32, as the sensor has it.
        azimuth: (P, S) float32 radians from the head to the source, positive to the left.
        leg: (P, S) float32 likewise to where the way begins; NaN where there is hardly any way.
        distance: (P, S) float32 metres from the head.
        walk: (P, S) float32 metres on foot.
        visible: (P, S) bool, nothing stands in between; whether it is ahead does not matter.
        sounding: (P, S) bool, the source has emitted something in the last step.
        home: (P,) int32 number of the home in its set.
        room: (P,) name of the room in which the body begins; empty in a doorway.
        sound: (P,) name of the sound.
        place: (P, 3) float64 x, y, heading at the start, in the world.
        source: (P, 3) float64 world metres.
    """

    binaural: NDArray[np.float16]
    pose: NDArray[np.float32]
    azimuth: NDArray[np.float32]
    leg: NDArray[np.float32]
    distance: NDArray[np.float32]
    walk: NDArray[np.float32]
    visible: NDArray[np.bool_]
    sounding: NDArray[np.bool_]
    home: NDArray[np.int32]
    room: NDArray[np.str_]
    sound: NDArray[np.str_]
    place: NDArray[np.float64]
    source: NDArray[np.float64]

    def some(self, rows: slice | NDArray) -> "Poses":
        """Return some places."""
        values = {name: value[rows] for name, value in self._asdict().items()}
        return Poses(**values)

    @property
    def near(self) -> NDArray[np.bool_]:
        """Whether the source is within ``RADIUS`` metres on foot, (P, S)."""
        return self.walk <= RADIUS


def make_poses(
    settings: PoseSettings,
    folder: str | Path | Store,
    workers: int = 1,
    progress: bool = True,
    cluster: Cluster | None = None,
) -> int:
    """Draw poses and write them to a folder; homes that are there already stay as they are.

    Args:
        settings: what is drawn.
        folder: that receives an archive for each home, or a URL (``core.store``).
        workers: processes that share the homes.
        progress: show a progress bar.
        cluster: whose workers do it instead; its machines share the folder.

    Returns:
        the number of homes made now.

    Raises:
        ValueError: the folder holds poses of other settings, or machines do not share it.
        OSError: it cannot be written to.
        ChildProcessError: one of the processes was killed.
    """
    store = open_store(folder)
    _claim(store, settings)
    homes, there = find_homes(settings.homes), store.names()
    todo = [k for k in homes.numbers if _name(homes.split, k) not in there]
    jobs = [(settings, homes.split, number, store) for number in todo]
    with (
        tqdm(total=len(jobs), desc="poses", unit="home", disable=not progress) as bar,
        cluster or nullcontext(),
    ):
        if cluster is not None:
            check_shared(cluster, store)
        for _ in share_out(_write_home, jobs, min(workers, len(jobs)), cluster):
            bar.update()
    return len(jobs)


def read_poses(folder: str | Path | Store) -> tuple[Poses, PoseSettings]:
    """Return the poses of a folder or a URL, home by home, and its settings.

    Raises:
        ValueError: the folder holds no poses, not all of them, or a file is broken.
    """
    store = open_store(folder)
    settings = _read_settings(store)
    homes, there = find_homes(settings.homes), store.names()
    names = [_name(homes.split, number) for number in homes.numbers]
    if missing := [name for name in names if name not in there]:
        raise ValueError(
            f"{store} lacks {len(missing)} homes, as {missing[0]}; `avenv data poses` with the "
            "same options makes them"
        )
    parts = [_read_home(store, name) for name in names]
    columns = {name: [getattr(p, name) for p in parts] for name in Poses._fields}
    return Poses(**{name: np.concatenate(c) for name, c in columns.items()}), settings


# -- files -----------------------------------------------------------------------------------------


def _name(split: str, number: int) -> str:
    return f"{split}-{number:06d}.npz"


def _claim(store: Store, settings: PoseSettings) -> None:
    """Write the settings into a store, or make sure that they are those there."""
    if store.holds(SETTINGS_FILE):
        known, asked = asdict(_read_settings(store)), asdict(settings)
        if other := [name for name in asked if asked[name] != known[name]]:
            raise ValueError(
                f"{store}/{SETTINGS_FILE} has {', '.join(f'{n}: {known[n]!r}' for n in other)}; "
                "accepted: the same, or another folder"
            )
        return
    text = json.dumps({"version": VERSION, **asdict(settings)}, indent=1)
    with store.write(SETTINGS_FILE) as draft:
        draft.write_text(text)


def _read_settings(store: Store) -> PoseSettings:
    file = f"{store}/{SETTINGS_FILE}"
    try:
        data = json.loads(store.read(SETTINGS_FILE))
        version = data.pop("version")
        known = PoseSettings(**data)
    except FileNotFoundError:
        raise ValueError(f"{store} holds no poses; `avenv data poses` makes them") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from error
    if version != VERSION:
        raise ValueError(f"{file} is of version {version!r}; accepted: {VERSION}; make them anew")
    return known


def _read_home(store: Store, name: str) -> Poses:
    content = store.read(name)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return Poses(**{name: archive[name] for name in Poses._fields})
    except Exception as error:  # whatever a broken archive raises
        raise ValueError(
            f"{store}/{name} cannot be read ({error}); delete it to have it made anew"
        ) from error


def _write_home(settings: PoseSettings, split: str, number: int, store: Store) -> None:
    from avenv_agents.pose_drawing import draw_home  # which brings the simulator

    poses = draw_home(settings, split, number)
    with store.write(_name(split, number)) as draft, open(draft, "wb") as file:
        np.savez(file, **poses._asdict())
