"""``explain RUN``: why a run is as it is, each task that has not succeeded in one sentence.

Takes a run's journal and folds only the events about what did not succeed and what that depends on. Asks no
rule and no condition again: that is ``explain RUN TASK``. Reads only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from actorflow.api.left_behind import ends_left
from actorflow.api.looking import glance_at_snapshot
from actorflow.api.presence import standing_under
from actorflow.api.reading import RunReading, read_run
from actorflow.api.reasons import Facts, failed_hooks, named, why
from actorflow.api.standings import dependency_fact
from actorflow.ids import TaskId
from actorflow.monitor.explanation import RunExplanation, TaskSummary
from actorflow.monitor.limits import attempt_limits, limit_of
from actorflow.monitor.open_ends import OpenEnd
from actorflow.monitor.standing import INTERRUPTED
from actorflow.monitor.words import failure_text, first_line, phase_of
from actorflow.settings import Settings
from actorflow.state import RunState, RunStatus, TaskState, TaskStatus

__all__ = ["explain_run"]


def explain_run(run: str, *, settings: Settings, now: float, most: int | None = None) -> RunExplanation:
    """Say what keeps, or kept, a run from success.

    Args:
        run: an id, a unique prefix of one, or ``last``.
        now: Unix seconds.
        most: of how many tasks to tell, the first ones; None means all.

    Raises:
        RunError: there is no such run.
        JournalError: its journal cannot be read or is damaged.
    """
    seen = _through_snapshot(run, settings, now) or _through_journal(run, settings, now)
    state, status = seen.state, seen.status
    known = dict(state.tasks.items())  # a persistent map is slow to look things up in
    told = [task for t in seen.without_success if _is_worth_telling(task := known[t])]
    hooks = failed_hooks(known[t] for t in seen.without_success)
    about = _About(state, known, status, now, seen.limits, hooks, seen.ends)
    return RunExplanation(
        run_id=state.run_id,
        workflow=state.workflow,
        mode=state.mode,
        status=status,
        summary=_run_summary(state, status, seen.counts),
        counts=seen.counts,
        tasks=tuple(_summary(task, about) for task in told[:most]),
        left_out=len(told[most:]) if most is not None else 0,
    )


class _Seen(msgspec.Struct, frozen=True):
    """A run, as much of it as is to be explained.

    Attributes:
        state: has at least what did not succeed, and what that depends on.
        without_success: the tasks that did not succeed, in the order of the workflow.
        counts: state -> how many tasks are in it, hooks apart.
        ends: what the open attempts have come to, if nobody drives the run.
    """

    state: RunState
    status: str
    without_success: tuple[TaskId, ...]
    counts: dict[str, int]
    limits: Mapping[TaskId, int]
    ends: Mapping[TaskId, OpenEnd]


def _through_snapshot(run: str, settings: Settings, now: float) -> _Seen | None:
    """Look at a long run through its snapshot, None when it has none."""
    seen = glance_at_snapshot(run, settings=settings)
    if seen is None:
        return None
    known = dict(seen.state.tasks.items())
    without = tuple(t for t in seen.order if known[t].status is not TaskStatus.SUCCESS)
    counts = Counter(task.status.value for task in known.values() if not task.hook)
    ends = seen.open_ends(now)
    return _Seen(seen.state, seen.standing.status, without, _in_order(counts), seen.limits, ends)


def _through_journal(run: str, settings: Settings, now: float) -> _Seen:
    """Fold only the events about what did not succeed and what that depends on."""
    with read_run(run, settings=settings) as reading:
        entries = reading.entries
        without = tuple(task for task in entries if reading.last_kinds.get(task) != "TaskSucceeded")
        needed = {*without, *(d for task in without for d in entries[task].dependencies)}
        state = reading.state(needed)
        limits = attempt_limits(reading.accepted)
        return _Seen(
            state,
            standing_under(state.status, reading.driver).status,
            without,
            _counts(reading, state),
            limits,
            ends_left(reading.folder, reading.run_id, state, reading.driver, now=now),
        )


def _in_order(counts: Mapping[str, int]) -> dict[str, int]:
    return {status.value: counts[status.value] for status in TaskStatus if counts.get(status.value)}


def _is_worth_telling(task: TaskState) -> bool:
    """Whether a task that has not succeeded says something; a hook that has not come round does not."""
    return not task.hook or task.status is not TaskStatus.PENDING


def _counts(reading: RunReading, state: RunState) -> dict[str, int]:
    """Count all tasks, hooks apart; those that are not in the state have succeeded."""
    tasks = (state.tasks.get(entry.id) for entry in reading.accepted.tasks if not entry.hook)
    return _in_order(Counter((TaskStatus.SUCCESS if task is None else task.status).value for task in tasks))


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


class _About(msgspec.Struct, frozen=True):
    """What the sentence about a task rests on besides the task; ``known`` has the tasks of ``state``."""

    state: RunState
    known: Mapping[TaskId, TaskState]
    status: str
    now: float
    limits: Mapping[TaskId, int]
    failed_hooks: Sequence[TaskId]
    ends: Mapping[TaskId, OpenEnd]


def _summary(task: TaskState, about: _About) -> TaskSummary:
    known = about.known
    is_skipped = task.status is TaskStatus.SKIPPED  # nothing else is told by what it depended on
    facts = Facts(
        state=about.state,
        now=about.now,
        limit=limit_of(task, about.limits),
        dependencies=[dependency_fact(known[d]) for d in task.dependencies] if is_skipped else (),
        failed_hooks=about.failed_hooks,
        waits_for=_waits(task, known, about.status) if task.status is TaskStatus.PENDING else (),
        open_end=(end := about.ends.get(task.id)),
    )
    reason = None if task.reason is None else task.reason.value
    came_to = None if end is None else end.came_to
    return TaskSummary(task.id, phase_of(task), task.status.value, reason, why(task, facts), came_to)


def _waits(task: TaskState, known: Mapping[TaskId, TaskState], status: str) -> tuple[str, ...]:
    unfinished = [d for d in task.dependencies if not known[d].status.is_terminal]
    if unfinished:
        return (f"it waits for {named(f'{d} ({phase_of(known[d])})' for d in unfinished)}",)
    return ("it waits for a driver",) if status == INTERRUPTED else ()
