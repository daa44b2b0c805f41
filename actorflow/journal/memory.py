"""A journal without a disk, inside the event loop: for simulations on a mock clock, dry runs and tests.

``MemoryJournal`` keeps every rule of the port, the epoch included: several of them can be opened one after
another on one ``MemoryDisk``, which is what survives a simulated crash. Invariant: without a hook an append
is exactly one trio checkpoint and no thread, so a mock clock with autojump never mistakes it for idleness.
Must not touch a file.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import trio

from actorflow.errors import JournalError, JournalFull
from actorflow.journal.faults import again, closed_error, stale_error
from actorflow.journal.port import Journal, NewRecord, Record, checked, nothing

__all__ = ["MemoryDisk", "MemoryJournal", "Sync"]

Sync: TypeAlias = Callable[[Sequence[Record]], Awaitable[None]]
"""Stands for the fsync of the records given; what it raises is what the disk did."""

_STUCK_SECONDS = 3600.0


@dataclass(slots=True)
class MemoryDisk:
    """What is left when a process is gone: the records, and the epoch of the last driver.

    Attributes:
        records: the durable records, in order.
        epoch: of the driver that opened it last; 0 when none did.
    """

    records: list[Record] = field(default_factory=list)
    epoch: int = 0

    def open(self, *, sync: Sync | None = None) -> MemoryJournal:
        """Open a journal on this disk as its next driver."""
        return MemoryJournal(self.epoch + 1, disk=self, sync=sync)

    def cut(self, head: int) -> MemoryDisk:
        """Return a copy that ends at the sequence ``head``: the disk of a process killed right after that record."""
        return MemoryDisk(self.records[:head], self.epoch)


class MemoryJournal(Journal):
    """A journal whose records live on a ``MemoryDisk``.

    Args:
        epoch: of this driver.
        disk: what it writes to; a new one by default.
        sync: awaited for every batch just before it becomes durable, for slow and failing disks. Raising
            ``JournalFull`` refuses the batch; any other ``JournalError`` is a failed fsync and poisons the
            journal. It cannot be cancelled, as a real commit cannot; one that takes an hour counts as failed.
    """

    def __init__(self, epoch: int = 1, *, disk: MemoryDisk | None = None, sync: Sync | None = None) -> None:
        self.disk = MemoryDisk() if disk is None else disk
        self.disk.epoch = max(self.disk.epoch, epoch)
        self._epoch = epoch
        self._head = len(self.disk.records)
        self._sync = sync
        self._turn = trio.StrictFIFOLock()
        self._failure: JournalError | None = None
        self._closed = False

    @property
    def epoch(self) -> int:
        """See ``Journal``."""
        return self._epoch

    @property
    def head(self) -> int:
        """See ``Journal``."""
        return self._head

    async def append(self, batch: Sequence[NewRecord], *, meanwhile: Callable[[], None] = nothing) -> int:
        """See ``Journal``; one checkpoint, unless there is a ``sync``."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._sync is not None:
            return await self._append_slowly(batch, self._sync, meanwhile)
        try:
            records = self._number(batch)
            meanwhile()
            return self._commit(records)
        finally:
            await trio.lowlevel.cancel_shielded_checkpoint()

    async def read(self, after: int = 0) -> list[Record]:
        """See ``Journal``; one checkpoint."""
        await trio.lowlevel.checkpoint()
        self._check_usable()
        return self.disk.records[max(after, 0) :]

    async def aclose(self) -> None:
        """See ``Journal``; one checkpoint, and it waits for a ``sync`` that is at work."""
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _STUCK_SECONDS):
            async with self._turn:
                self._closed = True

    async def _append_slowly(
        self, batch: Sequence[NewRecord], sync: Sync, meanwhile: Callable[[], None]
    ) -> int:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _STUCK_SECONDS):
            async with self._turn:
                records = self._number(batch)
                meanwhile()
                try:
                    await sync(records)
                except JournalFull:
                    raise
                except JournalError as error:
                    self._failure = error
                    raise
                return self._commit(records)
        self._failure = JournalError(f"the disk did not answer for {_STUCK_SECONDS:.0f} s")
        raise self._failure

    def _number(self, batch: Sequence[NewRecord]) -> list[Record]:
        self._check_usable()
        first = self._head + 1
        return [
            Record(first + i, new.recorded_at, self._epoch, new.kind, new.body)
            for i, new in enumerate(checked(batch))
        ]

    def _commit(self, records: list[Record]) -> int:
        if self.disk.epoch != self._epoch:
            self._failure = stale_error(self._epoch, self.disk.epoch)
            raise self._failure
        self.disk.records.extend(records)
        self._head += len(records)
        return self._head

    def _check_usable(self) -> None:
        if self._failure is not None:
            raise again(self._failure)
        if self._closed:
            raise closed_error()
