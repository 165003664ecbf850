"""The things that stand in a scene, as plain data."""

from typing import Self

from pydantic import Field, model_validator

from avenv.scene.fields import Along, Coordinate, Facing, Length, Name, Point, Spec

BESIDE = ("left_of", "right_of", "in_front_of", "behind")
"""Words that place an object beside another."""


class ObjectSpec(Spec):
    """A thing from the catalogue, placed.

    Where it is, one of these says: ``position``, ``on``, ``under``, ``above``, ``against``, or one
    of ``left_of``, ``right_of``, ``in_front_of`` and ``behind``. The last four also go with
    ``against``: a nightstand ``against`` the west wall, ``left_of`` the bed. Left, right, front
    and back of a thing are its own, as of somebody who sits on it.

    Attributes:
        kind: its kind in the catalogue.
        name: unique; by default the kind, or ``kind_2`` and so on.
        position: [x, y] of the middle of its base.
        on: name of the object that it stands on, in the middle unless there is an ``offset`` or a
            ``position``.
        under: name of the object below whose middle it is.
        above: name of the object above whose middle it is.
        left_of: name of the object beside which it is, on that one's own left, as of somebody who
            sits on it, and not a viewer's; so are ``right_of``, ``in_front_of`` and ``behind``.
        against: what its back touches: ``north wall`` (+y; so too ``east``, ``south`` and
            ``west``), the longest of that side; ``wall 2``, from corner 2 of the room's polygon,
            counted from 0, to the next; or the name of a window.
        along: where along the wall: metres from its west or south end to the middle of the thing,
            negative from the other end; or into a corner: ``north``, ``east``, ``south`` or
            ``west``. By default the middle of the wall or of the window.
        gap: metres left free to what it is beside, or else to the wall; negative tucks it in.
        offset: [forward, left] from the place that another object gives it, in that one's frame.
        room: the room it is in; by default found from its place. ``against`` a side needs it in a
            scene of several rooms.
        z: height of its base above the floor. By default 0, or what brings a thing that hangs
            from the ceiling there, and the middle of a thing on a wall to 1.5 m.
        facing: direction of its front: degrees, 0 = +X, counter-clockwise seen from above; or
            ``north``, ``east``, ``south``, ``west``; or the name of an object to turn to. By
            default away from the wall it is ``against``, towards what it is ``in_front_of`` or
            ``behind``, the same way as what it is otherwise placed by, or else 0.
        size: [depth along its front direction, width, height]; by default the kind's.
        materials: names of materials for some of its parts, by part name.
        full: whether it is filled, as a box may be; who knocks on it hears that.
        state: one of the kind's states, e.g. ``open``; by default the first of them, or ``on`` if
            one of the scene's sources is on it.
    """

    kind: Name
    name: Name | None = None
    position: Point | None = None
    on: Name | None = None
    under: Name | None = None
    above: Name | None = None
    left_of: Name | None = None
    right_of: Name | None = None
    in_front_of: Name | None = None
    behind: Name | None = None
    against: Name | None = None
    along: Along | None = None
    gap: Coordinate = 0.0
    offset: Point | None = None
    room: Name | None = None
    z: Coordinate | None = None
    facing: Facing | None = None
    size: tuple[Length, Length, Length] | None = None
    materials: dict[Name, Name] = Field({})
    full: bool = False
    state: Name | None = None

    @property
    def beside(self) -> tuple[str, str] | None:
        """Which of ``BESIDE`` is given, and the object it names."""
        return next(((word, name) for word in BESIDE if (name := getattr(self, word))), None)

    @property
    def reference(self) -> tuple[str, str] | None:
        """The word and the object that say where it is, if an object does."""
        words = ("on", "under", "above", *BESIDE)
        return next(((word, name) for word in words if (name := getattr(self, word))), None)

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        words = ("position", "on", "under", "above", "against", *BESIDE)
        given = [word for word in words if getattr(self, word) is not None]
        together = set(given) == {"position", "on"} or (
            len(given) == 2 and "against" in given and self.beside is not None
        )
        if not given:
            raise ValueError(f"says not where it is; say one of {', '.join(words)}")
        if len(given) > 1 and not together:
            raise ValueError(f"{' and '.join(given)} both say where it is; leave one of them")
        if self.offset is not None and (
            self.reference is None or self.against or self.position is not None
        ):
            raise ValueError("an offset goes with a place that an object gives, and nothing else")
        if self.along is not None and (self.against is None or self.beside is not None):
            raise ValueError("along goes with against, and not with a thing beside it")
        if self.gap and self.against is None and self.beside is None:
            raise ValueError(f"a gap goes with against, {', '.join(BESIDE)}")
        if self.on is not None and self.z is not None:
            raise ValueError("an object that is on another has no z of its own")
        return self
