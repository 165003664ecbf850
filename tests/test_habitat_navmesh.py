"""Navmeshes of habitat-sim, written here as its PathFinder and Detour lay them out."""

import struct

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose
from support import two_rooms

from avenv.cli import main
from avenv.core.errors import SceneError
from avenv.habitat import compare_navmesh, read_navmesh
from avenv.simulation.body import Body
from avenv.simulation.world import World

WALKER = (1.5, 0.2, 0.2)  # height, radius, climb


def tile(corners, polygons, walker=WALKER, kinds=None):
    """Return a tile of Detour's (DetourNavMesh.h): header, corners, polygons, and one link."""
    corners = np.asarray(corners, "<f4")
    counts = (len(polygons), len(corners), 1, 0, 0, 0, 0, 0, 0)
    header = struct.pack("<4s5i9i3f6ff", b"VAND", 7, 0, 0, 0, 0, *counts, *walker,
                         *corners.min(axis=0), *corners.max(axis=0), 1.0)  # fmt: skip
    rows = b"".join(
        struct.pack("<I6H6HHBB", 0xFFFFFFFF, *own, *[0] * (6 - len(own)), *[0] * 6, 1, len(own),
                    0 if kinds is None else kinds[k] << 6)
        for k, own in enumerate(polygons)
    )  # fmt: skip
    return header + corners.tobytes() + rows + bytes(12)


def navmesh(*tiles, version=2, magic=b"TESM"):
    """Return a file as PathFinder::saveNavMesh writes it."""
    params = struct.pack("<5f2i", 0, 0, 0, 10, 10, len(tiles), 64)
    settings = bytes(56) if version == 2 else b""
    body = b"".join(struct.pack("<Ii", k + 1, len(data)) + data for k, data in enumerate(tiles))
    return magic + struct.pack("<ii", version, len(tiles)) + params + settings + body


def written(path, data):
    path.write_bytes(data)
    return path


# A square of 2 m and a triangle beside it, at Habitat's y = 0.1.
CORNERS = [(0, 0.1, 0), (2, 0.1, 0), (2, 0.1, -2), (0, 0.1, -2), (4, 0.1, 0)]
POLYGONS = [(0, 1, 2, 3), (1, 4, 2)]


@pytest.mark.parametrize("version", [1, 2])
def test_polygons_are_in_our_axes(tmp_path, version):
    links = navmesh(tile(CORNERS, [*POLYGONS, (0, 1)], kinds=(0, 0, 1)), version=version)
    mesh = read_navmesh(written(tmp_path / "a.navmesh", links))
    assert len(mesh.polygons) == 2
    # Habitat's (x, y, z) is our (x, -z, y).
    assert_allclose(mesh.polygons[0], [(0, 0, 0.1), (2, 0, 0.1), (2, 2, 0.1), (0, 2, 0.1)],
                    atol=1e-6)  # fmt: skip
    assert_allclose((mesh.height, mesh.radius, mesh.climb), WALKER, rtol=1e-6)
    assert mesh.floor(0.0).area == pytest.approx(4 + 2, rel=1e-5)
    inside = mesh.contains([(1, 1), (2.5, 0.5), (3.9, 1.5), (-1, 0)], level=0.0)
    assert inside.tolist() == [True, True, False, False]
    assert not mesh.contains([(1, 1)], level=3.0).any()


def of_grid(world, walker=WALKER):
    """Return what Recast would make of our own floor: a square for each cell, in two tiles."""
    height, radius, climb = walker
    grid = world.walkable_for(Body(radius=radius, height=height, step=climb))
    halves = []
    for rows in np.array_split(np.argwhere(grid.islands > 0), 2):
        corners, polygons = [], []
        for iy, ix in rows.tolist():
            x, y = grid.origin + grid.cell * np.array([ix, iy])
            c, first = grid.cell, len(corners)
            corners += [(x, 0, -y), (x + c, 0, -y), (x + c, 0, -y - c), (x, 0, -y - c)]
            polygons.append(tuple(range(first, first + 4)))
        halves.append(tile(corners, polygons, walker))
    return navmesh(*halves)


def test_a_floor_is_compared_for_the_body_that_the_mesh_was_made_for(tmp_path):
    world = World(two_rooms())
    wide = read_navmesh(written(tmp_path / "wide.navmesh", of_grid(world)))
    same = compare_navmesh(world, wide)
    assert same.agreement > 0.98
    assert same.theirs == pytest.approx(wide.floor(0.0).area, rel=0.01)
    # A mesh that lacks all beyond x = 3 m has in common what it has.
    cut = [polygon for polygon in wide.polygons if polygon[:, 0].max() < 3]
    corners = np.concatenate([np.stack([p[:, 0], p[:, 2], -p[:, 1]], axis=1) for p in cut])
    rows = [tuple(range(4 * k, 4 * k + 4)) for k in range(len(cut))]
    half = read_navmesh(written(tmp_path / "half.navmesh", navmesh(tile(corners, rows))))
    found = compare_navmesh(world, half)
    assert found.both == pytest.approx(found.theirs, rel=0.02)
    assert found.agreement == pytest.approx(found.theirs / same.ours, rel=0.03)


def test_the_command_line_compares(tmp_path):
    file = written(tmp_path / "a.navmesh", navmesh(tile(CORNERS, POLYGONS, (1.5, 0.18, 0.1))))
    result = CliRunner().invoke(main, ["habitat", "compare-navmesh", "apartment", str(file)])
    assert result.exit_code == 0, result.output
    assert "for a body of 0.18 m radius and 1.5 m height" in result.output
    assert "m² in both" in result.output


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is cut off or broken"),
        (navmesh(tile(CORNERS, POLYGONS), magic=b"MSET"), "is no navmesh of habitat-sim"),
        (navmesh(tile(CORNERS, POLYGONS), version=3), "is of version 3; accepted: 1, 2"),
        (navmesh(tile(CORNERS, POLYGONS))[:-20], "is cut off in tile 0 of 1"),
        (navmesh(tile(CORNERS, POLYGONS)[:150]), "tile 0: is cut off: it has 2 polygons"),
        (navmesh(b"x" * 200), "tile 0: is no tile of Detour's version 7"),
        (navmesh(tile(CORNERS, [(0, 1, 9)])), "a polygon has corners that there are not"),
        (navmesh(tile([(0, np.nan, 0)] * 3, [(0, 1, 2)])), "no finite numbers"),
        (navmesh(), "has no polygons"),
    ],
)
def test_a_navmesh_that_is_none_is_named(tmp_path, data, words):
    path = written(tmp_path / "bad.navmesh", data)
    with pytest.raises(SceneError, match=rf"bad\.navmesh: .*{words}"):
        read_navmesh(path)


def test_a_navmesh_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SceneError, match="cannot be read"):
        read_navmesh(tmp_path / "none.navmesh")
