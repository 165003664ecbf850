"""A world: one scene, with what the eye, the ear and the foot each derive from it."""

import weakref
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avenv import acoustics, navigation, vision
from avenv.core import cache
from avenv.core.cache import WORTH_KEEPING
from avenv.core.errors import SceneError, SoundError
from avenv.core.locks import make_lock
from avenv.core.showing import SCENES, html_of
from avenv.navigation import WalkableGrid
from avenv.scene import CompiledScene, SceneSpec, compile_scene, find_scene
from avenv.scene.episode_spec import EventSpec
from avenv.scene.fields import names_file
from avenv.scene.files import (
    HABITAT_ENDINGS,
    MESH_SUFFIXES,
    SPEC_SUFFIXES,
    is_habitat_reference,
    names_mesh,
)
from avenv.scene.homes import (
    HomeSet,
    find_homes,
    home_reference,
    home_sounds,
    is_reference,
    make_home,
    with_boxes,
    without_boxes,
)
from avenv.scene.problems import Problems
from avenv.scene.stored import restore, store
from avenv.simulation.body import Body
from avenv.simulation.homes import HomeStore, StoredHome, home_key
from avenv.simulation.scene_files import SceneFiles
from avenv.sounds import check_builtin
from avenv.vision import RasterScene

if TYPE_CHECKING:
    from avenv.scene.meshes import ImportReport

SOURCE_HEIGHT = 1.0
"""Metres above the floor at which episodes put sources that are on nothing."""

MAX_VARIANTS = 16
"""Worlds in other states that a world keeps."""

MAX_VARIANTS_OF_ALL = 32
"""Such worlds that all worlds keep together: each has triangles, trees and light of its own."""

_keeping = make_lock()
_latest: "OrderedDict[tuple[int, tuple[str, ...]], weakref.ref[World]]" = OrderedDict()

MAX_VISITORS = 8
"""Scenes that episodes name beside the environment's own which are kept."""

HOME_BYTES = 384 * 2**20
"""Bytes that the homes of sets which were used last may take, see ``limit_homes``."""


@dataclass(frozen=True, eq=False)
class World:
    """One compiled scene and its derived tables, each made once, on first use.

    Attributes:
        compiled: the flat arrays that everything below is made from.
        description: what it was compiled from, where there is such; or what makes that, where
            nobody may ever ask for it.
        rest: the world that this one is a variant of, as ``with_states`` makes them.
        report: what became of the mesh that it was read from, where it was one.
        reference: what ``load_scene`` takes to load it anywhere; else its name.
        doors: width and height of each door, metres; by default, of those of the description.
    """

    compiled: CompiledScene
    description: SceneSpec | Callable[[], SceneSpec] | None = None
    rest: "World | None" = None
    report: "ImportReport | None" = None
    reference: str = ""
    doors: tuple[tuple[float, float], ...] | None = None
    # Two threads shall not derive the same.
    _making: Any = field(default_factory=RLock, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reference", self.reference or self.compiled.name)
        if self.doors is None:
            object.__setattr__(self, "doors", _doors(self.spec))

    def __deepcopy__(self, memo: Any) -> "World":
        return self  # nobody changes a world

    def __reduce__(self) -> tuple:
        # What is derived is made anew where it is needed; a variant is one of its rest's again.
        if self.rest is not None:
            return _variant, (self.rest, dict(self.compiled.states))
        if callable(self.description):
            return load_scene, (self.reference,)
        return World, (self.compiled, self.description, None, self.report, self.reference)

    def _repr_html_(self) -> str:
        return html_of(self, SCENES)  # in notebooks

    @cached_property
    def spec(self) -> SceneSpec | None:
        """The description it was compiled from, where there is one; its variants share it."""
        if self.rest is not None:
            return self.rest.spec
        return self.description() if callable(self.description) else self.description

    @property
    def events(self) -> tuple[EventSpec, ...]:
        """What the description lets happen in every episode; homes of sets let nothing happen."""
        described = None if callable(self.description) else self.description
        return () if described is None else tuple(described.events)

    @property
    def content_hash(self) -> str:
        """Hex digest of what the scene is: of its description, its mesh's files or its arrays."""
        return self.compiled.content_hash

    @property
    def name(self) -> str:
        """The scene's name."""
        return self.compiled.name

    @property
    def raster(self) -> RasterScene:
        """Triangle clusters for the rasteriser, lit as by day with the lamps on."""
        return self.prepared_for("raster")

    def prepared_for(self, backend: str, light: str = "full", coarse: bool = False) -> Any:
        """Return what a backend of pictures draws this world from, in a light; it is kept.

        Args:
            backend: a name in ``vision.BACKENDS``.
            light: one of ``vision.LIGHTS``, or ``vision.UNLIT`` for cameras that make no rgb: then
                no light is baked.
            coarse: with light that will do for small pictures, where the backend has such.

        Raises:
            ValueError: there is no such backend or light.
        """
        if self._like is not None:
            return self._like.prepared_for(backend, light, coarse)
        if light == vision.UNLIT:
            coarse = False
            for lit in ((backend, "full", False), (backend, "full", True)):
                if lit in self._prepared:
                    return self._prepared[lit]
        if (backend, light, coarse) in self._prepared:
            return self._prepared[backend, light, coarse]
        with self._making:
            return self._prepared_now(backend, light, coarse)

    def _prepared_now(self, backend: str, light: str, coarse: bool) -> Any:
        key = backend, light, coarse
        if key not in self._prepared:
            room = vision.find_backend(backend)
            if light == vision.UNLIT:
                like = self.rest.prepared_for(backend, light) if self.rest else None
                prepare = getattr(room, "prepare_unlit", room.prepare)
                self._prepared[key] = prepare(self.compiled, like=like)
            elif light == "full":  # as it is prepared
                like = self.rest.prepared_for(backend, light, coarse) if self.rest else None
                finely = room.prepare
                prepare = getattr(room, "prepare_coarse", finely) if coarse else finely
                self._prepared[key] = prepare(self.compiled, like=like)
            else:
                self._prepared[key] = room.lit(self.prepared_for(backend, "full", coarse), light)
        return self._prepared[key]

    @cached_property
    def _prepared(self) -> dict[tuple[str, str, bool], Any]:
        return {}

    def acoustics_for(self, backend: str = "native") -> Any:
        """Return the scene as a backend of ``acoustics.BACKENDS`` has prepared it; it is kept.

        Raises:
            ValueError: there is no such backend.
        """
        if self._like is not None:
            return self._like.acoustics_for(backend)
        with self._making:
            if backend in self._heard:
                return self._heard[backend]
            like = self.rest.acoustics_for(backend) if self.rest else None
            self._heard[backend] = acoustics.find_backend(backend).prepare(self.compiled, like)
        return self._heard[backend]

    @cached_property
    def _heard(self) -> dict[str, Any]:
        return {}

    @property
    def walkable(self) -> WalkableGrid:
        """Where the usual body can be."""
        return self.walkable_for(Body())

    def walkable_for(self, body: Body) -> WalkableGrid:
        """Return where a body can be; it is kept.

        Raises:
            SceneError: there is nowhere it can.
        """
        if self._like is not None:
            return self._like.walkable_for(body)
        size = body.radius, body.step, body.height
        if size in self._grids:
            return self._grids[size]
        with self._making:
            if size in self._grids:
                return self._grids[size]
            rest = self.rest
            if rest and np.array_equal(self.compiled.triangles, rest.compiled.triangles):
                self._grids[size] = rest.walkable_for(body)
            else:
                kept = rest is None and len(self.compiled.triangles) >= WORTH_KEEPING
                find = navigation.find_grid if kept else navigation.build_grid
                self._grids[size] = find(self.compiled, *size)
        return self._grids[size]

    @cached_property
    def _grids(self) -> dict[tuple[float, float, float], WalkableGrid]:
        return {}

    def level_for(self, body: Body) -> float:
        """Return the level of the floor that a body walks on, metres; 0 where it cannot walk."""
        try:
            return self.walkable_for(body).level
        except SceneError:  # bodies may look about in a scene without a floor
            return 0.0

    @property
    def places(self) -> NDArray[np.float64]:
        """Places (P, 2) a metre apart on the walkable floor: where episodes put their sources.

        A finite set, so that the acoustic field of each is traced only once.
        """
        return self.places_for(Body())

    def places_for(self, body: Body) -> NDArray[np.float64]:
        """Return the places (P, 2) about which a body can walk; they are kept."""
        grid = self.walkable_for(body)
        if grid not in self._places:
            self._places[grid] = grid.places()
        return self._places[grid]

    @cached_property
    def _places(self) -> dict[WalkableGrid, NDArray[np.float64]]:
        return {}

    @cached_property
    def source_places(self) -> list[tuple[float, float, float]]:
        """Where sources can be: a metre above the places, and where the scene has its own."""
        height = self.walkable.level + SOURCE_HEIGHT
        places = [(float(x), float(y), height) for x, y in self.places]
        return places + [source.position for source in self.compiled.sources]

    def with_states(self, states: Mapping[str, str]) -> "World":
        """Return this world with some of its things in other states, by the things' names.

        Sight, sound and passage follow. Put back as it was, a world is the very same one again;
        the latest variants are kept.

        Raises:
            SceneError: a thing has no states, or not this one.
        """
        rest = self.rest or self
        wanted = self.compiled.wanted(states)
        if wanted == rest.compiled.states:
            return rest
        key = tuple(wanted.values())
        variants = rest._variants
        made = None
        if key not in variants:
            made = World(
                self.compiled.posed(states), rest.description, rest, rest.report, rest.reference,
                rest.doors,
            )  # fmt: skip
        with _keeping:  # who samples ahead, on another thread, asks for variants too
            variant = variants.pop(key, made)
            if variant is not None:
                variants[key] = variant  # the latest last
                if len(variants) > MAX_VARIANTS:
                    del variants[next(iter(variants))]
                _forget_oldest(rest, key)
        return variant or self.with_states(states)  # else it has just been forgotten

    @property
    def derived(self) -> tuple[int, ...]:
        """How much has been derived of this world; it takes more memory when that changes."""
        variants = list(self._variants.values())  # another thread may add some
        of_variants = [count for variant in variants for count in variant.derived]
        own = len(self._prepared), len(self._heard), len(self._grids), len(vars(self.compiled))
        return (*own, *of_variants)

    @cached_property
    def _variants(self) -> "dict[tuple[str, ...], World]":
        return {}

    @cached_property
    def _like(self) -> "World | None":
        """The world that looks, sounds and is walked as this one, if there was one before it."""
        rest = self.rest
        if rest is None:
            return None
        like = rest._alike.setdefault(id(self.compiled.like or self.compiled), self)
        return None if like is self else like

    @cached_property
    def _alike(self) -> "weakref.WeakValueDictionary[int, World]":
        """The first world of every look, by the compiled scene that others of that look share."""
        return weakref.WeakValueDictionary({id(self.compiled): self})


def _forget_oldest(rest: World, key: tuple[str, ...]) -> None:
    """Note that a variant of a world was the last to be used; let the first go if there are many.

    A world that nobody holds any more takes its variants with it.
    """
    _latest.pop((id(rest), key), None)
    _latest[id(rest), key] = weakref.ref(rest)
    while len(_latest) > MAX_VARIANTS_OF_ALL:
        (_, oldest), world = _latest.popitem(last=False)
        if (of := world()) is not None:
            of._variants.pop(oldest, None)


def _variant(rest: World, states: Mapping[str, str]) -> World:
    return rest.with_states(states)


def load_scene(scene: "str | Path | SceneSpec | CompiledScene | World") -> World:
    """Load one scene.

    Args:
        scene: the path of a YAML file, of a mesh (GLB, glTF, OBJ, PLY, STL) or of a Habitat scene
            (``*.stage_config.json``, ``*.scene_instance.json``; ``"habitat:PATH"`` takes a mesh as
            habitat-sim does, ``"habitat:PATH@3.1"`` walks on its storey at 3.1 m), the name of an
            authored scene (``"apartment"``), a home of a set (``"homes:val/3"``), a ``SceneSpec``,
            a ``CompiledScene``, or a ``World``, which is returned as it is. ``"+boxes"`` behind a
            name or path puts boxes into what was described (``"apartment+boxes"``).

    Raises:
        SceneError: there is no such scene, or it is malformed, or avenv knows no sound that one of
            its sources plays; the message names file and field.
    """
    if isinstance(scene, World):
        return scene
    if isinstance(scene, CompiledScene):
        return World(scene)
    if isinstance(scene, SceneSpec):
        return _described(scene)
    if not isinstance(scene, str | Path):
        raise SceneError(
            f"scene is {scene!r}; accepted are the path of a YAML file, the name of an authored "
            "scene, a home (homes:val/3), a SceneSpec, a CompiledScene or a World"
        )
    if is_reference(scene):
        homes = find_homes(str(scene))
        if len(homes) > 1:
            raise SceneError(f"{scene!r} are many homes; accepted here: one, {scene}/0")
        return HOMES.get(homes.split, homes.numbers[0])
    if is_habitat_reference(scene):
        return _habitat_world(str(scene))
    if (plain := without_boxes(str(scene))) is not None:
        spec = load_scene(plain).spec
        if spec is None:
            raise SceneError(f"{plain} is a mesh; accepted with boxes: scenes that are described")
        return _described(with_boxes(spec), str(scene))
    path = Path(scene)
    if names_mesh(path):
        from avenv.scene.meshes import load_mesh  # only where there is a mesh

        compiled, report = load_mesh(path)
        return _world(compiled, str(path), report=report, reference=str(path))
    if path.suffix.lower() not in SPEC_SUFFIXES:
        if path.suffix:
            raise SceneError(
                f"{path}: cannot read {path.suffix} files; accepted: "
                f"{', '.join((*SPEC_SUFFIXES, *MESH_SUFFIXES, *HABITAT_ENDINGS))}"
            )
        path = find_scene(str(scene))
    return _described(SceneSpec.from_yaml(path), str(scene))


def _habitat_world(reference: str) -> World:
    """Return the one scene that ``habitat:PATH`` means."""
    from avenv.scene.meshes import load_habitat

    scenes = _habitat_scenes(reference)
    if len(scenes) > 1:
        raise SceneError(f"{reference!r} are {len(scenes)} scenes; accepted here: one of them, as "
                         f"{scenes[0]!r}")  # fmt: skip
    compiled, report = load_habitat(scenes[0])
    return _world(compiled, scenes[0], report=report, reference=scenes[0])


def _habitat_scenes(reference: str) -> tuple[str, ...]:
    from avenv.scene.meshes.habitat_scenes import habitat_scenes  # only where there is one

    return habitat_scenes(reference)


def _home(split: str, number: int) -> World:
    """Return a home from the cache folder; else make it, and keep it there."""

    def describe() -> SceneSpec:
        return make_home(split, number)

    def make() -> StoredHome:
        spec = describe()
        return StoredHome(store(compile_scene(spec)), np.array(_doors(spec)).reshape(-1, 2))

    home = cache.recall(home_key(split, number), StoredHome, make)
    doors, reference = tuple(map(tuple, home.doors.tolist())), home_reference(split, number)
    return _world(restore(home.scene), reference, describe, reference=reference, doors=doors)


def _doors(spec: SceneSpec | None) -> tuple[tuple[float, float], ...]:
    return tuple((door.width, door.height) for door in spec.doors) if spec is not None else ()


HOMES = HomeStore(_home, HOME_BYTES)
"""The homes of this process."""


def limit_homes(size: int) -> None:
    """Let the homes of sets that were used last take up to ``size`` bytes of memory.

    Those that environments are in are kept by them beside this.

    Raises:
        ValueError: size is negative.
    """
    HOMES.resize(size)


def _described(spec: SceneSpec, reference: str = "") -> World:
    return _world(compile_scene(spec), spec.source, spec, reference=reference)


def _world(
    compiled: CompiledScene,
    source: str,
    spec: SceneSpec | Callable[[], SceneSpec] | None = None,
    report: "ImportReport | None" = None,
    reference: str = "",
    doors: tuple[tuple[float, float], ...] | None = None,
) -> World:
    """Return the world of a scene that messages call ``source``, if its sounds are known."""
    problems = Problems(source)
    for k, sounding in enumerate(compiled.sources):
        if names_file(sounding.sound) and Path(sounding.sound).is_file():
            continue  # who read the scene has seen that it may name it
        try:
            check_builtin(sounding.sound)
        except SoundError as error:
            problems.add(f"sources[{k}].sound", str(error))
    problems.check()
    return World(compiled, spec, report=report, reference=reference, doors=doors)


class WorldList(Sequence[World]):
    """Worlds by number: those at hand, and homes that are made when they are asked for.

    A set of homes may be endless; ``HOMES`` keeps those used last.

    Args:
        parts: worlds and sets of homes, one after another.
    """

    def __init__(self, parts: Iterable[World | HomeSet | SceneFiles]):
        self._parts = tuple(parts)
        lengths = [1 if isinstance(p, World) else len(p) for p in self._parts]
        self._starts = [0, *accumulate(lengths)]
        self._visitors: OrderedDict[str, World] = OrderedDict()

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, number: Any) -> Any:
        """Return one world."""
        if not 0 <= number < len(self):
            raise IndexError(f"world {number} of {len(self)}")
        k = bisect_right(self._starts, number) - 1
        part = self._parts[k]
        if isinstance(part, World):
            return part
        if isinstance(part, SceneFiles):
            return part.get(number - self._starts[k])
        return HOMES.get(part.split, part.numbers[number - self._starts[k]])

    def reference_of(self, number: int) -> str | None:
        """Return what loads a home of a set, without making it; None for a world at hand."""
        k = bisect_right(self._starts, number) - 1
        part = self._parts[k]
        if isinstance(part, World):
            return None
        if isinstance(part, SceneFiles):
            return part.references[number - self._starts[k]]
        return home_reference(part.split, part.numbers[number - self._starts[k]])

    def find(self, reference: str, content_hash: str) -> World:
        """Return the world that an episode names: one of these, else it is loaded and kept.

        Raises:
            SceneError: it cannot be loaded, or is another than when the episode was made.
        """
        for world in self.at_hand:
            if content_hash == world.content_hash:
                return world
        world = self._visited(reference)
        if world.content_hash != content_hash:
            raise SceneError(
                f"episode.scene: {reference!r} has the hash {world.content_hash} here, and had "
                f"{content_hash} when the episode was made; accepted: the same scene"
            )
        return world

    def _visited(self, reference: str) -> World:
        for part, start in zip(self._parts, self._starts[:-1], strict=True):
            if isinstance(part, SceneFiles) and reference in part.references:
                return self[start + part.references.index(reference)]
        if is_reference(reference):
            homes = find_homes(reference)
            for part, start in zip(self._parts, self._starts[:-1], strict=True):
                if (
                    isinstance(part, HomeSet)
                    and len(homes) == 1
                    and part.split == homes.split
                    and homes.numbers[0] in part.numbers
                ):
                    return self[start + part.numbers.index(homes.numbers[0])]
        if reference not in self._visitors:
            known = [world.reference for world in self.at_hand]
            try:
                self._visitors[reference] = load_scene(reference)
            except SceneError as error:
                raise SceneError(
                    f"episode.scene: none of this environment's scenes {known} has the hash that "
                    f"the episode says, and {reference!r} cannot be loaded: {error}"
                ) from error
            if len(self._visitors) > MAX_VISITORS:
                self._visitors.popitem(last=False)
        return self._visitors[reference]

    @property
    def at_hand(self) -> tuple[World, ...]:
        """The worlds that are no homes of sets."""
        return tuple(part for part in self._parts if isinstance(part, World))

    @property
    def sounds(self) -> dict[str, str]:
        """What sources of these worlds may play, each with a name of who does, for messages."""
        played = {
            source.sound: f"{world.name}: sources, {source.name!r}"
            for world in reversed(self.at_hand) for source in reversed(world.compiled.sources)
        }  # fmt: skip
        if any(isinstance(part, HomeSet) for part in self._parts):
            played |= dict.fromkeys(sorted(home_sounds()), "homes")
        return played


def load_worlds(scenes: Any) -> WorldList:
    """Load one scene, or a list of them; the same scene named twice is loaded once.

    Args:
        scenes: what ``load_scene`` takes; the scenes of a dataset of Habitat's,
            ``"habitat:PATH"``, which are loaded when they are first used; a set of homes,
            ``"homes:train"`` (endless), ``"homes:val"`` or ``"homes:test"``, or some of one,
            ``"homes:train/0-99"``; or an iterable of such, or what this returned. Homes are made
            when they are first used.

    Raises:
        SceneError: the list is empty, or one of the scenes cannot be loaded.
    """
    if isinstance(scenes, WorldList):
        return scenes  # its homes are still to be made
    if isinstance(scenes, str | Path | SceneSpec) or not isinstance(scenes, Iterable):
        scenes = (scenes,)
    loaded: dict[Any, World | HomeSet | SceneFiles] = {}
    parts = []
    for scene in scenes:
        key = str(scene) if isinstance(scene, str | Path) else id(scene)
        if key not in loaded:
            loaded[key] = _part(scene)
        parts.append(loaded[key])
    if not parts:
        raise SceneError("scenes is empty; at least one scene is needed")
    return WorldList(parts)


def _part(scene: Any) -> World | HomeSet | SceneFiles:
    """Return a scene, or many of which none is loaded yet."""
    if is_reference(scene):
        return find_homes(scene)
    if is_habitat_reference(scene) and len(many := _habitat_scenes(scene)) > 1:
        return SceneFiles(many, load_scene)
    return load_scene(scene)
