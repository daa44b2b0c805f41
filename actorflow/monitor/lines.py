"""One plain line for each change of a run: the log that people and pipes read.

``lines_for`` takes recorded events and the state after them and gives a line for each one that changes what a
reader knows:

    18:48:00  api  started
    18:48:02  api  retry 2 of 3 in 4.2 s: exit status 1
    18:48:09  api  success in 9.1 s

An attempt's failure has no line of its own: what follows from it (a retry, the task's failure) is told with
the reason. Lines never hold a line break but may hold other characters that a terminal obeys: whoever prints
them must escape them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from actorflow.ids import TaskId
from actorflow.monitor.feed import RecordedEvent
from actorflow.monitor.limits import limit_of
from actorflow.monitor.services import money_text, parked_text
from actorflow.monitor.times import clock_text, duration_text, until_text
from actorflow.monitor.words import attempt_text, failure_text, first_line, skip_text
from actorflow.state import events as ev
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.status import RunStatus, SkipReason, SubState, TaskStatus

__all__ = ["line_for", "lines_for"]

_MOST_NAMED = 10
_MAY_PARK = (ev.RetryScheduled, ev.AttemptRequeued, ev.TaskSucceeded, ev.TaskFailed, ev.DriverStarted)
_LOST = ev.Failure("lost", "its driver died while it ran")


@dataclass(frozen=True, slots=True)
class _Told:
    """What a line is made from besides its event: the moment, the state, and what was known before."""

    at: float
    state: RunState
    zone: tzinfo
    limits: Mapping[TaskId, int]
    failure: ev.Failure | None

    def task(self, event: Any) -> TaskState | None:
        return self.state.tasks.get(event.task)

    def number(self, event: Any) -> str:
        """Return the number of the attempt that the event is about, and of how many."""
        return attempt_text(event.attempt, limit_of(self.task(event), self.limits))

    def because(self) -> str:
        return f": {failure_text(self.failure)}" if self.failure is not None else ""


def lines_for(
    events: Iterable[RecordedEvent],
    state: RunState,
    *,
    zone: tzinfo = UTC,
    limits: Mapping[TaskId, int] | None = None,
) -> list[str]:
    """Return the lines of several events.

    Args:
        state: the state after the last of them.
        zone: in which the time of day is written.
        limits: task -> its greatest number of attempts; see ``attempt_limits``.
    """
    events = tuple(events)
    failures: dict[TaskId, ev.Failure] = {}
    lines = []
    for recorded in events:
        event = recorded.event
        if isinstance(event, ev.AttemptFailed | ev.AttemptRequeued):
            failures[event.task] = event.failure
        elif isinstance(event, ev.AttemptLost):
            failures[event.task] = _LOST
        failure = failures.get(getattr(event, "task", TaskId("")))
        line = line_for(recorded, state, zone=zone, limits=limits, failure=failure)
        if line is not None:
            lines.append(line)
    return [*lines, *_parked(events, state, zone)]


def _parked(events: Iterable[RecordedEvent], state: RunState, zone: tzinfo) -> list[str]:
    """Say that nothing can go on before a limit is lifted, when that has just become so."""
    last = [recorded for recorded in events if isinstance(recorded.event, _MAY_PARK)][-1:]
    if not last or state.status is not RunStatus.RUNNING:
        return []
    text = parked_text(state, now=last[0].at, zone=zone)
    return [f"{clock_text(last[0].at, zone)}  run  {text}"] if text else []


def line_for(
    recorded: RecordedEvent,
    state: RunState,
    *,
    zone: tzinfo = UTC,
    limits: Mapping[TaskId, int] | None = None,
    failure: ev.Failure | None = None,
) -> str | None:
    """Return the line of one event, or None when it changes nothing that a reader sees.

    Args:
        state: a state after the event.
        failure: why the task's latest attempt failed; the task's error in ``state`` by default.
    """
    event = recorded.event
    if failure is None and (task := state.tasks.get(getattr(event, "task", TaskId("")))) is not None:
        failure = task.error
    told = _Told(recorded.at, state, zone, limits or {}, failure)
    words = _WORDS.get(type(event), _nothing)(event, told)
    if not words:
        return None
    subject = getattr(event, "task", "") or "run"
    return f"{clock_text(recorded.at, zone)}  {subject}  {words}"


def _nothing(_event: object, _told: _Told) -> str:
    return ""


def _accepted(event: ev.RunAccepted, _told: _Told) -> str:
    count = sum(1 for task in event.tasks if not task.hook)
    mode = "" if event.mode == "live" else f", {event.mode}"
    return f"{event.run_id} accepted: {event.workflow}, {count} task{'s' if count != 1 else ''}{mode}"


def _resumed(event: ev.RunResumed, _told: _Told) -> str:
    count = len(event.tasks)
    again = f"{count} task{'s' if count != 1 else ''} to do again" if count else "goes on"
    asked = f", from {', '.join(event.asked)}" if event.asked else ""
    limits = ", limits are taken to be lifted" if event.lifts_limits else ""
    return f"resumed: {again}{asked}{limits}"


def _driver_started(event: ev.DriverStarted, _told: _Told) -> str:
    taken = event.taken_over
    more = f" and {len(taken) - _MOST_NAMED} more" if len(taken) > _MOST_NAMED else ""
    return f"goes on with what outlived its driver: {', '.join(taken[:_MOST_NAMED])}{more}" if taken else ""


def _spec_changed(event: ev.SpecChanged, _told: _Told) -> str:
    count = sum(1 for task in event.tasks if not task.hook)
    return f"follows the current workflow file: {count} task{'s' if count != 1 else ''}"


def _cancel_requested(event: ev.RunCancelRequested, _told: _Told) -> str:
    return f"cancelling, asked for by {first_line(event.by)}" if event.by else "cancelling"


def _timed_out(event: ev.RunTimedOut, _told: _Told) -> str:
    return f"timed out after {duration_text(event.timeout_seconds)}: everything left is cancelled"


def _paused(event: ev.RunPaused, _told: _Told) -> str:
    return f"paused: {first_line(event.reason)}"


def _budget(event: ev.BudgetChanged, _told: _Told) -> str:
    parts = [] if event.usd is None else [money_text(event.usd)]
    parts += [] if event.tokens is None else [f"{event.tokens:,} tokens"]
    parts += [] if event.agents is None else [f"{event.agents} attempts"]
    return f"may spend {', '.join(parts) or 'without limit'} in all"


def _ran_out(event: ev.RoomRanOut, _told: _Told) -> str:
    return f"waiting for the disk: {first_line(event.reason)}"


def _room_found(event: ev.RoomFound, _told: _Told) -> str:
    return f"goes on: there is room again, after {duration_text(event.waited_seconds)}"


def _settled(event: ev.RunSettled, _told: _Told) -> str:
    return "" if event.failure is None else f"failing: {failure_text(event.failure)}"


def _finished(event: ev.RunFinished, told: _Told) -> str:
    started = told.state.started_at
    took = "" if started is None else f" in {duration_text(told.at - started)}"
    return f"{event.status.value}{took}"


def _started(event: ev.AttemptStarted, told: _Told) -> str:
    task = told.task(event)
    by = f" by {event.agent}" if task is not None and len(task.agents) > 1 else ""
    if event.attempt == 1:
        return f"started{by}"
    return f"started{by}, attempt {told.number(event)}"


def _lost(event: ev.AttemptLost, _told: _Told) -> str:
    return f"attempt {event.attempt} lost: {_LOST.message}"


def _retry(event: ev.RetryScheduled, told: _Told) -> str:
    if told.failure is not None and told.failure.kind == _LOST.kind:
        return ""  # told by AttemptLost already
    task = told.task(event)
    if task is not None and task.waiting is SubState.PARKED and task.due_at == event.due_at:
        return f"parked until {until_text(event.due_at, told.at, told.zone)}{told.because()}"
    if event.agent:
        return f"goes on to {event.agent}{told.because()}"
    return f"retry {told.number(event)} in {duration_text(event.delay_seconds)}{told.because()}"


def _succeeded(event: ev.TaskSucceeded, told: _Told) -> str:
    return f"success{_took(told.task(event), told)}"


def _failed(event: ev.TaskFailed, told: _Told) -> str:
    return f"failed{_took(told.task(event), told)}: {failure_text(event.failure)}"


def _skipped(event: ev.TaskSkipped, told: _Told) -> str:
    tolerated = event.reason is SkipReason.TOLERATED_FAILURE
    return f"skipped: {skip_text(event.reason)}{told.because() if tolerated else ''}"


def _cancelled(event: ev.TaskCancelled, told: _Told) -> str:
    return f"cancelled{_took(told.task(event), told)}"


def _took(task: TaskState | None, told: _Told) -> str:
    if task is None or task.started_at is None or task.status in (TaskStatus.PENDING, TaskStatus.RUNNING):
        return ""
    return (
        f" in {duration_text((told.at if task.finished_at is None else task.finished_at) - task.started_at)}"
    )


def _restarted(event: ev.ActorRestarted, _told: _Told) -> str:
    return f"restarted {event.path} after a crash ({event.restarts}): {first_line(event.cause)}"


_WORDS: dict[type, Callable[[Any, _Told], str]] = {
    ev.RunAccepted: _accepted,
    ev.DriverStarted: _driver_started,
    ev.RunResumed: _resumed,
    ev.SpecChanged: _spec_changed,
    ev.RunCancelRequested: _cancel_requested,
    ev.RunTimedOut: _timed_out,
    ev.RunPaused: _paused,
    ev.BudgetChanged: _budget,
    ev.RoomRanOut: _ran_out,
    ev.RoomFound: _room_found,
    ev.RunSettled: _settled,
    ev.RunFinished: _finished,
    ev.AttemptStarted: _started,
    ev.AttemptLost: _lost,
    ev.RetryScheduled: _retry,
    ev.TaskSucceeded: _succeeded,
    ev.TaskFailed: _failed,
    ev.TaskSkipped: _skipped,
    ev.TaskCancelled: _cancelled,
    ev.ActorRestarted: _restarted,
}
