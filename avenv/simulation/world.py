"""A world: one scene, with what the eye, the ear and the foot each derive from it."""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avenv import acoustics, navigation, vision
from avenv.core.cache import WORTH_KEEPING
from avenv.core.errors import SceneError
from avenv.core.locks import make_lock
from avenv.core.showing import SCENES, html_of
from avenv.navigation import WalkableGrid
from avenv.scene import CompiledScene, SceneSpec
from avenv.scene.episode_spec import EventSpec
from avenv.simulation.body import Body
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
            object.__setattr__(self, "doors", doors_of(self.spec))

    def __deepcopy__(self, memo: Any) -> "World":
        return self  # nobody changes a world

    def __reduce__(self) -> tuple:
        # What is derived is made anew where it is needed; a variant is one of its rest's again.
        if self.rest is not None:
            return _variant, (self.rest, dict(self.compiled.states))
        if callable(self.description):
            from avenv.simulation.loading import load_scene  # which needs worlds itself

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

    def prepared_for(
        self, backend: str, light: str = "full", coarse: bool = False, looks: tuple[str, ...] = ()
    ) -> Any:
        """Return what a backend of pictures draws this world from, in a light; it is kept.

        Args:
            backend: a name in ``vision.BACKENDS``.
            light: one of ``vision.LIGHTS``, or ``vision.UNLIT`` for cameras that make no rgb: then
                no light is baked.
            coarse: with light that will do for small pictures, where the backend has such.
            looks: kinds of the catalogue that walk about in it, to be drawn where instances say.

        Raises:
            SceneError: the catalogue has no such kind.
            ValueError: there is no such backend or light, or it cannot draw who walks about.
        """
        if self._like is not None:
            return self._like.prepared_for(backend, light, coarse, looks)
        if looks:
            return self._with_guests(backend, light, coarse, looks)
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

    def _with_guests(self, backend: str, light: str, coarse: bool, looks: tuple[str, ...]) -> Any:
        alone = self.prepared_for(backend, light, coarse)
        join = getattr(vision.find_backend(backend), "with_guests", None)
        if join is None:
            raise ValueError(
                f"vision is {backend!r}, which cannot draw who walks about ({', '.join(looks)}); "
                "accepted: a backend that has `with_guests`"
            )
        with self._making:
            # The same scene may be that of another light, too: guests are joined to it once.
            key = id(alone), looks
            if key not in self._visited:
                self._visited[key] = join(alone, looks)
            return self._visited[key]

    @cached_property
    def _visited(self) -> dict[tuple[int, tuple[str, ...]], Any]:
        return {}

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
        own = (
            len(self._prepared), len(self._visited), len(self._heard), len(self._grids),
            len(vars(self.compiled)),
        )  # fmt: skip
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


def doors_of(spec: SceneSpec | None) -> tuple[tuple[float, float], ...]:
    """Return the width and the height of every door that a description has."""
    return tuple((door.width, door.height) for door in spec.doors) if spec is not None else ()
