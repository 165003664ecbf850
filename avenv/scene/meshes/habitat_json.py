"""Read JSON files of Habitat's into models, with messages that name file and field."""

import json
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from avenv.core.errors import SceneError
from avenv.scene.meshes.references import References
from avenv.scene.problems import checked

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
