"""Episode sets: files of fixed episodes, pinned by the hash of what is in them.

``episode_sets/NAME.json.gz`` has the episodes of a set's splits with their shortest ways and what
an expert did; scenes, sounds and actions stand in it once, in tables. ``avenv sets make NAME``
makes it (see ``avenv.benchmark.making``); the command stands in the file.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from avenv.core.files import draft_of, read_limited
from avenv.core.suggest import accepted
from avenv.tasks.episode import VERSION as EPISODE_VERSION
from avenv.tasks.episode import Episode

FORMAT = "avenv episode set"
VERSION = 1
"""Of the format; a file of another is refused."""

FOLDER = Path(__file__).with_name("episode_sets")
PINS = FOLDER / "pins.json"
ENDING = ".json.gz"

MAX_BYTES = 2**28
"""Of a set's file, before and after it is unpacked."""

CODES = "0123456789abcdefghijklmnopqrstuvwxyz"
"""A letter for each action of an expert."""


@dataclass(frozen=True)
class SetEpisode:
    """One episode of a split.

    Attributes:
        id: names it, ``"val-0007"``.
        episode: with its shortest way and the expert's actions.
        strata: what groups it belongs to: ``sounds``, ``homes``, ``distance``, ``rooms``,
            ``sight``.
    """

    id: str
    episode: Episode
    strata: Mapping[str, str]


@dataclass(frozen=True)
class EpisodeSet:
    """Fixed episodes of one task, and the rules by which they are played.

    Attributes:
        name: with its version, ``"audiogoal-v1"``.
        task: that they are of.
        rules: options of the environment that are the same for all agents: what actions do, what
            success is, how finely sound is traced; senses are the agents' own affair.
        splits: their episodes, by name.
        command: that made it.
        previous_reward: whether agents are told the reward of their last action.
        hash: SHA-256 of the content.
    """

    name: str
    task: str
    rules: Mapping[str, Any]
    splits: Mapping[str, tuple[SetEpisode, ...]]
    command: str = ""
    previous_reward: bool = False
    hash: str = field(default="", compare=False)

    def split(self, name: str) -> tuple[SetEpisode, ...]:
        """Return the episodes of a split.

        Raises:
            ValueError: there is no such split, or it is empty.
        """
        if name not in self.splits:
            raise ValueError(f"split of {self.name} is {name!r}; {accepted(name, self.splits)}")
        if not self.splits[name]:
            raise ValueError(f"the split {name!r} of {self.name} is empty")
        return self.splits[name]


def set_names() -> tuple[str, ...]:
    """Return the names of the sets that come with the package, sorted."""
    return tuple(sorted(path.name.removesuffix(ENDING) for path in FOLDER.glob(f"*{ENDING}")))


def pins() -> dict[str, str]:
    """Return the hashes of the sets that come with the package, by name."""
    return dict(json.loads(PINS.read_text(encoding="utf-8"))) if PINS.exists() else {}


def pin(name: str, digest: str) -> None:
    """Write down the hash that a set of the package has from now on."""
    with draft_of(PINS) as draft:
        text = json.dumps({**pins(), name: digest}, indent=1, sort_keys=True)
        draft.write_text(text + "\n", encoding="utf-8")


def load_set(name: str | Path) -> EpisodeSet:
    """Return a set that comes with the package, by its name, or one in a file.

    Raises:
        ValueError: there is none, it is damaged, of another version, or no longer what it was when
            this version of avenv was released.
    """
    if str(name) in set_names():
        found = _read(FOLDER / f"{name}{ENDING}")
        pinned = pins().get(str(name))
        if found.hash != pinned:
            raise ValueError(
                f"the set {name} has been changed: its hash is {found.hash[:16]} and was "
                f"{str(pinned)[:16]} when this version was released; results on it would not "
                "compare. Install avenv anew"
            )
        return found
    path = Path(name)
    if not path.is_file():
        raise ValueError(f"set is {str(name)!r}; {accepted(name, set_names())}, or a file")
    return _read(path)


def save_set(path: Path, made: EpisodeSet) -> str:
    """Write a set, whole or not at all, the same bytes each time; return its hash."""
    content = _content(made)
    with draft_of(path) as draft:
        draft.write_bytes(gzip.compress(content, 9, mtime=0))
    return hashlib.sha256(content).hexdigest()


# -- the file --------------------------------------------------------------------------------------


class _Table:
    """Numbers for things, in the order in which they are first met."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._known: dict[str, int] = {}

    def number(self, thing: Any) -> int:
        key = json.dumps(thing, sort_keys=True)
        if key not in self._known:
            self._known[key] = len(self.rows)
            self.rows.append(thing)
        return self._known[key]


def _content(made: EpisodeSet) -> bytes:
    tables = {name: _Table() for name in ("scenes", "sounds", "actions", "strata")}
    splits = {
        split: [_packed(one, tables) for one in episodes] for split, episodes in made.splits.items()
    }
    data = {
        "format": FORMAT,
        "version": VERSION,
        "episodes": EPISODE_VERSION,
        "name": made.name,
        "command": made.command,
        "task": made.task,
        "rules": dict(made.rules),
        "previous_reward": made.previous_reward,
        **{name: table.rows for name, table in tables.items()},
        "splits": splits,
    }
    return json.dumps(data, separators=(",", ":")).encode()


def _packed(one: SetEpisode, tables: Mapping[str, _Table]) -> dict[str, Any]:
    """Return an episode without what all have, and with numbers for what many have."""
    bare = replace(one.episode, expert=())
    data = bare.to_dict()
    del data["version"], data["task"]
    if replace(bare, seed=-1).seed == bare.seed:  # it follows from the rest
        del data["seed"]
    data["scene"] = tables["scenes"].number(data["scene"])
    for source in data.get("sources", ()):
        source["sound"] = tables["sounds"].number(source["sound"])
    codes = [tables["actions"].number(name) for name in one.episode.expert]
    data["expert"] = "".join(CODES[code] for code in codes)
    data["strata"] = tables["strata"].number(dict(one.strata))
    return data


def _read(path: Path) -> EpisodeSet:
    try:
        content = _unpacked(read_limited(path, MAX_BYTES))
        data = json.loads(content)
        if not (isinstance(data, dict) and data.get("format") == FORMAT):
            raise ValueError("is no episode set")
        if (data["version"], data["episodes"]) != (VERSION, EPISODE_VERSION):
            raise ValueError(
                f"is of version {data['version']} with episodes of version {data['episodes']}; "
                f"accepted: {VERSION} and {EPISODE_VERSION}, as this release of avenv writes them"
            )
        splits = {
            split: tuple(_unfolded(split, k, x, data) for k, x in enumerate(packed))
            for split, packed in data["splits"].items()
        }
        return EpisodeSet(
            data["name"],
            data["task"],
            data["rules"],
            splits,
            data["command"],
            data["previous_reward"],
            hashlib.sha256(content).hexdigest(),
        )
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: is damaged: {error!r}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _unpacked(content: bytes) -> bytes:
    """Return what gzip has packed, up to a limit: a small file may unpack to no end."""
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    plain = unpacker.decompress(content, MAX_BYTES)
    if unpacker.unconsumed_tail:
        raise ValueError(f"unpacks to more than {MAX_BYTES / 1e6:g} MB")
    if not unpacker.eof:
        raise ValueError("is cut off")
    return plain


def _unfolded(split: str, number: int, packed: dict[str, Any], data: dict[str, Any]) -> SetEpisode:
    strata = data["strata"][packed.pop("strata")]
    expert = tuple(data["actions"][CODES.index(code)] for code in packed.pop("expert"))
    plain = {**packed, "scene": data["scenes"][packed["scene"]]}
    if "sources" in packed:
        plain["sources"] = [
            {**source, "sound": data["sounds"][source["sound"]]} for source in packed["sources"]
        ]
    bare = Episode.from_dict({"version": EPISODE_VERSION, "task": data["task"], **plain})
    return SetEpisode(episode_id(split, number), replace(bare, expert=expert), strata)


def episode_id(split: str, number: int) -> str:
    """Return what names an episode."""
    return f"{split}-{number:04d}"


@cache
def packaged(name: str) -> EpisodeSet:
    """Return ``load_set(name)`` of a set of the package, read once."""
    return load_set(name)
