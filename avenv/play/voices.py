"""The sources about one listener, under names by which a page may speak of them."""

import math
from dataclasses import dataclass
from dataclasses import replace as with_fields
from threading import RLock

from avenv.simulation.emitters import Emitter, Position
from avenv.simulation.simulator import Simulator
from avenv.sounds import Sound

MOST = 12
"""Sources that may sound at once."""


@dataclass(frozen=True)
class Voice:
    """A source that goes on sounding.

    Attributes:
        label: its name, which no other source has.
        number: of the source in the simulator.
        emitter: what sounds.
    """

    label: str
    number: int
    emitter: Emitter


class Voices:
    """The sources about the one body of a simulator; any thread may look at them.

    What is moved or plays another sound is a source of its own to the simulator, while the old one
    rings out; here it keeps its name.
    """

    def __init__(self, simulator: Simulator):
        self._simulator = simulator
        self._labels: dict[Emitter, str] = {}
        self._changing = RLock()

    def all(self) -> list[Voice]:
        """Return all sources that have not been silenced."""
        with self._changing:
            emitters = self._simulator.state.emitters(0)
            lasting = [(k, e) for k, e in enumerate(emitters) if e.ends == math.inf]
            self._labels = {e: self._labels[e] for _, e in lasting if e in self._labels}
            return [Voice(self._label(e), k, e) for k, e in lasting]

    def find(self, label: str) -> Voice:
        """Return a source by its name.

        Raises:
            ValueError: none of this name sounds.
        """
        voices = {voice.label: voice for voice in self.all()}
        if label not in voices:
            known = ", ".join(voices) or "none"
            raise ValueError(f"there is no source {label!r}; there are: {known}")
        return voices[label]

    def begun(self, sound: Sound, position: Position) -> Emitter:
        """Return an emitter that begins to play a sound now.

        Raises:
            ValueError: there are ``MOST`` sources already.
        """
        if len(self.all()) >= MOST:
            raise ValueError(f"{MOST} sources sound already; silence one of them first")
        return Emitter(position, sound, onset=self._now)

    def changed(
        self, voice: Voice, position: Position | None = None, sound: Sound | None = None
    ) -> Emitter:
        """Return an emitter that goes on, from now on, elsewhere or with another sound."""
        old = voice.emitter
        rate = old.sound.sample_rate
        since = round(self._now * rate) - round((old.onset or 0.0) * rate)
        return with_fields(
            old,
            position=position or old.position,
            sound=sound or old.sound,
            offset=0 if sound else (old.offset + since) % len(old.sound.signal),
            onset=self._now,
        )

    def begin(self, emitter: Emitter) -> None:
        """Let an emitter sound.

        Raises:
            SceneError: it is inside something solid or outside the scene.
        """
        with self._changing:
            self._simulator.sound(0, emitter)

    def replace(
        self, label: str, position: Position | None = None, sound: Sound | None = None
    ) -> None:
        """Let a source go on elsewhere or with another sound, under its name.

        Raises:
            SceneError: it would be inside something solid or outside the scene.
            ValueError: there is no such source.
        """
        with self._changing:
            voice = self.find(label)
            emitter = self.changed(voice, position, sound)
            self._simulator.sound(0, emitter)
            self._simulator.silence(0, voice.number)
            self._labels[emitter] = label

    def silence(self, label: str) -> None:
        """Let a source fall silent for good.

        Raises:
            ValueError: there is no such source.
        """
        with self._changing:
            self._simulator.silence(0, self.find(label).number)

    @property
    def _now(self) -> float:
        return float(self._simulator.state.time[0])

    def _label(self, emitter: Emitter) -> str:
        if emitter not in self._labels:
            stem, taken = emitter.object or emitter.sound.kind, set(self._labels.values())
            names = (stem, *(f"{stem} {k}" for k in range(2, len(taken) + 3)))
            self._labels[emitter] = next(name for name in names if name not in taken)
        return self._labels[emitter]
