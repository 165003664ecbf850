"""A guesser that reads the texts and neither sees nor hears: it must not do better than chance."""

from collections.abc import Sequence
from dataclasses import dataclass

from avenv.benchmark.metrics import wilson
from avenv_agents.questions.question import Question


@dataclass(frozen=True)
class Guessed:
    """How a guesser did at one template.

    Attributes:
        template: its name.
        count: of questions.
        accuracy, low, high: share that was right, with Wilson's interval at 95 %.
        chance: what it ought to be.
    """

    template: str
    count: int
    accuracy: float
    low: float
    high: float
    chance: float

    @property
    def is_chance(self) -> bool:
        """Whether the interval includes chance."""
        return self.low <= self.chance <= self.high


def guess(training: Sequence[Question], asked: Sequence[Question]) -> list[str]:
    """Return the letters that a classifier of texts guesses.

    Logistic regression on runs of up to three words of question and lettered options, one for each
    template, as it has learned them of questions whose answers it was told.

    Raises:
        ValueError: there is nothing to learn from for a template that is asked for.
        ImportError: scikit-learn is not installed.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    letters: dict[str, str] = {}
    for template in dict.fromkeys(q.template for q in asked):
        known = [q for q in training if q.template == template]
        if len({q.answer for q in known}) < 2:
            raise ValueError(f"there are too few questions of {template!r} to learn from")
        model = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 3), token_pattern=r"(?u)\b\w+\b"),
            LogisticRegression(C=10.0, max_iter=300),
        )
        model.fit([q.text for q in known], [q.answer for q in known])
        own = [q for q in asked if q.template == template]
        guessed = model.predict([q.text for q in own])
        letters |= {q.id: str(x) for q, x in zip(own, guessed, strict=True)}
    return [letters[q.id] for q in asked]


def check(questions: Sequence[Question]) -> list[Guessed]:
    """Return how well answers of val and test are guessed by who has learned the texts of train."""
    training = [q for q in questions if q.split == "train"]
    asked = [q for q in questions if q.split != "train"]
    return rated(asked, guess(training, asked))


def rated(asked: Sequence[Question], letters: Sequence[str]) -> list[Guessed]:
    """Return how well questions were guessed, by template."""
    right: dict[str, list[bool]] = {}
    chances = {q.template: q.chance for q in asked}
    for question, letter in zip(asked, letters, strict=True):
        right.setdefault(question.template, []).append(letter == question.answer)
    return [
        Guessed(name, len(hits), *wilson(sum(hits), len(hits)), chance=chances[name])
        for name, hits in right.items()
    ]
