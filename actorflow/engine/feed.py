"""Feeds: what watchers see of a run that is being driven, without ever holding it up.

The driver publishes an ``Update`` after every commit, and progress in between; each watcher has a ring of its
own. A watcher that is slow, stopped or dead loses the oldest updates and is told how many; the publisher
never waits and never fails. States in updates are immutable, so that a late reader sees a true picture.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import trio
from msgspec.structs import replace

from actorflow.agents.interface import Progress
from actorflow.ids import TaskId
from actorflow.state import RunState
from actorflow.state.events import RoomRanOut
from actorflow.state.recorded import Recorded

__all__ = ["Feed", "Hub", "Update", "Watch", "watch_safely"]

_logger = logging.getLogger("actorflow.engine")

RING_SIZE = 1024


@dataclass(frozen=True, slots=True)
class Update:
    """What happened since the last update.

    Attributes:
        state: the state after it.
        events: what was recorded, in order.
        progress: what agents said: (task, attempt, progress).
        missed: how many updates this watcher lost just before this one.
        silent_since: None: who is beside the driver is as silent as it.
    """

    state: RunState
    events: tuple[Recorded, ...] = ()
    progress: tuple[tuple[TaskId, int, Progress], ...] = ()
    missed: int = 0
    silent_since: None = None


class Feed:
    """One watcher's ring of updates; an async iterator that ends with the run."""

    def __init__(self) -> None:
        self._ring: deque[Update] = deque()
        self._missed = 0
        self._closed = False
        self._waiting = trio.Event()

    def put(self, update: Update) -> None:
        """Add an update; the oldest one goes when the ring is full."""
        if len(self._ring) == RING_SIZE:
            self._missed += 1 + self._ring.popleft().missed
        self._ring.append(update)
        self._waiting.set()

    def close(self) -> None:
        """End the feed after what is in it."""
        self._closed = True
        self._waiting.set()

    def __aiter__(self) -> AsyncIterator[Update]:
        return self

    async def __anext__(self) -> Update:
        while not self._ring:
            if self._closed:
                raise StopAsyncIteration
            self._waiting = trio.Event()
            await self._waiting.wait()
        update = self._ring.popleft()
        if self._missed:
            missed, self._missed = self._missed, 0
            update = Update(update.state, update.events, update.progress, missed)
        return update


Watch: TypeAlias = Callable[[Feed], Awaitable[None]]
"""A watcher: runs beside the run and reads its feed."""


async def watch_safely(watch: Watch, feed: Feed) -> None:
    """Run a watcher; when it raises, the run goes on without it."""
    try:
        await watch(feed)
    except Exception:
        _logger.exception("a watcher failed; the run goes on without it")


class Hub:
    """Where the driver publishes and watchers subscribe.

    Attributes:
        state: the latest published state; None before the first.
        is_closed: whether the drive has ended, and all feeds with it.
    """

    def __init__(self) -> None:
        self._feeds: list[Feed] = []
        self.is_closed = False
        self.state: RunState | None = None

    def subscribe(self) -> Feed:
        """Return a new feed; it begins with the present state, if there is one."""
        feed = Feed()
        if self.state is not None:
            feed.put(Update(self.state))
        self._feeds.append(feed)
        return feed

    def publish(self, state: RunState, events: tuple[Recorded, ...]) -> None:
        """Tell every watcher what was recorded."""
        self.state = state
        for feed in self._feeds:
            feed.put(Update(state, events))

    def report(self, task: TaskId, attempt: int, progress: Progress) -> None:
        """Pass on what an agent says."""
        if self.state is not None:
            for feed in self._feeds:
                feed.put(Update(self.state, progress=((task, attempt, progress),)))

    def notice(self, reason: str, at: float) -> None:
        """Tell every watcher that the storage keeps the run waiting: the one thing that is shown and may not be recorded."""
        if self.state is not None:
            shown = replace(self.state, no_room=reason)
            told = Recorded(self.state.sequence, at, RoomRanOut(reason))
            for feed in self._feeds:
                feed.put(Update(shown, (told,)))

    def close(self) -> None:
        """End all feeds."""
        self.is_closed = True
        for feed in self._feeds:
            feed.close()
