"""The agent ``omni``: a model behind a chat interface decides what to do."""

from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.benchmark import AgentView
from avenv.benchmark.results import AGENT_FILES
from avenv.core.records import as_record
from avenv.tasks.actions import STOP
from avenv.tasks.oracle import ASK, Oracle
from avenv_agents.omni.backends import find_backend
from avenv_agents.omni.desk import Desk
from avenv_agents.omni.diary import Charter, Diary
from avenv_agents.omni.ledger import Budget, Ledger, Prices
from avenv_agents.omni.line import Line
from avenv_agents.omni.question import Question, Reply
from avenv_agents.omni.reading import UnusableError, read_actions, tool_of
from avenv_agents.omni.telling import KEPT, Teller
from avenv_agents.omni.transcripts import Transcript, TranscriptError, spent_in
from avenv_agents.omni.view import View, read_view

MAP = "map"
"""The oracle that says how the map has it."""

TRANSCRIPTS = "transcripts"
"""Folder of transcripts, in an agent's folder beside its results."""

NO_MODEL = "the agent omni needs a model; accepted: --model NAME"

VERSION = "1"
"""Of what models are told; with another, results are another agent's."""


@dataclass(frozen=True)
class Omni:
    """Makes the agent that a model behind a chat interface is.

    Only ``model``, ``backend`` and ``view`` make it another agent; all else may change when an
    evaluation goes on. Keys come from the environment alone.

    Attributes:
        model: its name, as the server knows it.
        backend: interface of the server: ``"openai"``, ``"anthropic"`` or ``"gemini"``.
        base_url: of the server; empty: the interface's own.
        view: name in ``configs/omni``, or a YAML file, or a ``View``.
        key: name of the environment variable with the key; empty: the interface's own.
        concurrency: questions asked at once.
        timeout: seconds for an answer.
        tries: of a question that the server cannot answer now.
        stream: ask for answers bit by bit (openai).
        max_cost: dollars after which it stops; needs prices.
        price_in, price_out: dollars for a million tokens of questions and of answers.
        replay: folder of results whose transcripts answer, without a network.
        oracle: who answers the action ``ask``: ``"map"``, in words made from the map, or the name
            of a model, which is told those; empty: there is nobody to ask.
        oracle_url: of that model's server; empty: the same.
        oracle_kept: folder of its answers; what is there is not asked again.
    """

    model: str = ""
    backend: str = "openai"
    base_url: str = ""
    view: str | View = "default"
    key: str = ""
    concurrency: int = 8
    timeout: float = 120.0
    tries: int = 6
    stream: bool = False
    max_cost: float | None = None
    price_in: float = 0.0
    price_out: float = 0.0
    replay: str = ""
    oracle: str = ""
    oracle_url: str = ""
    oracle_kept: str = KEPT

    rows = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the command line may give it."""
        return tuple(of.name for of in fields(self))

    def configured(self, given: Mapping[str, Any]) -> "Omni":
        """Return it with arguments.

        Raises:
            ValueError: one is unknown or out of range, or a key, or the model is missing.
        """
        for name in ("api_key", "apikey", "token", "secret"):
            if name in given:
                raise ValueError(
                    f"{name} is no argument, for it would be written down; accepted: the key in an "
                    "environment variable, whose name is --key"
                )
        if "model" in given:
            given = {**given, "model": str(given["model"])}
        made = as_record("the agent omni takes", {**self._own(), **given}, Omni)
        if not made.model:
            raise ValueError(NO_MODEL)
        find_backend(made.backend)
        for name, low, high in (("concurrency", 1, 256), ("tries", 1, 20), ("timeout", 0.1, 3600)):
            if not low <= getattr(made, name) <= high:
                raise ValueError(f"{name} is {getattr(made, name)!r}; accepted: {low} to {high}")
        if made.max_cost is not None and not (made.price_in or made.price_out):
            raise ValueError("max_cost needs prices; accepted: --price-in and --price-out as well")
        return replace(made, view=made.seen)

    @cached_property
    def seen(self) -> View:
        """What the model is shown."""
        return self.view if isinstance(self.view, View) else read_view(str(self.view))

    @property
    def options(self) -> dict[str, Any]:
        """Options of the environment that it asks for."""
        if not self.oracle:
            return self.seen.options
        if self.oracle == MAP:
            return {**self.seen.options, "oracle": True}
        view = self.seen
        teller = Teller(
            self.oracle, self.oracle_url or self.base_url, self.backend, self.key,
            self.oracle_kept, view.answer_limit, view.temperature, self.timeout, self.tries,
        )  # fmt: skip
        return {**view.options, "oracle": Oracle(speaker=teller)}

    @property
    def title(self) -> str:
        """What tells its results from those of others, as the name of a folder does."""
        return self.model

    @property
    def told(self) -> dict[str, Any]:
        """What is written down of its arguments: what makes it another agent."""
        return {"model": self.model, "backend": self.backend, "view": self.seen}

    @property
    def fingerprint(self) -> str:
        """Tells it from others."""
        return f"omni {VERSION}, {self.seen.digest}"

    def __call__(self, envs: AgentView) -> "OmniAgent":
        """Return the agent."""
        return OmniAgent(envs, self)

    def divided(self, workers: int) -> "Omni":
        """Return it for each of some workers of a cluster, who ask no more at once than it would.

        Raises:
            ValueError: there are fewer questions at once than workers, or a limit of what it may
                cost, which no worker can keep without the others.
        """
        if self.max_cost is not None and workers > 1:
            raise ValueError("max_cost is kept by one worker; accepted: none, or --workers 1")
        if self.concurrency < workers:
            raise ValueError(
                f"concurrency is {self.concurrency}, for {workers} workers together; accepted: as "
                "many or more"
            )
        return replace(self, concurrency=self.concurrency // workers)

    def _own(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.arguments}


@dataclass
class _Row:
    """One episode under way."""

    diary: Diary
    transcript: Transcript
    plan: deque[int] = field(default_factory=deque)
    ledger: Ledger = field(default_factory=Ledger)


class OmniAgent:
    """Asks a model what to do, for every row by itself, many at once.

    An answer of no use is told to the model, which is asked again; after as many in a row as the
    view has patience for it is given up: the body stops, and the ledger says so.

    Args:
        envs: with discrete actions.
        omni: what was asked for.

    Raises:
        ValueError: actions are not discrete, or the server cannot be asked.
    """

    def __init__(self, envs: AgentView, omni: Omni):
        if not isinstance(envs.single_action_space, spaces.Discrete):
            raise ValueError(
                f"actions are {envs.single_action_space}; this agent takes discrete ones"
            )
        if not omni.model:
            raise ValueError(NO_MODEL)
        if omni.oracle and ASK not in envs.action_names:
            raise ValueError(
                f"oracle is {omni.oracle!r}, and in these episodes there is nobody to ask; "
                "accepted: --task in place of --set"
            )
        options = envs.task_options
        self._omni, self._names = omni, tuple(envs.action_names)
        self._view = view = omni.seen
        self._charter = Charter(
            view, self._names, options.forward_step, options.turn_angle,
            envs.settings.step_time, getattr(options, "success_radius", None),
        )  # fmt: skip
        self._tool = tool_of(self._names, view.plan, view.note_letters)
        backend, line = find_backend(omni.backend), None
        if omni.replay:
            self._folder: Path | None = Path(omni.replay) / AGENT_FILES / TRANSCRIPTS
            if not self._folder.is_dir():
                raise TranscriptError(f"{omni.replay} has no transcripts to replay")
        else:
            self._folder = envs.folder / TRANSCRIPTS if envs.folder else None
            line = Line(backend, omni.base_url, omni.key, omni.timeout, omni.tries)
        budget = Budget(omni.max_cost, spent_in(self._folder))
        self._desk = Desk(backend, lambda: line, Prices(omni.price_in, omni.price_out), budget)
        self._rows: dict[int, _Row] = {}
        self._pool = ThreadPoolExecutor(omni.concurrency, thread_name_prefix="omni")

    def reset(self, row: int, seed: int) -> None:
        """Begin an episode in one row."""
        transcript = Transcript(self._folder, seed, is_final=bool(self._omni.replay))
        self._rows[row] = _Row(Diary(self._charter), transcript)

    def account(self, row: int) -> dict[str, float]:
        """Return what the episode in a row has cost so far."""
        return self._rows[row].ledger.counts

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return an action for each row (E,); those whose plan is done are asked for, at once."""
        active = np.flatnonzero(info["active"]).tolist()
        answers = info.get("answer")
        waiting = []
        for row in active:
            own = self._rows[row]
            seen = {name: value[row] for name, value in observation.items()}
            answer = str(answers[row]) if answers is not None else ""
            bumped = own.diary.see(seen, str(info["instruction"][row]), answer)
            if bumped or answer:
                own.plan.clear()
            if not own.plan:
                waiting.append(own)
        futures = [self._pool.submit(self._ask, own) for own in waiting]
        try:
            for future in futures:
                future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            wait(futures)  # what is under way is paid for, and is to be written down
            raise
        actions = np.full(len(info["active"]), STOP)
        for row in active:
            own = self._rows[row]
            actions[row] = own.plan.popleft()
            own.diary.do(self._names[actions[row]])
        return actions

    def _ask(self, row: _Row) -> None:
        """Ask what to do in a row until there is an answer of use, or no more patience."""
        view, flaws = self._view, list[str]()
        for _ in range(view.patience):
            reply = self._answer(row, flaws)
            try:
                actions, note = read_actions(
                    reply, self._names, view.plan, view.note_letters, view.reply == "tools"
                )
            except UnusableError as flaw:
                row.ledger.counts[flaw.flaw] += 1
                flaws.append(str(flaw))
                continue
            row.plan.extend(actions)
            if note is not None:
                row.diary.note = note
            return
        row.ledger.counts["given_up"] += 1
        row.plan.append(STOP)

    def _answer(self, row: _Row, flaws: list[str]) -> Reply:
        view = self._view
        question = Question(
            self._omni.model, self._charter.text(), row.diary.parts(flaws),
            self._tool if view.reply == "tools" else None,
            view.answer_tokens, view.answer_limit, view.temperature, self._omni.stream,
        )  # fmt: skip
        reply, entry = self._desk.ask(question, row.transcript)
        row.ledger.add(entry.tokens_in, entry.tokens_out, entry.cost, entry.tries)
        return reply


omni = Omni()
"""The agent by this name."""
