"""Lights of Habitat's datasets: lamps where they shine, as bright as they are to each other."""

import numpy as np
import pytest
from habitat_home import ROOM, box, category, materials, save, write
from mesh_support import bounds
from numpy.testing import assert_allclose

from avenv.core.errors import SceneError, SceneWarning
from avenv.simulation.loading import load_scene
from avenv.vision import render_view

pytestmark = pytest.mark.filterwarnings("ignore:.*surfaces without texture or colour")

LIGHTS = {
    "hall": {"position": [-2, 2.5, -1], "intensity": 3.0, "color": [1, 1, 1], "type": "point"},
    "desk": {"position": [2, 1.5, 1], "intensity": 1.5, "color": [1, 0.5, 0.25]},
}


def lit(tmp_path, lights, stage=None, own=None, change=None):
    """Return the reference of a scene with these lights, added to by a change of the dataset's."""
    save(tmp_path / "stages/room.glb", box(*ROOM, True), color=[128, 128, 128, 255])
    write(tmp_path / "stages/room.stage_config.json", {"render_asset": "room.glb", **(stage or {})})
    write(tmp_path / "lighting/evening.lighting_config.json", lights)
    instance = {"stage_instance": {"template_name": "room"}, "default_lighting": "evening"}
    write(tmp_path / "one.scene_instance.json", {**instance, **(own or {})})
    changes = [] if change is None else [
        {"original_file": "lighting/evening.lighting_config.json", "template_handle": "late",
         "attributes": change}]  # fmt: skip
    write(tmp_path / "x.scene_dataset_config.json", {
        "stages": {"paths": {".json": ["stages"]}},
        "light_setups": {"paths": {".json": ["lighting"]}, "configs": changes},
        "scene_instances": {"paths": {".json": ["."]}}})  # fmt: skip
    return f"habitat:{tmp_path / 'one.scene_instance.json'}"


def test_lights_are_lamps_at_their_places(tmp_path):
    world = load_scene(lit(tmp_path, {"lights": LIGHTS}))
    # Habitat's (x, y, z) is our (x, -z, y).
    for name, place in (("light_0", (-2, 1, 2.5)), ("light_1", (2, -1, 1.5))):
        assert_allclose(bounds(world.compiled, name).mean(axis=0), place, atol=1e-3)
        assert category(world.compiled, name) == "lamp"
        assert materials(world.compiled, name) == {"lamp_glass"}
    emission = np.array(world.compiled.surfaces.emission)
    rows = [world.compiled.surface[world.compiled.object == k][0] for k in (1, 2)]
    assert emission[rows[1]] / emission[rows[0]] == pytest.approx(0.5)
    color = world.compiled.surfaces.color[rows[1]]
    assert_allclose(color / color.max(), [1, 0.5, 0.25], atol=1e-3)


def test_the_wall_beside_a_lamp_is_the_brightest(tmp_path):
    world = load_scene(lit(tmp_path, {"lights": {"hall": LIGHTS["hall"]}}))
    look = {"position": [(0, 0, 1.5)] * 2, "heading": [np.pi, 0.0], "size": (16, 16)}
    near, far = render_view(world.compiled, **look, sensors=("rgb",))["rgb"].mean(axis=(1, 2, 3))
    assert near > 1.2 * far


def test_a_change_of_the_dataset_adds_to_a_layout(tmp_path):
    more = {"lights": {"lamp": {"position": [0, 2, 0], "intensity": 1.0}}}
    reference = lit(tmp_path, {"lights": LIGHTS}, own={"default_lighting": "late"}, change=more)
    names = [thing.name for thing in load_scene(reference).compiled.objects]
    assert [name for name in names if "light" in name] == ["light_0", "light_1", "light_2"]


@pytest.mark.parametrize(
    ("light", "words"),
    [
        ({"direction": [0, -1, 0], "type": "directional"}, "come from far away"),
        ({"direction": [0, -1, 0]}, "come from far away"),
        ({"position": [0, 1, 0], "intensity": -2}, "do not shine, or darken"),
        ({"position": [0, 1, 0], "position_model": "camera"}, "go with the camera or a thing"),
    ],
)
def test_what_is_no_lamp_is_left_out_and_said(tmp_path, light, words):
    reference = lit(tmp_path, {"lights": {**LIGHTS, "odd": light}})
    with pytest.warns(SceneWarning, match=f"1 of 3 lights {words}, and are left out"):
        world = load_scene(reference)
    assert sum("light" in thing.name for thing in world.compiled.objects) == 2


@pytest.mark.parametrize("stage", [{"shader_type": "flat"}, {"force_flat_shading": True}])
def test_a_stage_with_its_light_in_its_textures_gets_no_other(tmp_path, stage):
    with pytest.warns(SceneWarning, match="the stage is shaded flat"):
        world = load_scene(lit(tmp_path, {"lights": LIGHTS}, stage))
    assert not any("light" in thing.name for thing in world.compiled.objects)


def test_a_scene_without_lights_has_none(tmp_path):
    world = load_scene(lit(tmp_path, {"lights": LIGHTS}, own={"default_lighting": "no_lights"}))
    assert not any("light" in thing.name for thing in world.compiled.objects)


@pytest.mark.parametrize(
    ("lights", "words"),
    [
        ({"lights": {"a": {"position": [0, 1]}}}, "lights.a.position"),
        ({"lights": {"a": {"position": [0, 1, 0], "color": [2, 0, 0]}}}, "lights.a.color"),
        ({"lights": [1]}, "lights: .* valid mapping"),
    ],
)
def test_a_layout_that_is_none_is_named(tmp_path, lights, words):
    with pytest.raises(SceneError, match=rf"(?s)evening\.lighting_config\.json.*{words}"):
        load_scene(lit(tmp_path, lights))


def test_a_layout_that_is_not_there_is_said(tmp_path):
    reference = lit(tmp_path, {"lights": LIGHTS}, own={"default_lighting": "morning"})
    with pytest.warns(SceneWarning, match="default_lighting: there is no 'morning'"):
        load_scene(reference)
