"""The doors and windows of a scene, as plain data."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from avenv.scene.fields import Along, Length, Name, Point, Spec

OUTSIDE = "outside"
"""What lies behind a door that leads out, in the name that it has by default."""


class DoorSpec(Spec):
    """An opening between two rooms, with a leaf (``door``) or without (``passage``).

    A door may also lead out of doors. Nobody can walk there: open, one sees the sky and hears
    nothing come back.

    Attributes:
        name: unique; by default the two rooms, ``hall-kitchen``, or ``hall-outside``.
        between: the two rooms; ``[hall, null]`` leads from the hall out of doors, and so does
            ``outer: hall`` in place of it.
        position: a point [x, y] on the wall they share, the middle of the opening; by default
            the middle of the longest wall they share, or of the longest outer wall.
        wall: of a door that leads out: which of the room's walls, as an object's ``against``.
        along: where along that wall its middle is, as an object's ``along``.
        width: clear width.
        height: clear height above the higher of the two floors.
        kind: ``door`` or ``passage``.
        state: ``open``, its leaf turned by 90 degrees, or ``closed``, its leaf filling the opening;
            a door that leads out is closed unless told otherwise.
        into: the room that the leaf opens into, by default the first of ``between``.
        hinge: the side of the leaf's hinge, seen from the room that it opens into.
        material: of leaf and frame; a passage is framed in the first room's wall material.
    """

    name: Name | None = None
    between: tuple[Name, Name | None]
    position: Point | None = None
    wall: Name | None = None
    along: Along | None = None
    width: Length = 0.9
    height: Length = 2.05
    kind: Literal["door", "passage"] = "door"
    state: Literal["open", "closed"] = "open"
    into: Name | None = None
    hinge: Literal["left", "right"] = "left"
    material: Name = "wood_door"

    @property
    def is_outer(self) -> bool:
        """Whether it leads out of doors."""
        return self.between[1] is None

    @model_validator(mode="before")
    @classmethod
    def _may_lead_out(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        fields = dict(data)
        if "outer" in fields:
            if "between" in fields:
                raise ValueError("outer and between both say where it leads; leave one of them")
            fields["between"] = [fields.pop("outer"), None]
        between = fields.get("between")
        leads_out = isinstance(between, list | tuple) and len(between) == 2 and between[1] is None
        if leads_out and fields.get("kind") != "passage":
            fields.setdefault("state", "closed")
        return fields

    @model_validator(mode="after")
    def _has_at_most_one_place(self) -> Self:
        if self.wall is not None and not self.is_outer:
            raise ValueError("wall goes with a door that leads out; give a position [x, y]")
        if self.wall is not None and self.position is not None:
            raise ValueError("position and wall both say where it is; leave one of them")
        if self.along is not None and self.wall is None:
            raise ValueError("along goes with a wall")
        return self

    @model_serializer(mode="wrap")
    def _tell_state(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Say the state of a door that leads out, whose default is another."""
        data: dict[str, Any] = handler(self)
        return {**data, "state": self.state} if self.is_outer else data


class WindowSpec(Spec):
    """A pane in an outer wall, where either ``position`` or ``wall`` says.

    Attributes:
        name: unique; by default ``<room>-window``.
        room: the room that looks out.
        position: a point [x, y] on its wall, the middle of the window.
        wall: which of the room's walls, as an object's ``against``.
        along: where along the wall its middle is, as an object's ``along``.
        width: clear width.
        height: clear height.
        sill: height of its lower edge above the floor.
        material: of the pane.
    """

    name: Name | None = None
    room: Name
    position: Point | None = None
    wall: Name | None = None
    along: Along | None = None
    width: Length = 1.2
    height: Length = 1.2
    sill: Annotated[float, Field(strict=True, ge=0, le=1000)] = 0.9
    material: Name = "glass"

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.position is None) == (self.wall is None):
            raise ValueError("a window needs either a position [x, y] or a wall")
        if self.along is not None and self.wall is None:
            raise ValueError("along goes with a wall")
        return self
