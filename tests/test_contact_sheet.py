"""Good viewpoints, the contact sheet, `avenv view`, and the light by name."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from shapely import Point, Polygon
from support import furnished

import avenv
from avenv.cli import main
from avenv.drawing.viewpoints import find_viewpoints
from avenv.scene import SceneBuilder, compile_scene
from avenv.simulation.world import World
from avenv.vision import LIGHTS, lit, prepare


@pytest.fixture(scope="module")
def flat():
    """Two furnished rooms with lamps and a window."""
    builder = SceneBuilder("flat")
    parlour = builder.room("parlour", size=(4, 3))
    study = builder.room("study", size=(3, 3), at=(4, 0))
    builder.passage(parlour, study)
    builder.window(parlour, at=(2, 0))
    builder.place("sofa", at=(0.6, 1.5), room=parlour)
    builder.place("floor_lamp", at=(3.5, 2.6), room=parlour)
    builder.place("ceiling_lamp", at=(5.5, 1.5), room=study)
    builder.place("desk", at=(6.4, 1.5), room=study, facing=180)
    return World(compile_scene(builder.build()))


def test_every_room_is_seen_from_within_where_one_can_stand(flat):
    views = find_viewpoints(flat)
    assert [view.title for view in views] == ["parlour", "study"]
    for view, room in zip(views, flat.compiled.rooms, strict=True):
        assert Polygon(room.polygon).contains(Point(view.position[:2]))
        assert flat.walkable.is_walkable(view.position[None, :2])[0]
        seen = avenv.render_view(
            flat, view.position, view.heading, sensors=("instance",), hfov=85.0
        )
        of_room = [k + 1 for k, thing in enumerate(flat.compiled.objects)
                   if thing.room == flat.compiled.rooms.index(room)]  # fmt: skip
        assert np.isin(seen["instance"], of_room).mean() > 0.5


def test_a_scene_without_rooms_is_seen_from_places_far_apart():
    world = World(without_rooms(furnished(things=9)))
    views = find_viewpoints(world, 4)
    assert [view.title for view in views] == ["view 1", "view 2", "view 3", "view 4"]
    places = np.array([view.position[:2] for view in views])
    gaps = np.linalg.norm(places[:, None] - places, axis=2)[np.triu_indices(4, 1)]
    assert gaps.min() > 2.5


def without_rooms(compiled):

    objects = tuple(replace(thing, room=-1) for thing in compiled.objects)
    return replace(compiled, rooms=(), objects=objects)


def test_view_writes_a_picture_of_any_scene(tmp_path, flat):
    flat_file, out = tmp_path / "flat.yaml", tmp_path / "sheet.png"
    builder = SceneBuilder("closet")
    builder.room("closet", size=(3, 3))
    builder.build().save(flat_file)
    result = CliRunner().invoke(main, ["view", str(flat_file), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert min(Image.open(out).size) > 300
    for options, word in ((["--out", "a.txt"], r"\.txt"), (["--light", "noon"], "noon")):
        result = CliRunner().invoke(main, ["view", str(flat_file), *options])
        assert result.exit_code == 1
        assert word.strip("\\") in result.output


def test_light_has_names(flat):
    pose = {"position": (2.0, 1.5, 1.2), "heading": -1.0, "size": (48, 48)}
    pictures = {name: avenv.render_view(flat, light=name, **pose)["rgb"] for name in LIGHTS}
    assert len({picture.tobytes() for picture in pictures.values()}) == len(LIGHTS)
    np.testing.assert_array_equal(avenv.render_view(flat, **pose)["rgb"], pictures["full"])
    for name in ("noon", "random"):
        with pytest.raises(ValueError, match=rf"light is '{name}'.*evening"):
            avenv.render_view(flat, light=name, **pose)


def test_random_light_is_drawn_from_the_generator_and_spares_what_sounds():
    builder = SceneBuilder("den")
    room = builder.room("den", size=(4, 4))
    fire = builder.place("fireplace", at=(0.6, 2.0), room=room)
    builder.place("ceiling_lamp", at=(2.0, 2.0), room=room)
    builder.place("floor_lamp", at=(3.0, 3.0), room=room)
    builder.source(on=fire)
    scene = prepare(compile_scene(builder.build()))
    lights = [lit(scene, "random", np.random.default_rng(seed)) for seed in range(12)]
    again = lit(scene, "random", np.random.default_rng(0))
    np.testing.assert_array_equal(lights[0].arrays.light, again.arrays.light)
    assert len({one.arrays.light.tobytes() for one in lights}) > 2
    assert all(one.arrays.light.any() for one in lights), "the fire burns in all of them"


def test_environments_see_their_light(flat):
    options = {"scenes": flat, "sensors": ("rgb",), "image_size": (32, 32), "min_distance": 1.0}

    def first(light, seed=3, **more):
        env = gym.make("avenv/AudioGoal-v0", light=light, **options, **more)
        try:
            return env.reset(seed=seed)[0]["rgb"]
        finally:
            env.close()

    assert first("night").mean() != first("day").mean()
    np.testing.assert_array_equal(first("random"), first("random"))
    envs = gym.make_vec("avenv/AudioGoal-v0", num_envs=3, light="random", **options)
    together = envs.reset(seed=3)[0]["rgb"]
    envs.close()
    for row in range(3):
        np.testing.assert_array_equal(together[row], first("random", seed=3 + row))
    with pytest.raises(ValueError, match="light is 'dawn'"):
        first("dawn")
