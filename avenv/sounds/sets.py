"""Sets of sounds: what an episode may choose from."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np

from avenv.core.errors import SoundError
from avenv.sounds.builtin import KINDS, SETS, Name, parse_name, synthesise
from avenv.sounds.files import read_folder, read_sound
from avenv.sounds.sound import Sound, check_rate
from avenv.sounds.split_file import read_split

SoundSpec = str | PathLike | Sound | Iterable["SoundSpec"]
"""What ``load_sounds`` understands."""

VARIANTS = 8
"""How many variants of each built-in kind a set holds unless it says another number."""

_MANY = re.compile(r"(.+)\*(\d{1,5})")
_SPLIT_FILE = re.compile(r"(.+\.(?:ya?ml|csv))(?::([^:/\\]+))?", re.IGNORECASE)

Entry = tuple[str, str, Callable[[], Sound]]


class SoundSet(Sequence[Sound]):
    """An immutable sequence of sounds; the synthesised ones are made when they are asked for.

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
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            raise SoundError(f"sounds named twice: {', '.join(sorted(twice))}; rename the files")

    def __len__(self) -> int:
        return len(self._makers)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        return self._makers[range(len(self))[index]]()

    def __repr__(self) -> str:
        return (
            f"SoundSet({len(self)} sounds of {len(set(self.kinds))} kinds, {self.sample_rate} Hz)"
        )

    def find(self, name: str) -> Sound:
        """Return the sound of this name.

        Raises:
            SoundError: the set has none; the message names the closest ones.
        """
        if name not in self.names:
            close = get_close_matches(name, self.names, n=3)
            known = f"did you mean {', '.join(close)}?" if close else f"it has {_few(self.names)}"
            raise SoundError(f"there is no sound {name!r} in this set; {known}")
        return self[self.names.index(name)]

    def sample(self, rng: np.random.Generator) -> Sound:
        """Draw one sound, all equally likely."""
        return self[int(rng.integers(len(self)))]


def load_sounds(spec: SoundSpec, sample_rate: int = 16000) -> SoundSet:
    """Make the set of sounds that a specification names.

    ``spec`` is one of these, or a list of them:

    - ``"builtin:heard"``, ``"builtin:unheard"`` (other kinds), ``"builtin:unheard_variants"`` (the
      same kinds, with parameters that are kept back), ``"builtin:all"``, ``"builtin:speech"`` or
      ``"builtin:unheard_speech"``;
    - a built-in kind (``"phone"``), its variants that are kept back (``"phone/unheard"``), or one
      variant (``"phone/3"``, ``"phone/unheard/3"``), with parameters set by hand where one wants to
      (``"footsteps?floor=tile"``);
    - a sound file, or a folder of sound files;
    - a file in YAML or CSV that divides sound files into splits, and one of its splits
      (``"my_sounds/splits.yaml:train"``);
    - a ``Sound``.

    Sets and kinds hold 8 variants of each kind; ``"builtin:heard*100"`` holds 100. Files are read,
    checked and resampled at once, so that a bad one is known before training starts. To read a file
    that is called like a kind, write ``"./phone"``.

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
        if not (len(spec.signal) and np.isfinite(spec.signal).all()):
            raise SoundError(f"sound {spec.name!r} is empty or has NaN or infinite samples")
        return [_made(spec)]
    if isinstance(spec, str) and (names := _builtin(spec)):
        return [(str(n), n.kind, partial(synthesise, str(n), sample_rate)) for n in names]
    if isinstance(spec, str | PathLike):
        return [_made(sound) for sound in _read(spec, sample_rate)]
    if not isinstance(spec, Iterable) or isinstance(spec, bytes):
        raise SoundError(f"sounds is {spec!r}; accepted: names, files, folders, or a list of them")
    entries = [entry for part in spec for entry in _entries(part, sample_rate)]
    if not entries:
        raise SoundError("the list of sounds is empty; it needs at least one")
    return entries


def check_builtin(spec: str) -> None:
    """Raise a SoundError unless ``spec`` names built-in sounds; nothing is made or read."""
    if not _builtin(spec):
        raise SoundError(f"there is no built-in sound {spec!r}; {_hint(spec)}")


def _made(sound: Sound) -> Entry:
    return sound.name, sound.kind, partial(_same, sound)


def _same(sound: Sound) -> Sound:
    return sound


def _builtin(spec: str) -> list[Name]:
    """Return the built-in sounds that a specification names: none where it names none."""
    many = _MANY.fullmatch(spec)
    stem, count = (many[1], int(many[2])) if many else (spec, VARIANTS)
    if stem.startswith("builtin:"):
        name = stem.removeprefix("builtin:")
        if name not in SETS:
            known = ", ".join(f"builtin:{s}" for s in SETS)
            raise SoundError(f"unknown set of sounds {spec!r}; there are {known}")
        chosen = SETS[name]
    else:
        named = parse_name(stem)
        chosen = () if named is None else (named,)
    if many and chosen and (count == 0 or chosen[0].variant is not None):
        raise SoundError(f"{spec!r}: accepted are 1 or more variants of a set or a kind: 'phone*9'")
    return [
        replace(n, variant=v)
        for n in chosen
        for v in (range(count) if n.variant is None else (n.variant,))
    ]


def _read(spec: str | PathLike, sample_rate: int) -> list[Sound]:
    path, split = _find_path(spec)
    if path.is_dir():
        return read_folder(path, sample_rate)
    if split is not None or _SPLIT_FILE.fullmatch(path.name):
        return read_split(path, split, sample_rate)
    return [read_sound(path, sample_rate, path.name, path.stem)]


def _find_path(spec: str | PathLike) -> tuple[Path, str | None]:
    """Return the file or folder that is meant, and the split where one is named."""
    path, split = Path(spec), None
    if not path.exists() and (match := _SPLIT_FILE.fullmatch(str(spec))):
        path, split = Path(match[1]), match[2]
    if str(spec) and path.exists():
        return path, split
    raise SoundError(
        f"{str(spec) or repr('')}: no such sound file, folder or built-in kind; {_hint(str(path))}"
    )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _hint(name: str) -> str:
    """Return the end of a message about an unknown name: its near matches, or all kinds."""
    close = get_close_matches(name.partition("/")[0], KINDS, n=3)
    return f"did you mean {', '.join(close)}?" if close else f"built-in kinds: {', '.join(KINDS)}"
