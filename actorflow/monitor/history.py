"""What is said of a past run in one line, from a few events at either end of its journal.

A run's status is what its last events say, so that a list of a thousand runs need not fold a thousand
journals: ``status_at_end`` looks at events from the newest backwards and stops at the first one that settles
it. Which events do is read off the table of transitions. Takes events, gives ``PastRun``s and their JSON
form; must not read files or the clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from actorflow.monitor.feed import RecordedEvent
from actorflow.monitor.standing import RunStanding
from actorflow.monitor.times import microseconds, rfc3339
from actorflow.state import events as ev
from actorflow.state.status import RUN_TRANSITIONS, RunStatus

__all__ = [
    "DAMAGED",
    "NEVER_BEGUN",
    "UNREADABLE",
    "PastRun",
    "past_run_report",
    "spent_at_end",
    "status_at_end",
]

DAMAGED = "damaged"
"""What stands in place of a status when the journal is not whole."""

UNREADABLE = "unreadable"
"""What stands in place of a status when the journal cannot be read at all."""

NEVER_BEGUN = "never_begun"
"""What stands in place of a status when the run's command was stopped before anything happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One line of the history.

    Attributes:
        status: the run's status, ``interrupted``, or one of ``damaged unreadable never_begun``.
        workflow: its workflow's name; None when the journal does not say.
        mode: ``live`` or ``rehearsal``; None when the journal does not say.
        accepted_at: when it was recorded first, Unix seconds.
        cost_usd: what it has cost when it ended or paused; None when that is not known.
        tokens: likewise.
        problem: what is wrong with its journal, or "".
        silent_since: when its driver was heard of last, Unix seconds, if that is too long ago.
    """

    run_id: str
    status: str
    workflow: str | None = None
    mode: str | None = None
    accepted_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    cost_usd: float | None = None
    tokens: int | None = None
    problem: str = ""
    silent_since: float | None = None

    @property
    def word(self) -> str:
        """The word that people are shown."""
        return RunStanding(self.status, self.silent_since).word

    def duration_seconds(self, now: float) -> float | None:
        """From its start to its end, or to ``now`` while it has none; None before its start."""
        if self.started_at is None:
            return None
        end = now if self.ended_at is None else self.ended_at
        return max(0, microseconds(end) - microseconds(self.started_at)) / 1_000_000


def past_run_report(run: PastRun, *, now: float) -> dict[str, Any]:
    """Return a run as ``history --json`` gives it; see ``run_report`` for times and durations."""
    return {
        "run_id": run.run_id,
        "workflow": run.workflow,
        "mode": run.mode,
        "status": run.status,
        "started_at": None if run.started_at is None else rfc3339(run.started_at),
        "duration": run.duration_seconds(now),
        "cost_usd": run.cost_usd,
        "tokens": run.tokens,
        "silent_since": None if run.silent_since is None else rfc3339(run.silent_since),
    }


def _settling() -> dict[str, RunStatus]:
    """Return event -> the status after it, for the events that lead to one status only."""
    after: dict[str, set[RunStatus]] = {}
    for (_, name), status in RUN_TRANSITIONS.items():
        after.setdefault(name, set()).add(status)
    return {name: next(iter(statuses)) for name, statuses in after.items() if len(statuses) == 1}


_SETTLING = _settling()


def spent_at_end(newest_first: Iterable[RecordedEvent]) -> tuple[float | None, int | None]:
    """Return what a run had cost, and its tokens, when it ended or paused last; None when these events do not tell."""
    for recorded in newest_first:
        event = recorded.event
        if isinstance(event, ev.RunFinished | ev.RunPaused):
            return event.cost_usd, event.tokens
        if isinstance(event, ev.AttemptStarted):
            break  # more has been spent since
    return None, None


def status_at_end(newest_first: Iterable[RecordedEvent]) -> tuple[RunStatus, float | None] | None:
    """Return a run's status and when it ended (None: it has not), or None when these events do not tell.

    Args:
        newest_first: the last events of the run, the very last one first.
    """
    for recorded in newest_first:
        event = recorded.event
        name = type(event).__name__
        if isinstance(event, ev.RunFinished):
            name = f"{name}({event.status.value})"
        status = _SETTLING.get(name)
        if status is not None:
            return status, recorded.at if status.is_terminal else None
    return None
