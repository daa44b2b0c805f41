"""The bell by which the journal's thread wakes a task of the loop."""

import threading

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actorflow.journal.bell import Bell


@pytest.fixture
def bell():
    bell = Bell()
    yield bell
    bell.close()


async def test_a_ring_from_a_thread_wakes_who_waits(bell):
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bell.wait)
            await wait_all_tasks_blocked()
            threading.Thread(target=bell.ring, daemon=True).start()


async def test_a_ring_before_anybody_waits_is_kept_and_several_are_one(bell):
    bell.ring()
    bell.ring()

    with trio.fail_after(60):
        await bell.wait()
    with trio.move_on_after(0) as patience:
        await bell.wait()

    assert patience.cancelled_caught


async def test_without_event_descriptors_it_is_a_pipe(monkeypatch):
    monkeypatch.delattr("os.eventfd", raising=False)
    bell = Bell()

    bell.ring()
    with trio.fail_after(60):
        await bell.wait()

    bell.close()
