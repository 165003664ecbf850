"""Sizes are looked at before anything is made of them, and refused with the limit's name."""

import numpy as np
import pytest
from shapely import Polygon
from support import shoebox

from avenv.benchmark import read_config
from avenv.core import plain_yaml
from avenv.core.errors import SceneError
from avenv.core.plain_yaml import parse_yaml
from avenv.scene import SceneSpec, collisions, compile_scene
from avenv.scene.placed import lay_out
from avenv.scene.plan import triangulate
from avenv.scene.problems import MOST_LINES, Problems
from avenv.simulation.loading import load_scene
from avenv.simulation.world import World


def scene(side=5.0, objects=(), **more):
    room = {"name": "r", "polygon": [[0, 0], [side, 0], [side, side], [0, side]]}
    return SceneSpec.from_dict({"name": "a", "rooms": [room], "objects": list(objects), **more})


HOSTILE = {
    "base 60": "a: " + ":".join(["59"] * 130_000),
    "base 60, tagged": "a: !!int " + ":".join(["59"] * 130_000),
    "base 60 with a point": "a: !!float " + ":".join(["59"] * 130_000) + ".5",
    "hexadecimal": "a: 0x" + 5000 * "f",
    "octal": "a: 0o" + 5000 * "7",
    "decimal": "a: " + 5000 * "9",
    "a flow of numbers": "a: [" + ",".join(500_000 * ["1"]) + "]",
    "a flow of mappings": "a: [" + ",".join(500_000 * ["{}"]) + "]",
    "a block of numbers": "a:\n" + 500_000 * "- 1\n",
    "deep": "a: " + 5000 * "[" + 5000 * "]",
    "deep mappings": "".join(f"{k * ' '}a:\n" for k in range(300)),
    "aliases": "a: &a [" + ",".join(1000 * ["1"]) + "]\nb: [" + ",".join(1000 * ["*a"]) + "]",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_yaml_is_refused_or_harmless(tmp_path, kind):
    path = tmp_path / "a.yaml"
    path.write_text(HOSTILE[kind])
    if kind == "base 60":  # a text in YAML 1.2
        assert read_config(path) == {"a": HOSTILE[kind][3:]}
        return
    for read in (load_scene, read_config):
        with pytest.raises(ValueError, match=r"a\.yaml") as caught:
            read(path)
        assert len(str(caught.value)) < 1000


def test_a_file_of_three_gigabytes_is_refused_unread(tmp_path):
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(3 * 10**9)
    for read in (load_scene, read_config):
        with pytest.raises(ValueError, match=r"a\.yaml: is larger than 16 MB"):
            read(path)


# YAML 1.2.2, chapter 10.3: examples of the core schema, and what 1.1 read otherwise.
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0o7", 7), ("0x3A", 58), ("-19", -19), ("007", 7), ("12:30", "12:30"), ("1_000", "1_000"),
        ("0.", 0.0), ("-0.0", 0.0), (".5", 0.5), ("+12e03", 12000.0), ("-2E+05", -200000.0),
        ("3e-4", 3e-4), (".inf", np.inf), ("-.Inf", -np.inf), ("true", True), ("False", False),
        ("yes", "yes"), ("on", "on"), ("null", None), ("~", None), ("", None),
        ("2020-13-45", "2020-13-45"), ("2020-01-02", "2020-01-02"),
    ],
)  # fmt: skip
def test_values_are_those_of_yaml_12(text, value):
    read = parse_yaml(f"a: {text}")["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("value", ["true", "12:30", "3e-4", "0x1F", "on", 1.5e-7, 10**15, "null"])
def test_what_is_written_is_read_again(tmp_path, value):
    text = plain_yaml.yaml.dump({"a": value}, Dumper=plain_yaml.Dumper)
    assert parse_yaml(text) == {"a": value}


def test_a_message_tells_the_first_problems_and_counts_the_others():
    problems = Problems("a.yaml")
    for k in range(5000):
        problems.add(f"objects[{k}]", "x" * 10_000)
    with pytest.raises(SceneError) as caught:
        problems.check()
    lines = str(caught.value).splitlines()
    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == "a.yaml: and 4,900 problems more"
    assert len(str(caught.value)) < 60_000


def test_things_that_all_overlap_are_refused_in_a_short_message():
    chairs = [{"kind": "chair", "position": [2.5, 2.5], "facing": k} for k in range(80)]
    with pytest.raises(SceneError) as caught:
        lay_out(scene(objects=chairs))
    assert len(str(caught.value)) < 20_000
    assert str(caught.value).count("runs into") == collisions.MOST


def test_many_things_with_many_faults_are_refused_in_a_short_message(tmp_path):
    objects = ", ".join("{kindd: chair, positon: [1, 1]}" for _ in range(900))
    (tmp_path / "a.yaml").write_text(f"name: a\nrooms: []\nobjects: [{objects}]\n")
    with pytest.raises(SceneError) as caught:
        load_scene(tmp_path / "a.yaml")
    assert "problems more" in str(caught.value)
    assert len(str(caught.value)) < 60_000


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"objects": [{"kind": "chair", "position": [1, 1]}] * 1001}, "objects: .*at most 1000"),
        ({"doors": [{"between": ["r", "s"]}] * 1001}, "doors: .*at most 1000"),
    ],
)
def test_more_things_than_a_scene_may_have_are_refused(more, words):
    with pytest.raises(SceneError, match=words):
        scene(**more)


def ring(corners):
    """Return a star with this many corners, 20 m round."""
    angle = np.arange(corners) * 2 * np.pi / corners
    radius = 20 * (1 + 0.1 * (np.arange(corners) % 2))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def test_a_room_of_many_corners_works_or_is_refused():
    def room(corners):
        return SceneSpec.from_dict(
            {"name": "a", "wall_thickness": 0.01,
             "rooms": [{"name": "r", "polygon": ring(corners).tolist()}]}
        )  # fmt: skip

    compiled = compile_scene(room(1024))
    floors = [k for k, thing in enumerate(compiled.objects) if thing.kind == "floor"]
    up = np.isin(compiled.object, floors) & (compiled.normals[:, 2] > 0.9)
    a, b, c = np.moveaxis(compiled.triangles[up].astype(np.float64), 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    assert area == pytest.approx(Polygon(ring(1024)).buffer(-0.005).area, rel=1e-3)
    for corners in (1025, 4000, 16_384):
        with pytest.raises(SceneError, match=r"rooms\[0\]\.polygon: .*at most 1024"):
            room(corners)


def test_triangles_of_a_large_polygon_cover_it():
    polygon = ring(512)
    a, b, c = np.moveaxis(polygon[triangulate(polygon)], 1, 0)
    areas = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    assert len(areas) == 510
    assert (areas > 0).all()
    assert areas.sum() == pytest.approx(Polygon(polygon).area)


def test_a_room_in_millimetres_is_refused_before_it_takes_all_memory():
    world = World(shoebox((2000, 2000, 3)))
    with pytest.raises(SceneError, match=r"782,\d+,\d+ samples.*MAX_SAMPLES.*centimetres"):
        world.prepared_for("raster")
    with pytest.raises(SceneError, match=r"2000 x 2000 m.*MAX_CELLS.*centimetres"):
        _ = world.walkable


def test_places_of_a_large_hall_are_found_in_time():
    places = World(shoebox((30, 30, 3))).walkable.places()
    assert len(places) == pytest.approx(30 * 30, rel=0.1)
