from __future__ import annotations

import threading
from collections.abc import AsyncIterator

import pytest
import trio
import trio.testing

from actorflow.views.watching import Screen, show
from tests.monitor.run_histories import History, Update

pytestmark = pytest.mark.trio


class Recording(Screen[int]):
    """Counts what it absorbs; a frame is the count."""

    pause_seconds = 0.1

    def __init__(self) -> None:
        self.absorbed = 0
        self.frames: list[int] = []
        self.closed = 0

    def absorb(self, update: object) -> None:
        self.absorbed += 1

    def frame(self) -> int:
        return self.absorbed

    def draw(self, frame: int) -> None:
        self.frames.append(frame)

    def close(self) -> None:
        self.closed += 1


async def feed(count: int, *, pause_seconds: float = 0.0) -> AsyncIterator[Update]:
    for _ in range(count):
        if pause_seconds:
            await trio.sleep(pause_seconds)
        yield Update(History("a").state)


async def nothing(_update: object) -> None:
    pass


async def test_the_last_frame_is_drawn_after_the_last_update(autojump_clock: trio.testing.MockClock) -> None:
    screen = Recording()

    await show(feed(50), screen, on_first=nothing)

    assert screen.frames[-1] == 50
    assert screen.closed == 1


async def test_frames_are_not_drawn_for_each_of_many_updates(autojump_clock: trio.testing.MockClock) -> None:
    screen = Recording()

    await show(feed(10_000), screen, on_first=nothing)

    assert len(screen.frames) <= 3


async def test_the_first_update_is_told_before_anything_is_drawn() -> None:
    screen = Recording()
    seen: list[int] = []

    async def first(_update: object) -> None:
        await trio.testing.wait_all_tasks_blocked()
        seen.append(len(screen.frames))

    await show(feed(3), screen, on_first=first)

    assert seen == [0]


async def test_a_reader_that_has_gone_does_not_end_the_run() -> None:
    class Gone(Recording):
        def draw(self, frame: int) -> None:
            super().draw(frame)
            raise BrokenPipeError

    screen = Gone()

    await show(feed(30), screen, on_first=nothing)

    assert screen.absorbed == 30
    assert len(screen.frames) == 1


async def test_a_terminal_that_blocks_does_not_hold_up_the_feed() -> None:
    release, blocked = threading.Event(), threading.Event()

    class Stuck(Recording):
        def draw(self, frame: int) -> None:
            blocked.set()
            release.wait()

    screen = Stuck()
    absorbed_while_blocked: list[int] = []

    async def source() -> AsyncIterator[Update]:
        async for update in feed(1):
            yield update
        await trio.to_thread.run_sync(blocked.wait)
        async for update in feed(100):
            yield update
        absorbed_while_blocked.append(screen.absorbed)
        release.set()

    await show(source(), screen, on_first=nothing)

    assert absorbed_while_blocked == [101]


async def test_a_cancelled_watcher_leaves_while_its_terminal_blocks_and_leaves_that_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actorflow.views.watching._PATIENCE_SECONDS", 0.01)
    release, blocked = threading.Event(), threading.Event()

    class Stuck(Recording):
        def draw(self, frame: int) -> None:
            blocked.set()
            release.wait()

    screen = Stuck()

    async def source() -> AsyncIterator[Update]:
        async for update in feed(1):
            yield update
        await trio.to_thread.run_sync(blocked.wait)
        scope.cancel()
        await trio.sleep_forever()

    with trio.CancelScope() as scope:
        await show(source(), screen, on_first=nothing)
    release.set()

    assert scope.cancelled_caught
    assert screen.closed == 0


async def test_a_cancelled_watcher_restores_a_terminal_that_works() -> None:
    screen = Recording()

    with trio.CancelScope() as scope:
        await show(_cancelling(scope), screen, on_first=nothing)

    assert screen.closed == 1


async def _cancelling(scope: trio.CancelScope) -> AsyncIterator[Update]:
    async for update in feed(1):
        yield update
    scope.cancel()
    await trio.sleep_forever()


async def test_a_feed_without_updates_draws_nothing_but_ends() -> None:
    screen = Recording()

    await show(feed(0), screen, on_first=nothing)

    assert screen.absorbed == 0
    assert screen.closed == 1
