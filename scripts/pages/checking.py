"""Look through a built site for what leads nowhere."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ALLOWED = ("http", "https", "mailto", "data")
LOADED = {
    "img": ("src",), "script": ("src",), "audio": ("src",), "source": ("src",),
    "video": ("src", "poster"),
}  # fmt: skip


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, bool]] = []  # an address, and whether it is loaded at once
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take note of where a tag leads, and by which name it can be reached."""
        found = dict(attributes)
        self.anchors |= {v for k in ("id", "name") if (v := found.get(k))}
        if tag == "a" and found.get("href"):
            self.links.append((found["href"] or "", False))
        elif tag == "link" and found.get("rel") in ("stylesheet", "icon"):
            self.links.append((found.get("href") or "", True))
        for address in (found.get(name) for name in LOADED.get(tag, ())):
            if address:
                self.links.append((address, True))


def problems(site: Path) -> list[str]:
    """Return what is wrong with the links of a site, one line each.

    Pages, anchors, pictures, sounds and films that are not there; and whatever a page would load
    from another server, since the site is to be read without one.
    """
    pages: dict[Path, _Page] = {}
    for path in sorted(site.rglob("*.html")):
        pages[path] = _Page()
        pages[path].feed(path.read_text(encoding="utf-8"))
    found = []
    for path, page in pages.items():
        for address, loaded in page.links:
            parts = urlsplit(address)
            where = f"{path.relative_to(site)}: {address}"
            if parts.scheme in ALLOWED or parts.netloc:
                if loaded and parts.scheme != "data":
                    found.append(f"{where} is on another server")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                found.append(f"{where} leads nowhere")
            elif target in pages and parts.fragment:
                anchors = pages[target].anchors
                found += [f"{where} has no such place"] * (unquote(parts.fragment) not in anchors)
    return found
