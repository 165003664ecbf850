"""The notebooks run, with small sizes; and what scenes and sounds look like in them."""

import base64
import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from support import small_flat

from avenv.drawing.notebook import scene_html
from avenv.sounds import Player, synthesise

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from pages import notebooks  # noqa: E402

sys.path.remove(str(ROOT / "scripts"))


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")),
                         ids=lambda path: path.stem)  # fmt: skip
def test_a_notebook_runs(path, tmp_path):
    if path.stem == "train":
        pytest.importorskip("torch")
    shown = notebooks.run(path, tmp_path, **notebooks.SMALL.get(path.stem, {}))
    assert '"outputs": []' in path.read_text()
    told = "".join(result for _, _, result in shown)
    expected = {
        "script_a_scene": r"The door takes \d\d dB",
        "train": r"trained, deaf: 2 episodes",
        "evaluate": r"SPL: .* of the episodes",
    }
    assert re.search(expected[path.stem], told)


def test_a_parameter_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no parameter SPEED"):
        notebooks.run(ROOT / "docs" / "notebooks" / "train.ipynb", tmp_path, SPEED=1)


def test_a_scene_shows_its_plan_and_a_view():
    html = scene_html(small_flat())
    assert small_flat()._repr_html_() == html
    assert "<b>small flat</b>: 2 rooms" in html
    plan, view = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    sizes = [Image.open(io.BytesIO(base64.b64decode(x))).size for x in (plan, view)]
    assert sizes == [(504, 280), (392, 280)]  # twice as wide as deep, but not more than 1.8


def heard(player):
    return soundfile.read(io.BytesIO(player.wav()), dtype="float64")


def test_what_is_played_is_what_was_given():
    time = np.arange(1600) / 16000
    tone = 0.02 * np.sin(2 * np.pi * 440 * time)
    stereo, rate = heard(Player([tone, -tone], 16000, loudest=None))
    assert rate == 16000
    np.testing.assert_allclose(stereo, np.stack([tone, -tone], 1), atol=1 / 32767)
    louder, _ = heard(Player(tone, 16000))
    np.testing.assert_allclose(louder, 0.5 / np.abs(tone).max() * tone, atol=1 / 32767)


def test_a_sound_shows_as_its_player():
    bell = synthesise("phone/0")
    html = bell._repr_html_()
    assert html.startswith("<figure><figcaption>phone/0</figcaption><audio controls")
    with pytest.raises(ValueError, match=r"accepted: \(N,\) or \(C, N\)"):
        Player(np.zeros((2, 0)), 16000)
