"""The thread that a journal on disk has for itself.

Takes appends and calls from tasks of one trio run, in order, and answers each one in the loop when it has
happened. Appends that wait while a commit is at work become one commit together (group commit). Invariant:
what was queued is answered exactly once, whatever happens, because its task waits without being cancellable.
The thread is a daemon, so a stuck disk keeps no process from ending, and none of trio's limited threads is
used up. Must not run anything else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import trio

from actorflow.errors import InternalError, JournalError
from actorflow.journal.bell import Bell
from actorflow.journal.database import Database
from actorflow.journal.faults import closed_error, for_another
from actorflow.journal.port import NewRecord, nothing

__all__ = ["Writer"]

_T = TypeVar("_T")

_GROUP = 1024  # appends in one commit, at most: it bounds how long the first of them waits


class _Job:
    """Something that a task waits for: its answer is ``value``, or ``error`` is raised.

    Attributes:
        is_done: there is an answer.
    """

    __slots__ = ("error", "is_done", "value")

    def __init__(self) -> None:
        self.is_done = False
        self.value: Any = None
        self.error: Exception | None = None


class _Append(_Job):
    """A batch to append, and what to do in the loop meanwhile: once it ``is_at_disk``."""

    __slots__ = ("batch", "is_at_disk", "meanwhile")

    def __init__(self, batch: Sequence[NewRecord], meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self.batch = batch
        self.meanwhile = meanwhile
        self.is_at_disk = False


class _Call(_Job):
    """Something to do with the database."""

    __slots__ = ("work",)

    def __init__(self, work: Callable[[Database], object]) -> None:
        super().__init__()
        self.work = work


class Writer:
    """A thread with one ``Database``. Made inside a trio run, and of use only there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queue: SimpleQueue[_Job] = SimpleQueue()
        self._bell = Bell()
        self._has_listener = False
        self._others = trio.lowlevel.ParkingLot()
        self._is_stopped = False
        self._busy_since: float | None = None

    async def start(self) -> tuple[int, int]:
        """Start the thread and open the database in it; return the epoch and the head.

        Raises:
            JournalError: it could not be opened; the thread has ended.
        """
        threading.Thread(target=self._run, name=f"journal of {self._path.parent.name}", daemon=True).start()
        opened = _Call(lambda database: (database.epoch, database.tail.sequence))
        try:
            facts: tuple[int, int] = await self._ask(opened)
        except (JournalError, InternalError):
            self._close_bell()
            raise
        return facts

    async def append(self, batch: Sequence[NewRecord], meanwhile: Callable[[], None] = nothing) -> int:
        """Append ``batch``; see ``Journal.append``."""
        await trio.lowlevel.checkpoint_if_cancelled()
        job = _Append(batch, meanwhile)
        self._queue_up(job)
        failure: Exception | None = None
        while not job.is_done:
            await self._wait_for_ring()
            if job.is_at_disk:
                job.is_at_disk = False
                try:
                    meanwhile()
                except Exception as error:  # noqa: BLE001 - it is raised when the answer is there
                    failure = error
        if failure is not None and job.error is None:
            raise failure
        head: int = _answer_of(job)
        return head

    async def call(self, work: Callable[[Database], _T]) -> _T:
        """Call ``work`` in the thread, after what was queued before, and return what it returns."""
        await trio.lowlevel.checkpoint_if_cancelled()
        value: _T = await self._ask(_Call(work))
        return value

    @property
    def busy_seconds(self) -> float:
        """How long the thread has been at what it does now; 0 when it waits for work."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    async def stop(self) -> None:
        """Close the database after what was queued before, and end the thread. Stopping twice is fine."""
        if self._is_stopped:
            await trio.lowlevel.checkpoint()
            return
        job = _Call(Database.close)
        self._queue_up(job)
        self._is_stopped = True
        try:
            await self._answer_to(job)
        finally:
            self._close_bell()

    async def _ask(self, job: _Job) -> Any:
        self._queue_up(job)
        return await self._answer_to(job)

    def _queue_up(self, job: _Job) -> None:
        if self._is_stopped:
            raise closed_error()
        self._queue.put(job)

    async def _answer_to(self, job: _Job) -> Any:
        while not job.is_done:
            await self._wait_for_ring()
        return _answer_of(job)

    async def _wait_for_ring(self) -> None:
        """Wait until the thread has something to say, perhaps to somebody else: one listens, and wakes the others.

        Not cancellable: the commit would go on all the same, and its caller could not know how it ended. A
        cancellation comes again at the next checkpoint. A shield is put up only when there is one: it costs 6 µs.
        """
        try:
            await self._ring()
        except trio.Cancelled:
            with trio.CancelScope(shield=True):
                await self._ring()

    async def _ring(self) -> None:
        if self._has_listener:
            await self._others.park()
            return
        self._has_listener = True
        try:
            await self._bell.wait()
        finally:
            self._has_listener = False
            self._others.unpark_all()

    def _close_bell(self) -> None:
        """Give the bell back; the thread has rung for the last time."""
        self._bell.close()

    # --- in the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Serve until the database is closed."""
        jobs = self._next()
        try:
            database = Database(self._path)
        except Exception as error:  # noqa: BLE001 - a task waits for the answer and cannot be cancelled
            jobs[0].error = _as_ours(error)
            self._deliver(jobs)
            return
        while True:
            self._busy_since = time.monotonic()
            self._serve(database, jobs)
            self._deliver(jobs)
            if database.is_closed:
                return
            if database.wants_checkpoint:  # now that the answers are out, it delays only what comes next
                database.checkpoint()
            self._busy_since = None
            jobs = self._next()

    def _next(self) -> list[_Job]:
        jobs = [self._queue.get()]
        with suppress(Empty):
            while len(jobs) < _GROUP:
                jobs.append(self._queue.get_nowait())
        return jobs

    def _serve(self, database: Database, jobs: list[_Job]) -> None:
        for are_appends, group in groupby(jobs, key=lambda job: isinstance(job, _Append)):
            if are_appends:
                self._append(database, [job for job in group if isinstance(job, _Append)])
            else:
                _call(database, [job for job in group if isinstance(job, _Call)])

    def _append(self, database: Database, jobs: list[_Append]) -> None:
        try:
            heads = database.append([job.batch for job in jobs], before_sync=partial(self._at_disk, jobs))
        except Exception as error:  # noqa: BLE001 - a task waits for the answer and cannot be cancelled
            failure = _as_ours(error)
            database.fail(failure)
            for job in jobs:
                job.error = failure if job is jobs[0] else for_another(failure)
            return
        for job, head in zip(jobs, heads, strict=True):
            job.value = head

    def _at_disk(self, jobs: list[_Append]) -> None:
        """Say that there is time for what is to be done meanwhile."""
        waiting = [job for job in jobs if job.meanwhile is not nothing]
        for job in waiting:
            job.is_at_disk = True
        if waiting:
            self._bell.ring()

    def _deliver(self, jobs: list[_Job]) -> None:
        for job in jobs:
            job.is_done = True
        self._bell.ring()


def _answer_of(job: _Job) -> Any:
    if job.error is not None:
        raise job.error
    return job.value


def _call(database: Database, jobs: list[_Call]) -> None:
    for job in jobs:
        try:
            job.value = job.work(database)
        except Exception as error:  # noqa: BLE001 - a task waits for the answer and cannot be cancelled
            job.error = _as_ours(error)


def _as_ours(error: Exception) -> JournalError | InternalError:
    if isinstance(error, JournalError):
        return error
    ours = InternalError(f"the thread of the journal failed: {error!r}")
    ours.__cause__ = error
    return ours
