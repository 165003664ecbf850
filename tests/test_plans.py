"""Plans: names that do not lie on one another, and what imported surfaces show."""

import itertools

import numpy as np
import pytest
from mesh_support import BLUE, GREEN, RED, WHITE, png, quad_gltf
from PIL import Image, ImageDraw, ImageFont

import avenv
from avenv.drawing import blueprint
from avenv.drawing.blueprint import draw_blueprint
from avenv.drawing.labels import Labels
from avenv.drawing.plan import INK, draw_plan, fit
from avenv.simulation.loading import load_scene


def overlaps(boxes):
    return [
        (a, b)
        for a, b in itertools.combinations(boxes, 2)
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


def test_many_names_in_one_place_find_room():
    image = Image.new("RGB", (900, 600), "white")
    labels = Labels(ImageDraw.Draw(image, "RGBA"), image.size, [], 2)
    font = ImageFont.load_default(14)
    assert all(labels.write(f"table lamp {k}", (450, 300), font, INK) for k in range(60))
    assert overlaps(labels.boxes) == []
    boxes = np.array(labels.boxes)
    assert (boxes >= 0).all()
    assert (boxes[:, 2:] <= image.size).all()
    first = boxes[0]
    assert (first[:2] + first[2:]) / 2 == pytest.approx((450, 300), abs=4)


def test_a_name_without_room_is_left_out():
    image = Image.new("RGB", (60, 30), "white")
    labels = Labels(ImageDraw.Draw(image, "RGBA"), image.size, [], 1)
    font = ImageFont.load_default(12)
    written = [labels.write("lamp", (30, 15), font, INK) for _ in range(4)]
    assert written[0]
    assert not all(written)
    assert overlaps(labels.boxes) == []


@pytest.mark.parametrize("width", [400, 900])
def test_no_two_names_of_the_apartment_overlap(width, monkeypatch):
    made = []

    class Spy(Labels):
        def __init__(self, paint, size, boxes, line):
            super().__init__(paint, size, boxes, line)
            self.given = len(boxes)
            made.append(self)

    monkeypatch.setattr(blueprint, "Labels", Spy)
    draw_blueprint(load_scene("apartment"), width)
    [labels] = made
    names = labels.boxes[labels.given :]
    assert len(names) > 40
    assert overlaps(names) == []
    rooms = labels.boxes[: labels.given - 2]  # the last two are the margins
    assert not any(overlaps([name, room]) for name in names for room in rooms)


def hue(pixels):
    """Return which channels are strong in the mean of pixels (h, w, 3)."""
    mean = pixels.reshape(-1, 3).mean(axis=0)
    return np.flatnonzero(mean > 0.8 * mean.max()).tolist()


@pytest.mark.parametrize("pixels", [(64, 64), (400, 400)])
def test_a_plan_shows_the_textures_of_a_mesh(tmp_path, pixels):
    png(tmp_path / "four.png", [[RED, GREEN], [BLUE, WHITE]])
    quad_gltf(tmp_path / "quad.gltf", "four.png")
    scene = avenv.import_mesh(tmp_path / "quad.gltf")
    view = fit(scene, pixels, 0.1)
    image = np.asarray(draw_plan(scene, pixels, view).image).astype(float)
    # The file's (0, 0, 0), the upper left of the picture, is (0, 0) here; (2, 2) its lower right.
    shown = {}
    for x, y in itertools.product((0.5, 1.5), repeat=2):
        column, row = view.pixels((x, y)).astype(int)
        reach = pixels[0] // 12
        shown[x, y] = hue(image[row - reach : row + reach, column - reach : column + reach])
    assert shown == {(0.5, 0.5): [0], (1.5, 0.5): [1], (1.5, 1.5): [0, 1, 2], (0.5, 1.5): [2]}


def test_small_triangles_show_their_place_in_the_texture(tmp_path):
    # A floor of 60 x 60 squares, as scans have them: half of the picture red, half blue.
    png(tmp_path / "two.png", [[RED, BLUE]])
    n = 60
    lines = ["mtllib m.mtl", "usemtl m"]
    for j, i in itertools.product(range(n + 1), repeat=2):
        lines += [f"v {i / 10} 0 {-j / 10}", f"vt {i / n} {j / n}"]
    for j, i in itertools.product(range(n), repeat=2):
        a = j * (n + 1) + i + 1
        lines.append("f " + " ".join(f"{k}/{k}" for k in (a, a + 1, a + n + 2, a + n + 1)))
    (tmp_path / "m.mtl").write_text("newmtl m\nmap_Kd two.png\n")
    (tmp_path / "a.obj").write_text("\n".join(lines))
    scene = avenv.import_mesh(tmp_path / "a.obj")
    view = fit(scene, (100, 100), 0.1)
    image = np.asarray(draw_plan(scene, (100, 100), view).image).astype(float)
    assert hue(image[20:80, 15:45]) == [0]
    assert hue(image[20:80, 55:85]) == [2]


def test_what_is_cut_out_of_a_texture_shows_what_is_below(tmp_path):
    png(tmp_path / "hole.png", [[(255, 0, 0, 255), (0, 0, 0, 0)]])
    quad_gltf(tmp_path / "quad.gltf", "hole.png", {"alphaMode": "MASK"})
    scene = avenv.import_mesh(tmp_path / "quad.gltf")
    view = fit(scene, (200, 200), 0.1)
    image = np.asarray(draw_plan(scene, (200, 200), view).image).astype(float)
    assert hue(image[60:140, 30:80]) == [0]
    assert image[60:140, 120:170].min() > 200  # paper
