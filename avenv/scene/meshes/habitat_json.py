"""Read JSON files of Habitat's into models, with messages that name file and field."""

import json
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from avenv.core.errors import SceneError
from avenv.scene.meshes.references import References
from avenv.scene.problems import Problems

Number = Annotated[float, Field(allow_inf_nan=False)]
Vector3 = tuple[Number, Number, Number]


class Config(BaseModel):
    """Part of a JSON file of Habitat's; fields that are not read are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


T = TypeVar("T", bound=BaseModel)


def read_json(references: References) -> Any:
    """Return what a JSON file holds.

    Raises:
        SceneError: it is missing, or no JSON.
    """
    try:
        return json.loads(references.read_document().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        if isinstance(error, SceneError):
            raise
        raise SceneError(f"{references.document}: is not valid JSON: {error}") from error


def parse(model: type[T], references: References) -> T:
    """Return a JSON file as a model.

    Raises:
        SceneError: it is no JSON, or a field has a value that it cannot have.
    """
    return checked(model, read_json(references), str(references.document))


def checked(model: type[T], data: Any, source: str) -> T:
    """Return plain data as a model; messages begin with ``source``.

    Raises:
        SceneError: a field is missing or has a value that it cannot have.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = Problems(source)
        problems.add_invalid(error, {"": model.model_fields})
        problems.check()
        raise
