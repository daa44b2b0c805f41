"""Waiting for room on the disk, instead of failing for want of it.

Whoever writes for a run calls ``Room.insist``: what raises ``JournalFull``, which says that nothing was
written, is tried again, with growing pauses, until there is room or somebody asks the run to stop. Invariant:
only ``JournalFull`` is waited for; a write whose outcome is in doubt is never repeated. Must not write
anything itself: that a run waits is recorded by the RunActor, which is told by ``on_change``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio

from actorflow.errors import JournalFull

__all__ = ["Room"]

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0


def _nothing() -> None:
    """Nobody is there to be told yet."""


def _no_reserve() -> bool:
    """There is no reserve to give up, and none is missing."""
    return False


class Room:
    """The room on the disk that one run lives on.

    Args:
        keep: takes room in reserve, for the record that says that the disk is full; whether that could be.
        release: gives that up; whether there was any.

    Attributes:
        reason: why somebody waits for room, as it was said last; "" when nobody does.
        waited_seconds: how long it was waited for room until ``reason`` became "".
        asked_to_stop: whether somebody has asked the run to stop and nothing of that is recorded yet; then
            nobody waits any longer.
        on_change: is called when ``reason`` becomes, or stops being, "".
    """

    def __init__(
        self, keep: Callable[[], bool] = _no_reserve, release: Callable[[], bool] = _no_reserve
    ) -> None:
        self._keep = keep
        self._release = release
        self._is_reserve_spent = False
        self.reason = ""
        self.waited_seconds = 0.0
        self.asked_to_stop = False
        self._began_at = 0.0
        self.on_change: Callable[[], None] = _nothing
        self._waiting = 0
        self._stop = trio.Event()
        self._heard = trio.Event()

    async def insist(
        self, write: Callable[..., Awaitable[T]], *args: Any, stop: trio.Event | None = None
    ) -> T:
        """Call ``write`` until there is room for it; return what it returns. Cancellable between two tries.

        Args:
            stop: ends the wait instead of the wish that the run stops: for those whom the recorded wish reaches.

        Raises:
            JournalFull: there is no room, and nobody waits for it any more.
        """
        try:
            return await write(*args)
        except JournalFull as error:
            first = error
        self.begin(first.message)
        try:
            return await self._again(first, write, *args, stop=stop)
        finally:
            self.end()

    async def _again(
        self, error: JournalFull, write: Callable[..., Awaitable[T]], *args: Any, stop: trio.Event | None
    ) -> T:
        pause = FIRST_PAUSE_SECONDS
        while True:
            await self._pause(error, pause, self._stop if stop is None else stop)
            try:
                return await write(*args)
            except JournalFull as again:
                error = again
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _pause(self, error: JournalFull, seconds: float, stop: trio.Event) -> None:
        """Wait before the next try; raises ``error`` when there is to be none."""
        with trio.move_on_after(seconds):
            await stop.wait()
            raise error

    def spend_reserve(self) -> None:
        """Make room for a few events. Waits for the disk: call it where that holds nobody up."""
        self._is_reserve_spent = self._release() or self._is_reserve_spent

    def renew_reserve(self) -> bool:
        """Take the reserve again if it was spent; False when there is no room even for that. Waits for the disk."""
        if self._is_reserve_spent:
            self._is_reserve_spent = not self._keep()
        return not self._is_reserve_spent

    def ask_to_stop(self) -> None:
        """Say that somebody wants the run to stop: who waits for room gives up, now and until it is ``heard``."""
        self.asked_to_stop = True
        self._stop.set()

    def heard(self) -> None:
        """Say that the wish to stop is recorded: from now on it takes its course, and may wait for room like everything else."""
        if self.asked_to_stop:
            self.asked_to_stop = False
            self._stop = trio.Event()
            self._heard.set()
            self._heard = trio.Event()

    async def wait_heard(self) -> None:
        """Wait until the wish to stop is recorded."""
        if self.asked_to_stop:
            await self._heard.wait()

    def begin(self, reason: str) -> None:
        """Say that somebody begins to wait for room."""
        self._waiting += 1
        if self._waiting == 1:
            self.reason = reason
            self._began_at = trio.current_time()
            self.on_change()

    def end(self) -> None:
        """Say that somebody who has begun waits no longer."""
        self._waiting -= 1
        if not self._waiting:
            self.reason = ""
            self.waited_seconds = trio.current_time() - self._began_at
            self.on_change()
