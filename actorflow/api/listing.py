"""``history``: the runs of a state folder, newest first, each from a few events at either end of its journal.

A run costs about a millisecond, however many events it has. One whose journal is damaged or cannot be read is
listed as that, with what is wrong: it never hides the others. Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import msgspec

from actorflow.api.presence import standing_under
from actorflow.engine.records import read_records
from actorflow.errors import JournalDamaged, JournalError, RunError
from actorflow.ids import RunId
from actorflow.journal import JournalReader, RunFolder, RunStore, who_drives
from actorflow.monitor.history import (
    DAMAGED,
    NEVER_BEGUN,
    UNREADABLE,
    PastRun,
    spent_at_end,
    status_at_end,
)
from actorflow.settings import Settings
from actorflow.state import RunStatus
from actorflow.state import events as ev
from actorflow.state.recorded import Recorded

__all__ = ["Wanted", "history"]

_LOOKED_AT = 8  # a run begins with two events, and its last one nearly always tells how it ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs are asked for; what is None or empty is not asked.

    Attributes:
        workflow: the workflow's name.
        mode: ``live`` or ``rehearsal``.
        statuses: as ``PastRun.status`` has them; ``silent`` for those whose driver is silent.
        since: accepted at or after this moment, Unix seconds.
        until: accepted before this moment.
    """

    workflow: str | None = None
    mode: str | None = None
    statuses: Collection[str] = ()
    since: float | None = None
    until: float | None = None

    def takes(self, run: PastRun) -> bool:
        """Whether a run is asked for; one of which a fact is not known is not, when that fact is asked for."""
        if self.workflow is not None and run.workflow != self.workflow:
            return False
        if self.mode is not None and run.mode != self.mode:
            return False
        if self.statuses and not {run.status, run.word} & set(self.statuses):
            return False
        at = run.accepted_at
        if self.since is not None and (at is None or at < self.since):
            return False
        return self.until is None or (at is not None and at < self.until)


def history(*, settings: Settings, wanted: Wanted | None = None) -> Iterator[PastRun]:
    """Yield the runs of the state folder, newest first; each is read when it is asked for.

    Args:
        wanted: which; all by default.

    Raises:
        JournalError: the state folder is there but cannot be read.
    """
    store = RunStore(settings.state_dir)
    for run_id in store.list():
        run = _look(store, run_id)
        if run is not None and (wanted is None or wanted.takes(run)):
            yield run


def _look(store: RunStore, run_id: RunId) -> PastRun | None:
    """Look at one run; None when it has just been removed."""
    try:
        return _read(store.open(run_id))
    except RunError:
        return None
    except JournalDamaged as error:
        return PastRun(run_id=run_id, status=DAMAGED, problem=error.message)
    except JournalError as error:
        return PastRun(run_id=run_id, status=UNREADABLE, problem=error.message)
    except msgspec.MsgspecError:
        problem = "it holds an event that this actorflow does not know"
        return PastRun(run_id=run_id, status=UNREADABLE, problem=problem)


def _read(folder: RunFolder) -> PastRun:
    # Before the journal, so that a driver which ends in between is not missed.
    driver = who_drives(folder.path)
    with JournalReader.open(folder.path) as reader:
        first = read_records(reader.read(limit=_LOOKED_AT))
        if not first or not isinstance(first[0].event, ev.RunAccepted):
            return PastRun(run_id=folder.run_id, status=NEVER_BEGUN)
        status, ended_at, spent = _end(reader, first)
        started_at = None if status is RunStatus.PENDING else _start(reader, first)
    standing = standing_under(status, driver)
    return PastRun(
        run_id=folder.run_id,
        status=standing.status,
        workflow=first[0].event.workflow,
        mode=first[0].event.mode,
        accepted_at=first[0].at,
        started_at=started_at,
        ended_at=ended_at,
        cost_usd=spent[0],
        tokens=spent[1],
        silent_since=standing.silent_since,
    )


def _end(
    reader: JournalReader, first: tuple[Recorded, ...]
) -> tuple[RunStatus, float | None, tuple[float | None, int | None]]:
    """Return how the run stands, when it ended and what it has cost, from as few of its last events as tell it."""
    head, count = reader.head(), _LOOKED_AT
    while True:
        after = max(0, head - count)
        events = first if head <= len(first) else read_records(reader.read(after))
        found = status_at_end(reversed(events))
        if found is not None:
            return *found, spent_at_end(reversed(events))
        if not after:
            return RunStatus.PENDING, None, (None, None)
        count *= 4


def _start(reader: JournalReader, first: tuple[Recorded, ...]) -> float | None:
    """Return when the first driver began."""
    events = first
    while events:
        for recorded in events:
            if isinstance(recorded.event, ev.DriverStarted):
                return recorded.at
        events = read_records(reader.read(events[-1].sequence, limit=64 * _LOOKED_AT))
    return None
