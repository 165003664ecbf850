"""Read and write YAML with errors that say where, and no half-written files."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from avenv.core.errors import SceneError

MAX_BYTES = 16_000_000
"""Size of the largest scene file."""

MAX_VALUES = 1_000_000
"""Most values that a scene file may hold; a bomb of aliases holds billions."""


class _Loader(yaml.SafeLoader):
    """Safe YAML with two traps removed.

    A key that comes twice is an error, and ``on``, ``off``, ``yes`` and ``no`` are words, as YAML
    1.2 has it: an object may say ``on: table`` without quotes.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way of overriding
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} comes twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Writes what ``_Loader`` reads."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        SceneError: the file cannot be read, is not YAML (the line is named), is no mapping, or is
            larger than ``MAX_BYTES`` or, with its aliases written out, than ``MAX_VALUES``.
    """
    try:
        data = _construct(_read_text(path))
    except OSError as error:
        raise SceneError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SceneError(f"{path}: is not UTF-8 text: {error.reason}") from error
    except yaml.YAMLError as error:
        raise SceneError(f"{path}: {_where(error)}is not valid YAML: {_what(error)}") from error
    except RecursionError as error:
        raise SceneError(f"{path}: is nested too deeply") from error
    except ValueError as error:  # a date that does not exist, a number of 5,000 digits
        raise SceneError(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise SceneError(f"{path}: expected a mapping with name, rooms, ..., found {data!r:.60}")
    return data


def _read_text(path: str | Path) -> str:
    with Path(path).open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES / 1e6:g} MB")
    return content.decode("utf-8")


def _construct(text: str) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _written_out(node, {}) > MAX_VALUES:
            raise ValueError(f"holds more than {MAX_VALUES:,} values, its aliases written out")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _written_out(node: yaml.Node, known: dict[int, float]) -> float:
    """Return how many values a node holds where each alias counts all that it stands for."""
    if id(node) not in known:
        known[id(node)] = np.inf  # should it hold itself
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        nodes = [n for part in parts for n in (part if isinstance(part, tuple) else (part,))]
        known[id(node)] = 1 + sum(_written_out(n, known) for n in nodes)
    return known[id(node)]


def write_yaml(path: str | Path, data: dict[str, Any]) -> None:
    """Write a mapping; the file appears under its name only when it is whole."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            yaml.dump(data, file, Dumper=_Dumper, sort_keys=False, default_flow_style=None,
                      allow_unicode=True, width=100)  # fmt: skip
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""


def _what(error: yaml.YAMLError) -> str:
    return getattr(error, "problem", None) or str(error)
