"""What the README shows is there and runs as it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    for link in links:
        assert link.startswith("http") or (page.parent / link).exists(), link


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    pytest.importorskip("stable_baselines3")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL):
        exec(block, names)
    assert names["observation"]["spectrogram"].shape == (65, 26, 2)
    assert names["rir"].shape[0] == 2
    assert 0 < names["metres"] < 20
    assert names["model"].num_timesteps == 32
    assert names["env"].reset(seed=0)[1]["truth"]["source_audible"]
