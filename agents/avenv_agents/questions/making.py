"""Film the clips of questions and write a data set that harnesses read."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from avenv.core.errors import AvenvError
from avenv.core.interrupts import terminable
from avenv.core.store import Store, open_store
from avenv.simulation.cluster import Cluster
from avenv.simulation.sharing import check_shared, share_out
from avenv_agents.questions.card import write_card
from avenv_agents.questions.clips import film
from avenv_agents.questions.page import write_page
from avenv_agents.questions.planning import HOMES, Planned, plan
from avenv_agents.questions.question import SPLITS, Question, write_questions

MEDIA = "media"
_BATCH = 100  # rows of a Parquet file whose media are in memory at once


def make(
    folder: str | Path | Store,
    count: int = 2000,
    seed: int = 0,
    homes: int = 20,
    only: Sequence[str] = (),
    scenes: Mapping[str, Sequence[str]] = HOMES,
    progress: bool = True,
    workers: int = 1,
    cluster: Cluster | None = None,
) -> list[Question]:
    """Make a data set of questions; stopped, the same call goes on where it was.

    Args:
        folder: to write, or a URL (``core.store``): ``SPLIT.jsonl`` and ``SPLIT.parquet`` for each
            split, ``media/``, a data card ``README.md`` and ``sample.html``, a page to look at.
        count, seed, homes, only, scenes: as of ``plan``.
        progress: show a progress bar.
        workers: processes that film.
        cluster: whose workers film instead; its machines share the folder.

    Returns:
        the questions. A group that cannot be filmed, because somebody would stand in something, is
        left out whole, so that the others stay balanced.

    Raises:
        ValueError: as ``plan``, or machines do not share the folder.
        OSError: it cannot be written to.
        KeyboardInterrupt: by Ctrl-C or SIGTERM; what is filmed is kept.
        ImportError: PyAV or pyarrow is not installed.
    """
    try:
        import av  # noqa: F401 (what is missing is said before an hour's work)
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ImportError(f'{error}; it is in: pip install "avenv[questions]"') from error
    store = open_store(folder)
    groups = list(plan(count, seed, homes, only, scenes))
    bar = tqdm(total=sum(len(g.questions) for g in groups), unit="question", disable=not progress)
    filmed: dict[int, list[Question]] = {}
    try:
        with terminable(), bar, cluster or nullcontext():
            if cluster is not None:
                check_shared(cluster, store)
            jobs = [(group, store.within(MEDIA)) for group in groups]
            for number, done in share_out(_filmed, jobs, workers, cluster):
                filmed[number] = done
                bar.update(len(groups[number].questions))
    except KeyboardInterrupt as stop:
        raise type(stop)(f"{store} keeps what is filmed; the same command goes on") from stop
    questions = [question for number in sorted(filmed) for question in filmed[number]]
    left_out = sum(not done for done in filmed.values())
    for split in SPLITS:
        own = [q for q in questions if q.split == split]
        with store.write(f"{split}.jsonl") as draft:
            write_questions(draft, own)
        _write_parquet(store, split, own)
    write_card(store, questions, seed, left_out)
    write_page(store, questions)
    return questions


def _filmed(group: Planned, media: Store) -> list[Question]:
    """Return the questions of a group with their files; none if one cannot be filmed."""
    done = []
    try:
        for question, clips in zip(group.questions, group.clips, strict=True):
            files = [film(clip, media) for clip in clips]
            audio = tuple(f"{MEDIA}/{own['audio']}" for own in files)
            video = tuple(f"{MEDIA}/{own['video']}" for own in files if "video" in own)
            done.append(replace(question, audio=audio, video=video))
    except AvenvError:
        return []
    return done


def _write_parquet(store: Store, split: str, questions: Sequence[Question]) -> None:
    """Write questions with their media inside, as Hugging Face's ``datasets`` has audio and video.

    Each is a list of ``{"bytes", "path"}``.
    """
    import pyarrow as pa
    from pyarrow import parquet

    files = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    texts = ("id", "split", "axis", "template", "level", "senses", "question")
    schema = pa.schema(
        [(name, pa.string()) for name in texts]
        + [("options", pa.list_(pa.string())), ("answer", pa.string()), ("group", pa.string())]
        + [("home", pa.string()), ("audio", files), ("video", files)]
        + [("odometry", pa.list_(pa.float32())), ("short", pa.list_(pa.string()))]
    )

    def row(question: Question) -> dict[str, Any]:
        data = {name: getattr(question, name) for name in schema.names}
        for name in ("audio", "video"):
            data[name] = [
                {"bytes": store.read(path), "path": Path(path).name} for path in data[name]
            ]
        return data

    with (
        store.write(f"{split}.parquet") as draft,
        parquet.ParquetWriter(draft, schema) as writer,
    ):
        for start in range(0, len(questions), _BATCH):
            rows = [row(q) for q in questions[start : start + _BATCH]]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
