"""The attempts of one task, each with how it ended and what followed.

Folded from a run's events alone. A state keeps only a task's latest attempt; people who ask why a task failed
want all of them, with the delays between. Takes events, gives ``Attempt``s in the order in which they
started, resumes and all. Must not know the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from actorflow.ids import TaskId
from actorflow.monitor.feed import RecordedEvent
from actorflow.monitor.times import microseconds, rfc3339
from actorflow.state import events as ev
from actorflow.state.events import Failure
from actorflow.state.status import AttemptStatus
from actorflow.state.task_transitions import ended_between

__all__ = ["Attempt", "attempt_report", "attempts_of", "every_attempt"]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt.

    Attributes:
        number: counted over all resumes.
        error: why it failed, was lost or was sent back.
        retry_at: when the attempt after it may start, Unix seconds; None when none was scheduled.
        delay_seconds: how long that is after its end.
        resumes: how many resumes came before it.
        cost_usd: what it has cost; None when that is not known. ``tokens`` likewise.
    """

    task: TaskId
    number: int
    agent: str
    started_at: float
    status: AttemptStatus = AttemptStatus.STARTED
    ended_at: float | None = None
    error: Failure | None = None
    retry_at: float | None = None
    delay_seconds: float | None = None
    resumes: int = 0
    cost_usd: float | None = None
    tokens: int | None = None

    @property
    def duration_seconds(self) -> float | None:
        """How long it ran; None while it runs."""
        if self.ended_at is None:
            return None
        return max(0, microseconds(self.ended_at) - microseconds(self.started_at)) / 1_000_000


_ENDS: dict[type, AttemptStatus] = {
    ev.AttemptSucceeded: AttemptStatus.SUCCEEDED,
    ev.AttemptFailed: AttemptStatus.FAILED,
    ev.AttemptLost: AttemptStatus.LOST,
    ev.AttemptCancelled: AttemptStatus.CANCELLED,
    ev.AttemptRequeued: AttemptStatus.REQUEUED,
}
_LOST = Failure("lost", "its driver died while it ran")


def attempts_of(events: Iterable[RecordedEvent], task: TaskId) -> tuple[Attempt, ...]:
    """Return the attempts of ``task``, in order."""
    return every_attempt(events).get(task, ())


def every_attempt(events: Iterable[RecordedEvent]) -> dict[TaskId, tuple[Attempt, ...]]:
    """Return task -> its attempts in order, for the tasks that have any."""
    found: dict[TaskId, list[Attempt]] = {}
    resumes = 0
    for recorded in events:
        event, at = recorded.event, recorded.at
        if isinstance(event, ev.RunResumed):
            resumes += 1
        elif isinstance(event, ev.AttemptStarted):
            begun = Attempt(
                task=event.task, number=event.attempt, agent=event.agent, started_at=at, resumes=resumes
            )
            found.setdefault(event.task, []).append(begun)
        elif isinstance(event, ev.RetryScheduled):
            _change(found, event.task, retry_at=event.due_at, delay_seconds=event.delay_seconds)
        elif isinstance(
            event,
            ev.AttemptSucceeded
            | ev.AttemptFailed
            | ev.AttemptLost
            | ev.AttemptCancelled
            | ev.AttemptRequeued,
        ):
            error = _LOST if isinstance(event, ev.AttemptLost) else getattr(event, "failure", None)
            spent = {name: getattr(event, name, None) for name in ("cost_usd", "tokens")}
            attempts = found.get(event.task)
            started_at = attempts[-1].started_at if attempts else at
            ended_at = ended_between(started_at, getattr(event, "ended_at", None), at)
            _change(found, event.task, status=_ENDS[type(event)], ended_at=ended_at, error=error, **spent)
    return {task: tuple(attempts) for task, attempts in found.items()}


def _change(found: dict[TaskId, list[Attempt]], task: TaskId, **changes: Any) -> None:
    """Change the latest attempt of a task."""
    attempts = found.get(task)
    if attempts:
        attempts[-1] = replace(attempts[-1], **changes)


def attempt_report(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as JSON; see ``run_report`` for times and durations."""
    error = attempt.error
    return {
        "attempt": attempt.number,
        "agent": attempt.agent,
        "status": attempt.status.value,
        "started_at": rfc3339(attempt.started_at),
        "finished_at": None if attempt.ended_at is None else rfc3339(attempt.ended_at),
        "duration": attempt.duration_seconds,
        "error": None
        if error is None
        else {"kind": error.kind, "message": error.message, "hint": error.hint},
        "retry_at": None if attempt.retry_at is None else rfc3339(attempt.retry_at),
        "delay": attempt.delay_seconds,
        "cost_usd": attempt.cost_usd,
        "tokens": attempt.tokens,
    }
