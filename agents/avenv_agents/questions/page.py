"""A page with players, so that people can try the questions themselves."""

from collections.abc import Sequence
from html import escape

from avenv.core.store import Store
from avenv_agents.questions.question import Question

EACH = 4
"""Questions of each template on the page, at least: whole groups, so that members compare."""

NUMBERS = ("one", "two", "three", "four", "five")
"""Of recordings, as questions call them."""

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Spatial audio-visual questions</title>
<style>body{font:16px/1.45 system-ui;max-width:66rem;margin:2rem auto;padding:0 1rem}
article{border:1px solid #ccc;border-radius:.5rem;padding:1rem;margin:1rem 0;display:flex;
flex-wrap:wrap;gap:1.5rem}article>div{flex:1 1 18rem}article>div:first-child{flex:0 1 20rem}
video{width:20rem;max-width:100%;display:block}audio{display:block;max-width:100%}p{margin-top:0}
figure{margin:0 0 .5rem}figcaption{font-size:.9rem}
small{color:#666}ol{list-style:upper-alpha}</style>
<h1>Spatial audio-visual questions</h1><p>Wear headphones. Clips of a group share their question,
and every answer is true of as many of them.</p>"""


def write_page(store: Store, questions: Sequence[Question]) -> None:
    """Write ``sample.html``, some questions of every template, the answers folded away."""
    shown, begun = dict[str, list[Question]](), set[str]()
    for question in questions:
        own = shown.setdefault(question.template, [])
        if len(own) < EACH or question.group in begun:
            begun.add(question.group)
            own.append(question)
    links = " · ".join(f'<a href="#{name}">{name}</a>' for name in shown)
    parts = [HEAD, f"<nav>{links}</nav>"]
    for name, own in shown.items():
        parts += [f'<h2 id="{name}">{name}</h2>', *map(_article, own)]
    with store.write("sample.html") as draft:
        draft.write_text("\n".join([*parts, "</html>"]), encoding="utf-8")


def _article(question: Question) -> str:
    players = [f'<video controls src="{escape(path)}"></video>' for path in question.video]
    if not players:
        players = [
            f"<figure><figcaption>recording {number}</figcaption>"
            f'<audio controls src="{escape(path)}"></audio></figure>'
            for number, path in zip(NUMBERS, question.audio, strict=False)
        ]
    options = "".join(f"<li>{escape(option)}</li>" for option in question.options)
    return (
        f"<article><div>{''.join(players)}</div><div><p>{escape(question.question)}</p>"
        f"<ol>{options}</ol><details><summary>Answer</summary>{question.answer}</details>"
        f"<small>{escape(question.id)} · {question.axis} · {question.level}</small></div></article>"
    )
