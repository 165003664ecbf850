"""The errors that avenv raises on purpose: each names the place, the value and the remedy."""


class AvenvError(ValueError):
    """Base of all errors that a user's input can cause."""


class SceneError(AvenvError):
    """A scene cannot be read, is inconsistent, or has no place for what is asked of it."""


class SoundError(AvenvError):
    """A sound cannot be read, is empty or silent, or is not in the set."""


class CacheWarning(UserWarning):
    """A cache file could not be used and is being rebuilt."""


class SceneWarning(UserWarning):
    """A scene is usable, but something in its files is missing or was left out."""


def check_on_error(on_error: str) -> None:
    """Raise ``ValueError`` for another answer than there is to places where nothing can be."""
    if on_error not in ("raise", "nan"):
        raise ValueError(f"on_error is {on_error!r}; accepted: 'raise', 'nan'")
