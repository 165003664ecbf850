"""A report is one file that a browser shows without a network."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner
from set_support import load_small_set

from avenv.benchmark import evaluate_set
from avenv.cli import main
from avenv_agents.baselines import OracleAgent, RandomAgent

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    episodes, path = load_small_set(folder)
    for name, agent in (("<b>random & co", RandomAgent), ("oracle", OracleAgent)):
        out = folder / ("oracle" if agent is OracleAgent else "random")
        evaluate_set(agent, name, episodes, "test", out, file=str(path), progress=False)
    (folder / "progress.csv").write_text("steps,success,spl\n0,0.0,0.0\n1000,0.5,0.4\n")
    return folder


@pytest.fixture(scope="module")
def page(results):
    av = shutil.which("chromium") and pytest.importorskip("av")
    films = "1" if av else "0"
    done = CliRunner().invoke(main, [
        "report", str(results / "random"), str(results / "oracle"), "--maps", "3", "--films", films,
        "--curves", str(results / "progress.csv"), "--out", str(results / "report.html"),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    return results / "report.html"


class Page(HTMLParser):
    """Counts elements, and notes what they refer to."""

    def __init__(self, text):
        super().__init__()
        self.counts, self.references = {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.references += [v for k, v in attributes if k in ("src", "href")]


def test_it_needs_nothing_else(page):
    text = page.read_text()
    found = Page(text)
    assert found.references
    assert all(reference.startswith("data:") for reference in found.references)
    assert not re.search(r"https?://|@import|url\(", text)
    assert found.counts["img"] == 3
    assert "<b>random" not in text
    assert "&lt;b&gt;random &amp; co" in text


def shown(page, fragment=""):
    """Return the document as a browser has it once the page's script has run."""
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--virtual-time-budget=5000", "--dump-dom", f"{page.as_uri()}{fragment}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return done.stdout


@pytest.mark.skipif(BROWSER is None, reason="there is no chromium")
def test_a_browser_shows_it_and_its_list_can_be_filtered(page):
    document = shown(page)
    assert "8 of 8 episodes" in document
    assert len(re.findall(r"<tr><td>test-", document)) == 8
    assert document.count("<svg") == 3  # two kinds of strata, and the curves
    assert "any outcome" in document
    document = shown(page, "#sounds=heard&text=room1")
    assert "2 of 8 episodes" in document
    assert set(re.findall(r"<tr><td>(test-\d+)", document)) == {"test-0001", "test-0005"}


def test_what_does_not_compare_is_not_reported(results, tmp_path):
    done = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert done.exit_code == 1
    assert "is no folder of results" in done.output
    done = CliRunner().invoke(main, ["report", str(results / "oracle"), "--out", "no/where.html"])
    assert done.exit_code == 1
    assert "there is no folder of that name" in done.output
