"""The state of a run that is being driven, folded from its journal once more: for the successor of a RunActor that crashed.

What the predecessor held in memory is not asked, because it may be what made it crash. A snapshot that fits the
journal spares the events before it, as it does for a resume; the driver has verified those before it began, or has
written them itself. Reading and folding is done beside the loop, so that agents, captures and views go on meanwhile.
"""

from __future__ import annotations

from actorflow.engine.session import Session
from actorflow.engine.snapshots import folded_on
from actorflow.journal.faults import stale_error
from actorflow.state import EMPTY, RunState

__all__ = ["folded_again"]


async def folded_again(session: Session) -> RunState:
    """Return the state after all durable events.

    Raises:
        StaleEpoch: another driver has taken the run over: what it has begun is not ours to do.
        JournalError: the journal cannot be read.
    """
    saved = EMPTY if session.keeper is None else await session.offload(session.keeper.saved)
    records = await session.journal.read(saved.sequence)
    state: RunState = await session.offload(folded_on, saved, records)
    latest = max(state.epoch, records[-1].epoch if records else 0)  # a snapshot may have all that there is
    if latest > session.journal.epoch:
        raise stale_error(session.journal.epoch, latest)
    return state
