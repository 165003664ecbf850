"""The plan of a scene: what a draughtsman sees who takes the ceilings off."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from shapely import MultiPoint, Polygon, contains_xy, union_all

from avenv.drawing.textures import TexturePainter
from avenv.scene import CompiledScene, Room

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, pixels."""

PAPER = (247, 246, 242)
INK = (52, 56, 66)
_GLASS = (168, 206, 230)

_CUT = 1.9  # m above the floor: doors are open there, windows and pictures mostly below
_TALL = 2.3  # m: what reaches higher is building, shown as a section, not furniture
_WALL = 0.12  # m drawn of walls outside the rooms
_LINE = 0.04  # m, width of a section
_OVERSAMPLING = 2
_LIGHT = np.array([-0.35, 0.35, 0.87])  # from the upper left, as maps are lit


class Projection(NamedTuple):
    """The world in a picture: ``scale`` pixels a metre, its origin at (``left``, ``top``)."""

    scale: float
    left: float
    top: float

    def pixels(self, xy: ArrayLike) -> NDArray[np.float64]:
        """Return pixel coordinates (..., 2), x to the right and y down, of world points."""
        xy = np.asarray(xy, np.float64)
        return xy * (self.scale, -self.scale) + (self.left, self.top)

    def enlarged(self, factor: int) -> "Projection":
        """Return the same view in a picture ``factor`` times as large."""
        return Projection(*(factor * value for value in self))


def fit(compiled: CompiledScene, size: tuple[int, int], margin: float) -> Projection:
    """Return the projection that shows the whole scene and ``margin`` metres round it."""
    if compiled.rooms:
        corners = np.concatenate([room.polygon for room in compiled.rooms])
        low, high = corners.min(axis=0) - _WALL, corners.max(axis=0) + _WALL
    else:
        low, high = compiled.bounds[:, :2]
    scale = float(np.min(np.asarray(size) / (high - low + 2 * margin)))
    middle = (low + high) / 2
    return Projection(scale, size[0] / 2 - scale * middle[0], size[1] / 2 + scale * middle[1])


class Plan(NamedTuple):
    """A plan without names: what to show, and in each of its pixels the height (m) shown there."""

    image: Image.Image
    heights: NDArray[np.float32]


def draw_plan(compiled: CompiledScene, size: tuple[int, int], projection: Projection) -> Plan:
    """Draw rooms, walls, doors, windows and furniture.

    Everything that faces up is painted from the lowest to the highest; a picture of the heights,
    painted along with it, then gives shadows and outlines.
    """
    big = (_OVERSAMPLING * size[0], _OVERSAMPLING * size[1])
    view = projection.enlarged(_OVERSAMPLING)
    colour, height = Image.new("RGB", big, PAPER), Image.new("F", big, 0.0)
    paint, level = ImageDraw.Draw(colour), ImageDraw.Draw(height)
    floor = min((room.floor for room in compiled.rooms), default=float(compiled.bounds[0, 2]))

    for polygon in _outline(compiled, view):
        paint.polygon(polygon, INK)
        level.polygon(polygon, _TALL)
    _paint_surfaces(compiled, floor, view, colour, level)
    width = max(1, round(_LINE * view.scale))
    for line in _sections(compiled, floor, view):
        paint.line(line, INK, width)
        level.line(line, _TALL, width)
    for window in _windows(compiled, view):
        paint.polygon(window, _GLASS)
    heights = np.asarray(height)[::_OVERSAMPLING, ::_OVERSAMPLING]
    return Plan(_shade(colour.reduce(_OVERSAMPLING), heights, projection.scale), heights)


def _outline(compiled: CompiledScene, view: Projection) -> list[list[tuple[float, float]]]:
    """Return the polygons in pixels of the rooms together with the walls round them."""
    rooms = union_all([Polygon(room.polygon).buffer(_WALL, join_style="mitre")
                       for room in compiled.rooms])  # fmt: skip
    parts = [part for part in getattr(rooms, "geoms", [rooms]) if not part.is_empty]
    return [_points(view.pixels(np.array(part.exterior.coords))) for part in parts]


def _windows(compiled: CompiledScene, view: Projection) -> list[list[tuple[float, float]]]:
    """Return the footprints in pixels of the windows."""
    footprints = []
    for k, thing in enumerate(compiled.objects):
        if thing.kind == "window":
            corners = compiled.triangles[compiled.object == k, :, :2].reshape(-1, 2)
            box = MultiPoint(corners).minimum_rotated_rectangle.buffer(_WALL / 3)
            footprints.append(_points(view.pixels(np.array(box.exterior.coords))))
    return footprints


def _paint_surfaces(
    compiled: CompiledScene,
    floor: float,
    view: Projection,
    colour: Image.Image,
    level: ImageDraw.ImageDraw,
) -> None:
    """Paint what faces up and is not above the cut: textures of meshes, colours of materials."""
    paint, textures = ImageDraw.Draw(colour), TexturePainter(compiled)
    z = compiled.triangles[:, :, 2].astype(np.float64) - floor
    up = np.where(compiled.double_sided, np.abs(compiled.normals[:, 2]), compiled.normals[:, 2])
    reach = np.where(_tall(compiled, floor), _CUT, _TALL)
    shown = np.flatnonzero((up > 0.05) & (z.min(axis=1) < reach))
    shown = shown[np.argsort(z[shown].max(axis=1), kind="stable")]
    kinds = np.array([thing.kind for thing in compiled.objects])[compiled.object]
    textured, rgb = textures.image[compiled.surface] >= 0, textures.colors()
    rgb = np.where(np.isnan(rgb), _ink_of_surfaces(compiled), rgb)
    lit = 0.45 + 0.55 * np.clip(compiled.normals.astype(np.float64) @ _LIGHT, 0, 1) / _LIGHT[2]
    ground = np.isin(kinds, ("floor", "door")) & (z.max(axis=1) < 0.05)
    pale = _faded(rgb)
    shades = np.where(ground[:, None], pale, rgb * np.minimum(lit, 1.05)[:, None])
    shades = np.clip(shades, 0, 255).astype(int)
    corners = view.pixels(compiled.triangles[shown, :, :2])
    for triangle, points, shade, mean in zip(
        shown.tolist(),
        corners.reshape(-1, 6).tolist(),
        map(tuple, shades[shown].tolist()),
        z[shown].mean(axis=1).tolist(),
        strict=True,
    ):
        patch = None
        if textured[triangle]:
            patch = textures.patch(triangle, np.reshape(points, (3, 2)), colour.size)
        if patch is not None:
            _paint_patch(colour, patch, None if ground[triangle] else float(lit[triangle]))
        else:
            # The outline closes the hairlines between neighbours.
            paint.polygon(points, shade, shade)
        level.polygon(points, mean, mean)


def _faded(rgb: NDArray[Any]) -> NDArray[np.float64]:
    """Return colours (..., 3) as the ground has them, paler than what stands on it."""
    return 0.45 * np.array(PAPER) + 0.55 * rgb


def _paint_patch(
    colour: Image.Image,
    patch: tuple[NDArray[np.uint8], NDArray[np.bool_], tuple[int, int]],
    lit: float | None,
) -> None:
    """Paint a piece of texture, lit as furniture is, or pale (None) as the ground is."""
    pixels, shown, corner = patch
    toned = pixels * min(lit, 1.05) if lit is not None else _faded(pixels)
    image = Image.fromarray(np.clip(toned, 0, 255).astype(np.uint8))
    colour.paste(image, corner, Image.fromarray(shown))


def _ink_of_surfaces(compiled: CompiledScene) -> NDArray[np.float64]:
    """Return the sRGB colour (T, 3), 0..255, of every triangle's material (IEC 61966-2-1)."""
    linear = np.clip(compiled.surfaces.color.astype(np.float64), 0, 1)
    srgb = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * srgb[compiled.surface]


def _tall(compiled: CompiledScene, floor: float) -> NDArray[np.bool_]:
    """Tell (T,) which triangles belong to an object that reaches above furniture: walls."""
    top = np.full(len(compiled.objects), -np.inf)
    np.maximum.at(top, compiled.object, compiled.triangles[:, :, 2].max(axis=1).astype(float))
    return top[compiled.object] > floor + _TALL


def _sections(
    compiled: CompiledScene, floor: float, view: Projection
) -> list[list[tuple[float, float]]]:
    """Return the segments in pixels in which the horizontal cut meets what is tall."""
    triangles = compiled.triangles[_tall(compiled, floor)].astype(np.float64)
    above = triangles[:, :, 2] > floor + _CUT
    triangles = triangles[above.any(axis=1) & ~above.all(axis=1)]
    above = triangles[:, :, 2] > floor + _CUT
    following = np.roll(triangles, -1, axis=1)
    crossed = above != np.roll(above, -1, axis=1)  # (K, 3): two edges of each triangle
    rise = np.where(crossed, following[:, :, 2] - triangles[:, :, 2], 1.0)
    share = (floor + _CUT - triangles[:, :, 2]) / rise
    points = triangles[:, :, :2] + share[:, :, None] * (following - triangles)[:, :, :2]
    ends = view.pixels(points[crossed].reshape(-1, 2, 2))
    return [_points(segment) for segment in ends]


def _shade(colour: Image.Image, height: NDArray[np.float32], scale: float) -> Image.Image:
    """Return the plan with soft shadows to the lower right and darker outlines."""
    reach = max(1, round(0.18 * scale))  # no shadow is longer than 0.18 m
    shadow = np.zeros(height.shape, bool)
    for step in range(1, reach + 1):
        caster = np.zeros_like(height)
        caster[step:, step:] = height[:-step, :-step]
        shadow |= caster - height > 0.03 + 3.0 * step / scale
    soft = Image.fromarray(np.uint8(255 * shadow)).filter(ImageFilter.GaussianBlur(0.03 * scale))
    jump = np.zeros(height.shape, bool)
    jump[1:] |= np.abs(np.diff(height, axis=0)) > 0.04
    jump[:, 1:] |= np.abs(np.diff(height, axis=1)) > 0.04
    light = (1 - 0.33 * np.asarray(soft) / 255.0) * np.where(jump, 0.72, 1.0)
    return Image.fromarray(np.uint8(np.asarray(colour) * light[:, :, None]))


def write_room_names(
    compiled: CompiledScene, plan: Plan, projection: Projection, text: int
) -> list[Box]:
    """Write the name of every room, ``text`` pixels high, where it covers the least furniture.

    Returns the boxes of the names, one for each room.
    """
    paint, font = ImageDraw.Draw(plan.image), ImageFont.load_default(text)
    boxes: list[Box] = []
    furnished = plan.heights > 0.1
    for room in compiled.rooms:
        label = room.name.replace("_", " ")
        half = np.array([paint.textlength(label, font) / 2, text / 2]) + text / 2
        x, y = _free_place(room, furnished, projection, half, boxes)
        paint.text((x, y), label, INK, font, "mm", stroke_width=text // 8, stroke_fill=PAPER)
        boxes.append(paint.textbbox((x, y), label, font, "mm"))
    return boxes


def _free_place(
    room: Room, furnished: NDArray[np.bool_], projection: Projection, half: NDArray[np.float64],
    boxes: list[Box],
) -> tuple[float, float]:  # fmt: skip
    """Return the pixel on which a label of twice ``half`` covers least, not far from the middle.

    ``boxes`` are those of the labels so far, which it does not cover where there is any other way.
    """
    polygon = Polygon(room.polygon)
    middle = polygon.representative_point()
    if polygon.contains(polygon.centroid):
        middle = polygon.centroid
    low, high = room.polygon.min(axis=0), room.polygon.max(axis=0)
    grid = np.stack(np.meshgrid(*np.linspace(low, high, 19).T), axis=-1).reshape(-1, 2)
    best, place = np.inf, projection.pixels((middle.x, middle.y))
    for x, y in grid[contains_xy(polygon, grid)]:
        centre = projection.pixels((x, y))
        (left, top), (right, bottom) = (centre - half).astype(int), (centre + half).astype(int)
        if min(left, top) < 0:
            continue
        covered = furnished[top:bottom, left:right].mean()
        met = any(left < b[2] and b[0] < right and top < b[3] and b[1] < bottom for b in boxes)
        cost = 10 * covered + np.hypot(x - middle.x, y - middle.y) / np.max(high - low) + 100 * met
        if cost < best:
            best, place = cost, centre
    return float(place[0]), float(place[1])


def _points(pixels: NDArray[np.float64]) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in pixels]
