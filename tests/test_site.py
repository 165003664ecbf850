"""The documentation as a site: its pages are made of the code, and what leads nowhere is found."""

import importlib
import sys
from pathlib import Path

import pytest
from PIL import Image

from avenv.tasks import TASKS, find_task

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pages():
    sys.path.insert(0, str(ROOT / "scripts"))
    names = ("environments", "galleries", "reference", "checking", "links")
    yield {name: importlib.import_module(f"pages.{name}") for name in names}
    sys.path.remove(str(ROOT / "scripts"))


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_section_and_a_picture_to_make_its_page_of(name):
    assert f"# {name}\n" in (ROOT / "docs" / "tasks.md").read_text()
    assert Image.open(ROOT / "docs" / "images" / f"task_{name}.jpg").width > 600


def test_the_page_of_an_environment_says_what_the_registry_says(pages):
    told = (ROOT / "docs" / "tasks.md").read_text()
    page = pages["environments"].page("SilenceIt", told)
    assert find_task("SilenceIt").instruction in page
    assert "| `spectrogram` | (65, 26, 2) | float32 |" in page
    assert "| 0 | `stop` |\n| 1 | `forward` |\n| 2 | `turn_left` |\n| 3 | `turn_right` |" in page
    assert "share of episodes that succeed" in page
    options = pages["environments"].options_of(find_task("AudioGoal").Options)
    assert "| `success_radius` | `1.0` |" in options
    assert "| `goals` | `'anywhere'` | `\"anywhere\"`: the source is at one" in options


def test_public_names_are_told_of_once(pages):
    told = {}
    first = pages["reference"].reference("avenv", "The front door", told)
    second = pages["reference"].reference("avenv.scene", "Scenes", told)
    assert ".. autoclass:: avenv.SceneBuilder" in first
    assert "* ``SceneBuilder``: see :doc:`avenv`" in second


def test_every_command_has_its_help(pages):
    page = pages["reference"].commands()
    for command in ("avenv play", "avenv watch", "avenv results check", "avenv train"):
        assert f"## {command}\n" in page


def test_links_out_of_the_docs_bring_along_what_they_lead_to(pages, tmp_path):
    root, source = tmp_path / "repository", tmp_path / "site"
    for folder in (root / "docs", root / "more"):
        folder.mkdir(parents=True)
    (root / "docs" / "one.md").write_text("[two](two.md#x) [more](../more/a.md) [all](../more)")
    (root / "docs" / "two.md").write_text("# x")
    (root / "more" / "a.md").write_text("[back](../docs/two.md) [b](b.txt) [web](https://a.b)")
    (root / "more" / "b.txt").write_text("b")
    links = pages["links"].Links(root, source)
    old = root / "docs" / "one.md"
    moved = links.moved(old.read_text(), old, source / "one.md")
    assert moved == "[two](two.md#x) [more](files/more/a.md) all"
    page = (source / "files" / "more" / "a.md").read_text()
    assert page.endswith("[back](../../two.md) [b](b.txt) [web](https://a.b)")
    assert (source / "files" / "more" / "b.txt").read_text() == "b"
    (root / "docs" / "one.md").write_text("[none](none.md)")
    with pytest.raises(ValueError, match=r"none\.md leads nowhere"):
        links.moved(old.read_text(), old, source / "one.md")


def test_every_page_has_its_place_and_links_that_lead_somewhere(pages, tmp_path):
    pytest.importorskip("sphinx")
    import make_site

    docs = ROOT / "docs"
    placed = {page for listed in make_site.OUTLINE.values() for page in listed}
    assert {path.stem for path in docs.glob("*.md")} <= placed, "see OUTLINE of make_site.py"
    links = pages["links"].Links(ROOT, tmp_path)
    for path in (*docs.glob("*.md"), ROOT / "README.md"):
        links.moved(path.read_text(), path, tmp_path / path.name)


def test_what_leads_nowhere_or_elsewhere_is_found(pages, tmp_path):
    (tmp_path / "there.html").write_text('<h1 id="top">x</h1>')
    (tmp_path / "page.html").write_text(
        '<a href="there.html#top"></a><a href="https://a.b/c"></a><a href="#own" id="own"></a>'
        '<a href="gone.html"></a><a href="there.html#gone"></a><img src="gone.png">'
        '<audio src="gone.ogg"></audio><video src="gone.mp4" poster="gone.jpg"></video><script src="https://a.b/c.js"></script>'
        '<link rel="stylesheet" href="https://fonts.example/a.css">'
    )
    assert pages["checking"].problems(tmp_path) == [
        "page.html: gone.html leads nowhere",
        "page.html: there.html#gone has no such place",
        "page.html: gone.png leads nowhere",
        "page.html: gone.ogg leads nowhere",
        "page.html: gone.mp4 leads nowhere",
        "page.html: gone.jpg leads nowhere",
        "page.html: https://a.b/c.js is on another server",
        "page.html: https://fonts.example/a.css is on another server",
    ]
