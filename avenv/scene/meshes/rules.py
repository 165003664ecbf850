"""What a mesh's surfaces are made of, by their names and colours."""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from avenv.core.color import lab, linear
from avenv.core.errors import SceneError
from avenv.scene.catalogue import categories, kind, kind_names
from avenv.scene.materials import material_names
from avenv.scene.problems import Problems, checked, suggest
from avenv.scene.yaml_files import read_yaml

_SHIPPED = Path(__file__).with_name("rules.yaml")
_STRUCTURE = ("floor", "ceiling", "wall", "door", "window")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_COPY = re.compile(r"[._-]\d+$")  # Blender's "oak.001"

RULE, COLOUR, DEFAULT, FILE = "by rule", "by colour", "by default", "by the file"
"""How a material was chosen; ``FILE``: avenv wrote the file, and what the surface is made of."""


class Choice(NamedTuple):
    """The material of a surface, and how it was chosen."""

    material: str
    how: str


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NameRule(_Row):
    """Names that mean a material: by words or by a regular expression."""

    words: tuple[str, ...] = ()
    regex: str | None = None
    material: str

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.words and self.regex is None:
            raise ValueError("a rule needs words or a regex")
        if self.regex is not None:
            try:
                re.compile(self.regex)
            except re.error as error:
                raise ValueError(f"regex {self.regex!r} cannot be read: {error}") from None
        return self

    def matches(self, name: str) -> bool:
        """Say whether a name has one of the words or phrases, or the pattern in it."""
        spaced = f" {words_of(name)} "
        if any(f" {words_of(phrase)} " in spaced for phrase in self.words):
            return True
        return self.regex is not None and re.search(self.regex, name, re.IGNORECASE) is not None


class ColorRule(_Row):
    """A colour that means a material."""

    color: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
    material: str

    @property
    def lab(self) -> np.ndarray:
        """The colour in CIELAB, (3,)."""
        return lab(linear(np.frombuffer(bytes.fromhex(self.color[1:]), np.uint8) / 255))


class Rules(_Row):
    """Rules of a file; whatever it leaves out is taken from the shipped ones.

    Attributes:
        materials: in the order in which they are asked; before the shipped ones.
        colors: instead of the shipped ones.
        within: farthest distance in CIELAB at which a colour counts.
        default: material where nothing matches.
        categories: semantic categories by word; besides the shipped ones.
    """

    materials: tuple[NameRule, ...] = ()
    colors: tuple[ColorRule, ...] | None = None
    within: Annotated[float, Field(ge=0)] | None = None
    default: str | None = None
    categories: dict[str, str] = {}

    def choose(self, names: list[str], color: tuple[float, float, float] | None) -> Choice:
        """Choose the material of a surface.

        Args:
            names: what may tell: of its material, its texture and its object.
            color: (3,) its linear-light mean colour, if it has one.
        """
        for name in names:
            plain = _COPY.sub("", name).strip().lower().replace(" ", "_")
            if plain in material_names():
                return Choice(plain, RULE)
            for rule in self.materials:
                if rule.matches(name):
                    return Choice(rule.material, RULE)
        if color is not None and self.colors:
            distance = [float(np.linalg.norm(c.lab - lab(color))) for c in self.colors]
            best = int(np.argmin(distance))
            if distance[best] <= (self.within or 0.0):
                return Choice(self.colors[best].material, COLOUR)
        return Choice(self.default or "plaster", DEFAULT)

    def category(self, name: str) -> str | None:
        """Return the category of an object by its name; None if the name tells none."""
        spaced = f" {words_of(name)} "
        known = {**_category_words(), **{words_of(k): v for k, v in self.categories.items()}}
        found = [word for word in known if f" {word} " in spaced]
        return known[max(found, key=lambda w: (len(w), spaced.rfind(f" {w} ")))] if found else None


def words_of(name: str) -> str:
    """Return a name's words in lower case and singular: ``"WoodFloors_02"`` is ``"wood floor"``."""
    words = re.findall(r"[^\W\d_]+", _CAPITAL.sub(" ", name))
    return " ".join(_singular(word.lower()) for word in words)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@cache
def _category_words() -> dict[str, str]:
    words = {words_of(name): kind(name).category for name in kind_names()}
    return words | {words_of(name): name for name in (*categories(), *_STRUCTURE)}


def read_rules(path: str | Path | None) -> Rules:
    """Return the rules of a file, or of none, with the shipped ones after them.

    Raises:
        SceneError: the file cannot be read, a field is unknown or has a value that it cannot
            have, or it names an unknown material or category.
    """
    if path is None:
        return _shipped()
    own, shipped = _read(Path(path)), _shipped()
    return Rules(
        materials=own.materials + shipped.materials,
        colors=shipped.colors if own.colors is None else own.colors,
        within=shipped.within if own.within is None else own.within,
        default=own.default or shipped.default,
        categories={**shipped.categories, **own.categories},
    )


@cache
def _shipped() -> Rules:
    return _read(_SHIPPED)


def _read(path: Path) -> Rules:
    items = {"materials": NameRule.model_fields, "colors": ColorRule.model_fields}
    rules = checked(Rules, read_yaml(path), str(path), items)
    problems = Problems(str(path))
    used = [(f"materials[{k}]", rule.material) for k, rule in enumerate(rules.materials)]
    used += [(f"colors[{k}]", rule.material) for k, rule in enumerate(rules.colors or ())]
    used += [("default", rules.default)] if rules.default else []
    for place, name in used:
        if name not in material_names():
            problems.add(place, f"there is no material {name!r}{suggest(name, material_names())}")
    accepted = (*categories(), *_STRUCTURE)
    for word, name in rules.categories.items():
        if name not in accepted:
            problems.add(f"categories.{word}", f"there is no category {name!r}"
                         f"{suggest(name, accepted)}")  # fmt: skip
    problems.check()
    return rules


def check_material(name: str | None, place: str) -> None:
    """Raise a ``SceneError`` if a material that a user named is unknown."""
    if name is not None and name not in material_names():
        raise SceneError(f"{place}: there is no material {name!r}{suggest(name, material_names())}")
