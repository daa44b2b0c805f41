"""``apply``: the only way the state of a run changes.

Takes a state, an event and the event's time, and gives the next state; looks up every status in the tables of
``status``. An event that the tables do not allow raises ``IllegalTransition`` and changes nothing. Recovery
is the same function folded over the journal. Must stay a pure function: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace
from pyrsistent import pmap

from actorflow.errors import InternalError
from actorflow.ids import RunId, TaskId
from actorflow.state import events as ev
from actorflow.state.events import Event, Failure
from actorflow.state.run_state import EMPTY, RunState, TaskState
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
from actorflow.values import FrozenDict, freeze_mapping

__all__ = ["IllegalTransition", "apply", "fold", "record_of"]


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


def apply(state: RunState, event: Event, at: float) -> RunState:
    """Return the state after ``event``, which was recorded at ``at`` (Unix seconds).

    Raises:
        IllegalTransition: the event does not fit.
    """
    after = _HANDLERS[type(event)](state, event, at)
    if after.sequence > state.sequence:  # the frequent events store everything in one go
        return after
    return replace(after, sequence=state.sequence + 1, updated_at=at)


def fold(events: Iterable[tuple[float, Event]], state: RunState = EMPTY) -> RunState:
    """Apply (time, event) pairs in order."""
    for at, event in events:
        state = apply(state, event, at)
    return state


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


# --- the run -----------------------------------------------------------------------------------------------------


def _run_status(state: RunState, event: Event, name: str = "") -> RunStatus:
    name = name or type(event).__name__
    status = RUN_TRANSITIONS.get((state.status, name))
    if status is None:
        known = "not yet accepted" if state.status is None else state.status.value
        raise IllegalTransition(name, f"run {state.run_id}", known)
    return status


def _run_accepted(state: RunState, event: ev.RunAccepted, at: float) -> RunState:
    tasks = {
        entry.id: TaskState(
            id=entry.id,
            agents=entry.agents,
            dependencies=entry.dependencies,
            hook=entry.hook,
            agent=entry.agents[0],
        )
        for entry in event.tasks
    }
    return replace(
        state,
        run_id=RunId(event.run_id),
        workflow=event.workflow,
        status=_run_status(state, event),
        mode=event.mode,
        project_root=event.project_root,
        tasks=pmap(tasks),
        context=pmap(freeze_mapping(event.values)),
        inputs=freeze_mapping(event.inputs),
        variables=freeze_mapping({k: v for k, v in event.values.items() if k not in event.inputs}),
        unfinished=sum(1 for task in tasks.values() if not task.hook),
        accepted_at=at,
    )


def _driver_started(state: RunState, event: ev.DriverStarted, at: float) -> RunState:
    return replace(
        state,
        status=_run_status(state, event),
        started_at=at if state.started_at is None else state.started_at,
        driver_started_at=at,
        epoch=event.epoch,
        paused_because="",
    )


def _run_resumed(state: RunState, event: ev.RunResumed, at: float) -> RunState:
    status = _run_status(state, event)
    for task_id in event.tasks:
        state = _reset_task(state, task_id, event)
    return replace(
        state,
        status=status,
        outcome=None,
        failure=None,
        cancelled_by=None,
        hooks_cancelled=False,
        timed_out=False,
        paused_because="",
        settled_at=None,
        ended_at=None,
        driver_started_at=at,
    )


def _reset_task(state: RunState, task_id: TaskId, event: Event) -> RunState:
    task = _task(state, task_id, event)
    fresh = TaskState(
        id=task.id,
        agents=task.agents,
        dependencies=task.dependencies,
        hook=task.hook,
        status=_task_status(task, event),
        agent=task.agents[0],
        attempts=task.attempts,
        attempt=_attempt_status(task, event, number=task.attempts),
        session_id=task.session_id,
        cost_usd=task.cost_usd,
        tokens=task.tokens,
    )
    return replace(state, **{**_changes(state, task, fresh), "context": state.context.discard(task_id)})


def _run_cancel_requested(state: RunState, event: ev.RunCancelRequested, _at: float) -> RunState:
    _run_status(state, event)
    if state.outcome is not None:
        return replace(state, hooks_cancelled=True)
    return state if state.cancelled_by is not None else replace(state, cancelled_by=event.by)


def _run_timed_out(state: RunState, event: ev.RunTimedOut, _at: float) -> RunState:
    _run_status(state, event)
    if state.is_cancelling or state.outcome is not None:
        return state
    failure = Failure("timeout", f"the run took longer than {event.timeout_seconds:g} s", retryable=False)
    return replace(state, timed_out=True, failure=failure)


def _run_paused(state: RunState, event: ev.RunPaused, _at: float) -> RunState:
    return replace(state, status=_run_status(state, event), paused_because=event.reason)


def _run_settled(state: RunState, event: ev.RunSettled, at: float) -> RunState:
    _run_status(state, event)
    if state.unfinished or state.outcome is not None:
        known = "settled already" if state.outcome is not None else f"waiting for {state.unfinished} tasks"
        raise IllegalTransition("RunSettled", f"run {state.run_id}", known)
    return replace(state, outcome=event.status, failure=event.failure, settled_at=at)


def _run_finished(state: RunState, event: ev.RunFinished, at: float) -> RunState:
    name = f"RunFinished({event.status.value})"
    status = _run_status(state, event, name)
    if state.outcome is not status:
        known = "not settled" if state.outcome is None else f"settled as {state.outcome.value}"
        raise IllegalTransition(name, f"run {state.run_id}", known)
    return replace(state, status=status, ended_at=at)


def _note(state: RunState, event: Event, _at: float) -> RunState:
    _run_status(state, event)
    return state


# --- tasks and attempts ------------------------------------------------------------------------------------------


def _task(state: RunState, task_id: TaskId, event: Event) -> TaskState:
    """Return the task an event is about."""
    _run_status(state, event)
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
    )


def _sum(known: Any, more: Any) -> Any:
    """Add what may be unknown: unknown and a number is the number."""
    if known is None or more is None:
        return more if known is None else known
    return known + more


def _attempt_failed(state: RunState, event: ev.AttemptFailed, at: float) -> RunState:
    task = _task(state, event.task, event)
    return _move_attempt(state, task, event, at, error=event.failure)


def _attempt_lost(state: RunState, event: ev.AttemptLost, at: float) -> RunState:
    task = _task(state, event.task, event)
    failure = Failure("lost", "its driver died while it ran")
    return _move_attempt(state, task, event, at, error=failure, lost=task.lost + 1, counted=task.counted - 1)


def _attempt_cancelled(state: RunState, event: ev.AttemptCancelled, at: float) -> RunState:
    task = _task(state, event.task, event)
    failure = Failure("cancelled", "it was cancelled", retryable=False)
    return _move_attempt(state, task, event, at, error=failure)


def _attempt_requeued(state: RunState, event: ev.AttemptRequeued, at: float) -> RunState:
    task = _task(state, event.task, event)
    changes = {"error": event.failure, "due_at": event.due_at, "counted": task.counted - 1}
    return _move_attempt(state, task, event, at, **changes)


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


_HANDLERS: dict[type, Callable[[RunState, Any, float], RunState]] = {
    ev.RunAccepted: _run_accepted,
    ev.DriverStarted: _driver_started,
    ev.RunResumed: _run_resumed,
    ev.RunCancelRequested: _run_cancel_requested,
    ev.RunTimedOut: _run_timed_out,
    ev.RunPaused: _run_paused,
    ev.RunSettled: _run_settled,
    ev.RunFinished: _run_finished,
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
    ev.ActorRestarted: _note,
    ev.ControlAnswered: _note,
}
