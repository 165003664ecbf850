"""Sets of sounds: what an episode may choose from."""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from os import PathLike
from pathlib import Path

import numpy as np

from avenv.errors import SoundError
from avenv.sounds.builtin import KINDS, SPLITS, check_rate, synthesise
from avenv.sounds.files import read_folder, read_sound
from avenv.sounds.sound import Sound

SoundSpec = str | PathLike | Sound | Iterable["SoundSpec"]
"""What ``load_sounds`` understands."""

VARIANTS = 4
"""How many variants of each built-in kind a set holds."""

Entry = tuple[str, str, Callable[[], Sound]]


class SoundSet(Sequence[Sound]):
    """An immutable sequence of sounds; the synthesised ones are made when first asked for.

    Attributes:
        names: of every sound, all different.
        kinds: of every sound, in the same order.
        sample_rate: Hz, the same for all.
    """

    def __init__(self, entries: Sequence[Entry], sample_rate: int):
        self.names = tuple(name for name, _, _ in entries)
        self.kinds = tuple(kind for _, kind, _ in entries)
        self.sample_rate = sample_rate
        self._makers = [make for _, _, make in entries]
        self._made: dict[int, Sound] = {}
        twice = {name for name in self.names if self.names.count(name) > 1}
        if twice:
            raise SoundError(f"sounds named twice: {', '.join(sorted(twice))}; rename the files")

    def __len__(self) -> int:
        return len(self._makers)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        index = range(len(self))[index]
        if index not in self._made:
            self._made[index] = self._makers[index]()
        return self._made[index]

    def __repr__(self) -> str:
        return (
            f"SoundSet({len(self)} sounds of {len(set(self.kinds))} kinds, {self.sample_rate} Hz)"
        )

    def sample(self, rng: np.random.Generator) -> Sound:
        """Draw one sound, all equally likely."""
        return self[int(rng.integers(len(self)))]


def load_sounds(spec: SoundSpec, sample_rate: int = 16000) -> SoundSet:
    """Make the set of sounds that a specification names.

    ``spec`` is ``"builtin:heard"``, ``"builtin:unheard"`` (no kind in common) or
    ``"builtin:all"``; a built-in kind (``"phone"``) or one variant of it (``"phone/3"``); a sound
    file; a folder of sound files; a ``Sound``; or a list of these. Files are read, checked and
    resampled at once, so that a bad one is known before training starts. To read a file that is
    called like a kind, write ``"./phone"``.

    Raises:
        SoundError: nothing of that name exists, a file cannot be used, two sounds share a name,
            a ``Sound`` has another rate, or the rate is below 8 kHz.
    """
    check_rate(sample_rate)
    return SoundSet(_entries(spec, sample_rate), sample_rate)


def _entries(spec: SoundSpec, sample_rate: int) -> list[Entry]:
    if isinstance(spec, Sound):
        if spec.sample_rate != sample_rate:
            raise SoundError(
                f"sound {spec.name!r} is at {spec.sample_rate} Hz; it must be at {sample_rate} Hz"
            )
        return [_made(spec)]
    if isinstance(spec, str) and spec.startswith("builtin:"):
        return _split(spec, sample_rate)
    if isinstance(spec, str) and (builtin := _named(spec, sample_rate)):
        return builtin
    if isinstance(spec, str | PathLike):
        return [_made(sound) for sound in _read(Path(spec), sample_rate)]
    entries = [entry for part in spec for entry in _entries(part, sample_rate)]
    if not entries:
        raise SoundError("the list of sounds is empty; it needs at least one")
    return entries


def _made(sound: Sound) -> Entry:
    return sound.name, sound.kind, lambda: sound


def _variant(kind: str, variant: int, sample_rate: int) -> Entry:
    return f"{kind}/{variant}", kind, lambda: synthesise(kind, sample_rate, variant)


def _split(spec: str, sample_rate: int) -> list[Entry]:
    split = spec.removeprefix("builtin:")
    if split not in SPLITS:
        known = ", ".join(f"builtin:{name}" for name in SPLITS)
        raise SoundError(f"unknown set of sounds {spec!r}; there are {known}")
    return [_variant(kind, v, sample_rate) for kind in SPLITS[split] for v in range(VARIANTS)]


def _named(spec: str, sample_rate: int) -> list[Entry]:
    kind, _, variant = spec.partition("/")
    if kind not in KINDS or not (variant.isdecimal() or spec == kind):
        return []
    variants = [int(variant)] if variant else range(VARIANTS)
    return [_variant(kind, v, sample_rate) for v in variants]


def _read(path: Path, sample_rate: int) -> list[Sound]:
    if path.is_dir():
        return read_folder(path, sample_rate)
    if path.is_file():
        return [read_sound(path, sample_rate, path.name, path.stem)]
    close = get_close_matches(str(path), KINDS, n=3)
    hint = f"did you mean {', '.join(close)}?" if close else f"built-in kinds: {', '.join(KINDS)}"
    raise SoundError(f"{path}: no such sound file, folder or built-in kind; {hint}")
