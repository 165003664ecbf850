"""The ends of messages about unknown names: what is accepted, and what was probably meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: object, choices: Iterable[str]) -> str:
    """Return a question about the near matches of a name, if it has any."""
    close = difflib.get_close_matches(str(name), sorted(choices), n=3)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


def accepted(name: object, choices: Iterable[str]) -> str:
    """Return what is accepted in place of an unknown name, and its near matches."""
    known = list(choices)
    return f"accepted: {', '.join(known)}{did_you_mean(name, known)}"
