"""The code of the pages runs as it stands, a page's blocks one after another.

Blocks that another test runs, because it looks at what comes of them, are named with that test.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from support import small_flat

import avenv

TESTS = Path(__file__).parent
DOCS = TESTS.parent / "docs"

ELSEWHERE = {
    "acoustics": {"": "test_questions"},
    "agents": {"make_encoder(": "test_networks", "MinariDataset": "test_demonstrations"},
    "extending": {"": "test_docs_extending"},
    "habitat": {
        "UPDATES, SCENE": "test_docs_habitat",
        "habitat.attach(sim)": "test_habitat_sensor",
        "habitat.AudioStream": "test_habitat_sensor",
        "lab.get_config": "test_habitat_lab",
        "HabitatAgent(Still": "test_habitat_agent",
        "register_rirs": "test_habitat_rirs",
    },
    "recording": {"": "test_recorder"},
    "scale": {"example_config(": "test_rllib"},
    "scenes": {
        'SceneBuilder("parlour")': "test_docs_scenes",
        'SceneBuilder("study")': "test_docs_scenes",
        "view = avenv.render_view(world": "test_docs_scenes",
        'synthesise("phone/3")': "test_sounds",
    },
    "vision": {
        "vision.relight(home": "test_vision_view",
        "clearance = ": "test_vision_view",
        "movable=[door, cup]": "test_vision_instances",
        "with_guests(": "test_guests",
        "import my_backend": "test_backends",
    },
}
"""Blocks that another test runs, by page and by what only they hold."""


def blocks(page, kind="python"):
    return re.findall(rf"```{kind}\n(.*?)```", (DOCS / f"{page}.md").read_text(), re.DOTALL)


def own(page):
    """Return the blocks of a page that are run here."""
    marks = ELSEWHERE.get(page, {})
    return [block for block in blocks(page) if not any(mark in block for mark in marks)]


PAGES = [path.stem for path in sorted(DOCS.glob("*.md")) if own(path.stem)]


@pytest.mark.parametrize("page", ELSEWHERE)
def test_what_runs_elsewhere_is_there(page):
    for mark, test in ELSEWHERE[page].items():
        assert any(mark in block for block in blocks(page)), f"no block has {mark}"
        assert (TESTS / f"{test}.py").exists()


def taken_for_granted(page):
    """Return the names that a page's blocks need and do not make."""
    if page != "tasks":
        return {}
    import gymnasium as gym

    explorer = gym.make("avenv/AudioExplore-v0", sensors=("contact",), scenes=small_flat())
    explorer.reset(seed=0)
    # The map of an agent's, for its score.
    return {"gym": gym, "explorer": explorer, "walls": np.zeros((200, 200), bool)}


@pytest.mark.parametrize("page", PAGES)
def test_its_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text in blocks(page, "yaml"):
        if found := re.match(r"# (\w+\.yaml)\n", text):
            Path(found[1]).write_text(text)
    names = {"avenv": avenv, **taken_for_granted(page)}
    for block in own(page):
        if "wall_iou" in block:
            names["env"] = names["explorer"]
        exec(compile(block, f"docs/{page}.md", "exec"), names)
