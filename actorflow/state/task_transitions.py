"""How an event moves one task and its attempt: the half of ``transitions`` that is called most.

Takes the state of the run, the event and its time, and gives the run's next state, with the task put back and the counters and the context kept
true. Looks up every status in the tables of ``status``. Called by ``transitions.apply`` only; the run's own events are handled there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from pyrsistent import pmap

from actorflow.errors import InternalError
from actorflow.ids import TaskId
from actorflow.state import events as ev
from actorflow.state.events import Event, Failure
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.services import Changes, begun, ended, session_opened
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

__all__ = [
    "TASK_HANDLERS",
    "IllegalTransition",
    "ended_between",
    "lift_limits",
    "record_of",
    "renewed",
    "reset_task",
    "run_status_after",
]


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


def _store(
    state: RunState, before: TaskState, after: TaskState, at: float, run: dict[str, Any] | None = None
) -> RunState:
    """Put a task back, keep the counters and the context true, and count the event.

    Args:
        run: what else changes of the run.
    """
    changes = _changes(state, before, after)
    if run:
        changes |= run
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
    more, run = begun(state, task, event)
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
        attempt_ended_at=None,
        **more,
    )
    return _store(state, task, after, at, run)


def _session_opened(state: RunState, event: ev.SessionOpened, at: float) -> RunState:
    task = _task(state, event.task, event)
    return _move_attempt(state, task, event, at, session_opened(state, task, event.session_id))


def _attempt_succeeded(state: RunState, event: ev.AttemptSucceeded, at: float) -> RunState:
    task = _task(state, event.task, event)
    output = event.output if event.blob is None else event.blob
    left = ended(state, task, event, at)
    return _move_attempt(
        state,
        task,
        event,
        at,
        left,
        output=output,
        error=None,
        notes=event.notes,
        fingerprint=event.fingerprint,
    )


def _attempt_failed(state: RunState, event: ev.AttemptFailed, at: float) -> RunState:
    task = _task(state, event.task, event)
    return _move_attempt(state, task, event, at, ended(state, task, event, at), error=event.failure)


def _attempt_lost(state: RunState, event: ev.AttemptLost, at: float) -> RunState:
    task = _task(state, event.task, event)
    changes = {"error": Failure("lost", "its driver died while it ran"), "lost": task.lost + 1}
    left = ended(state, task, event, at)
    return _move_attempt(state, task, event, at, left, counted=task.counted - 1, **changes)


def _attempt_cancelled(state: RunState, event: ev.AttemptCancelled, at: float) -> RunState:
    task = _task(state, event.task, event)
    failure = Failure("cancelled", "it was cancelled", retryable=False)
    return _move_attempt(state, task, event, at, ended(state, task, event, at), error=failure)


def _attempt_requeued(state: RunState, event: ev.AttemptRequeued, at: float) -> RunState:
    task = _task(state, event.task, event)
    changes = {"error": event.failure, "due_at": event.due_at, "counted": task.counted - 1}
    return _move_attempt(state, task, event, at, ended(state, task, event, at), **changes)


def _move_attempt(
    state: RunState, task: TaskState, event: Event, at: float, left: Changes, **changes: Any
) -> RunState:
    """Move the task's attempt.

    Args:
        left: what it leaves besides its outcome.
    """
    more, run = left
    status = _task_status(task, event)
    attempt = _attempt_status(task, event, number=task.attempts)
    if (ended_at := getattr(event, "ended_at", None)) is not None:
        changes["attempt_ended_at"] = ended_between(task.attempt_started_at, ended_at, at)
    return _store(state, task, replace(task, status=status, attempt=attempt, **more, **changes), at, run)


def ended_between(started_at: float | None, ended_at: float | None, at: float) -> float:
    """Return when an attempt ended whose end is recorded at ``at``: never before it started, nor after ``at``, whatever clocks did."""
    if ended_at is None:
        return at
    return max(min(ended_at, at), at if started_at is None else min(started_at, at))


def _retry_scheduled(state: RunState, event: ev.RetryScheduled, at: float) -> RunState:
    task = _task(state, event.task, event)
    after = replace(
        task,
        status=_task_status(task, event),
        attempt=_attempt_status(task, event, number=task.attempts + 1),
        waiting=_waiting(task, event),
        due_at=event.due_at,
    )
    if event.agent:  # a fallback takes over, with attempts of its own
        after = replace(after, agent=event.agent, counted=0)
    return _store(state, task, after, at)


def _waiting(task: TaskState, event: ev.RetryScheduled) -> SubState:
    if event.delay_seconds <= 0:
        return SubState.WAITING
    return SubState.PARKED if task.attempt is AttemptStatus.REQUEUED else SubState.RETRY_WAIT


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
    # What ends a task that waits for a retry is not the attempt before.
    ended_at = task.attempt_ended_at if task.waiting is None else None
    after = replace(
        task,
        status=_task_status(task, event, name),
        attempt=_attempt_status(task, event, name, number=task.attempts),
        waiting=None,
        due_at=None,
        finished_at=at if ended_at is None else ended_at,
        **changes,
    )
    return _store(state, task, after, at)


def reset_task(state: RunState, task_id: TaskId, event: Event) -> RunState:
    """Make a task PENDING again for a resume, with a renewed attempt budget."""
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


def lift_limits(state: RunState, at: float) -> RunState:
    """Forget what services have said; what is parked is due now."""
    parked = [task for task in state.tasks.values() if task.waiting is SubState.PARKED]
    tasks = state.tasks.evolver()
    for task in parked:
        tasks[task.id] = replace(task, waiting=SubState.WAITING, due_at=at, requeues=0)
    return replace(state, tasks=tasks.persistent(), limits=pmap())


def renewed(fresh: TaskState, former: TaskState) -> TaskState:
    """Return ``fresh`` with what goes on over resumes: attempt numbers, spend and session.

    The session of a task that had succeeded does not: it is run again because of something new, and what it said
    before would be in the way.
    """
    keeps_session = former.status is not TaskStatus.SUCCESS
    return replace(
        fresh,
        attempts=former.attempts,
        session_id=former.session_id if keeps_session else None,
        session_agent=former.session_agent if keeps_session else "",
        lost_session=former.lost_session,
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
