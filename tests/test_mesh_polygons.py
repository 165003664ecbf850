"""Polygons of any shape become the triangles that cover them, and no more."""

from pathlib import Path

import numpy as np
import pytest
from mesh_support import RED, png
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation
from shapely import Polygon

import avenv
from avenv.core.errors import SceneWarning
from avenv.scene.meshes import inspect_mesh
from avenv.scene.meshes.polygons import cut_polygons, fan_triangles, strip_triangles

CASES = Path(__file__).parent / "cases"

pytestmark = pytest.mark.filterwarnings("ignore:.*surfaces without texture or colour")


def area(triangles):
    a, b, c = (triangles[:, k] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def cut(*polygons):
    points = np.concatenate([np.asarray(p, float) for p in polygons])
    if points.shape[1] == 2:
        points = np.column_stack([points, np.zeros(len(points))])
    found = cut_polygons(points, np.array([len(p) for p in polygons]))
    return points[found.corners], found


def star(spikes, seed):
    """Return a polygon (2 * spikes, 2) whose corners lie in turn far out and near its middle."""
    rng = np.random.default_rng(seed)
    angle = np.arange(2 * spikes) * np.pi / spikes
    reach = np.where(np.arange(2 * spikes) % 2, 0.2, 1.0) * rng.uniform(0.8, 1.2, 2 * spikes)
    return np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)


@pytest.mark.parametrize("spikes", [3, 4, 7, 40])
@pytest.mark.parametrize("clockwise", [False, True])
def test_a_concave_polygon_is_covered_once(spikes, clockwise):
    flat = star(spikes, spikes)[:: -1 if clockwise else 1]
    turn = Rotation.from_rotvec([0.3, -1.1, 0.6]).as_matrix()
    triangles, found = cut(
        np.column_stack([flat, np.zeros(len(flat))]) @ turn.T + np.array([3, -2, 5])
    )
    assert len(triangles) == 2 * spikes - 2
    assert area(triangles) == pytest.approx(Polygon(flat).area, rel=1e-9)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    assert (normals @ turn[:, 2] * (-1 if clockwise else 1) > 0).all(), "its front stays in front"
    assert (found.uneven, found.crossing) == (0, 0)


def test_polygons_of_many_sizes_keep_their_order():
    sizes = [4, 3, 6, 4, 5]
    angles = [np.arange(n) * 2 * np.pi / n for n in sizes]
    shapes = [np.stack([np.cos(a) + 4 * k, np.sin(a)], axis=1) for k, a in enumerate(angles)]
    triangles, found = cut(*shapes)
    assert (np.diff(found.polygon) >= 0).all()
    for k, shape in enumerate(shapes):
        assert area(triangles[found.polygon == k]) == pytest.approx(Polygon(shape).area)


def test_a_dart_is_cut_along_its_inner_corner():
    for start in range(4):
        dart = np.roll([(0, 0), (4, 1), (0, 2), (1, 1)], -start, axis=0)
        triangles, _ = cut(dart)
        assert area(triangles) == pytest.approx(3.0)  # half of 4 x 2, less half of 1 x 2


def test_a_convex_polygon_is_a_fan():
    _, found = cut([(0, 0), (2, 0), (3, 1), (2, 2), (0, 2)])
    assert found.corners.tolist() == [[0, 1, 2], [0, 2, 3], [0, 3, 4]]


def test_corners_in_straight_sides_are_kept():
    # A neighbour may have a corner there; left out, a crack would open.
    shape = [(0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2), (0, 1)]
    triangles, found = cut(shape)
    assert area(triangles) == pytest.approx(3.0)
    assert set(found.corners.ravel()) == set(range(8))


def test_a_hole_joined_by_a_slit_stays_open():
    ring = [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0), (1, 1), (1, 3), (3, 3), (3, 1), (1, 1)]
    triangles, found = cut(ring)
    assert area(triangles) == pytest.approx(16 - 4)
    assert found.crossing == 0


@pytest.mark.parametrize(
    ("shape", "uneven", "crossing"),
    [
        ([(0, 0, 0), (1, 0, 0), (1, 1, 0.3), (0, 1, 0)], 1, 0),
        ([(0, 0, 0), (1, 0, 0), (1, 1, 1e-4), (0, 1, 0)], 0, 0),
        ([(0, 0, 0), (1, 1, 0), (1, 0, 0), (0, 1, 0)], 0, 1),
        ([(np.cos(a), np.sin(a), 0) for a in np.arange(5) * 4 * np.pi / 5], 0, 1),
        ([(0, 0, 0), (3, 0, 0), (3, 1, 0), (1, 1, 0), (1, -1, 0), (0, -1, 0)], 0, 1),
    ],
)  # fmt: skip
def test_polygons_that_have_no_right_cut_are_counted(shape, uneven, crossing):
    _, found = cut(shape)
    assert (found.uneven, found.crossing) == (uneven, crossing)


def test_strips_and_fans_face_one_way():
    zigzag = np.array([(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)], float)
    turns = [np.linalg.det(zigzag[rows][1:] - zigzag[rows][0]) for rows in strip_triangles(6)]
    assert turns == pytest.approx([-1] * 4)
    assert fan_triangles(4).tolist() == [[0, 1, 2], [0, 2, 3]]
    assert len(strip_triangles(2)) == len(fan_triangles(1)) == 0


# --- in files -------------------------------------------------------------------------------------


def test_a_wall_with_a_doorway_stays_open():
    scene, report = inspect_mesh(CASES / "ngon_wall_with_door.obj")
    assert sum(s.area for s in report.surfaces) == pytest.approx(4 * 2.6 - 1 * 2.1)
    doorway = Polygon([(1.5, 0), (2.5, 0), (2.5, 2.1), (1.5, 2.1)])
    flat = scene.triangles[:, :, [0, 2]].astype(float)
    assert sum(Polygon(t).intersection(doorway).area for t in flat) == pytest.approx(0, abs=1e-6)


WALL = [(0, 0), (1.5, 0), (1.5, 2.1), (2.5, 2.1), (2.5, 0), (4, 0), (4, 2.6), (0, 2.6)]


@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_a_ply_wall_too(tmp_path, kind):
    head = (f"ply\nformat {kind} 1.0\nelement vertex 8\nproperty float x\nproperty float y\n"
            "property float z\nelement face 2\nproperty list uchar int vertex_indices\n"
            "end_header\n")  # fmt: skip
    points = [(x, 0.0, z) for x, z in WALL]
    faces = [range(8), (0, 1, 7)]  # of two sizes
    if kind == "ascii":
        lines = [" ".join(map(str, p)) for p in points]
        lines += [" ".join(map(str, (len(f), *f))) for f in faces]
        body = ("\n".join(lines) + "\n").encode()
    else:
        order = "<" if "little" in kind else ">"
        body = np.array(points, f"{order}f4").tobytes()
        for face in faces:
            body += bytes([len(face)]) + np.array(face, f"{order}i4").tobytes()
    (tmp_path / "wall.ply").write_bytes(head.encode() + body)
    _, report = inspect_mesh(tmp_path / "wall.ply")
    assert sum(s.area for s in report.surfaces) == pytest.approx(8.3 + 1.5 * 2.6 / 2)


def test_the_report_tells_of_bent_and_crossed_faces(tmp_path):
    text = "v 0 0 0\nv 2 0 0\nv 2 0 2\nv 0 0.5 2\nf 1 2 3 4\nv 0 0 2\nf 1 3 2 5\n"
    (tmp_path / "bent.obj").write_text(text)
    with pytest.warns(SceneWarning, match=r"1 polygons? not planar.*1 polygons? crossing them"):
        _, report = inspect_mesh(tmp_path / "bent.obj")
    assert "not planar" in str(report)


def test_texture_coordinates_go_with_their_corners(tmp_path):
    (tmp_path / "m.mtl").write_text("newmtl m\nmap_Kd m.png\n")
    png(tmp_path / "m.png", [[RED]])
    lines = [f"v {x} {z} 0\nvt {x / 4} {z / 4}" for x, z in WALL]
    face = " ".join(f"{k}/{k}" for k in range(1, 9))
    (tmp_path / "a.obj").write_text("mtllib m.mtl\n" + "\n".join(lines) + f"\nusemtl m\nf {face}")
    scene = avenv.import_mesh(tmp_path / "a.obj")
    assert_allclose(scene.uv, scene.triangles[:, :, [0, 2]] / 4, atol=1e-6)
