"""Shows a run while it goes on, without ever holding it up.

``show`` reads a feed and hands each update to a ``Screen``; beside it, frames are drawn in a thread, because
a terminal can block for ever (Ctrl-S, a full pipe). A frame is an immutable value made between two updates,
so the thread shares nothing with the loop. When whoever reads our output has gone, the screen goes dark and
the run goes on. The last frame is always drawn after the last update.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Generic, TypeVar

import trio

from actorflow.monitor.estimate import Estimate
from actorflow.monitor.feed import UpdateOfRun

__all__ = ["Screen", "show"]

Frame = TypeVar("Frame")

_PATIENCE_SECONDS = 1.0


class Screen(ABC, Generic[Frame]):
    """Somewhere a run is shown.

    Attributes:
        pause_seconds: the least time between two frames.
        tick_seconds: the longest time between two frames when nothing happens.
        wants_estimate: whether it shows what earlier runs let one expect.
    """

    pause_seconds: float = 0.1
    tick_seconds: float = float("inf")
    wants_estimate: bool = False

    @abstractmethod
    def absorb(self, update: UpdateOfRun) -> None:
        """Take in an update; in the loop, so it must be quick."""

    @abstractmethod
    def frame(self) -> Frame:
        """Return what is to be drawn now; in the loop."""

    @abstractmethod
    def draw(self, frame: Frame) -> None:
        """Draw it; in a thread, and never two at a time. An ``OSError`` means that nobody looks any more."""

    def expect(self, estimate: Estimate) -> None:
        """Take what earlier runs let one expect; only asked for where ``wants_estimate``."""

    def close(self) -> None:
        """Leave the terminal as it was found; in the loop, after the last frame or when cancelled."""


async def show(
    feed: AsyncIterable[UpdateOfRun],
    screen: Screen[Frame],
    *,
    on_first: Callable[[UpdateOfRun], Awaitable[None]],
) -> None:
    """Show a run until its feed ends.

    Args:
        feed: of the run.
        screen: closed at the end, however that comes.
        on_first: awaited with the first update, before anything is drawn: the run is durable then.
    """
    drawing = _Drawing(screen)
    is_first = True
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drawing.run)
            async for update in feed:
                if is_first:
                    await on_first(update)
                    is_first = False
                screen.absorb(update)
                drawing.wake()
            drawing.finish()
    finally:
        if await drawing.is_idle():
            screen.close()


class _Drawing(Generic[Frame]):
    """Draws frames when something happened, not too often, and once more at the end."""

    def __init__(self, screen: Screen[Frame]) -> None:
        self._screen = screen
        self._dirty = trio.Event()
        self._over = trio.Event()
        self._is_dark = False
        self._idle = threading.Event()
        self._idle.set()

    def wake(self) -> None:
        self._dirty.set()

    def finish(self) -> None:
        self._over.set()
        self._dirty.set()

    async def run(self) -> None:
        await self._dirty.wait()  # before the first update there is nothing to show
        while True:
            is_last = self._over.is_set()
            self._dirty = trio.Event()
            await self._draw()
            if is_last:
                return
            with trio.move_on_after(self._screen.pause_seconds):
                await self._over.wait()
            with trio.move_on_after(self._screen.tick_seconds):
                if not self._over.is_set():
                    await self._dirty.wait()

    async def _draw(self) -> None:
        frame = self._screen.frame()
        if self._is_dark:
            return
        self._idle.clear()
        try:
            # Abandoned when cancelled: a terminal that is stopped must not keep a cancelled run alive.
            await trio.to_thread.run_sync(self._draw_in_thread, frame, abandon_on_cancel=True)
        except OSError:
            self._is_dark = (
                True  # a closed pipe or a terminal that has hung up; the run does not depend on it
            )

    def _draw_in_thread(self, frame: Frame) -> None:
        try:
            self._screen.draw(frame)
        finally:
            self._idle.set()

    async def is_idle(self) -> bool:
        """Wait, not for long, for a drawing that was abandoned; False when it is stuck, and the terminal with it."""
        if self._idle.is_set():
            return True
        with trio.move_on_after(2 * _PATIENCE_SECONDS, shield=True):
            return await trio.to_thread.run_sync(self._idle.wait, _PATIENCE_SECONDS)
        return False
