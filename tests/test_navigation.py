import threading

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from support import from_meshes, furnished, shoebox, solid, surfaces, two_rooms

from avenv.core.errors import SceneError
from avenv.navigation import (
    FieldCache,
    build_grid,
    geodesic_field,
    move,
    move_some,
    shortest_path,
)

RADIUS = 0.18
TABLE = surfaces((0.1, 0.1, 0.0))


def room(*things, size=(5.0, 4.0, 2.5)):
    """Make a shoebox with things in it."""
    shell = solid(size, np.asarray(size) / 2)
    shell.invert()
    return from_meshes([shell, *things], TABLE)


def screen(start, end, low=0.0, high=2.0):
    """Make a sheet without thickness that stands on the line from start to end."""
    mesh = solid((1, 1, 1), (0, 0, 0))
    (ax, ay), (bx, by) = start, end
    mesh.vertices = [[ax, ay, low], [bx, by, low], [bx, by, high], [ax, ay, high]]
    mesh.faces = [[0, 1, 2], [0, 2, 3]]
    return mesh


def segment_distance(points, start, end):
    start, way = np.asarray(start, float), np.subtract(end, start)
    t = np.clip((points - start) @ way / (way @ way), 0, 1)
    return np.linalg.norm(points - start - t[:, None] * way, axis=1)


def centres(grid):
    iy, ix = np.mgrid[: grid.clearance.shape[0], : grid.clearance.shape[1]]
    return grid.origin + grid.cell * (np.stack([ix, iy], axis=-1).reshape(-1, 2) + 0.5)


def length(path):
    return np.linalg.norm(np.diff(path, axis=0), axis=1).sum()


@pytest.fixture(scope="module")
def flat():
    return build_grid(furnished())


@pytest.fixture(scope="module")
def hall():
    return build_grid(shoebox((8.0, 6.0, 3.0)))


class TestGrid:
    def test_empty_room_is_walkable_up_to_a_radius_from_its_walls(self):
        grid = build_grid(shoebox((5.0, 4.0, 3.0)))
        points = np.random.default_rng(0).uniform((-1, -1), (6, 5), (5000, 2))
        margin = np.minimum(points, (5, 4) - points).min(axis=1) - RADIUS
        sure = np.abs(margin) > 1e-4
        np.testing.assert_array_equal(grid.is_walkable(points)[sure], margin[sure] > 0)

    def test_clearance_is_the_distance_to_a_slanted_wall(self):
        start, end = (1.013, 0.98), (3.71, 2.637)
        grid = build_grid(room(screen(start, end)))
        points = centres(grid)
        inside = ((points > 0) & (points < (5, 4))).all(axis=1)
        expected = np.minimum(points, (5, 4) - points).min(axis=1)
        expected = np.minimum(expected, segment_distance(points, start, end))[inside]
        np.testing.assert_allclose(grid.clearance.ravel()[inside], expected, atol=1e-5)

    @pytest.mark.parametrize(
        ("low", "high", "blocks"),
        [(0.0, 0.02, False), (0.0, 0.1, False), (0.0, 0.12, True), (0.7, 0.75, True),
         (1.45, 2.0, True), (1.6, 2.2, False)],
    )  # fmt: skip
    def test_things_between_ankle_and_head_block(self, low, high, blocks):
        grid = build_grid(room(solid((0.6, 0.6, high - low), (2.5, 2.0, (low + high) / 2))))
        assert grid.is_walkable([(2.5, 2.0), (2.1, 2.0)]).tolist() == [not blocks] * 2

    def test_inside_of_furniture_is_no_place_to_be(self):
        grid = build_grid(room(solid((1.2, 0.9, 2.0), (2.5, 2.0, 1.0))))
        assert not grid.is_walkable([(2.5, 2.0)]).any()
        assert grid.islands.max() == 1

    def test_regions_without_a_way_between_are_islands_largest_first(self):
        grid = build_grid(room(screen((2, 0), (2, 4), high=2.5)))
        points = [(1.0, 2.0), (3.5, 2.0), (2.0, 2.0)]
        assert grid.island_of(points).tolist() == [2, 1, 0]

    def test_floor_ends_where_its_triangles_end(self):
        grid = build_grid(from_meshes([solid((4, 3, 0.2), (2, 1.5, 0.9))], TABLE))
        assert grid.is_walkable([(2.0, 1.5), (0.3, 1.5)]).all()
        assert not grid.is_walkable([(-0.05, 1.5), (0.1, 1.5), (4.1, 3.2)]).any()

    def test_nearest_walkable(self):
        grid = build_grid(room(solid((0.8, 0.8, 0.7), (2.5, 2.0, 0.35))))
        points = np.array([(1.3, 1.7), (0.05, 2.0), (2.8, 2.0), (-3.0, 1.0)])
        expected = [(1.3, 1.7), (RADIUS, 2.0), (2.9 + RADIUS, 2.0), (RADIUS, 1.0)]
        nearest = grid.nearest_walkable(points)
        np.testing.assert_allclose(nearest, expected, atol=0.02)
        assert (nearest[0] == points[0]).all()
        assert grid.is_walkable(nearest).all()
        with pytest.raises(SceneError, match=r"'test'.*\(-3.00, 1.00\).*3.18 m.*at most 1.00"):
            grid.nearest_walkable(points, max_distance=1.0)

    def test_samples_are_walkable_uniform_and_seeded(self, flat):
        points = flat.sample(np.random.default_rng(3), 20_000)
        assert (flat.island_of(points) == 1).all()
        np.testing.assert_array_equal(points, flat.sample(np.random.default_rng(3), 20_000))
        cells = np.argwhere(flat.islands == 1)[:, ::-1] * flat.cell + flat.origin
        share = (cells[:, 0] < 5).mean()
        assert abs((points[:, 0] < 5).mean() - share) < 0.02

    def test_places_are_spread_over_the_largest_island(self, flat):
        places = flat.places(1.0)
        assert (flat.island_of(places) == 1).all()
        gaps = np.linalg.norm(places[:, None] - places, axis=-1) + 10 * np.eye(len(places))
        assert gaps.min() >= 0.5
        points = flat.sample(np.random.default_rng(0), 1000)
        assert np.linalg.norm(points[:, None] - places, axis=-1).min(axis=1).max() < 2.0
        np.testing.assert_array_equal(places, flat.places(1.0))

    def test_places_keep_away_from_walls(self, hall):
        assert hall.is_walkable(hall.places()).all()
        x, y = hall.places().T
        assert np.minimum.reduce([x, y, 8 - x, 6 - y]).min() >= 0.45

    def test_scenes_without_room_for_a_body_are_refused(self):
        ceiling = from_meshes([screen((0, 0), (3, 0))], TABLE)
        with pytest.raises(SceneError, match=r"'test' has no floor.*horizontal"):
            build_grid(ceiling)
        with pytest.raises(SceneError, match=r"'test' has no walkable floor.*0.18 m.*1.0 m²"):
            build_grid(shoebox((1.2, 1.2, 2.5)))
        closet = solid((1.38, 1.38, 2.5), (0.69 + 0.7, 0.69 + 0.7, 1.25))
        closet.invert()
        with pytest.raises(SceneError, match=r"'test' has only one place.*0.5 m"):
            build_grid(from_meshes([closet], TABLE))

    @pytest.mark.parametrize("sizes", [{"cell": 0.3}, {"cell": 0}, {"ankle": 2.0}])
    def test_sizes_out_of_range(self, sizes):
        with pytest.raises(ValueError, match="need 0 <"):
            build_grid(shoebox(), **sizes)

    def test_points_must_be_finite_pairs(self, hall):
        with pytest.raises(ValueError, match=r"points\[1\] is \[nan, 2.0\]"):
            hall.is_walkable([(1.0, 1.0), (np.nan, 2.0)])
        with pytest.raises(ValueError, match=r"\(N, 2\)"):
            hall.is_walkable((1.0, 1.0, 0.0))


class TestGeodesic:
    @pytest.mark.parametrize("goal", [(4.01, 3.02), (0.19, 0.19), (0.2, 3.0), (7.0, 5.5)])
    def test_open_space_is_euclidean(self, hall, goal):
        points = hall.sample(np.random.default_rng(1), 2000)
        straight = np.linalg.norm(points - goal, axis=1)
        np.testing.assert_allclose(
            geodesic_field(hall, goal).at(points), straight, rtol=0.01, atol=0.002
        )

    def test_around_a_corner_it_is_the_taut_string(self):
        grid = build_grid(room(solid((3, 3, 2.5), (1.5, 1.5, 1.25)), size=(6.0, 6.0, 2.5)))
        corner = np.array([3.0, 3.0])
        for a, b in [((0.5, 3.5), (3.5, 0.5)), ((1.0, 3.2), (3.2, 2.0)), ((2.5, 4.0), (4.0, 0.4))]:
            # Two tangents to the circle of the body's radius around the corner, and the arc.
            to_a, to_b = a - corner, b - corner
            ra, rb = np.linalg.norm(to_a), np.linalg.norm(to_b)
            arc = 2 * np.pi - np.arccos(to_a @ to_b / (ra * rb))
            arc -= np.arccos(RADIUS / ra) + np.arccos(RADIUS / rb)
            taut = np.sqrt(ra**2 - RADIUS**2) + np.sqrt(rb**2 - RADIUS**2) + RADIUS * arc
            field = geodesic_field(grid, b)
            assert field.at([a])[0] == pytest.approx(taut, rel=0.025)
            path = shortest_path(grid, field, a)
            assert length(path) == pytest.approx(taut, rel=0.02)
            np.testing.assert_array_equal(path[[0, -1]], [a, b])

    def test_through_a_doorway(self):
        # A door 0.4 m wide leaves 4 cm to the body's centre, at y = 2: two straight lines.
        grid = build_grid(two_rooms(door=0.4))
        distance = geodesic_field(grid, (6.2, 0.5)).at([(2.0, 0.5)])[0]
        assert distance == pytest.approx(2 * np.hypot(2.0, 1.5) + 0.2, rel=0.02)

    def test_paths_are_walkable_and_as_long_as_the_distance(self, flat):
        field = geodesic_field(flat, (6.0, 6.0))
        for start in flat.sample(np.random.default_rng(2), 40):
            path = shortest_path(flat, field, start)
            t = np.linspace(0, 1, 50)[:, None, None]
            between = (path[:-1] + t * (path[1:] - path[:-1])).reshape(-1, 2)
            cells = ((between - flat.origin) / flat.cell - 0.5).T[::-1]
            assert map_coordinates(flat.clearance, cells, order=1).min() >= RADIUS - 1e-3
            assert length(path) == pytest.approx(field.at([start])[0], rel=0.06, abs=0.01)

    def test_a_goal_on_furniture_is_the_floor_beside_it(self):
        grid = build_grid(room(solid((0.8, 0.8, 0.7), (2.5, 2.0, 0.35))))
        field = geodesic_field(grid, (2.8, 2.0))
        np.testing.assert_allclose(field.goals, [(2.9 + RADIUS, 2.0)], atol=1e-3)
        assert field.at(field.goals)[0] == 0

    def test_what_cannot_be_reached_is_infinitely_far(self):
        grid = build_grid(room(screen((2, 0), (2, 4), high=2.5)))
        field = geodesic_field(grid, (3.5, 2.0))
        distance = field.at([(1.0, 2.0), (2.0, 2.0), (-9.0, 2.0), (3.0, 2.0)])
        np.testing.assert_allclose(distance, [np.inf, np.inf, np.inf, 0.5], rtol=1e-6)
        with pytest.raises(ValueError, match=r"start \(1.00, 2.00\) in scene 'test'"):
            shortest_path(grid, field, (1.0, 2.0))

    def test_the_nearest_of_several_goals_counts(self, hall):
        goals = np.array([(1.0, 1.0), (7.0, 5.0)])
        points = hall.sample(np.random.default_rng(4), 500)
        nearest = np.linalg.norm(points[:, None] - goals, axis=-1).min(axis=1)
        np.testing.assert_allclose(
            geodesic_field(hall, goals).at(points), nearest, rtol=0.01, atol=0.01
        )

    def test_distance_is_continuous(self, flat):
        field = geodesic_field(flat, (6.0, 6.0))
        a = flat.sample(np.random.default_rng(5), 5000)
        b, blocked = move(flat, a, np.full_like(a, 0.01))
        change = np.abs(field.at(a) - field.at(b))[~blocked]
        assert change.max() < 0.05

    def test_cache_keeps_the_last_fields(self, hall):
        one = FieldCache().get(hall, (1.0, 1.0)).distance.nbytes  # as much as three other arrays
        cache = FieldCache(limit=2 * 4 * one)
        first = cache.get(hall, (1.0, 1.0))
        assert cache.get(hall, (1.0, 1.0)) is first
        cache.get(hall, (2.0, 1.0))
        cache.get(hall, (3.0, 1.0))
        assert len(cache) == 2
        again = cache.get(hall, (1.0, 1.0))
        assert again is not first
        tight = FieldCache(limit=1)
        assert tight.get(hall, (2.0, 1.0)) is tight.get(hall, (2.0, 1.0))
        np.testing.assert_array_equal(again.distance, first.distance)


class TestMotion:
    def test_free_motion_is_exact(self, hall):
        start, step = np.array([[3.1, 2.7], [0.3, 0.3]]), np.array([[0.7, -0.3], [0.0, 1.1]])
        end, collided = move(hall, start, step)
        np.testing.assert_array_equal(end, start + step)
        assert not collided.any()

    def test_a_wall_stops_what_goes_straight_into_it(self, hall):
        end, collided = move(hall, [(0.5, 3.0)], [(-2.0, 0.0)])
        np.testing.assert_allclose(end, [(RADIUS, 3.0)], atol=1e-4)
        assert collided.all()

    def test_sliding_keeps_the_tangential_part(self, hall):
        end, collided = move(hall, [(0.3, 3.0)], [(-0.3, 0.4)])
        np.testing.assert_allclose(end, [(RADIUS, 3.4)], atol=1e-4)
        assert collided.all()

    @pytest.mark.parametrize("angle", [45.0, 20.0, 71.3])
    def test_sliding_along_a_slanted_wall(self, angle):
        along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        normal = np.array([-along[1], along[0]])
        middle = np.array([4.0, 4.0])
        wall = screen(middle - 2 * along, middle + 2 * along)
        grid = build_grid(room(wall, size=(8.0, 8.0, 2.5)))
        start = middle - 0.5 * along + 0.3 * normal
        end, collided = move(grid, [start], [0.8 * along - 0.6 * normal])
        np.testing.assert_allclose(end[0], start + 0.8 * along - 0.12 * normal, atol=2e-3)
        assert collided.all()

    def test_a_graze_is_no_collision(self, hall):
        _, collided = move(hall, [(0.19, 3.0)], [(-0.012, 0.25)])
        assert not collided.any()

    def test_no_wall_is_too_thin_to_stop_a_long_step(self):
        grid = build_grid(room(screen((2, 0), (2, 4), high=2.5)))
        end, _ = move(grid, [(1.0, 2.0)], [(3.0, 0.3)])
        assert end[0, 0] < 2 - RADIUS + 1e-4

    def test_bodies_never_leave_walkable_space(self, flat):
        rng = np.random.default_rng(6)
        positions = flat.sample(rng, 1000)
        islands = flat.island_of(positions)
        for _ in range(100):
            positions, _ = move(flat, positions, rng.normal(0, 0.25, (1000, 2)))
            assert (flat.island_of(positions) == islands).all()

    def test_a_batch_is_its_singles_bit_for_bit_in_any_thread(self, flat):
        rng = np.random.default_rng(7)
        positions, steps = flat.sample(rng, 64), rng.normal(0, 0.25, (64, 2))
        batch, collided = move(flat, positions, steps)
        singles = [move(flat, positions[k : k + 1], steps[k : k + 1]) for k in range(64)]
        np.testing.assert_array_equal(batch, np.concatenate([s[0] for s in singles]))
        np.testing.assert_array_equal(collided, np.concatenate([s[1] for s in singles]))
        seen = []
        threads = [
            threading.Thread(target=lambda: seen.append(move(flat, positions, steps)[0]))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 4
        for other in seen:
            np.testing.assert_array_equal(other, batch)

    def test_some_bodies_move_in_place_and_the_others_stay(self, hall):
        positions = np.array([(1.0, 1.0), (2.0, 1.0), (0.19, 3.0)])
        before, steps = positions.copy(), np.array([(0.3, 0.4), (0.1, 0.0), (-0.25, 0.0)])
        moved, collided = np.zeros(3), np.zeros(3, bool)
        move_some(hall, np.array([0, 2]), positions, steps, moved, collided)
        ends, _ = move(hall, before, steps)
        np.testing.assert_array_equal(positions, [ends[0], before[1], ends[2]])
        assert moved == pytest.approx([0.5, 0, 0.01], abs=2e-3)
        assert collided.tolist() == [False, False, True]

    def test_nobody_moves_where_one_cannot(self, hall):
        positions = np.array([(1.0, 1.0), (2.0, 1.0)])
        before, moved, collided = positions.copy(), np.zeros(2), np.zeros(2, bool)
        with pytest.raises(ValueError, match=r"displacements\[1\] is \[nan, 0.0\]"):
            move_some(hall, np.arange(2), positions, np.array([(0.3, 0.4), (np.nan, 0.0)]), moved,
                      collided)  # fmt: skip
        np.testing.assert_array_equal(positions, before)
        assert not moved.any()

    def test_bad_positions_are_named(self, hall):
        with pytest.raises(ValueError, match=r"positions\[0\] is \[nan, 1.0\]"):
            move(hall, [(np.nan, 1.0)], [(0.1, 0.0)])
        with pytest.raises(ValueError, match=r"displacements\[0\] is \[inf, 0.0\]"):
            move(hall, [(1.0, 1.0)], [(np.inf, 0.0)])
        with pytest.raises(ValueError, match=r"positions\[1\] = \(0.100, 1.000\) is not walkable"):
            move(hall, [(1.0, 1.0), (0.1, 1.0)], np.zeros((2, 2)))
        with pytest.raises(ValueError, match=r"both must be \(K, 2\)"):
            move(hall, [(1.0, 1.0)], np.zeros((2, 2)))
