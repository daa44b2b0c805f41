"""Refs: all that others ever hold of an actor. ``tell`` it something, or ``ask`` and wait for the answer.

A ref stays good while its actor is restarted, because the mailbox behind it stays. It gives no way to the
actor object: an actor is changed by messages only.
"""

from __future__ import annotations

from typing import Any, Generic, Never, TypeVar, final

import trio

from actorflow.actors.envelope import Envelope, Question
from actorflow.actors.mailbox import Mailbox, MailboxStatistics

__all__ = ["Ref", "make_ref"]

M_contra = TypeVar("M_contra", contravariant=True)


@final
class Ref(Generic[M_contra]):
    """A handle on an actor that takes messages of the type it is annotated with. Supervisors make them; there is no public constructor."""

    __slots__ = ("_mailbox",)

    _mailbox: Mailbox

    def __init__(self) -> None:
        raise TypeError("refs come from supervisors and the runtime")

    def __init_subclass__(cls) -> Never:
        raise TypeError("Ref is final")

    @property
    def path(self) -> str:
        """Where the actor is in the tree, as ``run/attempts/task:api``."""
        return self._mailbox.path

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._mailbox.path.rpartition("/")[2]

    @property
    def is_alive(self) -> bool:
        """Whether messages are accepted: True from the first start until the actor has stopped for good.

        An actor that has crashed and is about to be restarted is alive in this sense.
        """
        return not self._mailbox.is_closed

    async def tell(self, message: M_contra) -> None:
        """Send a message, waiting while the mailbox is full. A checkpoint.

        Raises:
            MailboxClosed: the actor has stopped for good; the message is now a dead letter.
        """
        await self._mailbox.put(Envelope(message))

    def tell_nowait(self, message: M_contra, *, reserved: bool = False) -> None:
        """Send a message without waiting.

        Args:
            message: what to send.
            reserved: let it in even when the mailbox is full. For senders that were promised a place
                beforehand, such as the one outcome of each piece of work that was started; the promise is
                what keeps the mailbox bounded.

        Raises:
            MailboxFull: there is no room.
            MailboxClosed: the actor has stopped for good; the message is now a dead letter.
        """
        self._mailbox.put_nowait(Envelope(message), reserved=reserved)

    async def ask(self, message: M_contra, *, timeout_seconds: float) -> object:
        """Send a message and wait for its answer. The deadline covers waiting for room and for the answer.

        A question whose asker has given up is still handled: a deadline does not take the message back.

        Raises:
            AskFailed: the actor crashed while it had the question, or refused it.
            MailboxClosed: the actor has stopped, or stopped before it answered.
            trio.TooSlowError: the deadline has passed.
        """
        question = Question(message)
        with trio.fail_after(timeout_seconds):
            await self._mailbox.put(question)
            return await question.wait_answer(self._mailbox.path)

    def statistics(self) -> MailboxStatistics:
        """How full the mailbox is and who waits, now."""
        return self._mailbox.statistics()

    def __repr__(self) -> str:
        return f"<Ref {self.path}{'' if self.is_alive else ' (stopped)'}>"


def make_ref(mailbox: Mailbox) -> Ref[Any]:
    """Make the ref of a mailbox. For this package only."""
    ref: Ref[Any] = object.__new__(Ref)
    ref._mailbox = mailbox  # noqa: SLF001 - the constructor that others do not have
    return ref
