"""What a model is shown, and how it is to answer: a declared view, as YAML has it."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from avenv.benchmark import find_config, read_config
from avenv.core.records import as_record
from avenv.core.suggest import accepted

SOUND_FORMATS = ("wav", "mp3", "none")
REPLIES = ("tools", "text")


@dataclass(frozen=True)
class View:
    """What a model is shown at every question, and how it is to answer.

    Nothing in it is the truth: all of it is made from what the body senses.

    Attributes:
        frames: pictures in a question, the latest last; 0: none.
        frame_every: actions between two of them.
        frame_size: (width, height) pixels.
        hfov: degrees.
        depth: also show what a depth camera measures now, as a grey picture.
        sound: how what is heard is sent: ``"wav"``, ``"mp3"`` or ``"none"``.
        seconds: of the latest stereo sound.
        sample_rate: Hz.
        spectrogram: also draw the sound, left ear above right ear.
        bearings: tell in words what two microphones measure: level, time and level difference.
        odometry: tell in words how far and where the body has come from its start.
        history: actions of the past that are told, a line each.
        history_letters: all that is told of the past is no longer than this.
        note_letters: of a note that the model may leave for itself until the next question.
        plan: actions in one answer, at most.
        patience: answers in a row that may be of no use before the episode is given up.
        reply: ``"tools"``: the model calls a tool; ``"text"``: it writes JSON, for models without.
        answer_tokens: in one answer, at most.
        answer_limit: name of that limit in the request (``"max_tokens"`` on older servers).
        temperature: None: the server's own.
    """

    frames: int = 1
    frame_every: int = 1
    frame_size: tuple[int, int] = (256, 256)
    hfov: float = 90.0
    depth: bool = False
    sound: str = "wav"
    seconds: float = 2.0
    sample_rate: int = 16000
    spectrogram: bool = False
    bearings: bool = True
    odometry: bool = True
    history: int = 30
    history_letters: int = 4000
    note_letters: int = 600
    plan: int = 4
    patience: int = 3
    reply: str = "tools"
    answer_tokens: int = 1000
    answer_limit: str = "max_completion_tokens"
    temperature: float | None = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame_size", tuple(self.frame_size))
        for name, known in (("sound", SOUND_FORMATS), ("reply", REPLIES)):
            if (own := getattr(self, name)) not in known:
                raise ValueError(f"view.{name} is {own!r}; {accepted(own, known)}")
        limits = {"frames": (0, 16), "frame_every": (1, 100), "history": (0, 500),
                  "history_letters": (0, 100_000), "note_letters": (0, 100_000), "plan": (1, 50),
                  "patience": (1, 10), "answer_tokens": (16, 100_000)}  # fmt: skip
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(
                    f"view.{name} is {getattr(self, name)!r}; accepted: {low} to {high}"
                )
        if not 0.1 <= self.seconds <= 30:
            raise ValueError(f"view.seconds is {self.seconds!r}; accepted: 0.1 to 30")

    @property
    def sensors(self) -> tuple[str, ...]:
        """What a body must sense for it."""
        wanted = {
            "rgb": self.frames > 0,
            "depth": self.depth,
            "audio": self.hears,
            "pose": self.odometry,
            "contact": True,
        }
        return tuple(name for name, needed in wanted.items() if needed)

    @property
    def hears(self) -> bool:
        """Whether anything in it is made from sound."""
        return self.sound != "none" or self.spectrogram or self.bearings

    @property
    def options(self) -> dict[str, Any]:
        """Options of the environment that it asks for."""
        options: dict[str, Any] = {"sensors": self.sensors}
        if self.frames or self.depth:
            options |= {"image_size": self.frame_size, "hfov": self.hfov}
        if self.hears:
            options |= {"sample_rate": self.sample_rate, "window": self.seconds}
        return options

    @property
    def digest(self) -> str:
        """Tells it from others."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def read_view(name: str | Path) -> View:
    """Return a view by its name in ``configs/omni``, or of a YAML file.

    Raises:
        ValueError: there is none, or a field is unknown or out of range; the message names it.
    """
    path = find_config("omni", name)
    return as_record(f"{path}: view is", read_config(path), View)
