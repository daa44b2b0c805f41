"""The journal as its users see it: append a batch, read it back, know where it ends.

``Journal`` is the port that the driver of a run writes through, inside trio. Every implementation passes the
cases of ``actorflow.testing.journals``. Invariant: records are numbered 1, 2, 3 … without a gap, a batch is
there whole or not at all, and nothing is ever changed or removed. Must not know what a kind or a body means.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import msgspec

from actorflow.errors import InternalError

__all__ = ["Journal", "NewRecord", "Record", "checked", "nothing"]

_INT64 = 1 << 63


class NewRecord(msgspec.Struct, frozen=True):
    """A record that is not in a journal yet.

    Attributes:
        recorded_at: Unix time in microseconds, UTC.
        kind: the event's type, so that a reader can choose without decoding the body.
        body: the event as JSON text in UTF-8; stored as it is, never looked into.
    """

    recorded_at: int
    kind: str
    body: bytes


class Record(msgspec.Struct, frozen=True):
    """A record of a journal.

    Attributes:
        sequence: its number, from 1.
        recorded_at: Unix time in microseconds, UTC; as the writer's clock had it, so it may go backwards.
        epoch: which driver wrote it: the first one is 1, each one after it counts one more.
        kind: the event's type.
        body: the event as JSON text in UTF-8.
    """

    sequence: int
    recorded_at: int
    epoch: int
    kind: str
    body: bytes


def checked(batch: Sequence[NewRecord]) -> tuple[NewRecord, ...]:
    """Return ``batch`` as a tuple that nobody can change any more.

    For implementations: one caller's mistake must not fail the commit that others share.

    Raises:
        InternalError: a record holds something else than it should.
    """
    records = tuple(batch)
    for new in records:
        if type(new.body) is not bytes or type(new.kind) is not str or type(new.recorded_at) is not int:
            raise InternalError(f"a record that cannot be stored: {new!r:.200}")
        if not -_INT64 <= new.recorded_at < _INT64:
            raise InternalError(f"a record from beyond the end of time: {new.recorded_at}")
    return records


def nothing() -> None:
    """What there is to do during most appends."""


class Journal(ABC):
    """An append-only log, open for writing by the one driver of a run.

    Used from one trio run. An async context manager that closes itself.
    """

    @property
    @abstractmethod
    def epoch(self) -> int:
        """The number of this driver; every record it appends carries it."""

    @property
    @abstractmethod
    def head(self) -> int:
        """The sequence of the last durable record, as far as this journal wrote or saw it; 0 for an empty journal."""

    @abstractmethod
    async def append(self, batch: Sequence[NewRecord], *, meanwhile: Callable[[], None] = nothing) -> int:
        """Make ``batch`` durable, all of it or nothing, and return the sequence of its last record.

        Appends are carried out in the order in which they were called. A checkpoint: cancelled before
        anything is queued, nothing is written; after that the outcome is waited for and cannot be cancelled,
        as a caller must know whether it happened. An empty batch writes nothing and returns ``head``.

        Args:
            meanwhile: work that nobody waits for, such as cleaning up; called in the event loop when the disk
                begins to write, so that the commit hides what it takes. It must not rest on the batch, which
                is not durable yet. A batch that cannot be written may leave it undone. What it raises is
                raised here, and whether the batch is durable is then not known.

        Raises:
            JournalFull: there is no room; nothing was written, and the journal can be used further.
            StaleEpoch: another driver has opened the journal since; nothing was written.
            JournalError: the storage failed, whether the batch is durable is not known, and every later call
                raises: only opening the journal again can tell.
        """

    @abstractmethod
    async def read(self, after: int = 0) -> list[Record]:
        """Return the durable records with a sequence above ``after``, in order.

        Raises:
            JournalDamaged: what is stored is not what was appended.
            JournalError: the journal cannot be read, or it failed before.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Wait for what was queued, then give everything back. Closing twice is fine; later calls raise."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
