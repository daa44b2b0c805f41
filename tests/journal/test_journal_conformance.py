"""Both journals pass the public cases, and journals with a fault do not."""

from __future__ import annotations

import pytest
import trio

from actorflow.journal import MemoryDisk, MemoryJournal, open_sqlite_journal
from actorflow.journal.database import create_database
from actorflow.testing.journals import (
    JOURNAL_CASES,
    a_call_that_is_cancelled_already_writes_nothing,
    a_replaced_driver_is_refused,
    batches_of_many_tasks_stay_whole_and_in_the_order_of_the_calls,
    other_work_is_done_while_the_disk_writes,
    records_are_numbered_from_1_without_a_gap,
    records_survive_the_driver,
)

each_case = pytest.mark.parametrize("case", JOURNAL_CASES, ids=lambda case: case.__name__)


class SqlitePlace:
    def __init__(self, folder):
        self.path = folder / "journal.db"
        create_database(self.path)

    def open(self):
        return open_sqlite_journal(self.path)


class SlowMemoryPlace:
    """Memory behind a disk that takes a tenth of a (mock) second."""

    def __init__(self):
        self.disk = MemoryDisk()

    def open(self):
        return self.disk.open(sync=self._sync)

    async def _sync(self, records):
        await trio.sleep(0.1)


@each_case
@pytest.mark.trio
async def test_memory_journal(case):
    await case(MemoryDisk())


@each_case
@pytest.mark.trio
async def test_memory_journal_with_a_slow_disk(case, autojump_clock):
    await case(SlowMemoryPlace())


@each_case
@pytest.mark.trio
async def test_sqlite_journal(case, tmp_path):
    await case(SqlitePlace(tmp_path))


class Forgetful(MemoryDisk):
    def open(self, *, sync=None):
        self.records.clear()
        return super().open(sync=sync)


class Doubling(MemoryJournal):
    async def append(self, batch, **options):
        return await super().append([*batch, *batch], **options)


class Reordering(MemoryJournal):
    waiting = 0

    async def append(self, batch, **options):
        self.waiting += 1
        if self.waiting % 2:
            await trio.lowlevel.checkpoint()
        return await super().append(batch, **options)


class Uninterested(MemoryJournal):
    async def append(self, batch, **options):
        with trio.CancelScope(shield=True):
            return await super().append(batch, **options)


class Idle(MemoryJournal):
    async def append(self, batch, **_):
        return await super().append(batch)


class Tolerant(MemoryDisk):
    """Lets every driver write."""

    def open(self, *, sync=None):
        return MemoryJournal(1, disk=self, sync=sync)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("place", "case"),
    [
        (Forgetful, records_survive_the_driver),
        (Tolerant, a_replaced_driver_is_refused),
        (Doubling, records_are_numbered_from_1_without_a_gap),
        (Reordering, batches_of_many_tasks_stay_whole_and_in_the_order_of_the_calls),
        (Idle, other_work_is_done_while_the_disk_writes),
        (Uninterested, a_call_that_is_cancelled_already_writes_nothing),
    ],
    ids=lambda value: value.__name__,
)
async def test_a_faulty_journal_fails_its_case(place, case):
    class Place(MemoryDisk):
        def open(self, *, sync=None):
            return place(self.epoch + 1, disk=self)

    with pytest.raises(AssertionError):
        await case(place() if issubclass(place, MemoryDisk) else Place())
