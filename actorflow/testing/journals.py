"""The cases that every implementation of ``Journal`` passes; run them against your own.

Takes a ``JournalPlace``: somewhere that a journal can be opened again and again, each time as its next
driver. Each case is an async function of a new, empty place that returns or raises ``AssertionError`` saying
which rule is broken::

    @pytest.mark.trio
    @pytest.mark.parametrize("case", JOURNAL_CASES, ids=lambda case: case.__name__)
    async def test_my_journal(case, tmp_path):
        await case(MyPlace(tmp_path))

Durability against power cuts cannot be seen from here. Must not sleep, so it works on a mock clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeAlias

import trio
import trio.testing

from actorflow.errors import InternalError, JournalError, StaleEpoch
from actorflow.journal import Journal, NewRecord, Record

__all__ = ["JOURNAL_CASES", "JournalCase", "JournalPlace"]


class JournalPlace(Protocol):
    """Where a journal is kept."""

    def open(self) -> AbstractAsyncContextManager[Journal]:
        """Open the journal for writing as its next driver, and close it at the end of the block.

        It may be opened again while it is open: that is how a driver is replaced.
        """
        ...


JournalCase: TypeAlias = Callable[[JournalPlace], Awaitable[None]]


async def a_new_journal_is_empty(place: JournalPlace) -> None:
    """Nothing is in it, and its first driver is number 1."""
    async with place.open() as journal:
        _equal(journal.head, 0, "the head of an empty journal is 0")
        _equal(await journal.read(), [], "an empty journal has no records")
        _equal(journal.epoch, 1, "the first driver is number 1")


async def records_are_numbered_from_1_without_a_gap(place: JournalPlace) -> None:
    """Whatever the batches are."""
    async with place.open() as journal:
        _equal(await journal.append(_news(1)), 1, "append returns the sequence of its last record")
        _equal(await journal.append(_news(3)), 4, "append returns the sequence of its last record")
        _equal(journal.head, 4, "head is the last durable record")
        _equal([r.sequence for r in await journal.read()], [1, 2, 3, 4], "records are numbered 1, 2, 3 …")


async def an_empty_batch_changes_nothing(place: JournalPlace) -> None:
    """It returns the head."""
    async with place.open() as journal:
        _equal(await journal.append([]), 0, "an empty batch returns the head")
        await journal.append(_news(2))
        _equal(await journal.append([]), 2, "an empty batch returns the head")
        _equal(len(await journal.read()), 2, "an empty batch writes nothing")


async def records_come_back_as_they_were(place: JournalPlace) -> None:
    """To the byte, however odd or long."""
    batch = [
        NewRecord(1_780_000_000_000_000, "task_succeeded", b'{"output":"ok"}'),
        NewRecord(0, "", b""),
        NewRecord(-1, "grüße 🎉", "ü\u2028🎉".encode()),
        NewRecord(2**62, "raw", bytes(range(256))),
        NewRecord(5, "long", b"x" * 1_000_003),
    ]
    async with place.open() as journal:
        await journal.append(batch)
        expected = [
            Record(i, new.recorded_at, journal.epoch, new.kind, new.body)
            for i, new in enumerate(batch, start=1)
        ]
        _equal(await journal.read(), expected, "records are read as they were appended")


async def reading_starts_after_the_sequence_given(place: JournalPlace) -> None:
    """At the end and beyond there is nothing."""
    async with place.open() as journal:
        await journal.append(_news(5))
        everything = await journal.read()
        for after in range(5):
            _equal(
                await journal.read(after),
                everything[after:],
                f"read(after={after}) leaves out the first {after}",
            )
        _equal(await journal.read(5), [], "there is nothing after the head")
        _equal(await journal.read(99), [], "there is nothing beyond the head")


async def many_records_are_read_in_order(place: JournalPlace) -> None:
    """More than any implementation reads at once."""
    async with place.open() as journal:
        await journal.append(_news(10_000))
        found = await journal.read(1)
        _equal([r.sequence for r in found], list(range(2, 10_001)), "all records are read, in order")


async def records_survive_the_driver(place: JournalPlace) -> None:
    """The next one finds them and goes on behind them."""
    async with place.open() as first:
        await first.append(_news(3))
        written = await first.read()
    async with place.open() as second:
        _equal(second.head, 3, "the head survives")
        _equal(await second.read(), written, "the records survive")
        _equal(await second.append(_news(1)), 4, "the numbers go on")
    async with place.open() as third:
        _equal(len(await third.read()), 4, "the records of both drivers survive")


async def each_driver_has_the_next_epoch(place: JournalPlace) -> None:
    """And its records carry it, whether or not the one before wrote anything."""
    async with place.open() as journal:
        await journal.append(_news(1))
    async with place.open():
        pass
    async with place.open() as journal:
        _equal(journal.epoch, 3, "each driver counts one more")
        await journal.append(_news(1))
        _equal([r.epoch for r in await journal.read()], [1, 3], "a record carries the epoch of its driver")


async def a_replaced_driver_is_refused(place: JournalPlace) -> None:
    """It writes nothing any more, and does not disturb its successor."""
    async with place.open() as old, place.open() as new:
        await _raises(StaleEpoch, old.append(_news(1)), "a replaced driver is refused")
        _equal(await new.append(_news(2)), 2, "the refused batch is not there")
        await _raises(StaleEpoch, old.append(_news(1)), "a replaced driver is refused for good")
        _equal([r.epoch for r in await new.read()], [2, 2], "only the new driver's records are there")


async def batches_of_many_tasks_stay_whole_and_in_the_order_of_the_calls(place: JournalPlace) -> None:
    """However they are committed."""
    calls: list[int] = []
    heads: dict[int, int] = {}

    async def append_thrice(journal: Journal, task: int) -> None:
        for number in (task, task + 100, task + 200):
            calls.append(number)
            heads[number] = await journal.append(
                [NewRecord(number, "part", b"%d" % part) for part in range(3)]
            )

    async with place.open() as journal:
        async with trio.open_nursery() as nursery:
            for task in range(20):
                nursery.start_soon(append_thrice, journal, task)
        found = [(r.recorded_at, r.body) for r in await journal.read()]
        expected = [(number, b"%d" % part) for number in calls for part in range(3)]
        _equal(found, expected, "batches are whole and in the order of the calls")
        _equal(
            [heads[number] for number in calls],
            list(range(3, 181, 3)),
            "each call returns the end of its own batch",
        )
        _equal(journal.head, 180, "head is the last of them")


async def a_call_that_is_cancelled_already_writes_nothing(place: JournalPlace) -> None:
    """Append is a checkpoint before it does anything."""
    async with place.open() as journal:
        with trio.CancelScope() as scope:
            scope.cancel()
            await journal.append(_news(1))
        _equal(scope.cancelled_caught, True, "a cancelled append raises Cancelled")
        _equal((journal.head, await journal.read()), (0, []), "a cancelled append writes nothing")


async def a_call_that_has_begun_is_not_cancelled(place: JournalPlace) -> None:
    """Its caller learns how it ended."""
    returned: list[int] = []

    async def append(journal: Journal) -> None:
        returned.append(await journal.append(_news(2)))

    async with place.open() as journal:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(append, journal)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        _equal(returned, [2], "an append that has begun returns its sequence")
        _equal(len(await journal.read()), 2, "an append that has returned is there")


async def other_work_is_done_while_the_disk_writes(place: JournalPlace) -> None:
    """Once, in the event loop, before the append returns."""
    done: list[bool] = []
    async with place.open() as journal:
        await journal.append(_news(1), meanwhile=lambda: done.append(trio.lowlevel.in_trio_run()))
        _equal(done, [True], "the work is done once, in the event loop")
        await _raises(ArithmeticError, journal.append(_news(1), meanwhile=_fail), "its exception is raised")
        head = journal.head
        _equal(await journal.append(_news(1)) > head, True, "which does the journal no harm")
        _equal(len(await journal.read()), journal.head, "and every record is there")


def _fail() -> None:
    raise ArithmeticError


async def a_record_that_cannot_be_stored_is_refused_alone(place: JournalPlace) -> None:
    """A caller's mistake costs nobody else anything."""
    wrong: Any = "text"
    async with place.open() as journal:
        await _raises(
            InternalError, journal.append([*_news(1), NewRecord(1, "kind", wrong)]), "a body is bytes"
        )
        await _raises(InternalError, journal.append([NewRecord(2**63, "kind", b"")]), "time is 64 bits")
        _equal(await journal.append(_news(1)), 1, "nothing of a refused batch is written")


async def a_closed_journal_refuses(place: JournalPlace) -> None:
    """Closing it twice is fine."""
    async with place.open() as journal:
        await journal.append(_news(1))
        await journal.aclose()
        await _raises(JournalError, journal.append(_news(1)), "a closed journal takes nothing")
        await _raises(JournalError, journal.read(), "a closed journal gives nothing")
        await journal.aclose()
    async with place.open() as journal:
        _equal(journal.head, 1, "what was appended before is there")


JOURNAL_CASES: tuple[JournalCase, ...] = (
    a_new_journal_is_empty,
    records_are_numbered_from_1_without_a_gap,
    an_empty_batch_changes_nothing,
    records_come_back_as_they_were,
    reading_starts_after_the_sequence_given,
    many_records_are_read_in_order,
    records_survive_the_driver,
    each_driver_has_the_next_epoch,
    a_replaced_driver_is_refused,
    batches_of_many_tasks_stay_whole_and_in_the_order_of_the_calls,
    a_call_that_is_cancelled_already_writes_nothing,
    a_call_that_has_begun_is_not_cancelled,
    other_work_is_done_while_the_disk_writes,
    a_record_that_cannot_be_stored_is_refused_alone,
    a_closed_journal_refuses,
)
"""All cases, each for a place of its own."""


def _news(count: int) -> Sequence[NewRecord]:
    return [NewRecord(1_000 + i, "kind", b'{"n":%d}' % i) for i in range(count)]


def _equal(found: object, expected: object, rule: str) -> None:
    if found != expected:
        raise AssertionError(f"{rule}: expected {expected!r:.500}, found {found!r:.500}")


async def _raises(expected: type[Exception], call: Awaitable[object], rule: str) -> None:
    try:
        answer = await call
    except expected:
        return
    raise AssertionError(f"{rule}: expected {expected.__name__}, got {answer!r:.500}")
