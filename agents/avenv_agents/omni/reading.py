"""From what a model answered to actions."""

import json
import re
from collections.abc import Sequence
from typing import Any

from avenv.core.suggest import did_you_mean
from avenv_agents.omni.question import Reply, Tool, words_of

TOOL = "act"

FLAWS = ("malformed", "unknown_action", "text_only", "refused", "empty", "cut_off")
"""What can be wrong with an answer, each counted."""


class UnusableError(ValueError):
    """An answer is of no use; ``flaw`` is one of ``FLAWS``, the message is for the model."""

    def __init__(self, flaw: str, message: str):
        super().__init__(message)
        self.flaw = flaw


def tool_of(names: Sequence[str], plan: int, note_letters: int) -> Tool:
    """Return the tool by which a model acts."""
    several = f"1 to {plan} actions, done in order" if plan > 1 else "one action"
    properties: dict[str, Any] = {
        "actions": {
            "type": "array",
            "description": f"{several}; the rest is dropped when the body bumps into something",
            "items": {"type": "string", "enum": list(names)},
            "minItems": 1,
            "maxItems": plan,
        }
    }
    if note_letters:
        properties["note"] = {
            "type": "string",
            "description": f"what you want to remember; you are told it next time. At most "
            f"{note_letters} letters; it replaces the last one.",
        }
    schema = {"type": "object", "properties": properties, "required": ["actions"]}
    return Tool(TOOL, "Move the body.", schema)


def read_actions(
    reply: Reply, names: Sequence[str], plan: int, note_letters: int, is_tool: bool = True
) -> tuple[list[int], str | None]:
    """Return the numbers of the actions in a reply, and the note, if one was left.

    Args:
        reply: of the model.
        names: of the actions there are.
        plan: actions at most; further ones are dropped.
        note_letters: of the note; the rest is dropped.
        is_tool: whether the actions are in a call, else in JSON in the text.

    Raises:
        UnusableError: it refuses, is empty, of another form, or names what is no action.
    """
    if reply.refusal:
        raise UnusableError("refused", "you refused; this is a simulation, nobody comes to harm")
    given = [_arguments(call) for call in reply.calls] if is_tool else _written(reply)
    if not given:
        if reply.cut_off:
            raise UnusableError("cut_off", "it was longer than allowed; call the tool at once")
        if reply.text.strip():
            raise UnusableError("text_only", f"it was text; call the tool {TOOL!r}")
        raise UnusableError("empty", f"it was empty; call the tool {TOOL!r}")
    actions: list[int] = []
    note: str | None = None
    for one in given:
        wanted = one.get("actions")
        wanted = [wanted] if isinstance(wanted, str) else wanted
        if not isinstance(wanted, list) or not wanted:
            raise UnusableError("malformed", "its 'actions' are no list of names of actions")
        for name in wanted:
            if name not in names:
                raise UnusableError(
                    "unknown_action",
                    f"there is no action {name!r:.60}; there are {', '.join(names)}"
                    f"{did_you_mean(name, names)}",
                )
            actions.append(names.index(name))
        if isinstance(one.get("note"), str):
            note = words_of(one["note"])[:note_letters]
    return actions[:plan], note


def _arguments(call: tuple[str, str]) -> dict[str, Any]:
    name, arguments = call
    if name != TOOL:
        raise UnusableError("malformed", f"there is no tool {name!r:.60}; call {TOOL!r}")
    return _mapping(arguments)


def _written(reply: Reply) -> list[dict[str, Any]]:
    """Return the last JSON object in a text, which may be in a fence."""
    found = re.findall(r"\{[^{}]*\}", reply.text)
    return [_mapping(found[-1])] if found else []


def _mapping(text: str) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnusableError("malformed", f"its arguments are no JSON: {error}") from error
    if not isinstance(read, dict):
        raise UnusableError("malformed", "its arguments are no JSON object")
    return read
