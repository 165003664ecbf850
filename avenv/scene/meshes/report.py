"""What an import made of a mesh: what its surfaces became, its floors and its holes."""

from dataclasses import dataclass

from avenv.scene.meshes.rules import COLOUR, DEFAULT, FILE, RULE

_SHOWN = 25  # materials that the printed report lists


@dataclass(frozen=True)
class Mapped:
    """One material of the file, and the acoustic material that it became."""

    name: str
    material: str
    how: str
    area: float


@dataclass(frozen=True)
class ImportReport:
    """What an import made of a mesh; ``print`` it.

    Attributes:
        path: the file.
        triangles: number of triangles.
        dropped: triangles without area, left out.
        moved: how far all was moved by ``centre``, along x, y and z, metres.
        objects: number of objects.
        size: extents along x, y and z, metres.
        surfaces: what each of the file's materials became, the largest first.
        floors: (height, area) of each storey's floor, the lowest first, metres and m2.
        open_share: share of the length of all edges that lie on the rim of a hole.
        sheets: share of the area that bounds no closed solid, and is seen from both sides.
        warnings: what was missing or left out.
        content_hash: hash (hexadecimal, 16 digits) of the bytes of all files that were read and of
            how they were: settings, rules, sources.
    """

    path: str
    triangles: int
    dropped: int
    moved: tuple[float, float, float]
    objects: int
    size: tuple[float, float, float]
    surfaces: tuple[Mapped, ...]
    floors: tuple[tuple[float, float], ...]
    open_share: float
    sheets: float
    warnings: tuple[str, ...]
    content_hash: str

    @property
    def coverage(self) -> dict[str, float]:
        """Share of the area that got its material by the file, by rule, by colour, by default."""
        total = sum(s.area for s in self.surfaces) or 1.0
        return {
            how: sum(s.area for s in self.surfaces if s.how == how) / total
            for how in (FILE, RULE, COLOUR, DEFAULT)
        }

    def __str__(self) -> str:
        x, y, z = self.size
        lines = [
            f"{self.path}: {self.triangles:,} triangles, {self.objects} objects, "
            f"{x:.2f} x {y:.2f} x {z:.2f} m",
            "materials by area: "
            + ", ".join(f"{how} {share:.1%}" for how, share in self.coverage.items() if share),
        ]
        shown = self.surfaces[:_SHOWN]
        width = max((len(s.name) for s in shown), default=0)
        lines += [
            f"  {s.name or '(no name)':<{max(width, 9)}}  ->  {s.material:<18} {s.how:<10} "
            f"{s.area:9.1f} m²"
            for s in shown
        ]
        if rest := self.surfaces[_SHOWN:]:
            lines.append(f"  and {len(rest)} more, {sum(s.area for s in rest):.1f} m²")
        several = len(self.floors) > 1
        floors = ", ".join(
            (f"storey {k} at " if several else "") + f"z = {z:.2f} m ({area:.0f} m²)"
            for k, (z, area) in enumerate(self.floors, 1)
        )
        lines.append(f"floors: {floors or 'none'}")
        lines.append(f"holes: {self.open_share:.1%} of all edges are open; {self.sheets:.0%} of "
                     "the area bounds no closed solid")  # fmt: skip
        if any(self.moved):
            lines.append("moved by " + ", ".join(f"{way:,.2f}" for way in self.moved) + " m")
        lines += [f"left out: {self.dropped:,} triangles without area"] if self.dropped else []
        lines += [f"warning: {text}" for text in self.warnings]
        return "\n".join(lines)
