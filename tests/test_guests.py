"""Who walks about is seen: as a thing of the same kind is that stands there."""

import json
import pickle
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support import small_flat

from avenv import vision
from avenv.core import parallel
from avenv.core.frames import body_rotation
from avenv.envs import Env
from avenv.scene import CATEGORIES, SceneBuilder
from avenv.simulation.emitters import Emitter, Trajectory
from avenv.simulation.guests import guests_at
from avenv.simulation.loading import load_scene
from avenv.sounds import load_sounds
from avenv.tasks.episode import Episode, EpisodeSource, Reference
from avenv.vision.backends import BACKENDS
from avenv.vision.raster import with_guests

DOCS = Path(__file__).parents[1] / "docs" / "vision.md"
SIZE = (96, 72)
WALKERS = ("dog", "person")
THERE, FACING = (3.6, 2.2), 70.0
EYE, GAZE = (0.8, 2.0, 1.4), 0.05


def room(*things):
    b = SceneBuilder("room")
    b.room("room", size=(5, 4), height=2.6)
    b.place("fridge", at=(3.4, 0.6), facing=90, name="fridge")
    for kind, at, facing in things:
        b.place(kind, at=at, facing=facing, name=kind)
    return load_scene(b.build())


EMPTY = room()


def standing(scene, look, at=THERE, facing=FACING, shape=0):
    """Return that somebody stands at a place, before one camera."""
    place = np.array([[*at, 0.0]])
    return vision.Instances(
        np.array([[scene.guests.parts[look][shape]]], np.int32),
        body_rotation(np.radians([facing]))[None],
        place[None],
        scene.guests.spot_at(place)[None],
    )


def seen(scene, instances=None, optics=None, eye=EYE, gaze=GAZE, pitch=-0.1):
    renderer = vision.make_renderer(1, optics or vision.Optics(SIZE), vision.SENSORS)
    renderer.draw([scene], [0], [eye], [body_rotation(gaze, pitch)], instances)
    return {name: picture[0].copy() for name, picture in renderer.pictures.items()}


@pytest.mark.parametrize("kind", ["person", "dog"])
@pytest.mark.parametrize(
    "optics",
    [
        vision.Optics(SIZE),
        vision.Optics(SIZE, "orthographic", span=5.0),
        vision.Optics((160, 80), "equirectangular"),
    ],
    ids=lambda optics: optics.projection,
)
def test_a_guest_looks_as_a_thing_of_its_kind_that_stands_there(kind, optics):
    world = room((kind, THERE, FACING))
    number = world.compiled.row_of[kind]
    expected = seen(world.raster, optics=optics)
    scene = with_guests(EMPTY.raster, [kind])
    view = seen(scene, standing(scene, kind), optics)
    guest = len(EMPTY.compiled.objects) + 1
    mine = view["instance"][..., 0] == guest
    agree = mine == (expected["instance"][..., 0] == number + 1)
    assert mine.sum() > 10
    assert agree.mean() > 0.995, "but for its outline"
    np.testing.assert_array_equal(view["semantic"][agree], expected["semantic"][agree])
    # What is not on the inner edges of limbs is as far, and turned the same way.
    assert np.isclose(view["depth"], expected["depth"], rtol=2e-3)[agree].mean() > 0.99
    same = np.isclose(view["normal"], expected["normal"], atol=1e-3).all(axis=-1)
    assert same[agree].mean() > 0.99
    # The light is simpler than that which is baked, and about as bright.
    theirs = expected["rgb"][mine & agree].mean()
    assert 0.6 * theirs < view["rgb"][mine & agree].mean() < 1.6 * theirs


def test_where_nobody_is_nothing_changes():
    alone, joined = EMPTY.raster, with_guests(EMPTY.raster, WALKERS)
    expected = seen(alone)
    for instances in (None, standing(joined, "dog")._replace(part=np.array([[-1]], np.int32))):
        for name, picture in seen(joined, instances).items():
            np.testing.assert_array_equal(picture, expected[name], err_msg=name)
    assert (joined.standing, alone.standing) == (0, 0)
    assert with_guests(alone, ()) is alone
    for name in ("vertices", "planes", "texels", "chart", "light"):
        own = getattr(alone.arrays, name)
        np.testing.assert_array_equal(getattr(joined.arrays, name)[: len(own)], own)


def test_a_pickled_scene_has_its_guests():
    scene = with_guests(EMPTY.raster, WALKERS)
    copied, there = pickle.loads(pickle.dumps(scene)), standing(scene, "dog")
    drawn = seen(copied, there)
    for name, picture in seen(scene, there).items():
        np.testing.assert_array_equal(drawn[name], picture, err_msg=name)


def test_a_batch_may_have_rows_with_and_without_guests():
    joined = with_guests(EMPTY.raster, ["person"])
    there = standing(joined, "person")
    nowhere = there._replace(part=np.array([[-1]], np.int32), light=np.zeros((1, 1), int))
    both = vision.Instances(*(np.concatenate(pair) for pair in zip(nowhere, there, strict=True)))
    pose = [EYE] * 2, np.tile(body_rotation(GAZE, -0.1), (2, 1, 1))
    batches = []
    try:
        for threads in (1, 2):
            parallel.set_num_threads(threads)
            renderer = vision.make_renderer(2, vision.Optics(SIZE), vision.SENSORS)
            renderer.draw([EMPTY.raster, joined], [0, 1], *pose, both)
            batches.append({name: picture.copy() for name, picture in renderer.pictures.items()})
    finally:
        parallel.set_num_threads(None)
    for k, alone in enumerate((seen(EMPTY.raster), seen(joined, there))):
        for batch in batches:
            for name in vision.SENSORS:
                np.testing.assert_array_equal(batch[name][k], alone[name], err_msg=name)


def test_a_guest_hides_and_is_hidden_and_casts_no_shadow():
    scene = with_guests(EMPTY.raster, ["dog"])
    before, guest = seen(scene), len(EMPTY.compiled.objects) + 1
    view = seen(scene, standing(scene, "dog", at=(2.2, 2.1), facing=90))
    mine = view["instance"][..., 0] == guest
    assert mine.sum() > 100
    assert (view["depth"][mine] < before["depth"][mine]).all()
    for name in vision.SENSORS:
        np.testing.assert_array_equal(view[name][~mine], before[name][~mine])
    behind = seen(scene, standing(scene, "dog", at=(4.3, 0.75), facing=0), gaze=-0.36)
    shown = seen(scene, standing(scene, "dog", at=(4.3, 1.6), facing=0), gaze=-0.2)
    feet = np.nonzero(shown["instance"][..., 0] == guest)[0].max()
    assert 0 < (behind["instance"] == guest).sum() < (shown["instance"] == guest).sum()
    assert feet < SIZE[1] - 1


def test_guests_are_as_bright_as_the_floor_near_them():
    b = SceneBuilder("two rooms")
    b.room("bright", size=(4, 4))
    b.room("dark", size=(4, 4), at=(4, 0))
    b.door("bright", "dark", state="open")
    b.place("ceiling_lamp", at=(2, 2), name="one")
    b.place("ceiling_lamp", at=(6, 2), name="other")
    world = load_scene(b.build())
    scene = with_guests(world.raster, ["person"])

    def brightness(lamps, x):
        lit = vision.relight(scene, lamps, daylight=0.0)
        there = standing(lit, "person", at=(x, 2.0))
        view = seen(lit, there, eye=(x - 1.9, 2.0, 1.2), gaze=0.0)
        return view["rgb"][view["instance"][..., 0] == len(world.compiled.objects) + 1].mean()

    both = brightness({}, 6.0)
    assert brightness({"other": 0.0}, 6.0) < 0.7 * both
    assert brightness({"other": 0.0}, 2.0) > 0.9 * brightness({}, 2.0)
    assert np.shares_memory(scene.arrays.planes, vision.relight(scene).arrays.planes)


def phone(position, **options):
    return Emitter(position, load_sounds("phone", 16000)[0], **options)


def test_a_guest_goes_where_its_sound_does_and_faces_its_way():
    way = Trajectory([(1, 1, 1.5), (1, 1, 1.5), (3, 1, 1.5), (3, 3, 1.5), (3, 3, 1.5)],
                     [0.0, 1.0, 3.0, 5.0, 6.0])  # fmt: skip
    scene = with_guests(EMPTY.raster, WALKERS)
    emitters = [phone((1.0, 1.0, 1.0)), phone(way, look="person")]
    still, left, right = scene.guests.parts["person"]
    expected = {0.5: ((1, 1), 0, still), 1.0: ((1, 1), 0, left), 2.0: ((2, 1), 0, right),
                3.5: ((3, 1.5), 90, left), 5.5: ((3, 3), 90, still)}  # fmt: skip
    for time, ((x, y), degrees, part) in expected.items():
        there = guests_at(scene, emitters, time, 0.0)
        assert there.part.tolist() == [[part]], time
        np.testing.assert_allclose(there.translation[0, 0], (x, y, 0), atol=1e-9)
        turn = body_rotation(np.radians(degrees))
        np.testing.assert_allclose(there.rotation[0, 0], turn, atol=1e-9)
    fixed = guests_at(scene, [phone((2.0, 2.0, 1.0), look="dog", facing=1.0)], 7.0, 0.0)
    np.testing.assert_allclose(fixed.rotation[0, 0], body_rotation(1.0))
    assert guests_at(EMPTY.raster, emitters[:1], 0.0, 0.0).part.shape == (1, 0)


def test_strides_keep_the_feet_on_the_floor_and_differ():
    scene = with_guests(EMPTY.raster, WALKERS)
    for look in WALKERS:
        parts = scene.guests.parts[look]
        views = [seen(scene, standing(scene, look, shape=k)) for k in range(3)]
        assert len(parts) == 3
        assert all((a["depth"] != b["depth"]).any() for a, b in pairwise(views))
        for part in parts:
            boxes = scene.arrays.boxes[scene.arrays.root[1 + part]]
            bottom = (boxes[2] - boxes[5])[boxes[5] >= 0]
            assert bottom.min() == pytest.approx(0, abs=1e-6)


def test_what_looks_like_nothing_is_refused_and_what_is_unseen_is_written_as_before():
    sound = Reference("phone", "0" * 16)
    with pytest.raises(ValueError, match=r"look is 'persn', no kind of the catalogue.*'person'"):
        EpisodeSource(sound, (0.0, 0.0, 1.0), look="persn")
    with pytest.raises(ValueError, match="look is 'ghost'"):
        phone((0.0, 0.0, 1.0), look="ghost")
    setup = {"task": "MovingAudioGoal", "scene": Reference("x", "y"), "start": (0.0, 0.0)}
    unseen = Episode(**setup, heading=0.0, sources=(EpisodeSource(sound, (0.0, 0.0, 1.0)),))
    assert "look" not in json.dumps(unseen.to_dict())
    seen = replace(unseen, sources=(replace(unseen.sources[0], look="person"),))
    assert Episode.from_dict(json.loads(json.dumps(seen.to_dict()))) == seen


def test_a_backend_that_cannot_draw_guests_says_so(monkeypatch):
    class Plain:
        prepare = staticmethod(vision.prepare)

    monkeypatch.setitem(BACKENDS, "plain", Plain)
    assert EMPTY.prepared_for("plain") is EMPTY.prepared_for("plain")
    with pytest.raises(ValueError, match=r"'plain', which cannot draw who walks about \(person\)"):
        EMPTY.prepared_for("plain", looks=("person",))


@pytest.mark.parametrize("task", ["MovingAudioGoal", "FollowMe"])
def test_agents_see_whom_they_are_to_follow(task):
    who = {"who": "person"} if task == "MovingAudioGoal" else {}
    env = Env(task, scenes=small_flat(), sensors=("semantic", "instance"), light="random", **who)
    env.reset(seed=3)
    simulator, number = env.batch.simulator, CATEGORIES.index("person")
    (emitter,) = simulator.state.emitters(0)
    assert emitter.look == "person"
    things = len(simulator.state.here[0].compiled.objects)
    grid = simulator.state.here[0].walkable_for(simulator.body)
    here = np.array(emitter.at(0.0)[:2])
    angles = np.arange(0, 2 * np.pi, 0.3)
    around = here + 1.5 * np.column_stack([np.cos(angles), np.sin(angles)])
    free = np.flatnonzero(grid.is_walkable(around))[0]
    simulator.place(0, around[free], float(angles[free] + np.pi))
    view = simulator.observe()
    share = (view["semantic"][0] == number).mean()
    assert 0.05 < share < 0.6
    np.testing.assert_array_equal(view["instance"][0] == things + 1, view["semantic"][0] == number)
    simulator.place(0, around[free], float(angles[free]))
    assert (simulator.observe()["semantic"][0] != number).all(), "it stands behind"


def test_the_documentation_says_how_a_guest_is_drawn():
    [block] = re.findall(r"```python\n([^`]*with_guests[^`]*)```", DOCS.read_text())
    names = {
        "vision": vision, "np": np, "scene": EMPTY.compiled, "n": 1,
        "rotations": body_rotation(np.radians([FACING]))[None],
        "translations": np.array([[[*THERE, 0.0]]]),
    }  # fmt: skip
    exec(block, names)
    told = seen(names["home"], names["instances"])
    home = with_guests(vision.prepare(EMPTY.compiled), ("person",))
    np.testing.assert_array_equal(told["rgb"], seen(home, standing(home, "person"))["rgb"])
    assert (told["semantic"] == CATEGORIES.index("person")).any()
