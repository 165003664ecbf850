"""Melodies that are in nobody's copyright, and the chords under them."""

Tune = tuple[tuple[int | None, float], ...]
"""Notes: semitones above the tonic (``None``: a rest), and beats."""


def _tune(notes: str) -> Tune:
    """Read notes ``"semitones:beats"``, one beat where none is said, ``"-"`` for a rest."""
    pairs = (note.partition(":") for note in notes.split())
    return tuple((None if n == "-" else int(n), float(beats or 1)) for n, _, beats in pairs)


TUNES = {
    "frere_jacques": _tune("0 2 4 0 0 2 4 0 4 5 7:2 4 5 7:2"),
    "twinkle": _tune("0 0 7 7 9 9 7:2 5 5 4 4 2 2 0:2"),
    "au_clair_de_la_lune": _tune("0 0 0 2 4:2 2:2 0 4 2 2 0:4"),
    "minuet": _tune("7 0:.5 2:.5 4:.5 5:.5 7 0 0 9 5:.5 7:.5 9:.5 11:.5 12 0 0"),
    "ode_to_joy": _tune("4 4 5 7 7 5 4 2 0 0 2 4 4:1.5 2:.5 2:2"),
    "lullaby": _tune("4:.5 4:.5 7:2 4:.5 4:.5 7:2 4:.5 7:.5 12 11 9:1.5 9:.5 7 2:.5 4:.5 5 2 2"),
    "fur_elise": _tune("7:.5 6:.5 7:.5 6:.5 7:.5 2:.5 5:.5 3:.5 0:1.5 -:.5 -9:.5 -5:.5 0:.5 2:1.5"),
    "greensleeves": _tune("0 3:2 5 7:1.5 9:.5 7 5:2 2 -2:1.5 0:.5 2"),
}
"""French and English songs of old; Petzold; Beethoven; Brahms."""

PROGRESSIONS = {
    "doo_wop": ((0, 4, 7), (-3, 0, 4), (-7, -3, 0), (-5, -1, 2)),
    "minor": ((0, 3, 7), (-4, 0, 3), (3, 7, 10), (-2, 2, 5)),
    "axis": ((0, 4, 7), (-5, -1, 2), (-3, 0, 4), (-7, -3, 0)),
    "andalusian": ((0, 3, 7), (-2, 2, 5), (-4, 0, 3), (-5, -1, 2)),
    "waltz": ((0, 4, 7), (0, 4, 9), (2, 5, 9), (-1, 2, 7)),
}
"""Four chords each, in semitones from the tonic."""


def semitones(count: float) -> float:
    """Return the ratio of two pitches that lie this many semitones apart."""
    return float(2 ** (count / 12))
