"""Following a run from another process: its events as they come, and the same updates that a watcher beside the driver gets.

The journal is asked a few times a second for what is new. No transaction stays open between two questions,
and the driver never waits for a reader, so that one who is stopped, slow or dead does not slow the run. It
ends when the run has ended, or when nobody drives it any more. What agents say while they work is not in the
journal, and so not here.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from actorflow.api.reading import read_run
from actorflow.engine.records import read_records
from actorflow.errors import JournalError
from actorflow.ids import RunId
from actorflow.journal import JournalReader, RunFolder, RunStore, who_drives
from actorflow.monitor.history import status_at_end
from actorflow.settings import Settings
from actorflow.state import EMPTY, RunState, fold
from actorflow.state.recorded import Recorded

__all__ = ["JournalTail", "Seen", "follow", "follow_events", "open_tail"]

_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Seen:
    """An update as a watcher beside the driver gets it, without progress and without gaps; see ``engine.feed.Update``."""

    state: RunState
    events: tuple[Recorded, ...]
    progress: tuple[Any, ...] = ()
    missed: int = 0
    silent_since: float | None = None


class JournalTail:
    """What is new in one run's journal, each time one asks. Used by one thread at a time; made by ``open_tail``.

    Attributes:
        is_over: whether nothing more is to come: the run has ended, or nobody drives it.
        silent_since: when the driver was heard of last, Unix seconds, if that was too long ago at the last look.
    """

    def __init__(self, folder: RunFolder, reader: JournalReader, *, after: int = 0) -> None:
        self.run_id: RunId = folder.run_id
        self.is_over = False
        self.silent_since: float | None = None
        self._path = folder.path
        self._reader = reader
        self._sequence = after

    def read(self) -> tuple[Recorded, ...]:
        """Return the events since the last call.

        Raises:
            JournalError: the journal cannot be read, is damaged, or is of a later version.
        """
        # Before the journal: what a driver has written until its end is seen then.
        driver = who_drives(self._path)
        self.silent_since = None if driver is None else driver.silent_since
        try:
            events = read_records(self._reader.read(self._sequence))
        except msgspec.MsgspecError as error:
            message = f"the journal holds an event that this actorflow does not know ({error})"
            raise JournalError(message, hint="read it with the version that wrote it") from error
        if events:
            self._sequence = events[-1].sequence
        found = status_at_end(reversed(events))
        self.is_over = (found is not None and found[0].is_terminal) or (driver is None and not events)
        return events


@contextmanager
def open_tail(
    run: str, *, settings: Settings, after: int = 0, tasks: Collection[str] = ()
) -> Iterator[JournalTail]:
    """Open a run's journal for following.

    Args:
        run: an id, a unique prefix of one, or ``last``.
        after: the number of the event after which to begin.
        tasks: what the caller will look for; each must be, or have been, a task of the run.

    Raises:
        RunError: there is no such run.
        InputError: it has no such task.
        JournalError: its journal cannot be read.
    """
    store = RunStore(settings.state_dir)
    folder = store.open(store.resolve(run))
    if tasks:
        with read_run(folder.run_id, settings=settings) as reading:
            for task in tasks:
                if task not in reading.last_kinds:  # one that a new spec has left out has its events still
                    reading.entry(task)
    with JournalReader.open(folder.path) as reader:
        yield JournalTail(folder, reader, after=after)


def follow_events(tail: JournalTail) -> Iterator[tuple[Recorded, ...]]:
    """Yield the events that are there and those that come, several at a time, until there are no more; waits in between."""
    while True:
        events = tail.read()
        if events:
            yield events
        if tail.is_over:
            return
        time.sleep(_POLL_SECONDS)


async def follow(tail: JournalTail) -> AsyncIterator[Seen]:
    """Yield updates of a run, the first one with all events that are there; in the end, none. That the driver is silent, or is no longer, is an update too."""
    import trio

    state, was_silent = EMPTY, False
    while True:
        events = await trio.to_thread.run_sync(tail.read)
        is_silent = tail.silent_since is not None
        if events:
            state = fold(((recorded.at, recorded.event) for recorded in events), state)
        if events or is_silent is not was_silent:
            was_silent = is_silent
            yield Seen(state, events, silent_since=tail.silent_since)
        if tail.is_over:
            return
        await trio.sleep(_POLL_SECONDS)
