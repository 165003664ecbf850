"""What `avenv check` says about files of all kinds."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import trimesh
from click.testing import CliRunner

from avenv.cli import main
from avenv.simulation.loading import load_scene
from avenv.sounds import load_sounds

CASES = Path(__file__).with_name("cases")
RATE = 16000
ROOM = "{name: %s, rooms: [{name: r, polygon: [[0, 0], [4, 0], [4, 3], [0, 3]]}]}"


@pytest.fixture
def check(tmp_path):
    """Return a function that checks things and returns the exit status and what was said."""

    def check(*names):
        done = CliRunner().invoke(main, ["check", *map(str, names)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return check


@pytest.fixture
def hut(tmp_path):
    path = tmp_path / "hut.yaml"
    path.write_text(ROOM % "hut")
    return path


def tone(peak):
    return (peak * np.sin(np.arange(RATE) * 0.2)).astype(np.float32)


def test_heads(check):
    status, said = check(CASES / "swap.sofa")
    assert status == 0
    assert "swap.sofa: warning: has the right ear first" in said
    assert "swap.sofa: ok: head (SOFA): 48000 Hz, sound from the left is 655 µs earlier" in said
    status, said = check(CASES / "corrupt.sofa")
    assert status == 1
    assert "corrupt.sofa: the file is damaged" in said
    assert len(said.splitlines()) == 1


def test_sounds(check, tmp_path):
    soundfile.write(tmp_path / "loud.wav", tone(2), RATE, subtype="FLOAT")
    (tmp_path / "no_ending").write_bytes((tmp_path / "loud.wav").read_bytes())
    for name in ("loud.wav", "no_ending"):
        status, said = check(tmp_path / name)
        assert (status, said) == (0, f"{tmp_path / name}: ok: sound: 1.00 s at 16000 Hz\n")
    soundfile.write(tmp_path / "gsm.wav", tone(0.5), RATE, subtype="GSM610")
    soundfile.write(tmp_path / "silent.wav", np.zeros(100), RATE)
    status, said = check(tmp_path)
    assert status == 1
    assert "gsm.wav: cannot be read as sound (GSM 6.10)" in said
    assert "silent.wav: is silent" in said
    assert "loud.wav: ok: sound" in said


def test_splits_of_sounds(check, tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(0.5), RATE)
    (tmp_path / "s.yaml").write_text("licence: CC0\ntrain: [a.wav]")
    (tmp_path / "s.csv").write_text("file,split\na.wav,train")
    (tmp_path / "bad.yaml").write_text("train: [../b.wav]")
    status, said = check(tmp_path / "s.yaml", tmp_path / "s.csv", tmp_path / "bad.yaml")
    assert status == 1
    assert said.count("ok: sounds in splits: 1 of 1 kinds") == 2
    assert "bad.yaml: ../b.wav: lies outside the folder" in said


def test_scenes(check, hut, tmp_path):
    status, said = check(hut)
    assert (status, said.startswith(f"{hut}: ok: scene: 1 room, 0 objects")) == (0, True)
    (tmp_path / "typo.yaml").write_text((ROOM % "typo").replace("rooms:", "romms:"))
    status, said = check(tmp_path / "typo.yaml", "apartmant", "homes:val/1")
    assert status == 1
    assert "typo.yaml: romms: unknown field; did you mean 'rooms'?" in said
    assert "there is no authored scene 'apartmant'; did you mean 'apartment'?" in said
    assert "homes:val/1: ok: scene:" in said


def test_meshes(check, tmp_path):
    trimesh.creation.box((4, 3, 2)).export(tmp_path / "box.glb")
    wall = trimesh.Trimesh([[0, 0, 0], [2, 0, 0], [2, 0, 3], [0, 0, 3]], [[0, 1, 2], [0, 2, 3]])
    wall.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, (1, 0, 0)))
    wall.export(tmp_path / "wall.glb")
    status, said = check(tmp_path / "box.glb", tmp_path / "wall.glb")
    assert status == 0
    assert "box.glb: ok: mesh: " in said
    assert "12 triangles, 52.00 m² of surface" in said
    assert "wall.glb: warning: nobody can walk in it" in said
    assert "wall.glb: ok: mesh: 2 triangles, 6.00 m² of surface" in said
    assert said.count("surfaces without texture or colour") == 2  # by the reports, not twice each


def episode(hut, **changes):
    scene, sound = load_scene(hut), load_sounds("phone/3")[0]
    return {
        "version": 1,
        "task": "AudioGoal",
        "scene": {"name": str(hut), "hash": scene.content_hash},
        "start": [1.0, 1.0],
        "heading": 0.5,
        "sources": [
            {"sound": {"name": sound.name, "hash": sound.hash}, "position": [3.0, 2.0, 1.0]}
        ],
        "goals": [{"source": 0}],
    } | changes


def test_episodes(check, hut, tmp_path):
    path = tmp_path / "episodes.json"
    path.write_text(json.dumps(episode(hut)))
    assert check(path) == (0, f"{path}: ok: episodes: 1 of AudioGoal, scenes: {hut}\n")
    lines = tmp_path / "episodes.jsonl"
    lines.write_text("\n".join(json.dumps(episode(hut)) for _ in range(3)))
    assert check(lines)[1].startswith(f"{lines}: ok: episodes: 3 of AudioGoal")
    other = {"name": str(hut), "hash": "0" * 16}
    gone = {"name": "gone/1", "hash": "0" * 16}
    path.write_text(
        json.dumps(
            [
                episode(hut, scene=other),
                episode(hut, start=[9.0, 9.0]),
                episode(hut, sources=[{"sound": gone, "position": [3.0, 2.0, 1.0]}]),
            ]
        )
    )
    status, said = check(path)
    assert status == 0
    assert "warning: [0]: scene" in said
    assert "is another than it was" in said
    assert "warning: [1]: nobody can stand at its start (9.0, 9.0)" in said
    assert "warning: [2]: sound 'gone/1' is not here" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 7}, "episode.version is 7"),
        ({"haeding": 1}, "episode has the field 'haeding'"),
        ({"heading": "north"}, "heading is 'north'"),
        ({"start": [1.0, float("nan")]}, "has a number that is not finite"),
        ({"goals": [{"source": 3}]}, "episode.goals: source is 3; accepted: 0 to 0"),
    ],
)
def test_bad_episodes_are_refused_with_their_number(check, hut, tmp_path, change, message):
    path = tmp_path / "episodes.json"
    path.write_text(json.dumps({"episodes": [episode(hut), episode(hut, **change)]}))
    status, said = check(path)
    assert status == 1
    assert f"{path}: [1]: " in said
    assert message in said


def test_results(check, tmp_path):
    heading = {
        "format": "avenv results", "version": 1, "agent": {"name": "random"}, "set": None,
        "task": "AudioGoal", "headline": ["success"], "rules": {}, "senses": {}, "episodes": 2,
        "shard": None,
    }  # fmt: skip
    records = [
        {"number": n, "scene": "hut", "metrics": {"success": n}, "actions": [0]} for n in (0, 1)
    ]
    path = tmp_path / "episodes.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in (heading, *records)))
    assert check(path) == (0, f"{path}: ok: results: 2 episodes, agent random, success 0.500\n")
    path.write_text("".join(json.dumps(line) + "\n" for line in (heading, records[0])))
    assert "warning: some episodes have not been played" in check(path)[1]
    path.write_text("".join(json.dumps(line) + "\n" for line in (heading, {"number": 0})))
    status, said = check(path)
    assert status == 1
    assert "episodes.jsonl: the episode 0 lacks something" in said


def test_what_is_of_no_kind(check, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "other.json").write_text('{"a": 1}')
    (tmp_path / "broken.json").write_text('{"a": ')
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "empty").mkdir()
    for name, message in {
        "notes.txt": "is of no kind that avenv reads; accepted: scenes",
        "other.json": "is JSON of no kind that avenv reads",
        "broken.json": "is not JSON",
        "deep.json": "is not JSON",
        "empty": "is no file and holds none that avenv reads",
        "gone.wav": "there is no such file",
    }.items():
        status, said = check(tmp_path / name)
        assert status == 1
        assert f"{tmp_path / name}: {message}" in said


def test_a_folder_is_all_that_is_in_it_and_a_long_list_is_cut(check, tmp_path):
    for k in range(30):
        (tmp_path / f"{k:02}.json").write_text("[]")
    (tmp_path / "README.md").write_text("about")
    status, said = check(tmp_path)
    assert status == 1
    assert len(said.splitlines()) == 30
    path = tmp_path / "many.json"
    path.write_text(json.dumps([{"task": 1}] * 100))
    assert "and 80 more such lines" in check(path)[1]
