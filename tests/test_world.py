"""The front door: what `import avenv` brings, how scenes are loaded, and the three questions."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from support import shoebox, two_rooms

import avenv
from avenv import SceneError, SceneSpec
from avenv.simulation import world as world_module
from avenv.simulation.loading import load_scene
from avenv.simulation.world import World
from avenv.simulation.worlds import load_worlds


def test_import_is_light():
    code = (
        "import sys, avenv; heavy = {'torch', 'av', 'PIL', 'pyroomacoustics', 'matplotlib',"
        " 'numba', 'h5py', 'agents', 'stable_baselines3'} & set(sys.modules); print(sorted(heavy))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_simulator_needs_no_torch():
    code = "import sys, avenv.envs.vector, avenv.cli; print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


@pytest.mark.parametrize("name", sorted(set(avenv.__all__)))
def test_every_public_name_is_there(name):
    assert getattr(avenv, name) is not None


def test_floors_import_only_downwards():
    """Each floor of docs/architecture.md may use its own package and those below."""
    floors = [
        {"core"},
        {"geometry"},
        {"scene", "sounds"},
        {"vision", "acoustics", "navigation"},
        {"simulation"},
        {"tasks", "drawing"},
        {"envs"},
        {"recording", "benchmark", "habitat"},
        {"play"},
        {"cli"},
    ]
    level = {name: k for k, floor in enumerate(floors) for name in floor}
    root = Path(avenv.__file__).parent
    for path in root.rglob("*.py"):
        room = path.relative_to(root).parts[0].removesuffix(".py")
        if room in ("__init__", "__main__", "authored"):
            continue
        for other in imported_rooms(path):
            assert other != "avenv_agents", path
            below = level[other] < level[room]
            assert room == other or below, f"{path} imports {other}"


def imported_rooms(path):
    """Yield the rooms of avenv, and other packages of ours, that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            if package == "avenv_agents":
                yield package
            elif package == "avenv" and rest:
                yield rest.split(".")[0]


def test_scenes_are_loaded_by_file_name_spec_or_arrays(tmp_path):
    by_name = load_scene("apartment")
    assert len(by_name.compiled.rooms) >= 5
    assert len(by_name.spec.objects) >= 30
    assert [s.sound for s in by_name.compiled.sources] == ["phone"]
    by_name.spec.save(tmp_path / "copy.yaml")
    by_file = load_scene(tmp_path / "copy.yaml")
    assert by_file.compiled.fingerprint == by_name.compiled.fingerprint
    assert load_scene(by_name) is by_name
    assert load_scene(by_name.spec).compiled.fingerprint == by_name.compiled.fingerprint
    arrays = two_rooms()
    assert load_scene(arrays).compiled is arrays


def test_a_scene_named_twice_is_loaded_once():
    first, second = load_worlds(["apartment", "apartment"])
    assert first is second


@pytest.mark.parametrize("scene", ["nowhere.yaml", "nowhere", "house.obj", 7, None])
def test_what_is_no_scene_is_refused(scene):
    with pytest.raises(avenv.SceneError, match=r"accepted|[Nn]o such file|no authored"):
        load_scene(scene)


def test_the_way_round_the_wall_is_longer_than_the_crow_flies():
    world = World(two_rooms(door=1.0))
    straight = avenv.geodesic_distance(world, (1.0, 1.0), (3.0, 1.0))
    assert straight == pytest.approx(2.0, rel=0.02)
    # Round the door's edge at (4, 1.5) .. (4.2, 1.5), kept away from by the radius.
    walked = avenv.geodesic_distance(world, (3.0, 0.5), (5.2, 0.5))
    corner = 1.5 + 0.18
    assert walked == pytest.approx(2 * np.hypot(1.0, corner - 0.5) + 0.2, rel=0.05)
    assert avenv.geodesic_distance(World(two_rooms(door=0.0)), (1, 2), (7, 2)) == np.inf


def test_a_view_has_the_promised_shapes():
    view = avenv.render_view(shoebox(), (1.0, 2.0, 1.5), size=(64, 48), hfov=90.0)
    assert view["rgb"].shape == (48, 64, 3)
    assert view["rgb"].dtype == np.uint8
    assert view["depth"].shape == (48, 64, 1)
    assert view["depth"][24, 32, 0] == pytest.approx(4.0, abs=1e-3), "the far wall of a 5 m room"
    assert view["semantic"].dtype == np.int32


def test_a_response_begins_with_the_direct_sound():
    world = World(shoebox())
    response = avenv.impulse_response(
        world, (1.0, 1.6, 1.2), (3.14375, 1.6, 1.2), layout="mono"
    )  # 100 samples
    assert response.shape[0] == 1
    assert response.dtype == np.float32
    peak = int(np.argmax(np.abs(response[0])))
    assert peak == 100
    assert response[0, peak] == pytest.approx(1 / 2.14375, rel=0.02)


def test_a_response_can_be_asked_for_by_length_and_seed():
    world = World(shoebox())
    ends = (1.0, 1.6, 1.2), (3.1, 1.6, 1.2)
    settings = avenv.acoustics.AcousticSettings(rays=256, max_time=0.3, seed=5)
    own, other = (
        avenv.impulse_response(world, *ends, length=3000, seed=seed, settings=settings)
        for seed in (None, 6)
    )
    assert own.shape == (2, 3000)
    assert (own != other).any()
    again = avenv.impulse_response(world, *ends, length=3000, seed=5, settings=settings)
    np.testing.assert_array_equal(own, again)


def test_a_source_on_the_left_is_louder_on_the_left():
    world = World(shoebox())
    left, right = avenv.impulse_response(world, (2.5, 3.5, 1.5), (2.5, 1.0, 1.5), heading=0.0)
    early = slice(0, round(0.012 * 16000))
    assert np.sum(left[early] ** 2) > 2 * np.sum(right[early] ** 2)
    measured = avenv.acoustics.measures(np.stack([left, right]), 16000)
    assert {"t30", "edt", "c50", "c80", "d50", "drr"} <= set(measured)


@pytest.mark.parametrize(
    "sound", ["/etc/passwd", "secret", "../secret", "/etc/passwd?", "secret?x"]
)
def test_a_scene_names_no_file_elsewhere_as_a_sound(tmp_path, monkeypatch, sound):
    (tmp_path / "work").mkdir()
    for place in (tmp_path, tmp_path / "work"):
        for name in ("secret", "secret?x"):
            (place / name).write_text("not for everyone")
    monkeypatch.chdir(tmp_path / "work")
    scene = SceneSpec.from_dict(
        {
            "name": "cell",
            "rooms": [{"name": "cell", "polygon": [[0, 0], [3, 0], [3, 3], [0, 3]]}],
            "sources": [{"position": [1, 1, 1], "sound": sound}],
        }
    )
    path = tmp_path / "cell.yaml"
    scene.save(path)
    with pytest.raises(SceneError, match=r"cell\.yaml: sources\[0\]\.sound: "):
        load_scene(path)
    trimesh.creation.box((4, 4, 3)).export(tmp_path / "room.glb")
    path.write_text(f"mesh: room.glb\nsources: [{{position: [1, 1, 0], sound: '{sound}'}}]")
    with pytest.raises(SceneError, match=r"sources\[0\]\.sound: "):
        load_scene(path)


def test_variants_of_all_worlds_together_are_bounded(monkeypatch):
    monkeypatch.setattr(world_module, "MAX_VARIANTS_OF_ALL", 3)
    worlds = [load_scene("apartment"), load_scene("apartment")]
    names = list(worlds[0].compiled.states)[:4]
    for world in worlds:
        for name in names:
            thing = next(s for s in world.compiled.switches
                         if world.compiled.objects[s.object].name == name)  # fmt: skip
            other = next(s for s in thing.states if s != world.compiled.states[name])
            variant = world.with_states({name: other})
            assert world.with_states({name: other}) is variant
    kept = [len(world._variants) for world in worlds]
    assert sum(kept) == 3
    assert kept[1] == 3  # the latest
