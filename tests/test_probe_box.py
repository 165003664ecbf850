"""Boxes that look alike: in any scene, told apart by a knock, and picked up as words ask for."""

import gymnasium as gym
import numpy as np
import pytest
from support import row_of_boxes

import avenv
from avenv.core.errors import SceneError
from avenv.scene import SceneBuilder
from avenv.scene.homes import make_home, with_boxes
from avenv.simulation.loading import load_scene
from avenv.simulation.worlds import load_worlds
from avenv.sounds import parameters, synthesise
from avenv.sounds.bodies import air, loaded
from avenv.tasks.probe_box import boxes

RATE = 16000
KINDS = [
    (stuff, f) for stuff in ("wood", "metal", "plastic", "cardboard") for f in ("hollow", "full")
]


@pytest.fixture(scope="module")
def store():
    return row_of_boxes()


@pytest.fixture(scope="module")
def env(store):
    options = {"scenes": store, "sensors": ("audio", "contact"), "propagation": {"rays": 512}}
    return gym.make("avenv/ProbeBox-v0", **options).unwrapped


# -- scenes --------------------------------------------------------------------------------------


def test_a_home_with_boxes_is_the_home_and_four_boxes_of_one_look():
    spec, home = make_home("val+boxes", 3), make_home("val", 3)
    assert spec == with_boxes(home)
    assert list(spec.objects[: len(home.objects)]) == list(home.objects)
    added = spec.objects[len(home.objects) :]
    assert len(added) == 4
    assert len({(box.kind, box.full) for box in added}) == 4
    assert len({(box.size, *box.materials.values()) for box in added}) == 1
    middles = np.array([box.position for box in added])
    gaps = np.linalg.norm(middles[:, None] - middles, axis=2)[np.triu_indices(4, 1)]
    assert gaps.min() >= 0.9 - 0.002


def test_a_reference_with_boxes_loads_what_episodes_name():
    world = load_scene("homes:val/3+boxes")
    assert world.reference == "homes:val/3+boxes"
    assert len(boxes(world)) == 4
    assert load_scene("homes:val/3+boxes") is world
    worlds = load_worlds("homes:val/2-4+boxes")
    assert worlds.reference_of(1) == "homes:val/3+boxes"
    assert worlds.find("homes:val/3+boxes", world.content_hash) is world
    assert world.content_hash != load_scene("homes:val/3").content_hash
    assert len(load_worlds("homes:test+boxes")) == 50


def test_boxes_go_into_authored_scenes_and_into_nothing_else(tmp_path):
    assert [box.removeprefix("box") for box in boxes(load_scene("apartment+boxes"))] == [
        "", "_2", "_3", "_4"
    ]  # fmt: skip
    env = gym.make("avenv/ProbeBox-v0", sensors=("pose",)).unwrapped  # where it takes place itself
    env.reset(seed=0)
    assert env.episode.scene.name == "apartment+boxes"
    b = SceneBuilder("cell")
    b.room("cell", size=(1.3, 1.3))
    b.build().save(tmp_path / "cell.yaml")
    with pytest.raises(SceneError, match=r"room for \d boxes; accepted: a scene with free walls"):
        load_scene(f"{tmp_path}/cell.yaml+boxes")
    (tmp_path / "mesh.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(SceneError, match="is a mesh; accepted with boxes: scenes that are describ"):
        load_scene(f"{tmp_path}/mesh.obj+boxes")


# -- sounds --------------------------------------------------------------------------------------


def test_a_filling_lowers_modes_as_its_mass_and_air_resounds_as_in_a_small_room():
    # Three times its own mass: half the frequency. The air: half a wave along each side.
    assert loaded([400.0, 900.0], 3.0).tolist() == [200.0, 450.0]
    assert air(0.49, 0.343, 0.2, 2).tolist() == pytest.approx([350.0, 500.0])


def features(name):
    """Return levels in sixteen bands, and how soon half and nine tenths of a sound are over."""
    signal = synthesise(name, RATE).signal[: RATE // 2].astype(float)
    power = np.abs(np.fft.rfft(signal[:4096])) ** 2
    edges = np.searchsorted(np.fft.rfftfreq(4096, 1 / RATE), np.geomspace(80, 7000, 17))
    levels = [np.log(power[a:b].sum() + 1e-6 * power.sum()) for a, b in zip(edges, edges[1:])]  # noqa: B905, RUF007
    energy = np.cumsum(signal**2) / np.sum(signal**2)
    return [*levels, *(8 * np.log(np.searchsorted(energy, share) / RATE) for share in (0.5, 0.9))]


def test_stuff_and_filling_are_told_by_a_knock_that_was_never_heard():
    heard = np.array([
        np.mean([features(f"rap_{s}/{v}?filling={f}") for v in range(8)], axis=0) for s, f in KINDS
    ])  # fmt: skip
    right = []
    for number, (stuff, filling) in enumerate(KINDS):
        for variant in range(8):
            knock = features(f"rap_{stuff}/unheard/{variant}?filling={filling}")
            right.append(np.argmin(((heard - knock) ** 2).sum(axis=1)) == number)
    assert np.mean(right) > 0.8  # by the nearest mean; chance is 1 in 8


def test_variants_that_are_kept_back_are_of_other_stuff():
    heard = {parameters(f"rap_metal/{v}")["material"] for v in range(8)}
    assert heard == {"steel", "aluminium"}
    assert parameters("rap_metal/unheard/0")["material"] == "brass"


# -- the task ------------------------------------------------------------------------------------


def test_only_boxes_that_look_alike_are_asked_for(store):
    assert boxes(store) == {
        "hollow metal": "hollow metal box", "full metal": "full metal box",
        "hollow wooden": "hollow wooden box", "full wooden": "full wooden box",
    }  # fmt: skip


def act_on(env, name, verb):
    """Let the body walk up to a box and do something; return the last step."""
    from avenv.tasks.experts import Errand

    task = env.batch.task
    for _ in range(80):
        action = task._number(0, Errand(verb, name))
        step = env.step(action)
        if task.actions.names[action] == verb:
            return step
    raise AssertionError(f"never got to {verb} {name}")


def test_a_knock_sounds_as_the_episode_says_and_a_wrong_box_ends_it(env):
    _, info = env.reset(seed=4)
    task, goal = env.batch.task, env.episode.goals[0].object
    assert info["instruction"] == f"Knock on the boxes and pick up the {goal} box."
    assert task.chance(0) == 0.25
    other = next(name for name in env.episode.knocks if name != goal)
    for name in (other, goal):
        *_, terminated, _, info = act_on(env, name, "tap")
        sound = env.episode.knocks[name]
        latest = env.batch.simulator.state.emitters(0)[-1]
        assert (latest.sound.name, latest.sound.hash) == (sound.name, sound.hash)
        assert ("full" in name) == ("filling=full" in sound.name)
        assert not terminated
    _, reward, terminated, _, info = act_on(env, other, "pick")
    assert terminated
    assert info["metrics"]["wrong_acts"] == 1
    assert reward == pytest.approx(-5.01)


def test_what_cannot_be_done_is_felt_and_flagged(env):
    env.reset(seed=1)
    setup = env.episode.to_dict() | {"start": [3.0, 2.2], "seed": 1}
    for verb, said in (("pick", "nothing to carry is in reach"), ("tap", "nothing is in reach")):
        env.reset(options={"episode": setup})
        observation, _, terminated, _, info = env.step(env.action_names.index(verb))
        assert observation["contact"][0] == 1
        assert info["truth"]["act_failed"]
        assert not terminated
        assert env.batch.task.caption(0)[1] == f"{verb}: {said}"
    env.set_states({"odd one": "held"})
    *_, info = env.step(env.action_names.index("pick"))
    assert info["metrics"]["failed_acts"] == 2
    assert env.batch.task.caption(0)[1] == "pick: the hands are full"


def test_unheard_knocks_are_those_kept_back(store):
    env = gym.make("avenv/ProbeBox-v0", scenes=store, sensors=("pose",), sounds="unheard").unwrapped
    env.reset(seed=0)
    assert all("/unheard/" in knock.name for knock in env.episode.knocks.values())


@pytest.mark.parametrize(
    ("knocks", "said"),
    [
        ({"hollow metal": {"name": "rap_metal/0", "hash": "0"}}, "has the hash .* and had 0 when"),
        ({"sofa": {"name": "rap_metal/0", "hash": "0"}}, "knocks has the thing 'sofa'"),
        (["rap"], "accepted: a mapping of things to sounds"),
    ],
)
def test_episodes_with_knocks_that_cannot_be_are_refused(env, knocks, said):
    env.reset(seed=0)
    with pytest.raises((ValueError, avenv.SoundError), match=said):
        env.reset(options={"episode": env.episode.to_dict() | {"knocks": knocks}})
