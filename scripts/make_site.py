"""Make the documentation a site: `python scripts/make_site.py`, then open build/site/index.html.

The pages of docs/ and the README as they are, a page for each environment, galleries, and the
reference, all from the code. Needs the extra `docs`, and no network. Whatever leads nowhere, and
every warning of Sphinx, ends it with status 1.
"""

import shutil
import sys
from pathlib import Path

import click
from sphinx.cmd.build import build_main

sys.path.insert(0, str(Path(__file__).parent))

from pages import checking, environments, films, galleries, notebooks, reference
from pages.links import Links

ROOT = Path(__file__).parents[1]
OUTLINE = {
    "Begin": ["play", "coming_from"],
    "Notebooks": [],
    "Scenes": ["scenes", "vision", "acoustics", "angles"],
    "Environments": ["options", "tasks", "environments/index", "observations", "recording"],
    "Agents": ["agents", "benchmark", "omni", "habitat"],
    "Galleries": [],
    "Reference": [],
    "Inside": ["architecture", "extending", "speed", "scale"],
}
"""What stands under which heading, in order; galleries, notebooks and reference are added."""

EXTRA = "_extra"
"""Folder of what goes into the site as it is."""

FILMS = ROOT / "build" / "films"
"""Folder of films, which are made anew only when the code that makes them has changed."""

WORK = "_work"
"""Folder that the notebooks are run in."""


@click.command(help=__doc__)
@click.option(
    "--out",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    default=ROOT / "build" / "site",
)
def main(out: Path) -> None:
    source = out.with_name(f"{out.name}-source")
    for folder in (source, out):
        shutil.rmtree(folder, ignore_errors=True)
    gather(source)
    arguments = ["-b", "html", "-q", "-W", "--keep-going", "-j", "auto",
                 "-c", str(ROOT / "scripts" / "pages"),
                 "-D", f"html_extra_path={source / EXTRA}", "-d", str(source / "_doctrees"),
                 str(source), str(out)]  # fmt: skip
    status = build_main(arguments)
    for problem in (found := checking.problems(out)):
        click.echo(problem, err=True)
    if status or found:
        raise SystemExit(1)
    click.echo(f"wrote {out / 'index.html'}")


def gather(source: Path) -> None:
    """Put everything that the site is made of into a folder."""
    docs = ROOT / "docs"
    shutil.copytree(docs, source)
    outline = {title: list(pages) for title, pages in OUTLINE.items()}
    links = Links(ROOT, source)
    environments.write(docs, source / "environments", links)
    films.write(docs, source / EXTRA / "environments", FILMS)
    outline["Galleries"] = [
        f"galleries/{p}"
        for p in galleries.write(docs, source / "galleries", source / EXTRA / "galleries")
    ]
    outline["Notebooks"] = [
        f"notebooks/{p}"
        for p in notebooks.write(docs / "notebooks", source / "notebooks", source / WORK)
    ]
    outline["Reference"] = [f"reference/{p}" for p in reference.write(source / "reference")]
    missing = {path.stem for path in docs.glob("*.md")} - {p for ps in outline.values() for p in ps}
    if missing:
        raise click.ClickException(f"pages that no heading has: {', '.join(sorted(missing))}")
    for page in docs.glob("*.md"):
        place = source / page.name
        place.write_text(links.moved(page.read_text(), page, place))
    front = source / "index.md"
    readme = links.moved((ROOT / "README.md").read_text(), ROOT / "README.md", front)
    trees = "\n\n".join(tree(title, pages) for title, pages in outline.items())
    front.write_text(f"{readme}\n\n{trees}\n")
    index = source / "environments" / "index.md"
    index.write_text(f"{index.read_text()}\n{tree('', list(environments.TASKS))}\n")


def tree(title: str, pages: list[str]) -> str:
    """Return pages as a part of the outline."""
    caption = f":caption: {title}\n" if title else ""
    return f"```{{toctree}}\n:hidden:\n{caption}\n" + "\n".join(pages) + "\n```"


if __name__ == "__main__":
    main()
