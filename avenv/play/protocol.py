"""What a page and its server tell each other over one WebSocket.

The page sends JSON, one of the messages below. The server sends JSON with a ``kind``, and binary
frames: 16 bytes little-endian, a kind of frame (1 byte, 3 of padding), a number (4 bytes) and the
sample of the session's clock that it belongs to (8 bytes); then what is in it.
"""

import struct
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

SOUND, PICTURE, PLAN, CLIP = 1, 2, 3, 4
"""Kinds of frames: 16-bit stereo, interleaved, that begins at the sample; a JPEG; a PNG; a clip to
compare, as sound, by its number."""

MAX_MESSAGE = 4096
"""Bytes of the longest message of a page."""

_HEADER = struct.Struct("<B3xIQ")

Metres = Annotated[float, Field(ge=-1e4, le=1e4, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Want(_Message):
    """Sound is wanted up to a sample; time passes only for who listens."""

    kind: Literal["want"]
    until: Annotated[int, Field(ge=0, le=2**53)]


class Seen(_Message):
    """A picture has been shown, by its number."""

    kind: Literal["seen"]
    number: Annotated[int, Field(ge=0, le=2**32 - 1)]


class Walk(_Message):
    """Walk on like this: shares of full speed ahead and of turning to the left."""

    kind: Literal["walk"]
    ahead: Share
    turn: Share


class Look(_Message):
    """Raise or lower the eyes, radians above the horizon."""

    kind: Literal["look"]
    pitch: Share


class Stand(_Message):
    """Stand elsewhere."""

    kind: Literal["stand"]
    x: Metres
    y: Metres


class Use(_Message):
    """Open, close or switch a thing, by its name."""

    kind: Literal["use"]
    thing: Name


class Light(_Message):
    """See the scene in another light."""

    kind: Literal["light"]
    light: Literal["full", "day", "evening", "night"]


class Pick(_Message):
    """Which surface is seen here: to the right and up from the middle of the picture."""

    kind: Literal["pick"]
    right: Share
    up: Share


class Clad(_Message):
    """Let a part of a room be of a material."""

    kind: Literal["clad"]
    room: Name
    part: Literal["floor", "walls", "ceiling"]
    material: Name


class Way(_Message):
    """A way of hearing, by names that the scene's message lists."""

    scene: Name
    head: Name
    engine: Name


class Compare(_Message):
    """Make two clips of what is heard here, equally loud."""

    kind: Literal["compare"]
    a: Way
    b: Way


class Place(_Message):
    """Let a sound play, a metre above the floor."""

    kind: Literal["place"]
    sound: Name
    x: Metres
    y: Metres


class Move(_Message):
    """Let a source play on elsewhere, at the height that it has."""

    kind: Literal["move"]
    source: Name
    x: Metres
    y: Metres


class Swap(_Message):
    """Let a source play another sound."""

    kind: Literal["swap"]
    source: Name
    sound: Name


class Silence(_Message):
    """Let a source fall silent for good."""

    kind: Literal["silence"]
    source: Name


class Act(_Message):
    """Do this, by the number of the action, in an episode of a task."""

    kind: Literal["act"]
    action: Annotated[int, Field(ge=0, le=1000)]


class Measure(_Message):
    """Measure the room between this source and the listener."""

    kind: Literal["measure"]
    source: Name


Change = Stand | Use | Light | Clad | Place | Move | Swap | Silence
"""What has to be prepared before it comes about."""

Message = Annotated[
    Want | Seen | Walk | Look | Pick | Compare | Measure | Act | Change,
    Field(discriminator="kind"),
]

_messages: TypeAdapter[Any] = TypeAdapter(Message)


def read_message(text: str) -> Any:
    """Return the message that a page has sent.

    Raises:
        ValueError: it is none; the text says what is wrong with it.
    """
    try:
        return _messages.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise ValueError(f"no message of the page: {where}: {first['msg']}") from None


def frame(kind: int, number: int, sample: int, content: bytes) -> bytes:
    """Return a binary frame."""
    return _HEADER.pack(kind, number, sample) + content


def read_frame(data: bytes) -> tuple[int, int, int, bytes]:
    """Return the kind, the number, the sample and the content of a binary frame."""
    kind, number, sample = _HEADER.unpack_from(data)
    return kind, number, sample, data[_HEADER.size :]
