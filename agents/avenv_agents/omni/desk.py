"""Where questions are put: to what is written down first, then to the server, at a price."""

from collections.abc import Callable, Mapping
from typing import Any

from avenv_agents.omni.ledger import Budget, Prices
from avenv_agents.omni.line import Line
from avenv_agents.omni.question import AnswerError, Question, Reply
from avenv_agents.omni.transcripts import Entry, Transcript


class Desk:
    """Asks for answers, from any number of threads.

    Args:
        backend: module of the interface, see ``backends``.
        line: gives the line to the server, where no transcript answers; None: there is none, and
            transcripts are final.
        prices: of tokens.
        budget: that what is asked is paid from; None: without end.
    """

    def __init__(
        self,
        backend: Any,
        line: Callable[[], Line | None],
        prices: Prices | None = None,
        budget: Budget | None = None,
    ):
        self._backend, self._line = backend, line
        self._prices, self._budget = prices or Prices(), budget or Budget(None)

    def ask(self, question: Question, transcript: Transcript) -> tuple[Reply, Entry]:
        """Return what the model said, and what is written down of it.

        Raises:
            ServerError: it cannot be asked; the message says what to change.
            SpentError: nothing more may be spent.
            TranscriptError: something else is written down.
        """
        body = self._backend.body(question)
        entry = transcript.ask(body, question.media, lambda: self._fetch(body))
        return self._read(entry.answer), entry

    def _fetch(self, body: Mapping[str, Any]) -> Entry:
        line = self._line()
        assert line is not None
        self._budget.check()
        sent = line.send(body)
        reply = self._read(sent.answer)
        cost = self._prices.of(reply.tokens_in, reply.tokens_out)
        self._budget.add(cost)
        return Entry("", sent.answer, reply.tokens_in, reply.tokens_out, cost, sent.tries)

    def _read(self, answer: Mapping[str, Any]) -> Reply:
        """Return what the model said; an answer of another form is one that says nothing."""
        if answer.get("cut_off") is True:
            return Reply(cut_off=True)
        try:
            return self._backend.reply(answer)
        except AnswerError:
            return Reply()
