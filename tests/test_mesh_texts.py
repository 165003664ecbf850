"""OBJ, MTL, PLY and STL files as people have them."""

from pathlib import Path

import numpy as np
import pytest
from mesh_support import BLUE, RED, box, png
from numpy.testing import assert_allclose

import avenv
from avenv.core.errors import SceneError, SceneWarning
from avenv.scene.meshes import inspect_mesh

CASES = Path(__file__).parent / "cases"

pytestmark = pytest.mark.filterwarnings("ignore:.*surfaces without texture or colour")

QUAD = "v 0 0 0\nv 3 0 0\nv 3 2 0\nv 0 2 0\n"


def areas(path):
    _, report = inspect_mesh(path)
    return report.triangles, sum(s.area for s in report.surfaces)


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


# --- OBJ ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        QUAD + "f\t1\t2\t3\t4\n",
        QUAD + "f 1 2 3 4 # floor",
        QUAD.replace("v ", "v\t") + "f 1 2 3 4",
        QUAD.replace("v ", "   v  ") + "  \t f   1  2 3\t4  ",
        QUAD + "f -4 -3 -2 -1\n",
        QUAD + "vt 0 0\nvt 1 0\nvt 1 1\nf -4/-3 -3/-2 -2/-1 -1/-3\nv 9 9 9\n",
        QUAD + "vt 0.5\nf 1/1 2/1 3/1 4/1",
        QUAD + "vn 0 0 1\nf 1//1 2//1 3//1 4//1",
        QUAD + "vn 0 0 1\nf 1/ 2// 3//1 4",
        QUAD + "f 1 2 \\\n 3 4",
        "# from C:\\models\\\n" + QUAD + "f 1 2 3 4",
        QUAD.replace("\n", "\r\n") + "f 1 2 3 4\r\n",
        QUAD.replace("\n", "\r") + "f 1 2 3 4\r",
        QUAD.replace("v 3 0 0", "v 3 0 0 1 0 0") + "f 1 2 3 4",
        QUAD.replace("v 3 0 0", "v 3.0e+0 -0.0E-5 +0 1.0 # right") + "f 1 2 3 4",
        "# made by hand\n\n" + QUAD + "s off\ng\nusemtl\nf 1 2 3 4",
        "\ufeff" + QUAD + "f 1 2 3 4",
    ],
)  # fmt: skip
def test_a_quad_however_it_is_written(tmp_path, text):
    assert areas(write(tmp_path / "a.obj", text)) == (2, pytest.approx(6.0))


@pytest.mark.parametrize("name", ["tab_face.obj", "trailing_comment.obj"])
def test_the_small_cases(name):
    assert areas(CASES / name) == (2, pytest.approx(6.0))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("ending", ["obj", "ply", "stl", "gltf"])
def test_utf_16_is_refused_by_its_name(tmp_path, encoding, ending):
    path = write(tmp_path / f"a.{ending}", QUAD + "f 1 2 3 4\n" * 10, encoding)
    with pytest.raises(SceneError, match=rf"a\.{ending}: is UTF-16 .*; save it as UTF-8"):
        inspect_mesh(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (QUAD + "f 1 2 9", "f: names corner 9, but there are 4"),
        (QUAD + "f 0 1 2", "f: names corner 0"),
        (QUAD + "f -9 -2 -1", "f: names corner -4"),
        (QUAD + "f 1/3 2/3 3/3", "f: names vt 3, but there are 0"),
        (QUAD + "f 1 2 x", "f: 'x' is no number"),
        (QUAD + "f 1 2 0x3", "f: '0x3' is no number"),
        (QUAD + "f 1 2 -" + "9" * 5000, "f: names corner [0-9]{19}, but there are 4"),
        (QUAD + "f 1 2 -²", "f: '-²' is no number"),
        (QUAD + "f 1 2 3\xa04", r"f: '3\\xa04' is no number"),
        ("v 1 2\n" + QUAD + "f 1 2 3", "v: '1 2' has fewer than 3"),
        ("v 1 2 three\n" + QUAD + "f 1 2 3", "v: 'three' is no number"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_named(tmp_path, text, message):
    with pytest.raises(SceneError, match=rf"a\.obj: {message}"):
        inspect_mesh(write(tmp_path / "a.obj", text))


def test_lines_and_free_forms_are_said_to_be_left_out(tmp_path):
    path = write(tmp_path / "a.obj", QUAD + "f 1 2 3 4\nl 1 2\nl 2 3\nsurf 0 1 0 1 1 2 3 4\n")
    with pytest.warns(SceneWarning, match="2 lines are left out; 1 free-form surfaces are left"):
        inspect_mesh(path)


# --- MTL ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (("a.mtl", "b.mtl"), "mtllib a.mtl b.mtl"),
        (("a.mtl", "b.mtl"), "mtllib a.mtl\nmtllib\tb.mtl # two"),
        (("my walls.mtl", "b.mtl"), "mtllib my walls.mtl b.mtl"),
        (("a b.mtl", "a b.mtl"), "  mtllib a b.mtl"),
    ],
)  # fmt: skip
def test_several_libraries(tmp_path, names, line):
    for name, material in zip(names, ("newmtl one\nKd 1 0 0\n", "newmtl two\nKd 0 0 1\n"),
                              strict=True):  # fmt: skip
        with (tmp_path / name).open("a") as file:
            file.write(material)
    text = f"{line}\n{QUAD}usemtl one\nf 1 2 3\nusemtl two # the second\nf 1 3 4\n"
    table = avenv.import_mesh(write(tmp_path / "a.obj", text)).surfaces
    assert_allclose(table.color, [[1, 0, 0], [0, 0, 1]])


def test_a_library_with_tabs_comments_and_another_encoding(tmp_path):
    png(tmp_path / "Tür.png", [[BLUE]])
    library = "\tnewmtl\tKüche #25\n\tKd\t1 0 0 # red\nnewmtl Tür\nmap_Kd\t Tür.png # leaf\n"
    write(tmp_path / "a.mtl", library, "latin-1")
    text = f"mtllib a.mtl\n{QUAD}vt 0 0\nusemtl Küche #25\nf 1 2 3\nusemtl Tür\nf 1/1 3/1 4/1\n"
    scene = avenv.import_mesh(write(tmp_path / "a.obj", text, "latin-1"))
    assert_allclose(scene.surfaces.color, [[1, 0, 0], [0, 0, 1]])
    assert scene.surfaces.texture == ("plain", "image:0")


@pytest.mark.parametrize(
    ("fields", "color", "told"),
    [
        ("Kd 1.2 0 0", (1, 0, 0), "Kd is '1.2 0 0', brought into 0..1"),
        ("Kd 255 0 0", (1, 0, 0), "brought into 0..1"),
        ("Kd 1 0 0\nKe 0 0 9", (1, 0, 0), "Ke is '0 0 9', brought into 0..1"),
        ("Kd 1 0 0\nmap_Kd C:\\Users\\me\\wood.png", (1, 0, 0), "missing or unreadable.*C:"),
        ("Kd 1 0 0\nmap_Kd /home/me/wood.png", (1, 0, 0), "missing or unreadable.*/home"),
        ("Kd 1 0 0\nmap_Kd broken.png", (1, 0, 0), "missing or unreadable.*broken.png.*decoded"),
        ("Kd 1 0 0\nmap_Kd gone.png", (1, 0, 0), "missing or unreadable.*gone.png"),
        ("Kd spectral a.rfl\nKd", None, "'spectral a.rfl', not three numbers"),
    ],
)  # fmt: skip
def test_looks_that_cannot_be_had_leave_the_surface_plain(tmp_path, fields, color, told):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    write(tmp_path / "a.mtl", f"newmtl m\n{fields}\n")
    path = write(tmp_path / "a.obj", f"mtllib a.mtl\n{QUAD}usemtl m\nf 1 2 3 4\n")
    with pytest.warns(SceneWarning, match=told):
        scene, report = inspect_mesh(path)
    assert report.triangles == 2
    if color:
        assert_allclose(scene.surfaces.color, [color])


def test_a_library_in_utf_16_is_told_and_the_mesh_is_there(tmp_path):
    write(tmp_path / "a.mtl", "newmtl m\nKd 1 0 0\n", "utf-16")
    path = write(tmp_path / "a.obj", f"mtllib a.mtl\n{QUAD}usemtl m\nf 1 2 3 4\n")
    with pytest.warns(SceneWarning, match=r"missing or unreadable.*a\.mtl.*UTF-16"):
        assert areas(path) == (2, pytest.approx(6.0))


# --- PLY ------------------------------------------------------------------------------------------

HEAD = (
    "ply\n{comment}format ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
    "property float z\nelement face {faces}\nproperty list uchar int {list}\nend_header\n"
)
CORNERS = "0 0 0\n3 0 0\n3 2 0\n0 2 0\n"


@pytest.mark.parametrize("name", ["vertex_indices", "vertex_index"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_ply_with_comments_in_latin_1(tmp_path, name, newline):
    text = HEAD.format(comment="comment Küche, gemessen\n", faces=1, list=name)
    text = (text + CORNERS + "4 0 1 2 3\n").replace("\n", newline)
    assert areas(write(tmp_path / "a.ply", text, "latin-1")) == (2, pytest.approx(6.0))


def test_a_ply_that_ends_too_soon_is_refused(tmp_path):
    with pytest.raises(SceneError, match=r"cut_off\.ply: is cut off.*'face' has 1 of 5 rows"):
        inspect_mesh(CASES / "cut_off.ply")
    whole = box((1, 1, 1)).export(file_type="ply")
    for end in range(len(whole) - 1, whole.find(b"end_header") + 11, -7):
        (tmp_path / "cut.ply").write_bytes(whole[:end])
        with pytest.raises(SceneError, match=r"cut\.ply: is cut off"):
            inspect_mesh(tmp_path / "cut.ply")
    text = HEAD.format(comment="", faces=1, list="vertex_index") + CORNERS + "4 0 1 2"
    with pytest.raises(SceneError, match=r"b\.ply: is cut off.*0 of 1 rows"):
        inspect_mesh(write(tmp_path / "b.ply", text))


def test_triangle_strips_of_a_ply(tmp_path):
    head = HEAD.format(comment="", faces=0, list="vertex_index").replace(
        "end_header", "element tristrips 1\nproperty list int int vertex_indices\nend_header"
    )
    path = write(tmp_path / "a.ply", head + CORNERS + "8 0 1 3 2 -1 0 1 2\n")
    assert areas(path) == (3, pytest.approx(6 + 3))


def test_colours_of_a_ply_face(tmp_path):
    head = HEAD.format(comment="", faces=2, list="vertex_index").replace(
        "end_header", "property uchar red\nproperty uchar green\nproperty uchar blue\nend_header"
    )
    path = write(tmp_path / "a.ply", head + CORNERS + "3 0 1 2 255 0 0\n3 0 2 3 0 0 255\n")
    scene = avenv.import_mesh(path)
    assert_allclose(scene.surfaces.color[scene.surface], [[1, 0, 0], [0, 0, 1]])


def test_a_texture_on_a_ply(tmp_path):
    png(tmp_path / "m.png", [[RED]])
    head = HEAD.format(comment="comment TextureFile m.png\n", faces=1, list="vertex_indices")
    head = head.replace("end_header", "property list uchar float texcoord\nend_header")
    path = write(tmp_path / "a.ply", head + CORNERS + "4 0 1 2 3 8 0 0 1 0 1 1 0 1\n")
    scene = avenv.import_mesh(path)
    assert_allclose(scene.uv[0], [[0, 0], [1, 0], [1, 1]])
    assert len(scene.images) == 1


# --- STL ------------------------------------------------------------------------------------------


def stl(triangles, name="part"):
    lines = [f"solid {name}"]
    for triangle in triangles:
        lines += ["facet normal 0 0 0", "outer loop"]
        lines += ["vertex {:.6e} {:.6e} {:.6e}".format(*corner) for corner in triangle]
        lines += ["endloop", "endfacet"]
    return "\n".join([*lines, f"endsolid {name}"]) + "\n"


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title, lambda t: "\n  " + t,
                                    lambda t: t.replace("\n", "\r\n\t"),
                                    lambda t: t.replace("\n", "\r")])  # fmt: skip
def test_an_stl_in_any_case(tmp_path, change):
    path = write(tmp_path / "a.stl", change(stl(box((2, 2, 2)).triangles)))
    assert areas(path) == (12, pytest.approx(24.0))


def test_solids_of_an_stl_are_objects_and_a_cut_one_is_refused(tmp_path):
    text = stl(box((2, 2, 2)).triangles, "sofa") + stl(box((1, 1, 1)).triangles + 3, "lamp")
    scene = avenv.import_mesh(write(tmp_path / "a.stl", text))
    assert [o.name for o in scene.objects] == ["sofa", "lamp"]
    for end in (len(text) // 3, len(text) - 30, len(text) - 9):
        with pytest.raises(SceneError, match=r"b\.stl: is cut off"):
            inspect_mesh(write(tmp_path / "b.stl", text[:end]))


def test_a_text_without_a_solid_is_no_stl(tmp_path):
    text = stl(box((2, 2, 2)).triangles).replace("solid", "solid9")
    path = write(tmp_path / "a.stl", text)
    with pytest.raises(SceneError, match=r"a\.stl: is no STL file"):
        inspect_mesh(path)


def test_a_binary_stl_whose_header_says_solid(tmp_path):
    raw = bytearray(box((2, 2, 2)).export(file_type="stl"))
    raw[:6] = b"solid "
    (tmp_path / "a.stl").write_bytes(bytes(raw))
    assert areas(tmp_path / "a.stl") == (12, pytest.approx(24.0))
    assert np.isfinite(avenv.import_mesh(tmp_path / "a.stl").triangles).all()
