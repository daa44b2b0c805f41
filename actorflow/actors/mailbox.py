"""Mailboxes: a bounded queue in front of an actor, which survives the actor's restarts.

``Mailbox`` is the sending side, one for the life of a child; ``Inbox`` is the receiving side, one for each
incarnation. First in, first out for messages and for senders who wait; with trio's ``MemoryChannel`` for a
model. It is not built on one because a restart must find the messages again, reserved messages may exceed the
bound, and a stop ends the receiver while the queue stays.

Invariants: somebody waits to send only while the queue is full; a message leaves the queue only into the
hands of a receiver that is running, so that no cancellation loses one.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Never, final

import trio

from actorflow.actors.dead_letters import DeadLetters
from actorflow.actors.envelope import Envelope, Question
from actorflow.errors import MailboxClosed, MailboxFull

__all__ = ["Inbox", "InboxEnded", "Mailbox", "MailboxStatistics"]


class InboxEnded(trio.EndOfChannel):
    """The actor has been asked to stop: it gets no more messages. Leaving ``run`` with it is an orderly end."""


@final
@dataclass(frozen=True, slots=True)
class MailboxStatistics:
    """A mailbox at one moment.

    Attributes:
        depth: messages waiting; more than ``capacity`` when reserved ones are among them.
        capacity: the bound.
        tasks_waiting_send: senders waiting for room.
        tasks_waiting_receive: receivers waiting for a message.
        is_open: False once the actor has stopped for good.
    """

    depth: int
    capacity: int
    tasks_waiting_send: int
    tasks_waiting_receive: int
    is_open: bool


@final
class Mailbox:
    """The bounded queue of one child.

    Args:
        path: the actor's path, for messages to people.
        capacity: how many messages may wait, at least 1.
        dead_letters: where messages go that nobody will take.
    """

    __slots__ = ("_dead_letters", "_is_closed", "_queue", "_receivers", "_senders", "capacity", "path")

    def __init__(self, path: str, capacity: int, dead_letters: DeadLetters) -> None:
        self.path = path
        self.capacity = capacity
        self._dead_letters = dead_letters
        self._queue: deque[Envelope] = deque()
        self._receivers = trio.lowlevel.ParkingLot()
        self._senders: OrderedDict[trio.lowlevel.Task, Envelope] = OrderedDict()
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether the actor has stopped for good."""
        return self._is_closed

    def __len__(self) -> int:
        return len(self._queue)

    def put_nowait(self, envelope: Envelope, *, reserved: bool = False) -> None:
        """Queue an envelope, or raise; a reserved one may exceed the bound.

        Raises:
            MailboxFull: there is no room.
            MailboxClosed: the actor has stopped for good.
        """
        if self._is_closed:
            self._refuse(envelope)
        if not reserved and len(self._queue) >= self.capacity:
            raise MailboxFull(f"the mailbox of {self.path} is full ({self.capacity} messages)")
        self._append(envelope)

    async def put(self, envelope: Envelope) -> None:
        """Queue an envelope, waiting for room behind those who already wait. A checkpoint in any case.

        Raises:
            MailboxClosed: the actor has stopped for good, perhaps while we waited.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._is_closed or len(self._queue) < self.capacity:
            self.put_nowait(envelope)
            await trio.lowlevel.cancel_shielded_checkpoint()
            return
        task = trio.lowlevel.current_task()
        self._senders[task] = envelope

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            del self._senders[task]
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        if self._senders.pop(task, None) is not None:  # never moved to the queue: close() woke us
            raise self._closed_error()

    def take(self) -> Envelope:
        """Take the oldest message and let the first waiting sender in.

        Raises:
            IndexError: it is empty.
        """
        envelope = self._queue.popleft()
        while self._senders and len(self._queue) < self.capacity:
            task, waiting = self._senders.popitem(last=False)
            self._append(waiting)
            trio.lowlevel.reschedule(task)
        return envelope

    async def wait_message(self) -> None:
        """Sleep until a message comes or ``wake_receivers`` is called."""
        await self._receivers.park()

    def wake_receivers(self) -> None:
        """Wake whoever waits for a message, so that it sees that its inbox has ended."""
        self._receivers.unpark_all()

    def close(self) -> None:
        """Close for good: what is left becomes dead letters, questions and waiting senders fail. Twice is once."""
        if self._is_closed:
            return
        self._is_closed = True
        while self._queue:
            envelope = self._queue.popleft()
            self._dead_letters.add(self.path, envelope.message, "left_over")
            envelope.refuse(self._closed_error())
        for task, envelope in self._senders.items():
            # On record here and not by the woken senders, who run in no particular order.
            self._dead_letters.add(self.path, envelope.message, "closed")
            trio.lowlevel.reschedule(task)

    def statistics(self) -> MailboxStatistics:
        """How full it is and who waits, now."""
        return MailboxStatistics(
            depth=len(self._queue),
            capacity=self.capacity,
            tasks_waiting_send=len(self._senders),
            tasks_waiting_receive=len(self._receivers),
            is_open=not self._is_closed,
        )

    def _append(self, envelope: Envelope) -> None:
        self._queue.append(envelope)
        if self._receivers:
            self._receivers.unpark()

    def _refuse(self, envelope: Envelope) -> Never:
        self._dead_letters.add(self.path, envelope.message, "closed")
        raise self._closed_error()

    def _closed_error(self) -> MailboxClosed:
        return MailboxClosed(f"{self.path} has stopped")


@final
class Inbox:
    """The receiving side, as one incarnation of an actor has it.

    Once the actor is asked to stop, ``get`` and ``get_nowait`` raise ``trio.EndOfChannel``, a loop over the
    inbox ends and ``drain_nowait`` gives nothing: what is still in the mailbox is for the next incarnation,
    or becomes dead letters.
    """

    __slots__ = ("_is_ended", "_is_fresh", "_mailbox", "_unanswered")

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._unanswered: dict[Question, None] = {}
        self._is_ended = False
        self._is_fresh = True  # its incarnation has only just got its turn

    @property
    def is_ended(self) -> bool:
        """Whether the actor has been asked to stop."""
        return self._is_ended

    def __len__(self) -> int:
        return 0 if self._is_ended else len(self._mailbox)

    async def get(self) -> Envelope:
        """Wait for the next message. A checkpoint, though the first message of an incarnation lets nobody else go first.

        Raises:
            trio.EndOfChannel: the actor has been asked to stop.
        """
        if self._is_fresh:
            self._is_fresh = False
            await trio.lowlevel.checkpoint_if_cancelled()
        elif self:
            await trio.lowlevel.checkpoint()
        while not self._is_ended:
            if self._mailbox:
                return self._take()
            await self._mailbox.wait_message()
        raise InboxEnded

    def get_nowait(self) -> Envelope:
        """Take the next message if there is one.

        Raises:
            trio.WouldBlock: there is none.
            trio.EndOfChannel: the actor has been asked to stop.
        """
        if self._is_ended:
            raise InboxEnded
        if not self._mailbox:
            raise trio.WouldBlock
        return self._take()

    def drain_nowait(self, limit: int | None = None) -> list[Envelope]:
        """Take what is there, at most ``limit`` messages, oldest first; maybe nothing."""
        count = len(self) if limit is None else min(limit, len(self))
        return [self._take() for _ in range(count)]

    def __aiter__(self) -> Inbox:
        return self

    async def __anext__(self) -> Envelope:
        try:
            return await self.get()
        except InboxEnded:
            raise StopAsyncIteration from None

    def end(self) -> None:
        """Give out no more messages, and wake who waits for one."""
        self._is_ended = True
        self._mailbox.wake_receivers()

    def settle_unanswered(self, error: Exception | None) -> None:
        """Answer every question that was taken and never answered: with the crash, or with "has stopped"."""
        for question in list(self._unanswered):
            if error is not None:
                question.fail(error)
            else:
                question.refuse(MailboxClosed(f"{self._mailbox.path} stopped before it answered"))

    def _take(self) -> Envelope:
        envelope = self._mailbox.take()
        if isinstance(envelope, Question):
            envelope.hold_in(self._unanswered)
        return envelope
