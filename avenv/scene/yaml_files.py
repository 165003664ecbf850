"""Read and write YAML with errors that say where, and no half-written files."""

from pathlib import Path
from typing import Any

import yaml

from avenv.core.errors import SceneError
from avenv.core.files import draft_of, read_limited
from avenv.core.plain_yaml import MAX_BYTES, Dumper, parse_yaml


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        SceneError: the file cannot be read, is not YAML (the line is named), is no mapping, or
            holds too much: see ``avenv.core.plain_yaml``.
    """
    try:
        data = parse_yaml(read_limited(path, MAX_BYTES).decode("utf-8"))
    except OSError as error:
        raise SceneError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SceneError(f"{path}: is not UTF-8 text: {error.reason}") from error
    except ValueError as error:
        raise SceneError(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise SceneError(f"{path}: expected a mapping with name, rooms, ..., found {data!r:.60}")
    return data


def write_yaml(path: str | Path, data: dict[str, Any]) -> None:
    """Write a mapping; the file appears under its name only when it is whole."""
    with draft_of(path) as draft, draft.open("w", encoding="utf-8") as file:
        yaml.dump(data, file, Dumper=Dumper, sort_keys=False, default_flow_style=None,
                  allow_unicode=True, width=100)  # fmt: skip
