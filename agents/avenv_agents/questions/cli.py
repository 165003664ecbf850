"""The command line for questions: `avenv questions`."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from avenv.cli.commands import PLACE, cluster_of, cluster_option
from avenv_agents.omni.options import server_options
from avenv_agents.questions.question import SPLITS, Question, read_questions

BY = ("reference", "text")


@click.group("questions")
def questions_group() -> None:
    """Questions about what was seen and heard: make them, answer them, score answers."""


@questions_group.command("make")
@click.option("--out", type=PLACE, required=True, help="A folder, or a URL (docs/scale.md).")
@click.option("--count", type=click.IntRange(1), default=2000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--homes", type=click.IntRange(1), default=20, show_default=True,
              help="Of each split.")  # fmt: skip
@click.option("--template", "only", multiple=True, help="Only this kind; may be repeated.")
@click.option("--workers", type=click.IntRange(1),
              help="Processes that film; default: 1, or all of the cluster.")  # fmt: skip
@cluster_option
def make(
    out: str, count: int, seed: int, homes: int, only: tuple[str, ...], workers: int | None,
    cluster: str | None,
) -> None:  # fmt: skip
    """Film clips and write a data set: JSONL, Parquet, a data card, a page to look at.

    Stopped, the same command goes on. A question takes about 0.3 s of CPU. The machines of a
    cluster have to share the folder, or reach the URL.
    """
    from avenv_agents.questions.making import make as make_questions

    made = make_questions(
        out, count, seed, homes, only, workers=workers or 1, cluster=cluster_of(cluster, workers)
    )
    click.echo(f"{len(made)} questions; open {out}/sample.html to try some")


@questions_group.command("check")
@click.argument("folder", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--count", type=click.IntRange(1), default=26_000, show_default=True,
              help="Without a folder: of questions that are set and not filmed.")  # fmt: skip
@click.option("--homes", type=click.IntRange(1), default=20, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--template", "only", multiple=True, help="Only this kind; may be repeated.")
@click.option("--by", type=click.Choice(["text", "sound", "pictures"]), default="text",
              show_default=True, help="What it has; sound and pictures need a folder.")  # fmt: skip
def check(
    folder: Path | None, count: int, homes: int, seed: int, only: tuple[str, ...], by: str
) -> None:  # fmt: skip
    """Let a classifier that lacks what it takes guess: it must not do better than chance.

    By text it is asked everything, by sound what takes both senses, by pictures all with films.
    """
    from avenv_agents.questions.guessing import check as check_texts
    from avenv_agents.questions.planning import plan
    from avenv_agents.questions.senses import check_by

    if folder is None and by != "text":
        raise ValueError(f"what is not filmed has no {by}; accepted without a folder: --by text")

    if folder is not None:
        asked = [q for split in SPLITS for q in read_questions(folder / f"{split}.jsonl")]
        asked = [q for q in asked if not only or q.template in only]
    else:
        asked = [q for group in plan(count, seed, homes, only) for q in group.questions]
    click.echo("| template | questions | guessed | 95 % | chance |\n|---|---|---|---|---|")
    found = check_texts(asked) if folder is None or by == "text" else check_by(by, asked, folder)
    for one in found:
        click.echo(
            f"| {one.template} | {one.count} | {one.accuracy:.3f} | [{one.low:.3f}, {one.high:.3f}]"
            f" | {one.chance:.3f} |{'' if one.is_chance else ' not chance'}"
        )


@questions_group.command("score")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--split", type=click.Choice([*SPLITS, "all"]), default="test",
              show_default=True)  # fmt: skip
@click.option("--answers", type=click.Path(exists=True, path_type=Path),
              help='A file of lines {"id": ..., "answer": "A"}.')  # fmt: skip
@click.option("--by", type=click.Choice(BY), help="Who answers, without a model.")
@click.option("--model", help="Who answers, behind a chat interface.")
@click.option("--view", default="default", show_default=True, help="How it has what is heard.")
@click.option("--lacking", type=click.Choice(["nothing", "sound", "pictures", "both"]),
              default="nothing", show_default=True, help="Kept from who answers.")  # fmt: skip
@click.option("--short", is_flag=True, help="The model is told no options and answers in words.")
@click.option("--controls", "with_controls", is_flag=True,
              help="Beside it deaf, blind and by text alone; a model is asked anew.")  # fmt: skip
@server_options
def score(
    folder: Path, split: str, answers: Path | None, by: str | None, model: str | None, view: str,
    lacking: str, short: bool, with_controls: bool, server: dict[str, Any],
) -> None:  # fmt: skip
    """Score answers to a data set, by axis, template and level, with intervals.

    Stopped, the same command goes on and asks nothing twice. What may be spent is meant for each
    control.
    """
    from avenv_agents.questions.scoring import read_answers, table

    if sum(x is not None for x in (answers, by, model)) != 1:
        raise ValueError("accepted: one of --answers, --by and --model")
    if with_controls and (answers is not None or by == "text" or lacking != "nothing"):
        raise ValueError(
            "controls lack what somebody has who answers now; accepted with --controls: --model or "
            "--by reference, who lack nothing"
        )
    splits = SPLITS if split == "all" else (split,)
    asked = [q for one in splits for q in read_questions(folder / f"{one}.jsonl")]
    if short:
        if model is None:
            raise ValueError("short answers are a model's; accepted with --short: --model")
        asked = [question for question in asked if question.short]
    if answers is not None:
        click.echo(table(asked, read_answers(answers, asked), answers.stem))
        return
    if model is not None:
        name = model.replace("/", "-")
        tell = partial(_by_model, model, view, server, asked, folder, f"{name}-{split}", short)
    else:
        name, tell = str(by), partial(_by_rule, str(by), asked, folder)
    given, controls = tell(lacking), {}
    if with_controls:
        controls = {"deaf": tell("sound"), "blind": tell("pictures")}
        unread = [q for q in asked if q.split != "train"]  # a guesser has learned those of train
        controls["text alone"] = tell("both") if model else _by_rule("text", unread, folder, "both")
    title = name if lacking == "nothing" else f"{name} without {lacking}"
    click.echo(table(asked, given, title, controls))


def _by_rule(by: str, asked: list[Question], folder: Path, lacking: str) -> dict[str, str]:
    """Return the answers of who needs no model."""
    if by == "text":
        from avenv_agents.questions.guessing import guess

        if any(question.split == "train" for question in asked):
            raise ValueError("who reads texts has learned those of train; accepted: val or test")
        training = read_questions(folder / "train.jsonl")
        return dict(zip([q.id for q in asked], guess(training, asked), strict=True))
    from avenv_agents.questions.ears import answer

    deaf, blind = lacking in ("sound", "both"), lacking in ("pictures", "both")
    return {q.id: answer(q, folder, deaf, blind) for q in asked}


def _by_model(
    model: str, view: str, server: Mapping[str, Any], asked: list[Question], folder: Path,
    title: str, short: bool, lacking: str,
) -> dict[str, str]:  # fmt: skip
    """Return the answers of a model, say what they cost, and keep them."""
    from avenv_agents.omni.agent import Omni
    from avenv_agents.questions.asking import ask

    omni = Omni().configured({**server, "model": model, "view": view})
    shown = "" if view == "default" else f"-{Path(view).stem}"
    form = f"{shown}-short" if short else shown
    kept, name = folder / "answers", f"{title}-without-{lacking}{form}"
    given, ledger = ask(asked, folder, kept / name, omni, lacking, short, progress=True)
    lines = [json.dumps({"id": id_, "answer": letter}) + "\n" for id_, letter in given.items()]
    (kept / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    click.echo(", ".join(f"{what} {count:,.6g}" for what, count in ledger.counts.items() if count))
    return given
