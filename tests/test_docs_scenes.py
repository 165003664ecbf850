"""The page on scenes says what the code says: its tables, its YAML and its script."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from avenv.core.errors import SceneError
from avenv.core.plain_yaml import Loader
from avenv.scene import SceneSpec, check_scene

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "scenes.md").read_text()


def _maker():
    path = ROOT / "scripts" / "make_pictures_scenes.py"
    spec = importlib.util.spec_from_file_location("make_pictures_scenes", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name",
    ["scene", "rooms", "doors", "windows", "objects", "sources", "events", "episodes",
     "episode sources", "kinds"],
)  # fmt: skip
def test_its_tables_are_those_of_the_code(name):
    [shown] = re.findall(rf"<!-- {name} -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)
    assert shown == _maker().tables()[name], "run scripts/make_pictures_scenes.py --tables"


def test_its_yaml_is_a_scene(tmp_path):
    [block] = re.findall(r"```yaml\n(name: .*?)```", PAGE, re.DOTALL)
    path = tmp_path / "bedsit.yaml"
    path.write_text(block)
    check_scene(SceneSpec.from_yaml(path))
    bad = block.replace("kind: picture,", "kind: pictur,")
    path.write_text(bad)
    with pytest.raises(SceneError, match=r"objects\[5\].kind") as caught:
        check_scene(SceneSpec.from_yaml(path))
    assert str(caught.value).splitlines()[0].split("bedsit.yaml: ")[1] in PAGE


def test_its_episodes_are_checked():
    section = PAGE.split("\n### Events and episodes\n")[1].split("\n## ")[0]
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", section, re.DOTALL):
        exec(block, names)
    assert names["spec"].episodes[0].goal == "vase"
    assert names["vase"].position[2] == 0.0
    [block] = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    [bedsit] = re.findall(r"```yaml\n(name: .*?)```", PAGE, re.DOTALL)
    check_scene(SceneSpec.from_dict(yaml.load(bedsit + block, Loader)))


def test_its_script_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    section = PAGE.split("\n## Scripting\n")[1].split("\n## ")[0]
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", section, re.DOTALL):
        exec(block, names)
    assert SceneSpec.from_yaml("study.yaml") == names["spec"]
    assert names["view"]["rgb"].shape == (240, 320, 3)
    assert 1 < names["metres"] < 8
