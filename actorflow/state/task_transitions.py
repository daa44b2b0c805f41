"""How an event moves one task and its attempt: the half of ``transitions`` that is called most.

Takes the state of the run, the event and its time, and gives the run's next state, with the task put back and the counters and the context kept
true. Looks up every status in the tables of ``status``. Called by ``transitions.apply`` only; the run's own events are handled there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from actorflow.errors import InternalError
from actorflow.ids import TaskId
from actorflow.state import events as ev
from actorflow.state.events import Event, Failure
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.status import (
    ATTEMPT_TRANSITIONS,
    RUN_TRANSITIONS,
    TASK_TRANSITIONS,
    AttemptStatus,
    RunStatus,
    SkipReason,
    SubState,
    TaskStatus,
)
from actorflow.values import FrozenDict

__all__ = ["TASK_HANDLERS", "IllegalTransition", "record_of", "renewed", "reset_task", "run_status_after"]


class IllegalTransition(InternalError):
    """An event does not fit the state it met.

    Attributes:
        event: the event's kind.
        subject: the run, task or attempt it was about.
        status: the state that subject is in.
    """

    def __init__(self, event: str, subject: str, status: str) -> None:
        super().__init__(f"{event} is not possible for {subject}, which is {status}")
        self.event = event
        self.subject = subject
        self.status = status


def record_of(task: TaskState) -> FrozenDict:
    """Return what expressions see of a task: its output, status, reason, error, attempts and duration."""
    error = None if task.error is None else FrozenDict(kind=task.error.kind, message=task.error.message)
    return FrozenDict(
        output=task.output,
        status=task.status.value,
        reason=None if task.reason is None else task.reason.value,
        error=error,
        attempts=task.attempts,
        duration=task.duration_seconds,
    )


def run_status_after(state: RunState, event: Event, name: str = "") -> RunStatus:
    """Look up the run's status after ``event``, which may be known to the table by another ``name``."""
    name = name or type(event).__name__
    status = RUN_TRANSITIONS.get((state.status, name))
    if status is None:
        known = "not yet accepted" if state.status is None else state.status.value
        raise IllegalTransition(name, f"run {state.run_id}", known)
    return status


def _task(state: RunState, task_id: TaskId, event: Event) -> TaskState:
    """Return the task an event is about."""
    run_status_after(state, event)
    try:
        return state.tasks[task_id]
    except KeyError:
        raise IllegalTransition(type(event).__name__, f"task {task_id}", "not a task of this run") from None


def _task_status(task: TaskState, event: Event, name: str = "") -> TaskStatus:
    name = name or type(event).__name__
    status = TASK_TRANSITIONS.get((task.status, name))
    if status is None:
        raise IllegalTransition(name, f"task {task.id}", task.status.value)
    return status


def _attempt_status(task: TaskState, event: Event, name: str = "", *, number: int) -> AttemptStatus | None:
    """Look up what becomes of the task's attempt; ``number`` is the attempt that the event must be about."""
    name = name or type(event).__name__
    key = (task.attempt, name)
    if key not in ATTEMPT_TRANSITIONS or getattr(event, "attempt", number) != number:
        shown = "not running" if task.attempt is None else task.attempt.value
        about = getattr(event, "attempt", task.attempts)
        raise IllegalTransition(name, f"attempt {about} of {task.id}", f"at attempt {task.attempts}, {shown}")
    return ATTEMPT_TRANSITIONS[key]


def _store(state: RunState, before: TaskState, after: TaskState, at: float) -> RunState:
    """Put a task back, keep the counters and the context true, and count the event."""
    changes = _changes(state, before, after)
    return replace(state, sequence=state.sequence + 1, updated_at=at, **changes)


def _changes(state: RunState, before: TaskState, after: TaskState) -> dict[str, Any]:
    changes: dict[str, Any] = {"tasks": state.tasks.set(after.id, after)}
    if before.hook:
        if after.status.is_terminal:
            changes["context"] = state.context.set(after.id, record_of(after))
        return changes
    if before.attempt is not after.attempt:
        changes["running"] = state.running + after.is_attempt_open - before.is_attempt_open
    if before.status is not after.status:
        changes["unfinished"] = state.unfinished + before.status.is_terminal - after.status.is_terminal
        changes["failed"] = state.failed + _is(after, TaskStatus.FAILED) - _is(before, TaskStatus.FAILED)
        changes["cancelled"] = (
            state.cancelled + _is(after, TaskStatus.CANCELLED) - _is(before, TaskStatus.CANCELLED)
        )
        if after.status.is_terminal:
            changes["context"] = state.context.set(after.id, record_of(after))
    return changes


def _is(task: TaskState, status: TaskStatus) -> bool:
    return task.status is status


def _attempt_started(state: RunState, event: ev.AttemptStarted, at: float) -> RunState:
    task = _task(state, event.task, event)
    after = replace(
        task,
        status=_task_status(task, event),
        attempt=_attempt_status(task, event, number=task.attempts + 1),
        attempts=event.attempt,
        counted=task.counted + 1,
        agent=event.agent,
        waiting=None,
        due_at=None,
        started_at=at if task.started_at is None else task.started_at,
        attempt_started_at=at,
    )
    return _store(state, task, after, at)


def _session_opened(state: RunState, event: ev.SessionOpened, at: float) -> RunState:
    task = _task(state, event.task, event)
    return _move_attempt(state, task, event, at, session_id=event.session_id)


def _attempt_succeeded(state: RunState, event: ev.AttemptSucceeded, at: float) -> RunState:
    task = _task(state, event.task, event)
    return _move_attempt(
        state,
        task,
        event,
        at,
        output=event.output if event.blob is None else event.blob,
        error=None,
        session_id=event.session_id or task.session_id,
        cost_usd=_sum(task.cost_usd, event.cost_usd),
        tokens=_sum(task.tokens, event.tokens),
        notes=event.notes,
        fingerprint=event.fingerprint,
    )


def _spent(task: TaskState, event: ev.AttemptFailed | ev.AttemptRequeued) -> dict[str, Any]:
    """What an attempt that did not succeed leaves: what it has spent, and its session."""
    return {
        "cost_usd": _sum(task.cost_usd, event.cost_usd),
        "tokens": _sum(task.tokens, event.tokens),
        "session_id": event.session_id or task.session_id,
    }


def _sum(known: Any, more: Any) -> Any:
    """Add what may be unknown: unknown and a number is the number."""
    if known is None or more is None:
        return more if known is None else known
    return known + more


def _attempt_failed(state: RunState, event: ev.AttemptFailed, at: float) -> RunState:
    task = _task(state, event.task, event)
    return _move_attempt(state, task, event, at, error=event.failure, **_spent(task, event))


def _attempt_lost(state: RunState, event: ev.AttemptLost, at: float) -> RunState:
    task = _task(state, event.task, event)
    failure = Failure("lost", "its driver died while it ran")
    return _move_attempt(state, task, event, at, error=failure, lost=task.lost + 1, counted=task.counted - 1)


def _attempt_cancelled(state: RunState, event: ev.AttemptCancelled, at: float) -> RunState:
    task = _task(state, event.task, event)
    failure = Failure("cancelled", "it was cancelled", retryable=False)
    cost_usd, tokens = _sum(task.cost_usd, event.cost_usd), _sum(task.tokens, event.tokens)
    return _move_attempt(state, task, event, at, error=failure, cost_usd=cost_usd, tokens=tokens)


def _attempt_requeued(state: RunState, event: ev.AttemptRequeued, at: float) -> RunState:
    task = _task(state, event.task, event)
    changes = {"error": event.failure, "due_at": event.due_at, "counted": task.counted - 1}
    return _move_attempt(state, task, event, at, **changes, **_spent(task, event))


def _move_attempt(state: RunState, task: TaskState, event: Event, at: float, **changes: Any) -> RunState:
    status = _task_status(task, event)
    attempt = _attempt_status(task, event, number=task.attempts)
    return _store(state, task, replace(task, status=status, attempt=attempt, **changes), at)


def _retry_scheduled(state: RunState, event: ev.RetryScheduled, at: float) -> RunState:
    task = _task(state, event.task, event)
    after = replace(
        task,
        status=_task_status(task, event),
        attempt=_attempt_status(task, event, number=task.attempts + 1),
        waiting=_waiting(task, event),
        due_at=event.due_at,
    )
    return _store(state, task, after, at)


def _waiting(task: TaskState, event: ev.RetryScheduled) -> SubState:
    if task.attempt is AttemptStatus.REQUEUED:
        return SubState.PARKED
    return SubState.RETRY_WAIT if event.delay_seconds > 0 else SubState.WAITING


def _task_ended(state: RunState, event: ev.TaskSucceeded | ev.TaskCancelled, at: float) -> RunState:
    return _finish(state, event, at)


def _task_failed(state: RunState, event: ev.TaskFailed, at: float) -> RunState:
    return _finish(state, event, at, error=event.failure)


def _task_skipped(state: RunState, event: ev.TaskSkipped, at: float) -> RunState:
    tolerated = event.reason is SkipReason.TOLERATED_FAILURE
    name = "TaskSkipped(tolerated_failure)" if tolerated else "TaskSkipped"
    return _finish(state, event, at, name, reason=event.reason)


def _finish(state: RunState, event: Any, at: float, name: str = "", **changes: Any) -> RunState:
    task = _task(state, event.task, event)
    after = replace(
        task,
        status=_task_status(task, event, name),
        attempt=_attempt_status(task, event, name, number=task.attempts),
        waiting=None,
        due_at=None,
        finished_at=at,
        **changes,
    )
    return _store(state, task, after, at)


def reset_task(state: RunState, task_id: TaskId, event: Event) -> RunState:
    """Make a task PENDING again for a resume, with a renewed attempt budget; attempt numbers, session and spend go on."""
    task = _task(state, task_id, event)
    status = _task_status(task, event)
    attempt = _attempt_status(task, event, number=task.attempts)
    blank = TaskState(
        task.id,
        task.agents,
        task.dependencies,
        task.hook,
        status=status,
        agent=task.agents[0],
        attempt=attempt,
    )
    fresh = renewed(blank, task)
    return replace(state, **{**_changes(state, task, fresh), "context": state.context.discard(task_id)})


def renewed(fresh: TaskState, former: TaskState) -> TaskState:
    """Return ``fresh`` with what goes on over resumes: attempt numbers, session and spend."""
    return replace(
        fresh,
        attempts=former.attempts,
        session_id=former.session_id,
        cost_usd=former.cost_usd,
        tokens=former.tokens,
    )


TASK_HANDLERS: dict[type, Callable[[RunState, Any, float], RunState]] = {
    ev.AttemptStarted: _attempt_started,
    ev.SessionOpened: _session_opened,
    ev.AttemptSucceeded: _attempt_succeeded,
    ev.AttemptFailed: _attempt_failed,
    ev.AttemptLost: _attempt_lost,
    ev.AttemptCancelled: _attempt_cancelled,
    ev.AttemptRequeued: _attempt_requeued,
    ev.RetryScheduled: _retry_scheduled,
    ev.TaskSucceeded: _task_ended,
    ev.TaskFailed: _task_failed,
    ev.TaskSkipped: _task_skipped,
    ev.TaskCancelled: _task_ended,
}
"""Event class -> what applies it."""
