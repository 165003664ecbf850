"""A guesser with one sense: where a question takes both, it must not do better than chance."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avenv_agents.hearing import level_difference
from avenv_agents.omni.media import sound_of
from avenv_agents.questions.ears import Heard, frames_of
from avenv_agents.questions.guessing import Guessed, rated
from avenv_agents.questions.question import Question

Features = NDArray[np.float64]

PIECES = 8
"""Into which a sound is cut."""

BANDS = (125, 250, 500, 1000, 2000, 4000, 8000)
"""Hz between which levels are measured."""

GRID = 6
"""Rows and columns into which a picture is divided."""


def heard_in(question: Question, folder: Path) -> Features:
    """Return what is measured of the sounds: sides, levels and colour, as they change, (F,)."""
    found = []
    for path in question.audio:
        audio, rate = sound_of((folder / path).read_bytes())
        for piece in np.array_split(audio, PIECES, axis=1):
            heard = Heard(piece, rate, np.zeros(2))
            found += [heard.level(0, 4), level_difference(piece, rate), heard.side]
        frequency = np.fft.rfftfreq(audio.shape[1], 1 / rate)
        power = np.abs(np.fft.rfft(audio)) ** 2
        rows = np.digitize(frequency, BANDS)
        bands = [power[:, rows == row].sum() + 1e-9 for row in range(1, len(BANDS))]
        found += list(10 * np.log10(np.array(bands) / (power.sum() + 1e-9)))
    return np.array(found)


def seen_in(question: Question, folder: Path) -> Features:
    """Return what is measured of the films: how light it is where, and when it changes, (F,)."""
    found = []
    for path in question.video:
        grey = frames_of(folder / path).mean(axis=3)
        found.append(np.abs(np.diff(grey, axis=0)).mean(axis=(1, 2)))
        for picture in grey[:: len(grey) // 2][:2]:
            rows = np.array_split(picture, GRID)
            found.append([x.mean() for row in rows for x in np.array_split(row, GRID, axis=1)])
    return np.concatenate(found)


SENSES: dict[str, Callable[[Question, Path], Features]] = {"sound": heard_in, "pictures": seen_in}
"""What each sense measures."""


def guess_by(
    sense: str, training: Sequence[Question], asked: Sequence[Question], folder: Path
) -> list[str]:
    """Return the letters that a random forest guesses by one sense and the options.

    It has learned from questions whose answers it was told how likely an option is, one forest for
    each template.

    Args:
        sense: one of ``SENSES``.
        training: with answers.
        asked: to guess.
        folder: of the data set.

    Raises:
        ImportError: scikit-learn or PyAV is not installed.
    """
    from sklearn.ensemble import RandomForestClassifier

    letters: dict[str, str] = {}
    for template in dict.fromkeys(q.template for q in asked):
        known, own = ([q for q in some if q.template == template] for some in (training, asked))
        names = sorted({option for q in (*known, *own) for option in q.options})
        rows, right = [], []
        for q in known:
            measured = SENSES[sense](q, folder)
            rows += [[*measured, names.index(option)] for option in q.options]
            right += [letter == q.answer for letter in q.letters]
        forest = RandomForestClassifier(200, min_samples_leaf=2, random_state=0)
        forest.fit(np.array(rows), right)
        for q in own:
            measured = SENSES[sense](q, folder)
            told = np.array([[*measured, names.index(option)] for option in q.options])
            letters[q.id] = q.letters[int(forest.predict_proba(told)[:, -1].argmax())]
    return [letters[q.id] for q in asked]


def check_by(sense: str, questions: Sequence[Question], folder: Path) -> list[Guessed]:
    """Return how well one sense guesses val and test, of all that it alone should not answer.

    Args:
        sense: ``"sound"``: of questions that take both senses; ``"pictures"``: of all with films.
        questions: of all splits.
        folder: of the data set.
    """
    fair = [q for q in questions if (q.senses == "both" if sense == "sound" else q.video)]
    training, asked = ([q for q in fair if (q.split == "train") == x] for x in (True, False))
    return rated(asked, guess_by(sense, training, asked, folder))
