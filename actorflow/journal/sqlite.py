"""The journal on disk, as the driver of a run uses it inside trio.

``open_sqlite_journal`` takes the path of a database that ``RunStore.create`` made and gives a
``SqliteJournal``, the run's next driver; the lease of the run is held by then. Invariant: an append has
happened, or has not, when it returns or raises; in between it cannot be cancelled. Must not touch the
database from the event loop: ``Writer`` does it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from actorflow.journal.database import Database
from actorflow.journal.port import Journal, NewRecord, Record, checked, nothing
from actorflow.journal.writer import Writer

__all__ = ["SqliteJournal", "open_sqlite_journal"]

_CHUNK = 4096  # records read at once, so that an append never waits long behind a read


@asynccontextmanager
async def open_sqlite_journal(path: Path) -> AsyncIterator[SqliteJournal]:
    """Open the journal at ``path`` for writing, as its next driver, and close it in the end.

    The epoch is raised, durably: from now on every append of an earlier driver is refused. The caller holds
    the lease (``Lease.acquire``), so that there is an earlier driver only if it lost the lease without
    noticing.

    Raises:
        JournalDamaged: the journal is not whole; nothing was changed.
        JournalFull: there is no room even for that.
        JournalError: there is no journal, or it cannot be opened.
    """
    writer = Writer(path)
    epoch, head = await writer.start()
    journal = SqliteJournal(writer, epoch, head)
    try:
        yield journal
    finally:
        await journal.aclose()


class SqliteJournal(Journal):
    """A journal in a SQLite database. Made by ``open_sqlite_journal`` only."""

    def __init__(self, writer: Writer, epoch: int, head: int) -> None:
        self._writer = writer
        self._epoch = epoch
        self._head = head

    @property
    def epoch(self) -> int:
        """See ``Journal``."""
        return self._epoch

    @property
    def head(self) -> int:
        """See ``Journal``."""
        return self._head

    @property
    def busy_seconds(self) -> float:
        """How long the disk has been at what it does now; 0 when it has nothing to do."""
        return self._writer.busy_seconds

    async def append(self, batch: Sequence[NewRecord], *, meanwhile: Callable[[], None] = nothing) -> int:
        """See ``Journal``; appends that come while a commit is at work share the next one."""
        head = await self._writer.append(checked(batch), meanwhile)
        self._head = max(self._head, head)
        return head

    async def read(self, after: int = 0) -> list[Record]:
        """See ``Journal``; reads in pieces, and appends get their turn in between."""
        records: list[Record] = []
        place = await self._writer.call(lambda database: database.place(after))
        while True:
            piece, place = await self._writer.call(partial(Database.read, after=place, limit=_CHUNK))
            records += piece
            if len(piece) < _CHUNK:
                return records

    async def aclose(self) -> None:
        """See ``Journal``; not cancellable, like an append."""
        await self._writer.stop()
