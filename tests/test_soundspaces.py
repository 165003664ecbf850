"""Episodes of SoundSpaces and SAVi, and results as the challenge wants them."""

import gzip
import json

import gymnasium as gym
import numpy as np
import pytest
import soundfile
import trimesh
from click.testing import CliRunner

from avenv.benchmark import config_names, find_config, load_set, read_config
from avenv.cli import main
from avenv.habitat import challenge_data, read_episodes

HALF = np.sqrt(0.5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a room of Habitat, 8 x 6 m and 3 m high, and a sound."""
    folder = tmp_path_factory.mktemp("soundspaces")
    box = trimesh.creation.box((8, 6, 3))  # Z up, as habitat-sim takes a GLB to be
    box.apply_translation((4, 3, 1.5))  # the floor at 0; x is 0 to 8 and y 0 to 6
    box.invert()
    mesh = folder / "scenes/mp3d/room/room.glb"
    mesh.parent.mkdir(parents=True)
    box.export(mesh)
    (folder / "sounds/test").mkdir(parents=True)
    noise = 0.1 * np.random.default_rng(0).normal(size=16000)
    soundfile.write(folder / "sounds/test/telephone.wav", noise, 16000)
    return folder


def record(**changes):
    return {
        "episode_id": "7",
        "scene_id": "data/scene_datasets/mp3d/room/room.glb",
        "start_position": [2.0, 0.0, -1.5],
        "start_rotation": [0.0, HALF, 0.0, HALF],  # a quarter turn to the left
        "goals": [{"position": [6.0, 0.0, -4.0], "object_id": "3"}],
        "object_category": "chest_of_drawers",
        "sound_id": "test/telephone.wav",
        "offset": "3",
        "duration": 12,
    } | changes


def written(folder, *records, name="val.json.gz"):
    path = folder / name
    path.write_bytes(gzip.compress(json.dumps({"episodes": records}).encode()))
    return path


def read(folder, path):
    return read_episodes(path, folder / "scenes", folder / "sounds")


def test_an_episode_of_savi_is_played(folder):
    [episode], missing = read(folder, written(folder, record()))
    assert missing == []
    assert episode.start == (2.0, 1.5)
    assert abs(np.rad2deg(episode.heading)) == pytest.approx(180)
    [source] = episode.sources
    assert source.position == (6.0, 4.0, 1.5)
    assert (source.onset, source.duration) == (3.0, 12.0)
    assert episode.goals[0].category == "chest_of_drawers"
    assert episode.instruction == "Find the chest of drawers."
    options = read_config(find_config("env", "soundspaces-v1"))
    env = gym.make("avenv/AudioGoal-v0", scenes=episode.scene.name, disable_env_checker=True,
                   propagation={"rays": 64}, **options)  # fmt: skip
    observation, info = env.reset(options={"episode": episode})
    assert observation["spectrogram"].shape == (65, 26, 2)
    # In an empty room the way is the straight line from (2, 1.5) to (6, 4).
    assert info["metrics"]["distance_to_goal"] == pytest.approx(np.hypot(4, 2.5), abs=0.02)
    assert not info["truth"]["source_audible"]
    for action in (3, 3, 1):  # twice a quarter to the right: ahead along +x
        _, _, _, _, info = env.step(action)
    assert info["metrics"]["distance_to_goal"] == pytest.approx(np.hypot(3, 2.5), abs=0.02)
    assert info["truth"]["source_audible"]  # three seconds have passed


def test_an_episode_of_av_nav_sounds_for_ever(folder):
    info = {"sound": "test/telephone", "geodesic_distance": 5.0}
    plain = record(info=info)
    for name in ("sound_id", "offset", "duration", "object_category"):
        del plain[name]
    [episode], _ = read(folder, written(folder, plain))
    assert (episode.sources[0].onset, episode.sources[0].duration) == (None, None)
    assert episode.goals[0].category is None


def test_scenes_that_are_not_here_are_named(folder):
    other = record(scene_id="mp3d/elsewhere/elsewhere.glb")
    path = written(folder, other, record())
    episodes, missing = read(folder, path)
    assert len(episodes) == 1
    assert missing == ["mp3d/elsewhere/elsewhere.glb"]
    with pytest.raises(ValueError, match=r"none of its 1 scenes is in .*elsewhere"):
        read(folder, written(folder, other))


def test_episodes_lie_in_the_folder_of_content_too(folder):
    (folder / "content").mkdir(exist_ok=True)
    written(folder, record(), name="content/room.json.gz")
    episodes, _ = read(folder, written(folder, name="train.json.gz"))
    assert len(episodes) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start_position": [1, 2]}, r"episodes\[0\].start_position is \[1, 2\]"),
        ({"start_rotation": [0, 0, 0, 0]}, r"episodes\[0\].start_rotation: .* is no rotation"),
        ({"goals": []}, r"episodes\[0\].goals is \[\]"),
        ({"sound_id": "test/organ"}, r"there is no sound 'test/organ'"),
        ({"sound_id": None}, r"lacks 'sound_id' and 'sound'"),
        ({"offset": "soon"}, r"offset is 'soon'; accepted: seconds"),
    ],
)
def test_bad_episodes_are_refused(folder, changes, message):
    with pytest.raises(ValueError, match=message):
        read(folder, written(folder, record(**changes)))


def test_files_that_are_none_are_refused(folder):
    path = folder / "bad.json.gz"
    for content in (b"\x1f\x8bno gzip", b"[]", b'{"episodes": [1]}', gzip.compress(b"{}")[:-4]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"bad.json.gz: (cannot be read|is no file of)"):
            read(folder, path)


def test_a_file_becomes_a_set(folder, tmp_path):
    path, out = written(folder, record()), tmp_path / "savi.json.gz"
    arguments = ["sets", "import", str(path), "--scenes", str(folder / "scenes"), "--sounds",
                 str(folder / "sounds"), "--out", str(out)]  # fmt: skip
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    made = load_set(out)
    assert made.rules["step_time"] == 1.0
    assert "sensors" not in made.rules
    assert len(made.split("all")) == 1
    before = out.read_bytes()
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert "accepted: a new file" in done.output
    assert out.read_bytes() == before


def test_the_preset_is_named():
    assert "soundspaces-v1" in config_names("env")


def test_results_take_the_form_of_the_challenge():
    metrics = {"spl": 0.5, "soft_spl": 0.6, "distance_to_goal": 1.0, "success": 1.0}
    other = {"spl": 0.0, "soft_spl": 0.2, "distance_to_goal": 3.0, "success": 0.0}
    glb = {"scene": "/data/mp3d/room.glb", "number": 0, "id": "7"}
    home = {"scene": "homes:val/3", "number": 1}
    data = challenge_data(
        [
            {**glb, "actions": [1, 2, 0], "metrics": metrics},
            {**home, "actions": [0], "metrics": other},
        ]
    )
    assert data == {
        "ACTIONS": {"room_7": [1, 2, 0], "homes:val/3_1": [0]},
        "SPL": 0.25, "SOFT_SPL": 0.4, "DISTANCE_TO_GOAL": 2.0, "SUCCESS": 0.5,
    }  # fmt: skip
    with pytest.raises(ValueError, match="0 to 3 only"):
        challenge_data([{"scene": "a", "number": 0, "actions": [4], "metrics": metrics}])
    with pytest.raises(ValueError, match="no episodes"):
        challenge_data([])
