"""Envelopes: a message on its way to an actor, and the way back for its answer.

``tell`` sends a plain ``Envelope``, whose ``reply`` does nothing; ``ask`` sends a ``Question``, which
somebody waits for. A question is answered at most once: the first of reply, failure and "the receiver is
gone" wins. Slots, because one is made for every message.
"""

from __future__ import annotations

from typing import Any, final

import trio

from actorflow.actors.errors import AskFailed
from actorflow.errors import MailboxClosed

__all__ = ["Envelope", "Question"]


class Envelope:
    """A message taken from an inbox. Answer it with ``reply`` or ``fail``; both do nothing if nobody asked."""

    __slots__ = ("message",)

    def __init__(self, message: Any) -> None:
        self.message = message

    @property
    def wants_reply(self) -> bool:
        """Whether somebody is still waiting for an answer."""
        return False

    def reply(self, value: object) -> None:
        """Answer with a value. Only the first answer counts."""

    def fail(self, error: Exception) -> None:
        """Answer with a failure: the asker gets ``AskFailed`` with this as its cause. Only the first answer counts."""

    def refuse(self, error: MailboxClosed) -> None:
        """Tell the asker that the actor is gone. For this package: an actor answers with ``fail``."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.message!r}>"


@final
class Question(Envelope):
    """An envelope that somebody waits for."""

    __slots__ = ("_answered", "_error", "_held_in", "_is_abandoned", "_refusal", "_value")

    def __init__(self, message: object) -> None:
        super().__init__(message)
        self._answered = trio.Event()
        self._value: object = None
        self._error: Exception | None = None
        self._refusal: MailboxClosed | None = None
        self._held_in: dict[Question, None] | None = None
        self._is_abandoned = False

    @property
    def wants_reply(self) -> bool:
        """Whether it is unanswered and its asker still waits."""
        return not self._answered.is_set() and not self._is_abandoned

    def reply(self, value: object) -> None:
        """Answer with a value."""
        if not self._answered.is_set():
            self._value = value
            self._settle()

    def fail(self, error: Exception) -> None:
        """Answer with a failure."""
        if not self._answered.is_set():
            self._error = error
            self._settle()

    def refuse(self, error: MailboxClosed) -> None:
        """Tell the asker that the actor is gone."""
        if not self._answered.is_set():
            self._refusal = error
            self._settle()

    def hold_in(self, unanswered: dict[Question, None]) -> None:
        """Stand in this dict (an ordered set) until answered, so that the receiver's end can answer what it took."""
        unanswered[self] = None
        self._held_in = unanswered

    async def wait_answer(self, path: str) -> object:
        """Wait for the answer of the actor at ``path``; leaving early (deadline, cancellation) abandons the question."""
        try:
            await self._answered.wait()
        finally:
            self._is_abandoned = True
        if self._refusal is not None:
            raise self._refusal
        if self._error is not None:
            raise AskFailed(path) from self._error
        return self._value

    def _settle(self) -> None:
        self._answered.set()
        if self._held_in is not None:
            del self._held_in[self]
