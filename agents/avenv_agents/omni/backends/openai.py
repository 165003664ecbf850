"""The chat interface of OpenAI, spoken by vLLM, llama.cpp, Ollama, OpenRouter and many others.

Pictures are data URIs, sound is an ``input_audio`` part. Requests go through OpenAI's own library.
"""

import base64
import json
import re
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

URL = "https://api.openai.com/v1"
KEY = "OPENAI_API_KEY"

_THOUGHTS = re.compile(r"^\s*<think>.*?(</think>\s*|\Z)", re.DOTALL)
"""What some servers leave before the answer; a thought without end is all there is."""


def body(question: Question) -> dict[str, Any]:
    """Return the request."""
    made: dict[str, Any] = {
        "model": question.model,
        "messages": [
            {"role": "system", "content": question.system},
            {"role": "user", "content": [_part(part) for part in question.parts]},
        ],
        question.answer_limit: question.answer_tokens,
    }
    if question.temperature is not None:
        made["temperature"] = question.temperature
    if question.tool is not None:
        tool = question.tool
        function = {"name": tool.name, "description": tool.description}
        made["tools"] = [
            {"type": "function", "function": function | {"parameters": tool.parameters}}
        ]
        made["tool_choice"] = {"type": "function", "function": {"name": tool.name}}
    if question.stream:
        made |= {"stream": True, "stream_options": {"include_usage": True}}
    return made


def post(client: Any, base_url: str, key: str, body: Mapping[str, Any]) -> Any:
    """Return the server's answer, whatever its status; errors of the line are httpx's own."""
    import openai

    speaker = openai.OpenAI(
        api_key=key or "none", base_url=base_url, http_client=client, max_retries=0
    )
    try:
        return speaker.chat.completions.with_raw_response.create(**body).http_response
    except openai.APIStatusError as error:
        return error.response
    except openai.APIConnectionError as error:
        raise error.__cause__ or OSError(str(error)) from None


def answer(chunks: Sequence[Any]) -> dict[str, Any]:
    """Return what the chunks of a stream say together; the chunks, where they are none."""
    try:
        return _joined(chunks)
    except (LookupError, TypeError, AttributeError, ValueError):
        return {"chunks": list(chunks)}


def _joined(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"content": "", "tool_calls": []}
    found: dict[str, Any] = {"choices": [{"message": message, "finish_reason": None}]}
    calls: dict[int, dict[str, str]] = {}
    for chunk in chunks:
        if chunk.get("error"):
            return dict(chunk)
        found["usage"] = chunk.get("usage") or found.get("usage")
        for choice in chunk.get("choices") or ():
            found["choices"][0]["finish_reason"] = (
                choice.get("finish_reason") or (found["choices"][0]["finish_reason"])
            )
            delta = choice.get("delta") or {}
            message["content"] += delta.get("content") or ""
            if delta.get("refusal"):
                message["refusal"] = message.get("refusal", "") + delta["refusal"]
            for call in delta.get("tool_calls") or ():
                own = calls.setdefault(call.get("index", 0), {"name": "", "arguments": ""})
                for name in own:
                    own[name] += (call.get("function") or {}).get(name) or ""
    message["tool_calls"] = [{"function": calls[k]} for k in sorted(calls)]
    return found


def reply(answer: Mapping[str, Any]) -> Reply:
    """Return what the model said.

    Raises:
        AnswerError: the answer is no completion.
    """
    try:
        choice = answer["choices"][0]
        message, usage = choice["message"], answer.get("usage")
        called = [call["function"] for call in message.get("tool_calls") or ()]
        calls = tuple((str(own["name"]), _arguments(own["arguments"])) for own in called)
        finish = choice.get("finish_reason")
        return Reply(
            calls,
            _THOUGHTS.sub("", words_of(message.get("content"))),
            words_of(message.get("refusal")) or ("filtered" if finish == "content_filter" else ""),
            finish == "length",
            tokens_of(usage, "prompt_tokens"),
            tokens_of(usage, "completion_tokens"),
        )
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise AnswerError(f"the answer is no chat completion: {error!r}") from error


def _arguments(told: Any) -> str:
    """Return arguments as JSON text; some servers tell them as an object."""
    return told if isinstance(told, str) else json.dumps(told)


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    data = base64.b64encode(part.content).decode()
    if isinstance(part, Picture):
        return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    return {"type": "input_audio", "input_audio": {"data": data, "format": part.kind}}
