"""The command line for any kind of file: `avenv check`."""

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

MOST_BYTES = 256_000_000
"""Of a file of episodes or results."""

_MOST_LINES = 20  # of warnings or problems of one file

_HDF5 = b"\x89HDF\r\n\x1a\n"
_SOUNDS = b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS", b"FORM", b"ID3"
_DATASET = ".scene_dataset_config.json"
_INSTANCE = ".scene_instance.json"
_SPLITS = ".csv"


@dataclass
class Found:
    """What a file is.

    Attributes:
        kind: in a word or two.
        summary: its size in one line.
        warnings: one line for each thing that is probably not as it was meant.
        report: what became of a mesh's parts.
    """

    kind: str
    summary: str
    warnings: list[str] = field(default_factory=list)
    report: Any = None


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--sample-rate",
    type=click.IntRange(8000, 192000),
    default=16000,
    show_default=True,
    help="Hz, at which sounds are to be heard.",
)
def check(files: tuple[str, ...], sample_rate: int) -> None:
    """Say what FILES are and what is wrong with them; the exit status is 1 if anything is.

    A file is a scene (YAML, a mesh, a Habitat scene, or the name of one), a sound or a file that
    divides sounds into splits, a head (SOFA), episodes, an episode set or results (JSON), or a
    folder of such.
    Problems make it unusable, warnings do not.
    """
    bad = False
    for name in (one for given in files for one in _within(given)):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                found = look(name, sample_rate)
            except (ValueError, OSError) as error:
                bad = True
                for line in _few(str(error).splitlines()):
                    click.echo(line if name in line else f"{name}: {line}")
                continue
        report = str(found.report or "")
        heard = (str(w.message).removeprefix(f"{name}: ") for w in said)
        told = [line for line in dict.fromkeys(heard) if line not in report]
        for line in _few([*found.warnings, *told]):
            click.echo(f"{name}: warning: {line}")
        if report:
            click.echo(report)
        click.echo(f"{name}: ok: {found.kind}: {found.summary}")
    if bad:
        raise SystemExit(1)


def look(name: str, sample_rate: int = 16000) -> Found:
    """Return what a file is, by its content and its ending, if it can be used.

    Args:
        name: a path, or what ``load_scene`` takes.
        sample_rate: Hz, at which sounds are to be heard.

    Raises:
        ValueError: it is of no known kind, or something is wrong with it; the message names it.
    """
    path = Path(name)
    if not path.exists():
        from avenv.scene.files import is_habitat_reference

        if is_habitat_reference(name):
            return _scene(name)
        if path.suffix and not _is_scene(path):
            raise ValueError(f"{name}: there is no such file")
        return _scene(name)
    if not path.is_file():
        raise ValueError(f"{name}: is no file and holds none that avenv reads")
    with path.open("rb") as stream:
        start = stream.read(64)
    if start.startswith(_HDF5) or path.suffix.lower() == ".sofa":
        return _head(path)
    if start.startswith(_SOUNDS) or _is_sound(path):
        return _sound(path, sample_rate)
    if path.suffix.lower() == _SPLITS or _divides_sounds(path):
        return _splits(path, sample_rate)
    if path.name.endswith(_DATASET):
        raise ValueError(f"{name}: names no scene instances; there is none below {path.parent}")
    if _is_scene(path):
        return _scene(name)
    if path.name.endswith(".json.gz"):
        return _set(path)
    if path.suffix.lower() in (".json", ".jsonl"):
        return _json(path, sample_rate)
    raise ValueError(
        f"{name}: is of no kind that avenv reads; accepted: scenes (YAML, GLB, glTF, OBJ, PLY, "
        "STL, Habitat), sounds (WAV, FLAC, OGG, MP3, AIFF), heads (SOFA), episodes and results "
        "(JSON)"
    )


def _within(name: str) -> Iterator[str]:
    """Yield a file, or those of a folder or a Habitat dataset that can be looked at."""
    path = Path(name)
    if path.name.endswith(_DATASET) and path.is_file():
        path = path.parent
    elif not path.is_dir():
        yield name
        return
    files = sorted(p for p in path.rglob("*") if p.is_file())
    if any(p.name.endswith(_DATASET) for p in files if p.parent == path):
        inside = [p for p in files if p.name.endswith(_INSTANCE)]
    else:
        datasets = [p.parent for p in files if p.name.endswith(_DATASET)]
        inside = [
            p
            for p in files
            if p.name.endswith((_DATASET, ".sofa", ".json", ".jsonl", _SPLITS))
            or _is_sound(p)
            or _is_scene(p)
        ]
        inside = [
            p
            for p in inside
            if p.name.endswith(_DATASET) or not any(p.is_relative_to(d) for d in datasets)
        ]
    if not inside:
        yield name
    for file in inside:
        yield from _within(str(file)) if file.name.endswith(_DATASET) else (str(file),)


def _is_scene(path: Path) -> bool:
    from avenv.scene.files import SPEC_SUFFIXES, names_mesh

    return path.suffix.lower() in SPEC_SUFFIXES or names_mesh(path)


def _is_sound(path: Path) -> bool:
    from avenv.sounds.files import SUFFIXES

    return path.suffix.lower() in SUFFIXES


def _divides_sounds(path: Path) -> bool:
    """Say whether a YAML file has splits of sounds rather than a scene: a list for each."""
    from avenv.scene.files import SPEC_SUFFIXES
    from avenv.scene.yaml_files import read_yaml

    if path.suffix.lower() not in SPEC_SUFFIXES:
        return False
    try:
        data = read_yaml(path)
    except ValueError:
        return False  # what is wrong is said when it is read as a scene
    splits = [files for name, files in data.items() if name != "licence"]
    return bool(splits) and all(
        isinstance(files, list)
        and all(isinstance(x, str) or (isinstance(x, dict) and "file" in x) for x in files)
        for files in splits
    )


# -- what each kind is -----------------------------------------------------------------------------


def _scene(name: str) -> Found:
    import numpy as np

    from avenv.core.errors import SceneError
    from avenv.simulation.loading import load_scene
    from avenv.simulation.survey import survey

    world = load_scene(name)
    if world.report is None:
        found = survey(world)
        return Found("scene", found.summary, list(found.warnings))
    corners = world.compiled.triangles.astype(np.float64)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    surface = f"{np.linalg.norm(across, axis=1).sum() / 2:.2f} m² of surface"
    try:
        found = survey(world)
    except SceneError as error:  # a thing may be a mesh too
        text = f"{len(corners)} triangles, {surface}"
        report = str(world.report)  # the error tells it too
        why = " ".join(line for line in str(error).splitlines() if line not in report)
        return Found("mesh", text, [f"nobody can walk in it: {why}"], world.report)
    return Found("mesh", f"{found.summary}, {surface}", list(found.warnings), world.report)


def _sound(path: Path, sample_rate: int) -> Found:
    from avenv.sounds import load_sounds

    [sound] = load_sounds(path, sample_rate)
    licence = f", licence {sound.licence}" if sound.licence else ""
    return Found("sound", f"{sound.duration:.2f} s at {sample_rate} Hz{licence}")


def _splits(path: Path, sample_rate: int) -> Found:
    from avenv.sounds import load_sounds

    sounds = load_sounds(path, sample_rate)
    text = f"{len(sounds)} of {len(set(sounds.kinds))} kinds, read at {sample_rate} Hz"
    return Found("sounds in splits", text)


def _head(path: Path) -> Found:
    from avenv.acoustics.ears.hrtf import STEP, load_hrtf

    hrtf = load_hrtf(path)
    level, side = 90 // STEP, 90 // STEP
    apart = hrtf.delays[level, side, 1] - hrtf.delays[level, side, 0]
    text = f"{hrtf.sample_rate:g} Hz, sound from the left is {1e6 * apart:.0f} µs earlier there"
    return Found("head (SOFA)", text)


def _json(path: Path, sample_rate: int) -> Found:
    if _is_of_results(path):
        return _results(path)
    data = _read_json(path)
    episodes = data.get("episodes", [data]) if isinstance(data, dict) else data
    known = isinstance(episodes, list) and all(isinstance(x, dict) for x in episodes)
    if not (known and episodes and any("task" in x or "version" in x for x in episodes)):
        raise ValueError(
            f"{path}: is JSON of no kind that avenv reads; accepted: an episode, a list of them, "
            "the results of `avenv evaluate`, Habitat scenes"
        )
    return _episodes(path, episodes, sample_rate)


def _set(path: Path) -> Found:
    from avenv.benchmark import load_set

    found = load_set(path)
    counts = ", ".join(f"{split} {len(x)}" for split, x in found.splits.items())
    return Found("episode set", f"{found.name} of {found.task}: {counts}")


def _is_of_results(path: Path) -> bool:
    """Say whether a file is one of those in a folder of results."""
    from avenv.benchmark.results import EPISODES, SESSIONS, SUMMARY

    own = path.with_name(EPISODES)
    if path.name not in (EPISODES, SESSIONS, SUMMARY) or not own.is_file():
        return False
    with own.open("rb") as file:
        return b'"avenv results"' in file.read(64)


def _read_json(path: Path) -> Any:
    if (size := path.stat().st_size) > MOST_BYTES:
        raise ValueError(f"{path}: {size / 1e6:.0f} MB large; accepted: {MOST_BYTES / 1e6:.0f} MB")
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is not JSON: {error}") from None


def _episodes(path: Path, records: list[Any], sample_rate: int) -> Found:
    """Look at episodes, and whether what they name is here, and is what it was."""
    from avenv.simulation.loading import load_scene
    from avenv.sounds import load_sounds

    scenes, sounds = _Once(load_scene), _Once(lambda name: load_sounds(name, sample_rate)[0])
    problems, warned = [], []
    for k, record in enumerate(records):
        place = f"[{k}]: " if len(records) > 1 else ""
        try:
            episode = _as_episode(record)
        except ValueError as error:
            problems.append(f"{path}: {place}{error}")
            continue
        for what, reference, kept in (
            ("scene", episode.scene, scenes),
            *(("sound", source.sound, sounds) for source in episode.sources),
        ):
            thing, reason = kept(reference.name)
            if thing is None:
                warned.append(f"{place}{what} {reference.name!r} is not here: {reason}")
                continue
            here = thing.content_hash if what == "scene" else thing.hash
            if here != reference.hash:
                warned.append(
                    f"{place}{what} {reference.name!r} is another than it was: its hash is "
                    f"{here} here, and {reference.hash} there"
                )
            elif what == "scene" and not thing.walkable.is_walkable([episode.start])[0]:
                warned.append(f"{place}nobody can stand at its start {episode.start}")
    if problems:
        raise ValueError("\n".join(problems))
    tasks = sorted({record["task"] for record in records})
    text = f"{len(records)} of {', '.join(tasks)}, scenes: {', '.join(scenes.names[:5])}"
    more = len(scenes.names) - 5
    return Found("episodes", text + (f" and {more} more" if more > 0 else ""), warned)


def _results(path: Path) -> Found:
    """Look at a file of results; whether they are true, `avenv results check` says."""
    from avenv.benchmark.results import EPISODES, read_results

    if path.name != EPISODES:
        return Found("results", f"belongs to {path.with_name(EPISODES)}")
    found = read_results(path.parent)
    rate = f", success {found.interval('success').mean:.3f}" if found.episodes else ""
    lack = [] if found.is_whole else ["some episodes have not been played"]
    return Found("results", f"{len(found.episodes)} episodes, agent {found.name}{rate}", lack)


def _as_episode(record: Any) -> Any:
    from avenv.tasks.episode import Episode

    try:
        return Episode.from_dict(record)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"a field has a value that it cannot have: {error}") from None


class _Once:
    """Loads things by name, each once, and remembers what could not be loaded."""

    def __init__(self, load: Callable[[str], Any]):
        self._load, self._known = load, dict[str, tuple[Any, str]]()

    def __call__(self, name: str) -> tuple[Any, str]:
        """Return a thing, or None and why there is none."""
        if name not in self._known:
            try:
                self._known[name] = self._load(name), ""
            except (ValueError, OSError) as error:
                self._known[name] = None, str(error)
        return self._known[name]

    @property
    def names(self) -> list[str]:
        """What has been asked for."""
        return list(self._known)


def _few(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"and {more} more such lines"] if more > 0 else [])]
