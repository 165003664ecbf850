"""The notebooks of docs/notebooks, run cell by cell, and as pages with what came of them."""

import ast
import contextlib
import io
import json
import re
from base64 import b64encode
from html import escape
from pathlib import Path
from typing import Any

SMALL: dict[str, dict[str, Any]] = {
    "train": {"STEPS": 256, "EPISODES": 2},
    "evaluate": {"EPISODES": 2},
}
"""Parameters with which a notebook runs quickly, by its name."""

UNSHOWN = ("train",)
"""Notebooks that take long even so: their pages have the code alone."""


def run(path: Path, folder: Path, **parameters: Any) -> list[tuple[str, str, str]]:
    """Run a notebook in a folder.

    Args:
        path: of the notebook.
        folder: the working directory meanwhile.
        **parameters: in place of those of its cell with the tag ``parameters``.

    Returns:
        for each cell its kind, its source, and what it shows: HTML, empty where it shows nothing.

    Raises:
        ValueError: it has no such parameter.
        Exception: whatever a cell raises.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    with contextlib.chdir(folder):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] != "code":
                shown.append((cell["cell_type"], source, ""))
                continue
            result = _run_cell(source, names, str(path))
            if "parameters" in cell["metadata"].get("tags", ()):
                if unknown := sorted(set(parameters) - set(names)):
                    raise ValueError(f"{path} has no parameter {', '.join(unknown)}")
                names |= parameters
            shown.append(("code", source, result))
    return shown


def read(path: Path) -> list[tuple[str, str, str]]:
    """Return the cells of a notebook as ``run`` does, without running them."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(cell["cell_type"], "".join(cell["source"]), "") for cell in cells]


def _run_cell(source: str, names: dict[str, Any], file: str) -> str:
    """Run a cell and return what it prints and what its last line is worth."""
    tree = ast.parse(source)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(tree, file, "exec"), names)
        value = None if last is None else eval(compile(last, file, "eval"), names)
    text = said.getvalue()
    parts = [f"<pre>{escape(text)}</pre>"] if text else []
    return "\n".join(parts + ([] if value is None else [_html(value)]))


def _html(value: Any) -> str:
    if hasattr(value, "_repr_html_"):
        return value._repr_html_()
    if hasattr(value, "_repr_png_"):
        data = b64encode(value._repr_png_()).decode()
        return f'<img alt="" src="data:image/png;base64,{data}">'
    return f"<pre>{escape(repr(value))}</pre>"


def write(notebooks: Path, out: Path, work: Path) -> list[str]:
    """Write all notebooks as pages into a folder, with what they show; return their names.

    They are run, quickly, in ``work``, a folder of their own.
    """
    out.mkdir(parents=True, exist_ok=True)
    names = []
    for path in sorted(notebooks.glob("*.ipynb")):
        names.append(path.stem)
        (own := work / path.stem).mkdir(parents=True)
        small = SMALL.get(path.stem, {})
        cells = read(path) if path.stem in UNSHOWN else run(path, own, **small)
        parts = []
        for kind, source, result in cells:
            parts.append(source if kind == "markdown" else f"```python\n{source}\n```")
            if result:  # an empty line would end the HTML
                whole = re.sub(r"\n\n+", "\n", result)
                parts.append(f'<div class="shown">{whole}</div>')
        told = ", ".join(f"{name} = {value}" for name, value in small.items())
        made = f"; what is shown was made with {told}" if told and path.stem not in UNSHOWN else ""
        parts.insert(1, f"*A notebook, [{path.name}]({path.name}){made}.*")
        (out / f"{path.stem}.md").write_text("\n\n".join(parts) + "\n")
    return names
