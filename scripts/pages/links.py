"""Links of the repository's pages, as the site has them."""

import os
import re
import shutil
from pathlib import Path

FILES = "files"
"""Folder of the site for what lies elsewhere in the repository than in docs/."""

_LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s]*)(#[^)\s]*)?\)")


class Links:
    """Makes links between files of the repository links between files of the site.

    What is outside of docs/ and linked is brought along, and what that links in turn; a folder is
    named, without a link.

    Args:
        root: of the repository.
        source: folder in which the site is put together; docs/ lies there as it is.
    """

    def __init__(self, root: Path, source: Path):
        self._root, self._source = root, source
        self._done: set[Path] = set()

    def moved(self, text: str, old: Path, new: Path) -> str:
        """Return a page that was at a path in the repository, for a path in the site."""

        def lead(found: re.Match[str]) -> str:
            words, link, anchor = found[1], found[2], found[3] or ""
            if ":" in link or (not link and old.parent.name != "docs"):
                return found[0]
            target = (old.parent / link).resolve() if link else old
            if target.is_dir():
                return words
            if not target.is_file():
                raise ValueError(f"{old}: the link {link} leads nowhere")
            where = os.path.relpath(self._place(target), new.parent)
            return f"[{words}]({'' if where == new.name else where}{anchor})"

        return _LINK.sub(lead, text)

    def _place(self, target: Path) -> Path:
        """Return where a file of the repository is in the site; bring it there if need be."""
        inside = target.relative_to(self._root)
        if inside.parts[0] == "docs":
            return self._source / inside.relative_to("docs")
        if inside == Path("README.md"):
            return self._source / "index.md"
        place = self._source / FILES / inside
        if target not in self._done:
            self._done.add(target)
            place.parent.mkdir(parents=True, exist_ok=True)
            if target.suffix == ".md":
                page = self.moved(target.read_text(), target, place)
                place.write_text(f"---\norphan: true\n---\n{page}")
            else:
                shutil.copy(target, place)
        return place
