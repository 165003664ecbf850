"""Policies and ears that come with the package, found by name. They need no torch."""

from pathlib import Path

from avenv.core.suggest import accepted
from avenv_agents.portable import PortablePolicy

_PACKAGED = Path(__file__).parent / "policies"  # in a wheel
_FOLDER = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[1] / "policies"


def shipped_names() -> tuple[str, ...]:
    """Return the names of the policies that come with the package, sorted."""
    return tuple(sorted(path.name for path in _FOLDER.iterdir() if path.is_dir()))


def shipped_policy(name: str) -> PortablePolicy:
    """Return the factory of a policy that comes with the package; ``ValueError`` if none does."""
    return PortablePolicy(shipped_folder(name) / "policy.npz")


def shipped_folder(name: str) -> Path:
    """Return the folder of a policy that comes with the package.

    Raises:
        ValueError: there is none of this name.
    """
    if name not in shipped_names():
        raise ValueError(f"policy is {name!r}; {accepted(name, shipped_names())}")
    return _FOLDER / name


def find_shipped(path: str | Path) -> Path:
    """Return a path that exists as it is, else the folder of a shipped policy of that name.

    Raises:
        ValueError: there is neither.
    """
    path = Path(path)
    if path.exists():
        return path
    if str(path) not in shipped_names():
        raise ValueError(
            f"{path} does not exist; accepted: a file, a folder, or what comes with the package: "
            f"{', '.join(shipped_names())}"
        )
    return shipped_folder(str(path))


apartment = shipped_policy("apartment")
"""Finds what sounds in the apartment, where it has learned; an agent by this name."""

homes = shipped_policy("homes")
"""Finds what sounds in homes that it never saw; an agent by this name."""
