"""Poses that ears learn from, the training, and the report."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from store_support import in_memory

torch = pytest.importorskip("torch")

from avenv.acoustics.signal.binaural import BinauralFeatures, mirrored  # noqa: E402
from avenv.simulation.loading import load_scene  # noqa: E402
from avenv_agents import ear_training  # noqa: E402
from avenv_agents.data_cli import data  # noqa: E402
from avenv_agents.ear_cli import ear  # noqa: E402
from avenv_agents.ear_examples import Examples, coloured, in_mirror  # noqa: E402
from avenv_agents.ear_files import load_ear  # noqa: E402
from avenv_agents.ear_report import figures, recall_at_precision  # noqa: E402
from avenv_agents.ear_training import EarTraining, train_ear  # noqa: E402
from avenv_agents.encoders import make_encoder  # noqa: E402
from avenv_agents.pose_drawing import CLOSEST, draw_home  # noqa: E402
from avenv_agents.poses import Poses, PoseSettings, make_poses, read_poses  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")

SETTINGS = PoseSettings("homes:train/0-1", "phone", places=6, sources=2)


def wrap(angle):
    return (angle + np.pi) % (2 * np.pi) - np.pi


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two homes, drawn by two processes, from the command line."""
    folder = tmp_path_factory.mktemp("data") / "poses"
    options = "--homes homes:train/0-1 --sounds phone --places 6 --sources 2 --workers 2"
    done = CliRunner().invoke(data, ["poses", str(folder), *options.split()])
    assert done.exit_code == 0, done.output
    assert "2 homes made" in done.output
    return folder


def test_poses_are_the_same_in_any_process_and_stay_when_they_are_there(folder):
    poses, settings = read_poses(folder)
    assert settings == SETTINGS
    assert poses.home.tolist() == [0] * 6 + [1] * 6
    again = draw_home(SETTINGS, "train", 1)
    for name, one, other in zip(Poses._fields, again, poses, strict=True):
        np.testing.assert_array_equal(one, other[6:], err_msg=name)
    assert make_poses(SETTINGS, folder, progress=False) == 0


def test_poses_at_a_url_are_those_of_a_folder_and_homes_that_are_there_stay(folder, monkeypatch):
    store, expected = in_memory(folder), read_poses(folder)
    assert make_poses(SETTINGS, str(store), progress=False) == 0
    store.remove("train-000001.npz")
    with pytest.raises(ValueError, match=r"memory://.* lacks 1 homes, as train-000001\.npz"):
        read_poses(str(store))
    drawn = expected[0].some(slice(6, 12))
    monkeypatch.setattr("avenv_agents.pose_drawing.draw_home", lambda *_: drawn)
    assert make_poses(SETTINGS, str(store), progress=False) == 1
    found = read_poses(str(store))
    assert found[1] == expected[1]
    for name, one, other in zip(Poses._fields, found[0], expected[0], strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)
    report = CliRunner().invoke(ear, ["report", "homes", str(store)])
    assert report.exit_code == 0, report.output


def test_the_truth_of_poses_is_that_of_the_world(folder):
    poses, _ = read_poses(folder)
    assert poses.binaural.shape == (12, 6, 396)
    offset = poses.source[:, :2] - poses.place[:, :2]
    bearing = np.arctan2(offset[:, 1], offset[:, 0])
    heading = poses.place[:, 2, None] + poses.pose[..., 2]
    assert np.abs(wrap(poses.azimuth - (bearing[:, None] - heading))).max() < 1e-5
    assert np.abs(poses.pose[..., :2]).max() < 1e-6
    turns = np.rad2deg(np.diff(poses.pose[..., 2]))
    np.testing.assert_allclose(np.abs(turns), 15, atol=1e-3)
    assert (np.sign(turns) == np.sign(turns[:, :1])).all()
    flat = np.hypot(*offset.T)
    np.testing.assert_allclose(poses.distance[:, 0], np.hypot(flat, 0.25), rtol=1e-5)
    assert (flat >= CLOSEST).all()
    assert (poses.walk >= flat[:, None] - 1e-3).all()
    np.testing.assert_array_equal(poses.near, poses.walk <= 1)
    world = load_scene("homes:train/0")
    assert world.walkable.is_walkable(poses.place[:6, :2]).all()
    assert set(poses.room[:6]) <= {"", *(room.name for room in world.compiled.rooms)}
    # Where the way is the straight line, it begins where the source is.
    straight = poses.walk[:, 0] < flat + 1e-3
    assert straight.any()
    assert np.abs(wrap(poses.leg - poses.azimuth))[straight].max() < np.deg2rad(2)
    np.testing.assert_allclose(np.diff(poses.leg), wrap(np.diff(poses.leg)), atol=2 * np.pi)


def test_an_approach_comes_nearer():
    settings = PoseSettings("homes:train/0", "phone", 4, 1, "approach", seed=3)
    poses = draw_home(settings, "train", 0)
    assert poses.binaural.shape == (4, 11, 396)
    assert (poses.walk[:, -1] <= poses.walk[:, 0] + 1e-6).all()
    assert poses.walk[:, -1].sum() < poses.walk[:, 0].sum() - 1


def test_folders_of_poses_that_cannot_be_used_are_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="holds no poses"):
        read_poses(tmp_path)
    with pytest.raises(ValueError, match=r"has sounds: 'phone'; accepted: the same"):
        make_poses(PoseSettings("homes:train/0-1", "fan", 6, 2), folder)
    some = tmp_path / "some"
    shutil.copytree(folder, some)
    (some / "train-000001.npz").write_bytes(b"PK half")
    with pytest.raises(ValueError, match=r"train-000001\.npz cannot be read .* delete it"):
        read_poses(some)
    (some / "train-000001.npz").unlink()
    with pytest.raises(ValueError, match=r"lacks 1 homes, as train-000001\.npz"):
        read_poses(some)
    (some / "settings.json").write_text("{}")
    with pytest.raises(ValueError, match=r"settings\.json cannot be read"):
        read_poses(some)
    for options in ({"places": 0}, {"motion": "dance"}, {"seed": True}):
        with pytest.raises(ValueError, match="accepted"):
            PoseSettings(**options)


# -- training --------------------------------------------------------------------------------------


def made_up(homes, places=60, steps=6):
    """Poses whose vectors tell the azimuth by a plain formula, the side and the front apart."""
    rng = np.random.default_rng(homes)
    count = len(homes) * places
    azimuth = rng.uniform(-np.pi, np.pi, (count, 1)) - np.arange(steps) * np.deg2rad(15)
    azimuth = wrap(azimuth).astype(np.float32)
    vectors = np.zeros((count, steps, 396), np.float16)
    slices = BinauralFeatures.slices
    vectors[..., slices["step_level_difference"]] = 2 * np.sin(azimuth)[..., None]
    vectors[..., slices["step_coherence_real"]] = 2 * np.cos(azimuth)[..., None]
    vectors += rng.normal(0, 0.1, vectors.shape).astype(np.float16)
    pose = np.zeros((count, steps, 4), np.float32)
    pose[..., 2] = np.arange(steps) * np.deg2rad(15)
    distance = np.repeat(rng.uniform(0.4, 6, (count, 1)), steps, axis=1).astype(np.float32)
    vectors[..., slices["step_onset_strength"]] = distance[..., None]
    yes = np.ones((count, steps), bool)
    return Poses(
        vectors, pose, azimuth, azimuth, distance, distance, yes, yes,
        np.repeat(homes, places).astype(np.int32), np.full(count, "hall"), np.full(count, "phone"),
        np.zeros((count, 3)), np.zeros((count, 3)),
    )  # fmt: skip


def save(folder, numbers, steps=6, **options):
    folder.mkdir()
    settings = {"homes": f"homes:train/{numbers[0]}-{numbers[-1]}", "sounds": "phone", **options}
    (folder / "settings.json").write_text(json.dumps({"version": 1, **settings}))
    poses = made_up(numbers, steps=steps)
    for number in numbers:
        rows = poses.home == number
        some = {name: value[rows] for name, value in poses._asdict().items()}
        np.savez(folder / f"train-{number:06d}.npz", **some)
    return folder


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    return save(folder / "learn", [0, 1, 2, 3]), save(folder / "held", [8, 9])


SMALL = EarTraining(hidden=32, memory=8, window_epochs=6, turn_epochs=3, learning_rate=1e-2,
                    batch_size=64, dropout=0.0)  # fmt: skip


@pytest.fixture(scope="module")
def trained(sets, tmp_path_factory):
    """A run from the command line."""
    folder = tmp_path_factory.mktemp("runs") / "ear"
    options = [f"--set={k}={getattr(SMALL, k)}" for k in vars(SMALL)]
    arguments = ["train", str(folder), "--poses", str(sets[0]), "--validation", str(sets[1])]
    done = CliRunner().invoke(ear, [*arguments, *options])
    assert done.exit_code == 0, done.output
    return folder


def test_an_ear_learns_and_the_report_says_so(trained, sets):
    done = CliRunner().invoke(ear, ["report", str(trained), str(sets[1])])
    assert done.exit_code == 0, done.output
    assert "homes:train/8-9, phone, turn: 120 places, 6 windows each; 0.0% of the" in done.output
    found = {f.name.strip(" °"): f for f in figures(load_ear(trained), made_up([8, 9]))}
    azimuth = found["in sight within 5 m: azimuth error, median,"]
    assert azimuth.value < 5
    assert azimuth.low <= azimuth.value <= azimuth.high
    assert found["side right"].value > 0.95
    assert found["front and back confused"].value < 0.05
    assert found["out of sight: error of the first leg, median,"].places == 0
    assert found["within 1 m: recall at precision 0.8"].value > 0.5


def test_an_interrupted_run_goes_on_to_the_same_weights(trained, sets, tmp_path, monkeypatch):
    calls = []

    def stop(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return validate(*arguments)

    validate = ear_training._Run._validate
    folders = [sets[0]], [sets[1]]
    options = {"device": "cpu", "progress": False}
    with monkeypatch.context() as patch:
        patch.setattr(ear_training._Run, "_validate", stop)
        with pytest.raises(KeyboardInterrupt):
            train_ear(SMALL, tmp_path / "ear", *folders, **options)
    with pytest.raises(ValueError, match="holds a run; resume goes on"):
        train_ear(SMALL, tmp_path / "ear", *folders, **options)
    damaged = tmp_path / "damaged"
    shutil.copytree(tmp_path / "ear", damaged)
    (damaged / "checkpoint.pt").write_bytes(b"PK half")
    with pytest.raises(ValueError, match=r"checkpoint\.pt cannot be read"):
        train_ear(SMALL, damaged, *folders, resume=True, **options)
    with pytest.raises(ValueError, match="differs in training from"):
        train_ear(EarTraining(seed=1), tmp_path / "ear", *folders, resume=True, **options)
    train_ear(SMALL, tmp_path / "ear", *folders, resume=True, **options)
    assert (tmp_path / "ear" / "log.csv").read_text() == (trained / "log.csv").read_text()
    one, other = load_ear(tmp_path / "ear"), load_ear(trained)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
    files = {p.name for p in (tmp_path / "ear").iterdir()}
    assert files == {"ear.npz", "checkpoint.pt", "log.csv", "config.json"}


def test_bodies_that_turn_and_bodies_that_walk_are_learned_from_together(sets, tmp_path):
    walk = save(tmp_path / "walk", [5], steps=11, motion="approach")
    config = replace(SMALL, window_epochs=1, turn_epochs=1)
    train_ear(config, tmp_path / "ear", [sets[0], walk], [sets[1]], progress=False, device="cpu")
    record = json.loads((tmp_path / "ear" / "config.json").read_text())
    assert [poses["motion"] for poses in record["poses"]] == ["turn", "approach"]
    report = figures(load_ear(tmp_path / "ear"), read_poses(walk)[0])
    assert report[0].places > 0


def test_a_policy_can_have_the_trained_ear(trained):
    from test_networks import SPACE

    encoder = make_encoder("belief_ears", SPACE, weights=trained)
    assert not any(p.requires_grad for p in encoder.parameters())
    assert encoder.state == 48 + 4 + 3 + 8
    with pytest.raises(ValueError, match="does not exist"):
        make_encoder("belief_ears", SPACE, weights=trained / "other.npz")


def test_training_that_cannot_be_is_refused(sets, tmp_path):
    with pytest.raises(ValueError, match="homes:train/0 is both in poses and in validation"):
        train_ear(SMALL, tmp_path, [sets[0]], [sets[0]])
    with pytest.raises(ValueError, match="nothing to resume"):
        train_ear(SMALL, tmp_path, [sets[0]], [sets[1]], resume=True)
    for options in ({"hidden": 2.5}, {"dropout": 1.0}, {"learning_rate": -1}, {"seed": True}):
        with pytest.raises(ValueError, match="accepted"):
            EarTraining(**options)
    bad = EarTraining(hidden=8, window_epochs=3, turn_epochs=1, learning_rate=1e30)
    with pytest.raises(ValueError, match=r"the loss is .* the last good weights are kept"):
        train_ear(bad, tmp_path / "bad", [sets[0]], [sets[1]], device="cpu", progress=False)


def test_in_the_mirror_left_is_right():
    poses = made_up([0])
    examples = Examples.of(poses)
    rows = torch.arange(len(poses.home)) % 2 == 0
    mirror = in_mirror(examples, rows)
    expected = mirrored(poses.binaural[0])
    np.testing.assert_array_equal(mirror.binaural[0].numpy(), expected.astype(np.float16))
    np.testing.assert_array_equal(mirror.azimuth[0].numpy(), -poses.azimuth[0])
    np.testing.assert_array_equal(mirror.pose[0, :, 2].numpy(), -poses.pose[0, :, 2])
    for one, other in zip(mirror, examples, strict=True):
        assert torch.equal(one[1], other[1])
    for one, other in zip(in_mirror(mirror, rows), examples, strict=True):
        assert torch.equal(one, other)


def test_a_colour_shifts_what_sounds_and_leaves_silence():
    examples = Examples.of(made_up([0], places=2))
    silent = examples.binaural.clone()
    silent[1, :, :24] = -2.5
    shift = torch.zeros(2, 24)
    shift[:, 3] = 0.5
    shifted = coloured(examples._replace(binaural=silent), shift).binaural - silent
    assert shifted[0, :, 3].numpy() == pytest.approx(0.5, abs=2e-3)
    assert not shifted[0, :, 4:24].any()
    assert not shifted[1, :, :24].any()
    window = BinauralFeatures.slices["window_level"].start
    assert shifted[1, :, window + 3].numpy() == pytest.approx(0.5, abs=2e-3)
    assert not shifted[..., 141:].any()


@pytest.mark.parametrize(
    ("score", "truth", "recall"),
    [
        ([4, 3, 2, 1], [1, 1, 0, 1], 2 / 3),  # 2 of 2; then 3 of 4 are too few
        ([5, 4, 3, 2, 1], [1, 0, 1, 1, 1], 1.0),  # 4 of 5 at last
        ([2, 2, 1], [1, 0, 1], 0.0),  # equal scores are not told apart
        ([1, 2], [0, 0], np.nan),
    ],
)
def test_recall_at_precision_is_as_worked_out_by_hand(score, truth, recall):
    found = recall_at_precision(np.array(score, float), np.array(truth, bool), 0.8)
    assert found == pytest.approx(recall, nan_ok=True)
