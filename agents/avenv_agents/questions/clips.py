"""Clips as plain data, and how they are filmed: what a camera sees and two ears hear."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError, SoundError
from avenv.core.store import Store, open_store
from avenv.simulation.ears import PROPAGATION
from avenv.simulation.emitters import Emitter
from avenv.simulation.loading import load_scene
from avenv.simulation.questions import render_view
from avenv.simulation.walks import render_audio
from avenv.simulation.world import World
from avenv.sounds import load_sounds
from avenv_agents.omni.media import sound_file

RATE = 16000
FPS = 8
SIZE = (192, 192)
EARS = 1.25
"""Metres above the floor of ears and camera."""

GAIN = 2.0
"""Of the sound in files, the same for all, so that levels still tell distances."""

SILENCE = 10 ** (-55 / 20)
"""Root mean square below which nobody hears what is asked about, re full scale."""

BARE = "laminate"
"""Of which floors are that have lost their carpets."""

_STEP = 0.05
"""Seconds between two responses of the room; nothing moves fast."""
_FADE = 160  # samples over which what is heard changes when a door moves


@dataclass(frozen=True)
class Sounding:
    """Something that sounds.

    Attributes:
        sound: name of a built-in sound.
        position: (x, y, z) world metres.
        onset: seconds; None: it has always sounded.
        duration: seconds; None: without end.
    """

    sound: str
    position: tuple[float, float, float]
    onset: float | None = None
    duration: float | None = None


@dataclass(frozen=True)
class Clip:
    """A few seconds at one place or on a straight way, seen and heard.

    Attributes:
        scene: as ``load_scene`` takes it.
        seconds: it lasts.
        path: ((x, y), (x, y)) from where to where the head moves.
        headings: radians, evenly spread over the clip and its margin.
        sounds: what sounds.
        states: of things, from the beginning.
        change: (seconds, states): what happens in it.
        late: seconds by which the sound is later than the picture.
        swapped: whether left is right for the ears.
        flipped: whether left is right for the camera, as in a mirror.
        is_film: whether there is a picture.
        margin: seconds before and after it over which headings go on, for sound that is late.
        bare: whether all carpets have been taken out.
    """

    scene: str
    seconds: float
    path: tuple[tuple[float, float], tuple[float, float]]
    headings: tuple[float, ...]
    sounds: tuple[Sounding, ...]
    states: Mapping[str, str] = field(default_factory=dict)
    change: tuple[float, Mapping[str, str]] | None = None
    late: float = 0.0
    swapped: bool = False
    flipped: bool = False
    is_film: bool = True
    margin: float = 0.0
    bare: bool = False

    @property
    def name(self) -> str:
        """Of its files, the same for equal clips."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:20]

    def at(self, times: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return positions (T, 2) and headings (T,) at times; beyond its margin it rests."""
        share = np.clip(times / self.seconds, 0, 1)
        ends = np.array(self.path)
        places = ends[0] + share[:, None] * (ends[1] - ends[0])
        marks = np.linspace(-self.margin, self.seconds + self.margin, len(self.headings))
        return places, np.interp(times, marks, np.unwrap(self.headings))

    def turned(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return radians (T,) that the camera has turned to its left by then, as is seen."""
        _, [first] = self.at(np.zeros(1))
        return (self.at(times)[1] - first) * (-1 if self.flipped else 1)


def film(clip: Clip, folder: str | Path | Store) -> dict[str, str]:
    """Write a clip, a WAV and, if it is a film, an MP4 with the same sound; what is there stays.

    Returns:
        the names of the files in the folder, or at the URL, by ``"audio"`` and ``"video"``.

    Raises:
        AvenvError: it cannot be seen from there, or nothing is heard.
        ImportError: PyAV is not installed.
    """
    store = open_store(folder)
    names = {"audio": f"{clip.name}.wav"} | ({"video": f"{clip.name}.mp4"} if clip.is_film else {})
    if all(store.holds(name) for name in names.values()):
        return names
    world = world_of(clip)
    audio = heard(clip, world)
    if np.sqrt(np.mean(audio**2)) < SILENCE:
        raise SoundError(f"{clip.scene}: nothing is heard in a clip")
    with store.write(names["audio"]) as draft:
        draft.write_bytes(sound_file(audio, RATE, "wav"))
    if clip.is_film:
        with store.write(names["video"]) as draft:
            _write_film(draft, seen(clip, world), audio)
    return names


def _write_film(draft: Path, pictures: NDArray[np.uint8], audio: NDArray[np.float32]) -> None:
    from avenv.recording.video import VideoWriter

    with TemporaryDirectory(prefix="avenv-") as folder:
        file = Path(folder, "film.mp4")  # PyAV asks for the ending
        with VideoWriter(file, SIZE, FPS, RATE) as video:
            for picture in pictures:
                video.add_frame(picture)
            video.add_audio(np.clip(audio, -1, 1))
        shutil.copyfile(file, draft)


def world_of(clip: Clip) -> World:
    """Return the home of a clip, as it is when the clip begins."""
    world = _without_carpets(clip.scene) if clip.bare else load_scene(clip.scene)
    return world.with_states(clip.states)


@lru_cache(maxsize=2)
def _without_carpets(scene: str) -> World:
    """Return a home with no rugs, and bare boards in place of carpets."""
    spec = load_scene(scene).spec
    if spec is None:
        raise SceneError(f"{scene} is a mesh; accepted without carpets: scenes that are described")
    rooms = [
        room.model_copy(update={"floor": BARE}) if is_carpet(room.floor) else room
        for room in spec.rooms
    ]
    things = [thing for thing in spec.objects if thing.kind != "rug"]
    return load_scene(spec.model_copy(update={"rooms": tuple(rooms), "objects": tuple(things)}))


def is_carpet(material: str) -> bool:
    """Return whether a floor is covered with a carpet."""
    return material.startswith("carpet")


def seen(clip: Clip, world: World) -> NDArray[np.uint8]:
    """Return the pictures (T, H, W, 3) of a clip."""
    times = np.arange(round(clip.seconds * FPS)) / FPS
    places, headings = clip.at(times)
    level = world.walkable.level + EARS
    eyes = np.column_stack([places, np.full(len(places), level)])
    turn = np.remainder(headings, 2 * np.pi)
    before = np.full(len(times), True) if clip.change is None else times < clip.change[0]
    pictures = np.zeros((len(times), SIZE[1], SIZE[0], 3), np.uint8)
    for rows, states in ((before, {}), (~before, dict(clip.change[1]) if clip.change else {})):
        if rows.any():
            there = world.with_states(states) if states else world
            view = render_view(there, eyes[rows], turn[rows], size=SIZE, sensors=("rgb",))
            pictures[rows] = view["rgb"]
    return pictures[:, :, ::-1] if clip.flipped else pictures


def heard(clip: Clip, world: World) -> NDArray[np.float32]:
    """Return the sound (2, N) of a clip."""
    audio = _heard_in(clip, world)
    if clip.change is not None:
        time, states = clip.change
        after = _heard_in(clip, world.with_states(states))
        begin = round(time * RATE)
        weight = np.clip((np.arange(audio.shape[1]) - begin) / _FADE, 0, 1)
        audio = (audio * (1 - weight) + after * weight).astype(np.float32)
    return GAIN * (audio[::-1] if clip.swapped else audio)


def _heard_in(clip: Clip, world: World) -> NDArray[np.float32]:
    # Sound that is late is what was heard a while before.
    times = np.linspace(0, clip.seconds, 4 * round(clip.seconds * FPS) + 1)
    places, headings = clip.at(times - clip.late)
    level = world.walkable.level + EARS
    ears = np.column_stack([places, np.full(len(places), level)])
    emitters = [
        Emitter(s.position, load_sounds(s.sound, RATE)[0], onset=s.onset, duration=s.duration)
        for s in clip.sounds
    ]
    turn = np.remainder(headings, 2 * np.pi)
    return render_audio(
        world, emitters, ears, turn, times, sample_rate=RATE, step_time=_STEP, settings=PROPAGATION
    )
