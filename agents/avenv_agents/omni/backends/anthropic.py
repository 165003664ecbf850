"""The messages interface of Anthropic: pictures are ``image`` blocks; it takes no sound."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from avenv_agents.omni.question import (
    AnswerError,
    Part,
    Picture,
    Question,
    Reply,
    Text,
    tokens_of,
    words_of,
)

URL = "https://api.anthropic.com"
KEY = "ANTHROPIC_API_KEY"
VERSION = "2023-06-01"


def body(question: Question) -> dict[str, Any]:
    """Return the request.

    Raises:
        ValueError: there is sound in the question.
    """
    made: dict[str, Any] = {
        "model": question.model,
        "system": question.system,
        "messages": [{"role": "user", "content": [_part(part) for part in question.parts]}],
        "max_tokens": question.answer_tokens,
    }
    if question.temperature is not None:
        made["temperature"] = question.temperature
    if question.tool is not None:
        tool = question.tool
        made["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
        ]
        made["tool_choice"] = {"type": "tool", "name": tool.name}
    return made


def post(client: Any, base_url: str, key: str, body: Mapping[str, Any]) -> Any:
    """Return the server's answer, whatever its status."""
    headers = {"x-api-key": key, "anthropic-version": VERSION}
    return client.post(f"{base_url.removesuffix('/v1')}/v1/messages", json=body, headers=headers)


def answer(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Raise ``AnswerError``: it is not asked to stream."""
    raise AnswerError("the answer is a stream that nobody asked for")


def reply(answer: Mapping[str, Any]) -> Reply:
    """Return what the model said.

    Raises:
        AnswerError: the answer is no message.
    """
    try:
        blocks, usage = answer["content"], answer.get("usage")
        calls = tuple(
            (str(block["name"]), json.dumps(block["input"]))
            for block in blocks
            if block["type"] == "tool_use"
        )
        stop = answer.get("stop_reason")
        return Reply(
            calls,
            words_of([block for block in blocks if block["type"] == "text"]),
            "refused" if stop == "refusal" else "",
            stop == "max_tokens",
            tokens_of(usage, "input_tokens"),
            tokens_of(usage, "output_tokens"),
        )
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise AnswerError(f"the answer is no message: {error!r}") from error


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if not isinstance(part, Picture):
        raise ValueError("the backend anthropic takes no sound; accepted: --view silent")
    data = base64.b64encode(part.content).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
