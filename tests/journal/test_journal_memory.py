"""The journal in memory is a disk that can be slow, full, broken and cut off, on a mock clock."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from actorflow.errors import JournalError, JournalFull
from actorflow.journal import MemoryDisk, MemoryJournal, NewRecord


def news(count=1):
    return [NewRecord(i, "kind", b"{}") for i in range(count)]


class Steps(trio.abc.Instrument):
    """Counts how often a task was scheduled."""

    def __init__(self, task):
        self.task, self.count = task, 0

    def before_task_step(self, task):
        self.count += task is self.task


@pytest.mark.trio
@pytest.mark.parametrize("appends", [1, 5])
async def test_an_append_is_exactly_one_checkpoint(appends):
    journal = MemoryJournal()
    steps = Steps(trio.lowlevel.current_task())
    trio.lowlevel.add_instrument(steps)

    for _ in range(appends):
        await journal.append(news(3))

    trio.lowlevel.remove_instrument(steps)
    assert steps.count == appends


@pytest.mark.trio
async def test_every_method_is_a_checkpoint():
    journal = MemoryJournal()
    with trio.testing.assert_checkpoints():
        await journal.append(news())
    with trio.testing.assert_checkpoints():
        await journal.read()
    with trio.testing.assert_checkpoints():
        await journal.aclose()
    with trio.testing.assert_checkpoints(), pytest.raises(JournalError, match="closed"):
        await journal.append(news())


@pytest.mark.trio
async def test_an_autojump_clock_is_not_deceived(autojump_clock):
    journal = MemoryJournal()
    with trio.fail_after(3600):
        for _ in range(100):
            await journal.append(news())
    assert trio.current_time() < 1


@pytest.mark.trio
async def test_a_slow_disk_takes_its_time(autojump_clock):
    seen = []

    async def sync(records):
        seen.append([record.sequence for record in records])
        await trio.sleep(2)

    async with MemoryJournal(sync=sync) as journal, trio.open_nursery() as nursery:
        start = trio.current_time()
        nursery.start_soon(journal.append, news(2))
        nursery.start_soon(journal.append, news(2))
        await trio.testing.wait_all_tasks_blocked()
        assert journal.head == 0, "nothing is durable before its sync is done"
    assert seen == [[1, 2], [3, 4]]
    assert trio.current_time() - start == pytest.approx(4)


@pytest.mark.trio
async def test_a_full_disk_refuses_and_goes_on():
    room = []

    async def sync(records):
        if not room:
            raise JournalFull("no room")

    journal = MemoryJournal(sync=sync)
    with pytest.raises(JournalFull):
        await journal.append(news())
    room.append(1)
    assert await journal.append(news()) == 1


@pytest.mark.trio
async def test_a_failed_sync_poisons():
    faults = [JournalError("EIO")]

    async def sync(records):
        if faults:
            raise faults.pop()

    journal = MemoryJournal(sync=sync)
    with pytest.raises(JournalError, match="EIO"):
        await journal.append(news())
    for call in (journal.append(news()), journal.read()):
        with pytest.raises(JournalError, match="has failed before: EIO"):
            await call
    assert journal.disk.records == []


@pytest.mark.trio
async def test_a_stuck_disk_poisons_after_an_hour(autojump_clock):
    async def sync(records):
        await trio.sleep_forever()

    journal = MemoryJournal(sync=sync)
    with pytest.raises(JournalError, match="did not answer for 3600 s"):
        await journal.append(news())
    with pytest.raises(JournalError, match="has failed before"):
        await journal.append(news())


@pytest.mark.trio
async def test_closing_waits_for_a_sync_at_work(autojump_clock):
    async def sync(records):
        await trio.sleep(1)

    journal = MemoryJournal(sync=sync)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(journal.append, news())
        await trio.testing.wait_all_tasks_blocked()
        await journal.aclose()
        assert journal.head == 1


@pytest.mark.trio
async def test_a_disk_can_be_cut_after_every_record():
    disk = MemoryDisk()
    async with disk.open() as journal:
        await journal.append(news(5))

    for head in range(6):
        async with disk.cut(head).open() as journal:
            assert (journal.epoch, journal.head) == (2, head)
            assert await journal.append(news()) == head + 1
    assert len(disk.records) == 5, "the disk itself is not cut"


@pytest.mark.trio
async def test_what_was_read_is_the_readers_own():
    journal = MemoryJournal()
    await journal.append(news())

    (await journal.read()).clear()

    assert len(await journal.read()) == 1
