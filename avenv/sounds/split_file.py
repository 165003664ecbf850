"""A file that divides somebody's sound files into splits, and notes their licences.

In YAML a list of files for each split, and the licence of those that name no other::

    licence: CC BY 4.0
    train:
      - bell.wav
      - {file: dogs/rex.flac, kind: dog, licence: CC0}
    test:
      - siren.ogg

In CSV a line for each file, of which the columns ``file`` and ``split`` are needed::

    file,split,kind,licence
    bell.wav,train,bell,CC BY 4.0
"""

import csv
from pathlib import Path, PureWindowsPath

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from avenv.core.errors import SoundError
from avenv.core.plain_yaml import parse_yaml
from avenv.sounds.files import read_sound
from avenv.sounds.sound import Sound

_MAX_BYTES = 10_000_000


class Entry(BaseModel):
    """One sound file of a split.

    Attributes:
        file: its path, relative to the folder that the split file lies in.
        split: what it is for.
        kind: of sound; by default the folder that holds it, or its own name without its ending.
        licence: by default what the file itself says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    file: str = Field(min_length=1)
    split: str = Field(min_length=1)
    kind: str | None = None
    licence: str | None = None


def read_split(path: Path, split: str | None, sample_rate: int) -> list[Sound]:
    """Read the sound files of one split, or of all, in the order of the split file.

    Raises:
        SoundError: the split file is malformed, has no such split, names a file twice, outside its
            folder or where there is none (all of these are named), or a sound cannot be used.
    """
    entries = _read_entries(path)
    splits = list(dict.fromkeys(entry.split for entry in entries))
    if split is not None and split not in splits:
        raise SoundError(f"{path}: has no split {split!r}; it has {', '.join(splits)}")
    files = _resolve(path, entries)
    return [
        read_sound(
            file, sample_rate, entry.file, entry.kind or _kind(entry.file), entry.licence or ""
        )
        for entry, file in zip(entries, files, strict=True)
        if split in (None, entry.split)
    ]


def _kind(file: str) -> str:
    path = Path(file)
    return path.parent.name or path.stem


def _read_entries(path: Path) -> list[Entry]:
    if path.stat().st_size > _MAX_BYTES:
        raise SoundError(f"{path}: larger than {_MAX_BYTES // 10**6} MB; that is no split file")
    read = _csv_rows if path.suffix.lower() == ".csv" else _yaml_rows
    try:
        rows = read(path)
    except UnicodeDecodeError as error:
        raise SoundError(f"{path}: is not text in UTF-8") from error
    entries, problems = [], []
    for place, row in rows:
        try:
            entries.append(Entry.model_validate(row))
        except ValidationError as error:
            for finding in error.errors(include_url=False):
                field = ".".join(str(k) for k in finding["loc"])
                problems.append(f"{path}: {place}: {field}: {finding['msg']}")
    if problems:
        fields = ", ".join(Entry.model_fields)
        raise SoundError("\n".join([*problems, f"accepted fields: {fields}"]))
    if not entries:
        raise SoundError(f"{path}: lists no files; each split needs one or more")
    return entries


def _csv_rows(path: Path) -> list[tuple[str, dict]]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream, strict=True, restkey="too many columns")
        try:
            return [
                (f"line {reader.line_num}", {k: v for k, v in row.items() if v}) for row in reader
            ]
        except csv.Error as error:
            raise SoundError(f"{path}: line {reader.line_num}: {error}") from error


def _yaml_rows(path: Path) -> list[tuple[str, dict]]:
    try:
        data = parse_yaml(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SoundError(f"{path}: {error}") from error
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise SoundError(f"{path}: should hold splits, each a list of files: 'train: [bell.wav]'")
    licence = data.pop("licence", None)
    rows = []
    for split, files in data.items():
        if not isinstance(files, list):
            raise SoundError(f"{path}: {split}: {files!r} is not a list of files")
        for k, item in enumerate(files):
            fields = item if isinstance(item, dict) else {"file": item}
            rows.append((f"{split}[{k}]", {"licence": licence, **fields, "split": split}))
    return rows


def _resolve(path: Path, entries: list[Entry]) -> list[Path]:
    """Return the files that are meant; none may lie outside the split file's folder."""
    folder = path.parent.resolve()
    files, problems, splits = [], [], dict[Path, str]()
    for entry in entries:
        file = (folder / entry.file).resolve()
        if not file.is_relative_to(folder) or PureWindowsPath(entry.file).drive:
            problems.append(f"{entry.file}: lies outside the folder {folder}")
        elif not file.is_file():
            problems.append(f"{entry.file}: there is no such file in {folder}")
        elif file in splits:
            problems.append(f"{entry.file}: is listed twice, in {splits[file]} and {entry.split}")
        splits.setdefault(file, entry.split)
        files.append(file)
    if problems:
        raise SoundError("\n".join(f"{path}: {problem}" for problem in problems))
    return files
