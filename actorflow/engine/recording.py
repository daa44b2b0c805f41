"""Recording what was decided: the batch is durable when ``record`` returns, however long the disk is full.

Takes the state before and what was settled; gives the state after, published. On a full disk the ballast is
released, ``RoomRanOut`` is recorded in its place, so that every process can see why nothing happens, and the
batch is tried until there is room; ``RoomFound`` is recorded with it. Invariant: the batch is recorded as it was
settled, with its own time, and nothing of it is shown or acted upon before. Must not settle anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from actorflow.engine.records import records_of
from actorflow.engine.session import Session
from actorflow.errors import JournalFull
from actorflow.scheduling import Settled
from actorflow.state import RunState, apply, fold
from actorflow.state import events as ev
from actorflow.state.events import Event
from actorflow.state.recorded import Recorded

__all__ = ["record"]


async def record(
    session: Session, before: RunState, settled: Settled, meanwhile: Callable[[], None]
) -> RunState:
    """Make the settled events durable, publish the state after them, and return it.

    Args:
        meanwhile: called once, while the disk is at work.

    Raises:
        JournalFull: there is no room, and the run is asked to stop.
        JournalError: the storage failed.
    """
    at = settled.state.updated_at
    batch = records_of(settled.events, at)
    try:
        await session.journal.append(batch, meanwhile=meanwhile)
        after, found = settled.state, list[tuple[float, Event]]()
    except JournalFull as error:
        before = await _say_that_there_is_no_room(session, before, error, at)
        after, found = await _wait_for_room(session, before, settled, error)
    if any(type(event) is ev.RunCancelRequested for event in settled.events):
        session.room.heard()
    _publish(session, before, after, [*((at, event) for event in settled.events), *found])
    return after


async def _say_that_there_is_no_room(
    session: Session, before: RunState, error: JournalFull, at: float
) -> RunState:
    """Record it, if the ballast makes enough room for that; else only those who watch here are told."""
    if before.no_room or session.room.asked_to_stop:
        return before
    await session.offload(session.room.spend_reserve)
    event = ev.RoomRanOut(error.message)
    try:
        await session.journal.append(records_of([event], at))
    except JournalFull:
        session.hub.notice(error.message, at)
        return before
    after = apply(before, event, at)
    _publish(session, before, after, [(at, event)])
    return after


async def _wait_for_room(
    session: Session, before: RunState, settled: Settled, full: JournalFull
) -> tuple[RunState, list[tuple[float, Event]]]:
    """Record the batch when there is room, and then that there was; return the state after it, and the latter event.

    There is room when the reserve can be taken again: what it has left free is for the next time.
    """
    at, began = settled.state.updated_at, session.clock()

    async def write() -> list[tuple[float, Event]]:
        if not await session.offload(session.room.renew_reserve):
            raise JournalFull(full.message, hint=full.hint)
        now = max(at, session.clock())
        found: list[Event] = [ev.RoomFound(max(0.0, now - began))] if before.no_room else []
        await session.journal.append([*records_of(settled.events, at), *records_of(found, now)])
        return [(now, event) for event in found]

    found = await session.room.insist(write)
    return fold([*((at, event) for event in settled.events), *found], before), found


def _publish(
    session: Session, before: RunState, after: RunState, events: Iterable[tuple[float, Event]]
) -> None:
    first = before.sequence + 1
    recorded = tuple(Recorded(first + i, at, event) for i, (at, event) in enumerate(events))
    session.hub.publish(after, recorded)
