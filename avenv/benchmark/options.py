"""Options of environments and runs, from YAML."""

from pathlib import Path
from typing import Any

import yaml


def read_options(path: str | Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Raises:
        ValueError: the file is missing, is not YAML, or holds no mapping.
    """
    try:
        data = yaml.safe_load(Path(path).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise ValueError(f"{path}: holds {data!r}; accepted: a mapping of options")
    return data
