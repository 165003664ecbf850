"""The configuration of a Habitat scene dataset: which templates there are, and their attributes.

``*.scene_dataset_config.json`` has three things to say about stages and about objects, and they
apply in this order (habitat-sim, ``SceneDatasetAttributesManager``): ``default_attributes`` of all,
``paths`` by glob to configurations and meshes, and ``configs``, which change the attributes of one
of these (``original_file``), give it another name (``template_handle``), or make a new one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from avenv.core.errors import SceneError
from avenv.scene.meshes.habitat_json import Config, parse
from avenv.scene.meshes.references import References
from avenv.scene.problems import checked, suggest

STAGE, OBJECT, ARTICULATED = ".stage_config.json", ".object_config.json", ".ao_config.json"
INSTANCE, LIGHTS = ".scene_instance.json", ".lighting_config.json"
DATASETS = ("*.scene_dataset_config.json", "*.dataset_config.json")
"""Names of a dataset's configuration, today's and that of habitat-sim's first test dataset."""

_ENDINGS = {"stages": STAGE, "objects": OBJECT, "articulated_objects": ARTICULATED,
            "light_setups": LIGHTS}  # fmt: skip
_MESHES = (".glb", ".gltf", ".obj", ".ply", ".stl", ".urdf")
_NAME = "%%CONFIG_NAME_AS_ASSET_FILENAME%%"

Attributes = Mapping[str, Any]


class _Change(Config):
    """An entry of ``configs``."""

    original_file: str | None = None
    template_handle: str | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)


class _Section(Config):
    """What is said of stages, or of objects."""

    default_attributes: dict[str, Any] = Field(default_factory=dict)
    paths: dict[str, list[str]] | list[str] = Field(default_factory=list)
    configs: tuple[_Change, ...] = ()


class _Dataset(Config):
    """A ``*.scene_dataset_config.json``."""

    stages: _Section = _Section()
    objects: _Section = _Section()
    articulated_objects: _Section = _Section()
    light_setups: _Section = _Section()
    scene_instances: _Section = _Section()
    semantic_scene_descriptor_instances: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Template:
    """A stage, an object or a layout of lights that scenes can name.

    Attributes:
        handle: its name: the path of its file, or what ``template_handle`` calls it.
        file: its configuration or mesh; for a new one, the dataset's own configuration.
        attributes: what the dataset says of it, from the weakest to the strongest; where None
            stands, come those of its file.
    """

    handle: str
    file: Path
    attributes: tuple[Attributes | None, ...]


@dataclass
class Templates:
    """The templates of one kind, a key of ``_ENDINGS``."""

    kind: str
    root: Path
    section: _Section
    by_handle: dict[str, Template] = field(default_factory=dict)

    def of_file(self, file: Path) -> Template:
        """Return the template of a configuration or a mesh; its configuration beside it goes first.

        A change that names it and gives it no other name applies.
        """
        beside = file.with_name(file.name.partition(".")[0] + _ENDINGS[self.kind])
        file = beside if beside.is_file() and file.suffix in _MESHES else file
        handle = file.relative_to(self.root).as_posix()
        plain = Template(handle, file, (self.section.default_attributes, None))
        return self.by_handle.setdefault(handle, plain)

    def find(self, name: str) -> Template | None:
        """Return the template of this name, or else the first whose name holds it.

        habitat-sim finds a template by any part of its name, whatever the case.
        """
        if name in self.by_handle:
            return self.by_handle[name]
        part = name.lower()
        return next((self.by_handle[h] for h in sorted(self.by_handle) if part in h.lower()), None)

    def apply(self, change: _Change, number: int, file: Path) -> None:
        """Take over an entry of ``configs``.

        Raises:
            SceneError: its original is not there.
        """
        place = f"{self.kind}.configs[{number}]"
        if change.original_file is None:
            if change.template_handle is None:
                raise SceneError(f"{file}: {place}: needs an original_file or a template_handle")
            made = Template(change.template_handle, file,
                            (self.section.default_attributes, change.attributes))  # fmt: skip
        else:
            path = References(file, self.root).find(change.original_file, f"{place}.original_file")
            original = self.of_file(path) if path.is_file() else self.find(change.original_file)
            if original is None:
                known = suggest(change.original_file, self.by_handle)
                raise SceneError(f"{file}: {place}.original_file: there is no "
                                 f"{change.original_file!r:.200}{known}")  # fmt: skip
            handle = change.template_handle or original.handle
            layers = (*original.attributes, change.attributes)
            made = Template(handle, original.file, layers)
        self.by_handle[made.handle] = made


def find_template(templates: Templates, full_name: str, ending: str, path: Path) -> Template:
    """Return the template that a name stands for: an alias, a file, or a part of either.

    Args:
        templates: of its kind.
        full_name: as the scene has it.
        ending: of configurations of its kind.
        path: of the scene, for messages.

    Raises:
        SceneError: there is none, or the name leads out of the dataset.
    """
    if full_name in templates.by_handle:
        return templates.by_handle[full_name]
    root, kind = templates.root, templates.kind
    references = References(root / "x")
    name = full_name.removesuffix(ending)
    field = f"{path.name}: template_name"
    mesh = ".urdf" if ending == ARTICULATED else ".glb"
    for start in ("", f"{kind}/", f"configs/{kind}/"):
        for end in (ending, "", mesh):
            found = references.find(f"{start}{name}{end}", field)
            if found.is_file():
                return templates.of_file(found)
    if (known := templates.find(name)) is not None:
        return known
    plain = Path(name).name
    endings = (ending, ".urdf") if ending == ARTICULATED else (ending,)
    deeper = [found for end in endings for found in sorted(root.rglob(f"{plain}{end}"))]
    if not deeper:
        raise SceneError(f"{path}: template_name: there is no {plain}{ending} in {root}"
                         f"{suggest(name, templates.by_handle)}")  # fmt: skip
    return templates.of_file(references.find(str(deeper[0].relative_to(root)), field))


@dataclass(frozen=True)
class Dataset:
    """What a dataset's configuration says.

    Attributes:
        file: of it; None: there is none.
        templates: of stages, objects, articulated objects and lights.
        instances: files of its scenes.
        defaults: attributes of all scenes.
        descriptors: files of semantic descriptors by the names that scenes use.
    """

    file: Path | None
    templates: Mapping[str, Templates]
    instances: tuple[Path, ...] = ()
    defaults: Attributes = field(default_factory=dict)
    descriptors: Mapping[str, Path] = field(default_factory=dict)


def read_dataset(references: References) -> Dataset:
    """Return what the configuration of the dataset with this root says.

    Raises:
        SceneError: it is broken, or names a file outside it or none.
    """
    root = references.root
    files = [path for pattern in DATASETS for path in sorted(root.glob(pattern))]
    if not files:
        return Dataset(None, {kind: Templates(kind, root, _Section()) for kind in _ENDINGS})
    dataset = parse(_Dataset, references.inner(files[0]))
    out = {}
    for kind in _ENDINGS:
        section: _Section = getattr(dataset, kind)
        out[kind] = templates = Templates(kind, root, section)
        for file in _listed(section, _ENDINGS[kind], root, files[0]):
            templates.of_file(file)
        for k, change in enumerate(section.configs):
            templates.apply(change, k, files[0])
    scenes = dataset.scene_instances
    return Dataset(
        files[0],
        out,
        tuple(dict.fromkeys(_listed(scenes, INSTANCE, root, files[0]))),
        scenes.default_attributes,
        dict(_descriptors(dataset.semantic_scene_descriptor_instances, root, files[0])),
    )


def _descriptors(section: Mapping[str, Any], root: Path, file: Path) -> Iterator[tuple[str, Path]]:
    """Yield the semantic descriptors by name: those of ``paths``, and those named one by one."""
    for name, value in section.items():
        if isinstance(value, str):
            yield name, References(file, root).find(value, "semantic_scene_descriptor_instances")
        elif name == "paths":
            found = checked(_Section, {"paths": value}, str(file))
            for path in _listed(found, ".json", root, file):
                yield path.name, path


def named_after(template: Path, attributes: Attributes) -> dict[str, Any]:
    """Return attributes in which the name of a configuration stands where they ask for it."""
    name = template.name.partition(".")[0]
    return {
        key: value.replace(_NAME, name) if isinstance(value, str) else value
        for key, value in attributes.items()
    }


def _matching(root: Path, pattern: str, file: Path) -> list[Path]:
    """Return what a pattern of ``paths`` matches, sorted."""
    if not Path(pattern).parts:  # ".", the dataset's own folder
        return [root]
    try:
        return sorted(root.glob(pattern))
    except ValueError as error:
        raise SceneError(f"{file}: paths: {pattern!r:.80} is no pattern: {error}") from None


def _listed(section: _Section, ending: str, root: Path, file: Path) -> Iterator[Path]:
    """Yield the files that ``paths`` name: files, folders or globs, by their ending."""
    paths = section.paths if isinstance(section.paths, dict) else {".json": section.paths}
    references = References(file, root)
    for suffix, patterns in paths.items():
        wanted = ending if suffix == ".json" else suffix
        for pattern in patterns:
            if pattern.startswith("/") or ".." in Path(pattern).parts:
                if ending != ARTICULATED:  # habitat-sim's own datasets name such, and use none
                    references.find(pattern, "paths")  # says what is wrong with it
                continue
            found = _matching(root, pattern, file) or _matching(root, pattern + wanted, file)
            for path in found:
                inside = sorted(path.iterdir()) if path.is_dir() else [path]
                yield from (
                    references.find(p.relative_to(root).as_posix(), "paths")
                    for p in inside
                    if p.name.endswith(wanted) and p.is_file()
                )
