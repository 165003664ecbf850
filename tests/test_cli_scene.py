"""What `avenv scene check` and `avenv scene plan` tell people about their scenes."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from avenv.cli import main
from avenv.scene import SceneSpec

HUT = """
name: hut
rooms:
  - {name: room, polygon: [[0, 0], [4, 0], [4, 3], [0, 3]]}
  - {name: shed, polygon: [[4, 0], [7, 0], [7, 3], [4, 3]]}
doors:
  - {between: [room, shed], state: open}
objects:
  - {kind: table, position: [2, 2]}
sources:
  - {name: bell, on: table, sound: doorbell}
"""

SHUT = ("state: open", "state: closed")
TYPO = ("kind: table", "kind: tabel")


@pytest.fixture
def hut(tmp_path):
    """Return a function that writes the hut, some texts replaced, and returns its path."""

    def write(*replaced, name="hut.yaml"):
        text = HUT
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def run(*arguments):
    return CliRunner().invoke(main, ["scene", *arguments])


def test_a_good_scene_is_summed_up(hut):
    done = run("check", hut())
    assert done.exit_code == 0
    assert "ok: 2 rooms, 1 object, 1 source" in done.output
    assert "warning" not in done.output


def test_a_room_behind_a_closed_door_is_a_warning(hut):
    done = run("check", hut(SHUT))
    assert done.exit_code == 0
    assert "warning: nobody can walk to the room 'shed'" in done.output


def test_a_source_out_of_reach_is_a_warning(hut):
    assert "'bell'" not in run("check", hut(SHUT)).output
    far = hut(SHUT, ("on: table", "position: [6, 1.5, 1]"))
    assert "warning: the source 'bell' is cut off" in run("check", far).output


def test_all_scenes_are_checked_and_any_problem_fails(hut):
    bad = hut(TYPO, name="bad.yaml")
    done = run("check", bad, hut(), bad)
    assert done.exit_code == 1
    assert done.output.count("objects[0].kind") == 2
    assert done.output.count(": ok: ") == 1


def test_a_sound_that_is_not_there_is_a_problem(hut):
    done = run("check", hut(("sound: doorbell", "sound: dorbell")))
    assert done.exit_code == 1
    assert "sources[0].sound: there is no built-in sound 'dorbell'" in done.output


def test_a_plan_shows_where_one_can_walk(hut, tmp_path):
    out = tmp_path / "plan.png"
    done = run("plan", hut(SHUT), str(out), "--width", "410")
    assert done.exit_code == 0
    image = np.asarray(Image.open(out), float)
    # 7 x 3 m, half a wall and 0.6 m of paper round it.
    assert image.shape[1] == 410
    assert image.shape[0] == pytest.approx(410 * (3.12 + 1.2) / (7.12 + 1.2), abs=1)
    red, green, _ = image[int(0.78 * image.shape[0])].T
    left, right = slice(60, 180), slice(250, 340)
    assert np.median(green[left] - red[left]) > 0  # walkable
    assert np.median(red[right] - green[right]) > np.median(red[left] - green[left]) + 20


def test_a_plan_needs_a_picture_file_and_a_scene(hut, tmp_path):
    assert "accepted are .png" in run("plan", hut(), str(tmp_path / "plan.txt")).output
    done = run("plan", hut(TYPO), str(tmp_path / "plan.png"))
    assert done.exit_code == 1
    assert "objects[0].kind" in done.output
    assert not (tmp_path / "plan.png").exists()


def test_a_scene_is_written_as_glb_and_the_check_of_a_mesh_reports_on_it(hut, tmp_path):
    out = str(tmp_path / "hut.glb")
    done = CliRunner().invoke(main, ["scene", "export", hut(), out])
    assert (done.exit_code, done.output) == (0, f"wrote {out}\n")
    checked = CliRunner().invoke(main, ["scene", "check", out])
    assert checked.exit_code == 0
    for words in ("by the file 100.0%", "floors: z = 0.00 m", "holes:", "2 rooms"):
        assert words in checked.output
    again = CliRunner().invoke(main, ["scene", "export", out, str(tmp_path / "hut2.yaml")])
    assert again.exit_code == 1
    assert "no description that YAML could hold" in again.output


def test_a_scene_is_written_as_yaml(hut, tmp_path):
    out = tmp_path / "copy.yaml"
    assert CliRunner().invoke(main, ["scene", "export", hut(), str(out)]).exit_code == 0
    assert SceneSpec.from_yaml(out) == SceneSpec.from_yaml(hut())
