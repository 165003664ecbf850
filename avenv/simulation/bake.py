"""Trace the sound of all places of scenes ahead of time, so that episodes start at once."""

from collections.abc import Iterable

from tqdm import tqdm

from avenv.acoustics.field import is_on_disk, source_field
from avenv.core.cache import cache_folder
from avenv.simulation.body import Body
from avenv.simulation.ears import PROPAGATION
from avenv.simulation.warmup import warm_up
from avenv.simulation.world import World


def bake(worlds: Iterable[World]) -> int:
    """Put the fields of all source places into the cache folder; return how many were missing.

    The places are those where episodes put sources, and the sources that a scene names, heard at
    the height of the default body. Shows a progress bar. What is there already is not computed
    again, so a run that was interrupted goes on where it stopped. For any sample rate and layout.

    Raises:
        ValueError: there is no cache folder.
        SceneError: a source of a scene is inside a solid or outside the scene.
    """
    if cache_folder() is None:
        raise ValueError("AVENV_CACHE is empty; baking needs a folder to write to")
    warm_up()
    made = 0
    with tqdm(desc="tracing sound", unit="place", total=0) as bar:
        for world in worlds:
            scene = world.acoustics_for()
            ear = world.level_for(Body()) + Body().ear_height
            todo = [
                place
                for place in world.source_places
                if not is_on_disk(scene, place, ear, PROPAGATION)
            ]
            bar.total = made + len(todo)
            bar.set_postfix_str(world.name)
            for place in todo:
                source_field(scene, place, ear, PROPAGATION)
                bar.update()
            made += len(todo)
    return made
