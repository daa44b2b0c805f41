"""A driver beats while it and its disk are at work, and what it does ends as if nobody had beaten."""

from __future__ import annotations

import threading

import pytest
import trio

from actorflow.api import heartbeat
from actorflow.api.heartbeat import Heartbeat
from actorflow.errors import JournalError


class Lease:
    """Counts beats; one may be stuck in the disk."""

    def __init__(self) -> None:
        self.beats = 0
        self.is_stuck = False
        self.go_on = threading.Event()

    def beat(self) -> None:
        self.beats += 1
        if self.is_stuck:
            self.go_on.wait(30)


@pytest.fixture
def lease(monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.001)
    made = Lease()
    yield made
    made.go_on.set()


async def _beats(lease, count) -> None:
    with trio.fail_after(30):
        while lease.beats < count:  # noqa: ASYNC110 (a thread counts them)
            await trio.sleep(0.001)


async def test_it_beats_for_as_long_as_the_work_goes_on(lease) -> None:
    async def work() -> str:
        await _beats(lease, 5)
        return "done"

    assert await Heartbeat(lease).during(work) == "done"


async def test_a_disk_that_does_not_answer_ends_the_beats(lease) -> None:
    beating = Heartbeat(lease)

    async def work() -> int:
        await _beats(lease, 2)
        beating.busy_seconds = lambda: 10.0
        await trio.sleep(0.05)  # one may be under way
        before = lease.beats
        await trio.sleep(0.05)
        assert lease.beats == before
        beating.busy_seconds = lambda: 0.0
        await _beats(lease, before + 1)
        return before

    await beating.during(work)


async def test_a_beat_that_is_stuck_keeps_nobody(lease) -> None:
    lease.is_stuck = True

    async def work() -> None:
        await _beats(lease, 1)

    with trio.fail_after(30):
        await Heartbeat(lease).during(work)


@pytest.mark.parametrize("error", [JournalError("broken"), ZeroDivisionError(), KeyboardInterrupt()])
async def test_what_the_work_raises_is_raised_as_itself(lease, error) -> None:
    async def work() -> None:
        await trio.lowlevel.checkpoint()
        raise error

    with pytest.raises(type(error)) as caught:
        await Heartbeat(lease).during(work)
    assert caught.value is error


async def test_cancelling_ends_it(lease) -> None:
    with trio.move_on_after(0.01) as scope:
        await Heartbeat(lease).during(trio.sleep_forever)

    assert scope.cancelled_caught
