"""Make scenes ready ahead of time, on disk, so that episodes begin at once."""

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from avenv import vision
from avenv.acoustics.field import is_on_disk, source_field
from avenv.core import cache, cache_store, parallel
from avenv.core.store import Folder, Store, open_store
from avenv.simulation.body import Body
from avenv.simulation.cluster import Cluster
from avenv.simulation.ears import PROPAGATION
from avenv.simulation.loading import load_scene
from avenv.simulation.sharing import check_shared, share_out
from avenv.simulation.world import World

_PLENTY = 20  # scenes after which their mean size tells that of all


def bake(
    worlds: Sequence[World],
    sound: bool = True,
    light: bool = True,
    workers: int | None = None,
    cluster: Cluster | None = None,
    store: str | Path | Store | None = None,
) -> int:
    """Put what episodes need of scenes into the cache folder; return how many fields were missing.

    Of each scene that is what is derived of it for sight, sound and motion; its light, for cameras
    that make rgb; and the sound fields of the places where episodes put sources and of the sources
    that it names, heard at the height of the default body, for any sample rate and layout. Shows a
    progress bar and sizes. What is there already is not made again, so that a run that was
    interrupted goes on where it stopped.

    Args:
        worlds: the scenes; those of sets are made one by one.
        sound: trace the sound fields, some hundred a home.
        light: bake the light, for pictures of up to ``vision.COARSE_UP_TO`` pixels.
        workers: processes that share the scenes; by default as many as there are cores.
        cluster: whose workers do it instead, all into this machine's cache folder.
        store: a folder or a URL (``core.store``) that receives it as well. The machines of a
            cluster then have no cache folder in common but each its own. Where ``AVENV_STORE``
            names the store, processes fetch from it what their cache folder lacks.

    Raises:
        ValueError: there is no cache folder, not all machines share it or reach the store, or it
            will not hold all.
        OSError: the store cannot be used, or is full; what it has is whole.
        SceneError: a source of a scene is inside a solid or outside the scene.
    """
    behind = None if store is None else open_store(store)
    folder = cache.cache_folder()
    if folder is None:
        raise ValueError("AVENV_CACHE is empty; baking needs a folder to write to")
    before, made, grown = cache.folder_size(folder), 0, 0
    function: Callable[..., int] = bake_one
    workers = min(workers or parallel.num_threads(), len(worlds))
    are_sent = cluster is not None or behind is not None or workers > 1
    jobs = ((_name(worlds, k) if are_sent else worlds[k], sound, light) for k in range(len(worlds)))
    with (
        tqdm(desc="baking", unit="scene", total=len(worlds)) as bar,
        cluster or nullcontext(),
    ):
        if cluster is not None:
            check_shared(cluster, behind or Folder(folder.absolute()))
        if behind is not None:
            function = partial(_bake_for, behind)
        elif cluster is not None:
            function = partial(_bake_into, str(folder.absolute()))
        shared = share_out(function, jobs, workers, cluster)
        for done, (_, fields) in enumerate(shared, 1):
            made += fields
            if done % _PLENTY == 0 or done in (1, len(worlds)):
                grown = cache.folder_size(folder) - before
            bar.set_postfix_str(f"{made} fields, {grown / 2**20:,.0f} MiB new")
            bar.update()
            if done % _PLENTY == 0 and behind is None:
                _check_room(before + grown * len(worlds) / done)
    return made


def bake_one(world: World | str, sound: bool = True, light: bool = True) -> int:
    """Put what episodes need of one scene into the cache folder; return how many fields were new.

    Raises:
        SceneError: a source of the scene is inside a solid or outside it.
    """
    world = load_scene(world)
    scene, body = world.acoustics_for(), Body()
    ear = world.level_for(body) + body.ear_height
    scene.tables  # noqa: B018 (what is derived is kept)
    world.prepared_for("raster", "full" if light else vision.UNLIT, coarse=light)
    places = world.source_places if sound else []
    todo = [place for place in places if not is_on_disk(scene, place, ear, PROPAGATION)]
    for place in todo:
        source_field(scene, place, ear, PROPAGATION)
    return len(todo)


def _name(worlds: Sequence[World], number: int) -> World | str:
    """Return what a worker finds a world by: homes of sets are made there, not here."""
    reference = getattr(worlds, "reference_of", None)
    return (reference(number) if reference else None) or worlds[number]


def _bake_into(folder: str, *job: Any) -> int:
    """Bake one scene on a machine whose cache folder may be another."""
    os.environ["AVENV_CACHE"] = folder
    return bake_one(*job)


def _bake_for(store: Store, *job: Any) -> int:
    """Bake one scene into the cache folder of this machine, and put it into a store."""
    folder, before = cache.cache_folder(), cache_store.used()
    if folder is None:
        raise ValueError("AVENV_CACHE is empty; baking needs a folder to write to")
    name = os.environ.get("AVENV_STORE")
    os.environ["AVENV_STORE"] = str(store)  # what others have made is not made again
    try:
        made = bake_one(*job)
        cache_store.share(folder, store, cache_store.used() - before)
    finally:
        if name is None:
            del os.environ["AVENV_STORE"]
        else:
            os.environ["AVENV_STORE"] = name
    return made


def _check_room(expected: float) -> None:
    limit = cache.folder_limit()
    if expected > limit:
        raise ValueError(
            f"all of it will take {expected / 2**30:.1f} GiB, and the cache folder holds "
            f"{limit / 2**30:.1f} GiB: the last would drive out the first; accepted: "
            f"AVENV_CACHE_GIB={int(expected / 2**30) + 2} or more, fewer scenes, or less of each"
        )
