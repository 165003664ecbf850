"""The reference: what packages offer, from their docstrings, and the command line from its help."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import click

from avenv.cli import main

PACKAGES = {
    "avenv": "The front door",
    "avenv.scene": "Scenes",
    "avenv.sounds": "Sounds",
    "avenv.acoustics": "Acoustics",
    "avenv.vision": "Pictures",
    "avenv.navigation": "Ways on foot",
    "avenv.tasks": "Tasks",
    "avenv.envs": "Environments",
    "avenv.recording": "Films",
    "avenv.benchmark": "Benchmark",
    "avenv.habitat": "Habitat and SoundSpaces",
    "avenv.drawing": "Drawings",
}
"""Packages whose public names, ``__all__``, have pages."""


def write(out: Path) -> list[str]:
    """Write the pages into a folder; return their names."""
    out.mkdir(parents=True, exist_ok=True)
    told: dict[int, str] = {}
    for package, title in PACKAGES.items():
        (out / f"{package}.rst").write_text(reference(package, title, told))
    (out / "commands.md").write_text(commands())
    return [*PACKAGES, "commands"]


def reference(package: str, title: str, told: dict[int, str]) -> str:
    """Return the page of a package.

    Args:
        package: its name.
        title: of the page.
        told: packages by what they have told of; each thing is told of once, where it comes first.
    """
    heading = f"{title}: {package}"
    module = import_module(package)
    parts = [heading, "=" * len(heading), "", f".. automodule:: {package}", "   :no-members:", ""]
    homes = homes_of(module)
    for name in module.__all__:
        thing = getattr(module, name)
        if isinstance(thing, ModuleType):
            continue
        is_one = isinstance(thing, type) or callable(thing)
        if is_one and (first := told.setdefault(id(thing), package)) != package:
            parts += [f"* ``{name}``: see :doc:`{first}`", ""]
        elif isinstance(thing, type):
            parts += [f".. autoclass:: {package}.{name}", "   :members:", ""]
        elif callable(thing):
            parts += [f".. autofunction:: {package}.{name}", ""]
        else:  # only where it is written does it have its words
            parts += [f".. autodata:: {homes.get(name, package)}.{name}", "   :no-value:", ""]
    return "\n".join(parts)


def homes_of(module: ModuleType) -> dict[str, str]:
    """Return the modules from which a package takes its names."""
    tree = ast.parse(Path(str(module.__file__)).read_text())
    return {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def commands() -> str:
    """Return the page of all commands, each with its help."""
    parts = ["# Command line", "`avenv COMMAND --help` prints the same."]
    for path, command in _walk(main, ["avenv"]):
        context = click.Context(command, info_name=" ".join(path))
        parts += [f"## {' '.join(path)}", f"```text\n{command.get_help(context)}\n```"]
    return "\n\n".join(parts) + "\n"


def _walk(group: click.Group, path: list[str]) -> Iterator[tuple[list[str], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _walk(command, [*path, name])
        elif command is not None and not command.hidden:
            yield [*path, name], command
