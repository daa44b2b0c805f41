"""Recovery: what a driver records before it goes on with a run that another one left.

Takes the plan and the state folded from the journal, gives the events that make it runnable: open attempts
are LOST, and what failed, was cancelled, or was skipped because of that is PENDING again. A new run is the
same with nothing to repair. Pure, so that a dry run can show it.
"""

from __future__ import annotations

from collections.abc import Iterable

from actorflow.ids import TaskId
from actorflow.state import RunState, RunStatus, SkipReason, TaskStatus
from actorflow.state import events as ev
from actorflow.state.events import Event
from actorflow.workflow.model import HookPhase
from actorflow.workflow.plan import Plan

__all__ = ["recovery_events", "tasks_to_repeat"]


def recovery_events(
    plan: Plan, state: RunState, driver: ev.DriverStarted, *, reason: str = "resume"
) -> list[Event]:
    """Return what is to be recorded before a driver goes on from ``state``.

    A run that ended in success gives no events: there is nothing to do.
    """
    if state.status is RunStatus.SUCCESS:
        return []
    if state.status is RunStatus.PENDING:
        return [driver]
    tasks = [state.tasks[task_id] for task_id in plan.tasks]
    lost: list[Event] = [ev.AttemptLost(t.id, t.attempts) for t in tasks if t.is_attempt_open]
    repeat = tasks_to_repeat(plan, state)
    needs_reset = bool(repeat) or state.is_cancelling or state.status is not RunStatus.RUNNING
    resumed: list[Event] = [ev.RunResumed(repeat, reason)] if needs_reset else []
    return [*lost, *resumed, driver]


def tasks_to_repeat(plan: Plan, state: RunState) -> tuple[TaskId, ...]:
    """Return the tasks that a resume makes PENDING again, in order of declaration.

    Those that FAILED or were CANCELLED, those skipped because the workflow had stopped, every descendant of
    these that has not succeeded (one that was running too: what it builds on is made again), and the hooks
    that come round again.
    """
    again = {
        task.id for task in state.tasks.values() if not task.hook and _is_to_repeat(task.status, task.reason)
    }
    again |= {
        task_id
        for task_id in _descendants(plan, again)
        if state.tasks[task_id].status in (TaskStatus.SKIPPED, TaskStatus.RUNNING)
    }
    again |= set(_hooks_to_repeat(plan, state, ended=bool(again) or state.outcome is not None))
    return tuple(task_id for task_id in plan.tasks if task_id in again)


def _is_to_repeat(status: TaskStatus, reason: SkipReason | None) -> bool:
    return status in (TaskStatus.FAILED, TaskStatus.CANCELLED) or reason is SkipReason.WORKFLOW_STOPPED


def _descendants(plan: Plan, roots: Iterable[TaskId]) -> set[TaskId]:
    seen: set[TaskId] = set()
    pending = list(roots)
    while pending:
        for dependent in plan.tasks[pending.pop()].dependents:
            if dependent not in seen:
                seen.add(dependent)
                pending.append(dependent)
    return seen


def _hooks_to_repeat(plan: Plan, state: RunState, *, ended: bool) -> Iterable[TaskId]:
    """``on_start`` hooks that did not succeed; of the end hooks all, when the run will end once more."""
    for phase, hooks in plan.hooks.items():
        for task_id in hooks:
            status = state.tasks[task_id].status
            is_repeated = status is not TaskStatus.SUCCESS if phase is HookPhase.ON_START else ended
            if status is not TaskStatus.PENDING and is_repeated:
                yield task_id
