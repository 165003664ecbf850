"""Put questions to a model behind a chat interface."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from avenv.core.suggest import accepted
from avenv_agents.omni.agent import Omni
from avenv_agents.omni.backends import find_backend
from avenv_agents.omni.desk import Desk
from avenv_agents.omni.ledger import Budget, Ledger, Prices
from avenv_agents.omni.line import Line
from avenv_agents.omni.media import png_of, sound_file, sound_of, spectrogram_picture
from avenv_agents.omni.question import Part, Picture, Reply, Sound, Text, Tool
from avenv_agents.omni.question import Question as Asked
from avenv_agents.omni.transcripts import Entry, Transcript, spent_in
from avenv_agents.omni.view import View
from avenv_agents.questions.ears import frames_of
from avenv_agents.questions.question import Question
from avenv_agents.questions.scoring import letter_in_words, letter_of

LACKING = ("nothing", "sound", "pictures", "both")
"""What may be kept from a model, for controls."""

FRAMES = 6
"""Pictures of a film that are sent, evenly spread."""

WHOLE = View()
"""Pictures, and sounds as they are."""

_SHOWN = (
    "You are shown what a camera saw and what two ears beside it heard: left channel first, or "
    "left above right in a spectrogram."
)

SYSTEM = f"{_SHOWN} Answer the question with the letter of the option that is true."

SHORT_SYSTEM = f"{_SHOWN} Answer the question in a word or two, and write nothing else."


def parts_of(
    question: Question,
    folder: Path,
    lacking: str = "nothing",
    short: bool = False,
    view: View = WHOLE,
) -> tuple[Part, ...]:
    """Return what a model is shown: the text, pictures of each film, and each sound.

    Args:
        question: one.
        folder: of the data set.
        lacking: one of ``LACKING``.
        short: whether it is to answer in a word or two, without options.
        view: whether it has pictures, and how it has sounds: as files, spectrograms, not at all.

    Raises:
        ValueError: there is nothing of this name to lack.
    """
    if lacking not in LACKING:
        raise ValueError(f"lacking is {lacking!r}; {accepted(lacking, LACKING)}")
    parts: list[Part] = [Text(question.open_text if short else question.text)]
    if view.frames and lacking not in ("pictures", "both"):
        for path in question.video:
            pictures = frames_of(folder / path)
            picked = np.linspace(0, len(pictures) - 1, FRAMES).round().astype(int)
            parts += [Picture(png_of(pictures[k])) for k in picked]
    if lacking not in ("sound", "both"):
        for path in question.audio:
            parts += _sound((folder / path).read_bytes(), view)
    return tuple(parts)


def _sound(content: bytes, view: View) -> Iterator[Part]:
    if view.sound == "wav":
        yield Sound(content, "wav")
    elif view.sound == "mp3":
        yield Sound(sound_file(*sound_of(content), "mp3"), "mp3")
    if view.spectrogram:
        yield Picture(png_of(spectrogram_picture(sound_of(content)[0])))


def ask(
    questions: Sequence[Question],
    folder: Path,
    kept: Path,
    omni: Omni,
    lacking: str = "nothing",
    short: bool = False,
    progress: bool = False,
) -> tuple[dict[str, str], Ledger]:
    """Return a model's letters by question, empty where it gave none, and what they cost.

    Args:
        questions: to be asked, several at once.
        folder: of the data set.
        kept: folder of transcripts; what they have is not asked again.
        omni: the model and its server; of its view what ``parts_of`` says and the limits of an
            answer count.
        lacking: one of ``LACKING``.
        short: whether it is to answer in a word or two, without options.
        progress: show a progress bar.

    Raises:
        ValueError: the server cannot be asked, or as much is spent as may be.
    """
    backend, view = find_backend(omni.backend), omni.seen
    line = Line(backend, omni.base_url, omni.key, omni.timeout, omni.tries)
    budget, ledger = Budget(omni.max_cost, spent_in(kept)), Ledger()
    desk = Desk(backend, lambda: line, Prices(omni.price_in, omni.price_out), budget)

    def put(question: Question) -> tuple[str, Entry]:
        letters = {"type": "string", "enum": list(question.letters)}
        schema = {"type": "object", "properties": {"letter": letters}, "required": ["letter"]}
        tool = Tool("answer", "Answer the question.", schema)
        asked = Asked(
            omni.model, SHORT_SYSTEM if short else SYSTEM,
            parts_of(question, folder, lacking, short, view),
            tool if view.reply == "tools" and not short else None,
            view.answer_tokens, view.answer_limit, view.temperature, omni.stream,
        )  # fmt: skip
        reply, entry = desk.ask(asked, Transcript(kept, question.id))
        if short:
            return letter_in_words(reply.text, question), entry
        return letter_in(reply, question), entry

    answers: dict[str, str] = {}
    with ThreadPoolExecutor(omni.concurrency) as pool:
        futures = [pool.submit(put, question) for question in questions]
        try:
            bar = tqdm(futures, unit="question", disable=not progress)
            for question, future in zip(questions, bar, strict=True):
                answers[question.id], entry = future.result()
                ledger.add(entry.tokens_in, entry.tokens_out, entry.cost, entry.tries)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return answers, ledger


def letter_in(reply: Reply, question: Question) -> str:
    """Return the letter of a reply; empty if it has none of use."""
    import json

    for _, arguments in reply.calls:
        try:
            read = json.loads(arguments)
        except (ValueError, RecursionError):
            continue
        if isinstance(read, dict) and (found := letter_of(str(read.get("letter", "")), question)):
            return found
    return letter_of(reply.text, question)
