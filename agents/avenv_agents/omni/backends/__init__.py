"""Interfaces of servers, each a module with the same few names.

- ``URL``: where it is by default; empty: there is no such place.
- ``KEY``: the environment variable with the key.
- ``body(question)``: the request, as JSON has it; raises ``ValueError`` for what it cannot carry.
- ``post(client, base_url, key, body)``: the server's answer, whatever its status.
- ``answer(chunks)``: what the chunks of a stream say together, as if it had come at once.
- ``reply(answer)``: what the model said; raises ``AnswerError`` for what has another form.
"""

from importlib import import_module
from typing import Any

from avenv.core.suggest import accepted

BACKENDS = {
    "openai": "avenv_agents.omni.backends.openai",
    "anthropic": "avenv_agents.omni.backends.anthropic",
    "gemini": "avenv_agents.omni.backends.gemini",
}
"""Where the module of each interface is."""


def find_backend(name: str) -> Any:
    """Return the module of an interface; ``ValueError`` if there is none of this name."""
    if name not in BACKENDS:
        raise ValueError(f"backend is {name!r}; {accepted(name, BACKENDS)}")
    return import_module(BACKENDS[name])
