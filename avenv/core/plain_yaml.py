"""YAML of strangers, read in bounded time: version 1.2's values, and no more than a file may hold.

YAML 1.1 reads ``1:2:3`` as a number of base 60, in time that grows with the square of its length,
and ``on`` as true; 1.2 does neither. Its ``3e-4`` is a number.
"""

import re
from typing import Any

import yaml

MAX_BYTES = 16_000_000
"""Size of the largest file."""

MAX_VALUES = 100_000
"""Most values that a file may hold, its aliases written out; a bomb of them holds billions."""

MAX_DEPTH = 100
"""Most lists and mappings that may be within one another."""

MAX_DIGITS = 40
"""Digits of the longest whole number."""

# YAML 1.2's core schema (yaml.org/spec/1.2.2, 10.3.2), with the characters that each begins with.
_VALUES = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)"
        r"|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "merge": (r"<<", "<"),
}

# The parser in C is ten times faster; both read the same.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(_Parser):
    """Safe YAML, of whose mappings no key comes twice."""

    yaml_implicit_resolvers: dict = {}  # noqa: RUF012 - PyYAML's own way of overriding

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping; an error where a key comes twice."""
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} comes twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class Dumper(yaml.SafeDumper):
    """Writes what ``Loader`` reads."""

    yaml_implicit_resolvers: dict = {}  # noqa: RUF012


for _kind, (_pattern, _first) in _VALUES.items():
    for _own in (Loader, Dumper):
        _own.add_implicit_resolver(
            f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), list(_first)
        )


def _whole(loader: Loader, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node)
    if len(text) > MAX_DIGITS:
        said = f"a number of {len(text):,} digits; accepted: up to {MAX_DIGITS}"
        raise yaml.constructor.ConstructorError(None, None, said, node.start_mark)
    base = {"0x": 16, "0o": 8}.get(text[:2], 10)
    return int(text if base == 10 else text[2:], base)


def _real(loader: Loader, node: yaml.ScalarNode) -> float:
    text = loader.construct_scalar(node)
    return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))


Loader.add_constructor("tag:yaml.org,2002:int", _whole)
Loader.add_constructor("tag:yaml.org,2002:float", _real)


def parse_yaml(text: str) -> Any:
    """Return what a text in YAML holds.

    Raises:
        ValueError: it is not YAML (the line is named), or holds more than ``MAX_VALUES`` values, or
            some deeper than ``MAX_DEPTH`` within one another.
    """
    try:
        _survey(text)
        loader = Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            if _written_out(node, {}) > MAX_VALUES:
                raise ValueError(f"holds more than {MAX_VALUES:,} values, its aliases written out")
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ValueError(f"{_where(error)}is not valid YAML: {_what(error)}") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error


def _survey(text: str) -> None:
    """Raise ``ValueError`` if a text holds too much; nothing is built of it yet."""
    parser = _Parser(text)
    values = depth = 0
    try:
        while parser.check_event():
            event = parser.get_event()
            values += isinstance(event, yaml.NodeEvent)
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise ValueError("is nested too deeply")
            if values > MAX_VALUES:
                raise ValueError(f"holds more than {MAX_VALUES:,} values")
    finally:
        parser.dispose()


def _written_out(node: yaml.Node, known: dict[int, float]) -> float:
    """Return how many values a node holds where each alias counts all that it stands for."""
    if id(node) not in known:
        known[id(node)] = float("inf")  # should it hold itself
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        nodes = [n for part in parts for n in (part if isinstance(part, tuple) else (part,))]
        known[id(node)] = 1 + sum(_written_out(n, known) for n in nodes)
    return known[id(node)]


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""


def _what(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error).partition("\n")[0]
