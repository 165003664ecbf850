"""A page with players, so that people can try the questions themselves."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from avenv.core.files import draft_of
from avenv_agents.questions.question import Question

EACH = 4
"""Questions of each template on the page: one or two groups, so that members compare."""

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Spatial audio-visual questions</title>
<style>body{font:16px/1.45 system-ui;max-width:66rem;margin:2rem auto;padding:0 1rem}
article{border:1px solid #ccc;border-radius:.5rem;padding:1rem;margin:1rem 0}
video{width:24rem;max-width:100%;display:block}audio{display:block;margin:.3rem 0}
small{color:#666}ol{list-style:upper-alpha}</style>
<h1>Spatial audio-visual questions</h1><p>Wear headphones.</p>"""


def write_page(folder: Path, questions: Sequence[Question]) -> None:
    """Write ``sample.html``, some questions of every template, the answers folded away."""
    parts, shown = [HEAD], dict[str, int]()
    for question in questions:
        if shown.setdefault(question.template, 0) < EACH:
            shown[question.template] += 1
            parts.append(_article(question))
    with draft_of(folder / "sample.html") as draft:
        draft.write_text("\n".join([*parts, "</html>"]), encoding="utf-8")


def _article(question: Question) -> str:
    players = [f'<video controls src="{escape(path)}"></video>' for path in question.video]
    if not players:
        players = [f'<audio controls src="{escape(path)}"></audio>' for path in question.audio]
    options = "".join(f"<li>{escape(option)}</li>" for option in question.options)
    return (
        f"<article><small>{escape(question.id)} · {question.axis} · {question.level}</small>"
        f"{''.join(players)}<p>{escape(question.question)}</p><ol>{options}</ol>"
        f"<details><summary>Answer</summary>{question.answer}</details></article>"
    )
