"""Options of the commands that ask a model: where its server is, how it is asked, at what cost."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

_OPTIONS = {
    "base_url": ("--base-url", str, "Of the model's server."),
    "backend": ("--backend", str, "Interface of the server: openai, anthropic or gemini."),
    "key": ("--key", str, "Name of the environment variable with the key."),
    "concurrency": ("--concurrency", int, "Questions asked at once."),
    "timeout": ("--timeout", float, "Seconds for an answer."),
    "tries": ("--tries", int, "Of a question that the server cannot answer now."),
    "stream": ("--stream", bool, "Whether answers come bit by bit."),
    "price_in": ("--price-in", float, "Dollars for a million tokens of questions."),
    "price_out": ("--price-out", float, "Dollars for a million tokens of answers."),
    "max_cost": ("--max-cost", float, "Dollars after which it stops; needs prices."),
}


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options, which it gets as ``server``, a mapping of those given.

    They are named as in ``Omni``, which has their defaults and refuses what is out of range.
    """

    @wraps(command)
    def asking(*arguments: Any, **given: Any) -> Any:
        told = {name: given.pop(name) for name in _OPTIONS}
        server = {name: value for name, value in told.items() if value is not None}
        return command(*arguments, server=server, **given)

    for name, (flag, kind, words) in reversed(_OPTIONS.items()):
        asking = click.option(flag, name, type=kind, help=words)(asking)
    return asking
