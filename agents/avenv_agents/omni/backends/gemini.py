"""The ``generateContent`` interface of Gemini: pictures and sound are ``inlineData`` parts."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

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

URL = "https://generativelanguage.googleapis.com/v1beta"
KEY = "GEMINI_API_KEY"
_REFUSED = ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII")
_KEYS = ("type", "description", "items", "enum", "properties", "required", "minItems", "maxItems")


def body(question: Question) -> dict[str, Any]:
    """Return the request, with the model's name, which goes into the address."""
    limits: dict[str, Any] = {"maxOutputTokens": question.answer_tokens}
    if question.temperature is not None:
        limits["temperature"] = question.temperature
    made: dict[str, Any] = {
        "model": question.model,
        "systemInstruction": {"parts": [{"text": question.system}]},
        "contents": [{"role": "user", "parts": [_part(part) for part in question.parts]}],
        "generationConfig": limits,
    }
    if question.tool is not None:
        tool = question.tool
        made["tools"] = [
            {"functionDeclarations": [{"name": tool.name, "description": tool.description,
                                       "parameters": _schema(tool.parameters)}]}
        ]  # fmt: skip
        called = {"mode": "ANY", "allowedFunctionNames": [tool.name]}
        made["toolConfig"] = {"functionCallingConfig": called}
    return made


def post(client: Any, base_url: str, key: str, body: Mapping[str, Any]) -> Any:
    """Return the server's answer, whatever its status."""
    sent = {name: value for name, value in body.items() if name != "model"}
    url = f"{base_url}/models/{quote(body['model'], safe='')}:generateContent"
    return client.post(url, json=sent, headers={"x-goog-api-key": key})


def answer(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Raise ``AnswerError``: it is not asked to stream."""
    raise AnswerError("the answer is a stream that nobody asked for")


def reply(answer: Mapping[str, Any]) -> Reply:
    """Return what the model said.

    Raises:
        AnswerError: the answer has no candidate.
    """
    try:
        usage = answer.get("usageMetadata")
        blocked = (answer.get("promptFeedback") or {}).get("blockReason", "")
        candidate = {} if blocked else answer["candidates"][0]
        parts = (candidate.get("content") or {}).get("parts") or ()
        finish = candidate.get("finishReason")
        calls = tuple(
            (str(p["functionCall"]["name"]), json.dumps(p["functionCall"].get("args") or {}))
            for p in parts
            if "functionCall" in p
        )
        return Reply(
            calls,
            words_of([part for part in parts if not part.get("thought")]),
            blocked or (finish if finish in _REFUSED else ""),
            finish == "MAX_TOKENS",
            tokens_of(usage, "promptTokenCount"),
            tokens_of(usage, "candidatesTokenCount") + tokens_of(usage, "thoughtsTokenCount"),
        )
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise AnswerError(f"the answer has no candidate: {error!r}") from error


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON schema with what Gemini knows of it."""
    made = {name: value for name, value in schema.items() if name in _KEYS}
    if "items" in made:
        made["items"] = _schema(made["items"])
    if "properties" in made:
        made["properties"] = {k: _schema(v) for k, v in made["properties"].items()}
    return made


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    kind = "image/png" if isinstance(part, Picture) else f"audio/{part.kind}"
    return {"inlineData": {"mimeType": kind, "data": base64.b64encode(part.content).decode()}}
