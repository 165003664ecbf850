"""Scenes as notebooks show them: a plan, and what one sees standing in the largest room."""

from base64 import b64encode
from html import escape
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from shapely import Polygon

from avenv.drawing.topdown import TopDownMap
from avenv.drawing.viewpoints import HFOV, PITCH, find_viewpoints
from avenv.scene import SceneSpec
from avenv.simulation.loading import load_scene
from avenv.simulation.survey import counted
from avenv.simulation.world import World
from avenv.vision import render_view

HEIGHT = 280
"""Of the pictures, pixels."""

_LIVELY = 1.4  # width of the view to its height
_WIDEST = 1.8  # of the plan


def scene_html(scene: World | SceneSpec) -> str:
    """Return a scene as HTML that holds its pictures."""
    world = load_scene(scene)
    compiled = world.compiled
    low, high = compiled.bounds[:, :2]
    width, depth = np.maximum(high - low, 0.1)
    size = round(HEIGHT * min(max(width / depth, 0.5), _WIDEST)), HEIGHT
    plan = TopDownMap(compiled, size).background
    views = find_viewpoints(world, 1)
    areas = [Polygon(room.polygon).area for room in compiled.rooms] or [0.0]
    best = views[int(np.argmax(areas))]
    view = render_view(
        world.raster, best.position, best.heading, PITCH, (round(_LIVELY * HEIGHT), HEIGHT), HFOV,
        sensors=("rgb",),
    )["rgb"]  # fmt: skip
    told = {"room": compiled.rooms, "object": compiled.objects, "source": compiled.sources}
    facts = ", ".join(counted(len(things), noun) for noun, things in told.items())
    return (
        f"<figure><figcaption><b>{escape(world.name)}</b>: {facts}</figcaption>"
        f"{_image(plan, f'Plan of {world.name}')} {_image(view, f'View of {best.title}')}</figure>"
    )


def _image(picture: NDArray[np.uint8], words: str) -> str:
    file = BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    data = b64encode(file.getvalue()).decode()
    height, width, _ = picture.shape
    return (
        f'<img alt="{escape(words, quote=True)}" width="{width}" height="{height}" '
        f'src="data:image/png;base64,{data}">'
    )
