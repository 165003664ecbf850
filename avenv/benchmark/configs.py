"""Configurations: YAML files of options, and those that come with the package, found by name."""

from pathlib import Path
from typing import Any

from avenv.core.files import read_limited
from avenv.core.plain_yaml import MAX_BYTES, parse_yaml
from avenv.scene.problems import suggest

_PACKAGED = Path(__file__).parents[1] / "configs"  # in a wheel
_FOLDER = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "configs"


def config_names(kind: str) -> tuple[str, ...]:
    """Return the names of the configurations of a kind in the package, sorted.

    There are ``"train"``, of trainings, and ``"env"``, options of environments.
    """
    return tuple(sorted(path.stem for path in (_FOLDER / kind).glob("*.yaml")))


def find_config(kind: str, name: str | Path) -> Path:
    """Return the file of a configuration.

    Args:
        kind: ``"train"`` or ``"env"``.
        name: a name in ``config_names(kind)``, or a YAML file.

    Raises:
        ValueError: there is neither; the message lists the names there are.
    """
    if str(name) in config_names(kind):
        return _FOLDER / kind / f"{name}.yaml"
    path = Path(name)
    if path.suffix.lower() in (".yaml", ".yml"):
        if not path.is_file():
            raise ValueError(f"{path}: there is no such file")
        return path
    raise ValueError(
        f"there is no configuration {str(name)!r}, nor does it end in .yaml"
        f"{suggest(str(name), config_names(kind))}"
    )


def read_config(path: str | Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Raises:
        ValueError: the file cannot be read, is not YAML (the line is named), or holds no mapping
            from names.
    """
    try:
        data = parse_yaml(read_limited(path, MAX_BYTES).decode("utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8 text: {error.reason}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(data, dict) or not all(isinstance(name, str) for name in data):
        raise ValueError(f"{path}: holds {data!r:.60}; accepted: a mapping from names to values")
    return data
