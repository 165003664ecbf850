"""What the page on Habitat says is so."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avenv.acoustics import BACKENDS
from avenv.habitat import export_rirs
from avenv.habitat.configuration import FIELDS
from avenv.scene import SceneBuilder

PAGE = (Path(__file__).parents[1] / "docs" / "habitat.md").read_text()
LOOP = next(b for b in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "UPDATES" in b)


def test_every_field_of_the_audio_sensor_is_told():
    table = PAGE[PAGE.index("| field |") : PAGE.index("Ambisonics are N3D")]
    missing = [name for name in FIELDS if f"`{name}`" not in table]
    assert missing == []


def test_the_training_in_the_style_of_soundspaces_runs(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    pytest.importorskip("networkx")
    build = SceneBuilder("flat")
    build.room("room", size=(5.4, 2.4))
    build.build().save(tmp_path / "flat.yaml")
    export_rirs(tmp_path / "flat.yaml", tmp_path / "data", "small", seconds=0.25)
    (tmp_path / "data/sounds/1s_all").mkdir(parents=True)
    noise = 0.1 * np.random.default_rng(0).normal(size=16000)
    soundfile.write(tmp_path / "data/sounds/1s_all/noise.wav", noise, 16000)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names: dict = {}
    try:
        exec(LOOP.replace("UPDATES, SCENE = 200", "UPDATES, SCENE = 2"), names)
    finally:
        BACKENDS.pop("soundspaces", None)
    assert np.isfinite(names["loss"].item())
    assert len(names["episodes"]) == 100
    assert LOOP[LOOP.index("for update") :].count("\n") <= 30
