"""``explain RUN``: why a run is as it is, each task that has not succeeded in one sentence.

Takes a run's journal and folds only the events about what did not succeed and what that depends on. Asks no
rule and no condition again: that is ``explain RUN TASK``. Reads only.
"""

from __future__ import annotations

from collections.abc import Mapping

from actorflow.api.explaining import dependency_fact, status_word
from actorflow.api.reading import RunReading, read_run
from actorflow.api.reasons import Facts, named, why
from actorflow.ids import TaskId
from actorflow.monitor.explanation import RunExplanation, TaskSummary
from actorflow.monitor.history import INTERRUPTED
from actorflow.monitor.limits import attempt_limits, limit_of
from actorflow.monitor.words import failure_text, first_line, phase_of
from actorflow.settings import Settings
from actorflow.state import RunState, RunStatus, TaskState, TaskStatus

__all__ = ["explain_run"]


def explain_run(run: str, *, settings: Settings, now: float) -> RunExplanation:
    """Say what keeps, or kept, a run from success.

    Args:
        run: an id, a unique prefix of one, or ``last``.
        now: Unix seconds.

    Raises:
        RunError: there is no such run.
        JournalError: its journal cannot be read or is damaged.
    """
    reading = read_run(run, settings=settings)
    entries = reading.entries
    without_success = [task for task in entries if reading.last_kinds.get(task) != "TaskSucceeded"]
    needed = {*without_success, *(d for task in without_success for d in entries[task].dependencies)}
    state = reading.state(needed)
    status = status_word(reading, state)
    counts = _counts(reading, state)
    limits = attempt_limits(reading.accepted)
    told = [state.tasks[task] for task in without_success]
    return RunExplanation(
        run_id=reading.run_id,
        workflow=reading.accepted.workflow,
        mode=reading.accepted.mode,
        status=status,
        summary=_run_summary(state, status, counts),
        counts=counts,
        tasks=tuple(_summary(task, state, now, limits, status) for task in told if _is_worth_telling(task)),
    )


def _is_worth_telling(task: TaskState) -> bool:
    """Whether a task that has not succeeded says something; a hook that has not come round does not."""
    return not task.hook or task.status is not TaskStatus.PENDING


def _counts(reading: RunReading, state: RunState) -> dict[str, int]:
    """Count all tasks, hooks apart; those that are not in the state have succeeded."""
    counts = dict.fromkeys((status.value for status in TaskStatus), 0)
    for entry in reading.accepted.tasks:
        if not entry.hook:
            task = state.tasks.get(entry.id)
            counts[(TaskStatus.SUCCESS if task is None else task.status).value] += 1
    return {status: count for status, count in counts.items() if count}


def _run_summary(state: RunState, status: str, counts: Mapping[str, int]) -> str:
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    cause = _cause(state, status)
    return f"{cause}: {told}" if cause else told


def _cause(state: RunState, status: str) -> str:
    if status == INTERRUPTED:
        return "its driver is gone"
    if status == RunStatus.PAUSED:
        return first_line(state.paused_because)
    if status == RunStatus.CANCELLED:
        return f"cancelled by {first_line(state.cancelled_by or 'somebody')}"
    if state.failure is not None:
        return failure_text(state.failure)
    failed = sorted(t.id for t in state.tasks.values() if t.status is TaskStatus.FAILED and not t.hook)
    return f"{named(failed)} failed" if failed else ""


def _summary(
    task: TaskState, state: RunState, now: float, limits: Mapping[TaskId, int], status: str
) -> TaskSummary:
    facts = Facts(
        state=state,
        now=now,
        limit=limit_of(task, limits),
        dependencies=[dependency_fact(state.tasks[d]) for d in task.dependencies],
        waits_for=_waits(task, state, status),
    )
    reason = None if task.reason is None else task.reason.value
    return TaskSummary(task.id, phase_of(task), task.status.value, reason, why(task, facts))


def _waits(task: TaskState, state: RunState, status: str) -> tuple[str, ...]:
    unfinished = [d for d in task.dependencies if not state.tasks[d].status.is_terminal]
    if unfinished:
        return (f"it waits for {named(f'{d} ({phase_of(state.tasks[d])})' for d in unfinished)}",)
    return ("it waits for a driver",) if status == INTERRUPTED else ()
