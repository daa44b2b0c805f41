"""Feeds: what watchers see of a run that is being driven, without ever holding it up.

The driver publishes an ``Update`` after every commit, and progress in between; each watcher has a ring of its own. A watcher that is slow, stopped or dead loses the
oldest updates and is told how many; the publisher never waits and never fails. States in updates are immutable, so that a late reader sees a true picture.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import trio

from actorflow.agents.interface import Progress
from actorflow.ids import TaskId
from actorflow.state import RunState
from actorflow.state.recorded import Recorded

__all__ = ["Feed", "Hub", "Update", "Watch"]

RING_SIZE = 1024


@dataclass(frozen=True, slots=True)
class Update:
    """What happened since the last update.

    Attributes:
        state: the state after it.
        events: what was recorded, in order.
        progress: what agents said: (task, attempt, progress).
        missed: how many updates this watcher lost just before this one.
    """

    state: RunState
    events: tuple[Recorded, ...] = ()
    progress: tuple[tuple[TaskId, int, Progress], ...] = ()
    missed: int = 0


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

    async def __aiter__(self) -> AsyncIterator[Update]:
        while True:
            while self._ring:
                update = self._ring.popleft()
                if self._missed:
                    missed, self._missed = self._missed, 0
                    update = Update(update.state, update.events, update.progress, missed)
                yield update
            if self._closed:
                return
            self._waiting = trio.Event()
            await self._waiting.wait()


Watch: TypeAlias = Callable[[Feed], Awaitable[None]]
"""A watcher: runs beside the run and reads its feed."""


class Hub:
    """Where the driver publishes and watchers subscribe.

    Attributes:
        state: the latest published state; None before the first.
    """

    def __init__(self) -> None:
        self._feeds: list[Feed] = []
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

    def close(self) -> None:
        """End all feeds."""
        for feed in self._feeds:
            feed.close()
