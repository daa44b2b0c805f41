"""Recovery: what a driver records before it goes on with a run that another one left.

Takes the plan and the state folded from the journal, gives the events that make it runnable: open attempts
are LOST, unless their programs have outlived the driver and the run still wants what they do; and what failed,
was cancelled, or was skipped because of that is PENDING again; so is what somebody asks for, with all that comes
after it. A new run is the same with nothing to repair. Pure, so that a dry run says what a resume does because
it asks the same functions: who has outlived the driver is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from msgspec.structs import replace

from actorflow.ids import TaskId
from actorflow.scheduling.rules import is_cancelled
from actorflow.state import RunState, RunStatus, SkipReason, TaskState, TaskStatus, apply
from actorflow.state import events as ev
from actorflow.state.events import Event
from actorflow.workflow.model import HookPhase
from actorflow.workflow.plan import Plan

__all__ = [
    "Again",
    "AttemptKey",
    "Cause",
    "Repeat",
    "after_losses",
    "is_done",
    "recovery_events",
    "repeats",
    "taken_over",
    "tasks_to_repeat",
    "wanted",
]

AttemptKey: TypeAlias = tuple[TaskId, int]
"""An attempt: its task and its number."""


class Cause(StrEnum):
    """Why a resume makes a task PENDING again."""

    ASKED = "asked"
    """Somebody named it (``--from``)."""
    CHANGED = "changed"
    """The spec has changed, and what it succeeded with is not what it would be asked now."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    WORKFLOW_STOPPED = "workflow_stopped"
    """It was skipped because the workflow had stopped."""
    UPSTREAM = "upstream"
    """Something before it runs again."""
    HOOK = "hook"
    """A hook that comes round again."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A task that is PENDING again, and why.

    Attributes:
        because_of: for UPSTREAM, a direct dependency that runs (again).
    """

    cause: Cause
    because_of: TaskId | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """What is to run again besides what a resume repeats by itself; all that comes after these runs again too.

    Attributes:
        asked: tasks that somebody named.
        changed: tasks that succeeded with something else than they would be asked now.
    """

    asked: frozenset[TaskId] = frozenset()
    changed: frozenset[TaskId] = frozenset()


_NOTHING = Again()
_CAUSES = {TaskStatus.FAILED: Cause.FAILED, TaskStatus.CANCELLED: Cause.CANCELLED}


def recovery_events(
    plan: Plan,
    state: RunState,
    driver: ev.DriverStarted,
    *,
    reason: str = "resume",
    again: Again = _NOTHING,
    spec: ev.SpecChanged | None = None,
    outliving: frozenset[AttemptKey] = frozenset(),
) -> list[Event]:
    """Return what is to be recorded before a driver goes on from ``state``.

    Args:
        plan: of the spec that the run is to follow; with ``spec`` it is the plan of that.
        spec: recorded too, because the run is to follow another text from now on.
        outliving: attempts whose programs still run, or have ended and said how. Those that are not LOST in what
            this returns are for the driver to go on with.

    A run that ended in success and has nothing to do again gives no events.
    """
    kept = taken_over(plan, state, outliving, again=again, spec=spec)
    lost = _lost(plan, state, kept)
    changed: list[Event] = [] if spec is None else [spec]
    state = after_losses(state, kept, spec=spec)
    if state.status is RunStatus.PENDING:
        return [*changed, driver]
    repeat = tasks_to_repeat(plan, state, again)
    if is_done(state) and not repeat:
        return []
    needs_reset = bool(repeat) or state.is_cancelling or state.status is not RunStatus.RUNNING
    asked = tuple(task_id for task_id in plan.tasks if task_id in again.asked)
    differs = tuple(task_id for task_id in plan.tasks if task_id in again.changed)
    resumed: list[Event] = [ev.RunResumed(repeat, reason, asked, differs)] if needs_reset else []
    if kept:
        tasks = {task_id for task_id, _ in kept}
        driver = replace(driver, taken_over=tuple(task_id for task_id in plan.tasks if task_id in tasks))
    return [*lost, *changed, *resumed, driver]


def taken_over(
    plan: Plan,
    state: RunState,
    outliving: frozenset[AttemptKey],
    *,
    again: Again = _NOTHING,
    spec: ev.SpecChanged | None = None,
) -> frozenset[AttemptKey]:
    """Return those of the attempts in ``outliving`` that the next driver goes on with; see ``recovery_events``.

    Not those that the driver before had begun to stop, because the run was cancelled or timed out: how they ended
    is not how their work ended. Nor those of tasks that are to be PENDING again, or that ``spec`` has not, or has as
    something else.
    """
    may_stay = wanted(plan, state, outliving)
    if not may_stay:
        return may_stay
    repeated = repeats(plan, after_losses(state, may_stay, spec=spec), again)
    return frozenset(key for key in may_stay if key[0] not in repeated)


def wanted(plan: Plan, state: RunState, outliving: frozenset[AttemptKey]) -> frozenset[AttemptKey]:
    """Return those of the attempts in ``outliving`` that nobody had begun to stop, and that ``plan`` has."""
    return frozenset(
        (task.id, task.attempts)
        for task in state.tasks.values()
        if task.is_attempt_open
        and (task.id, task.attempts) in outliving
        and not is_cancelled(state, task)
        and _is_in(plan, task)
    )


def _is_in(plan: Plan, task: TaskState) -> bool:
    planned = plan.tasks.get(task.id)
    return planned is not None and task.hook == ("" if planned.hook is None else planned.hook.value)


def after_losses(
    state: RunState, kept: frozenset[AttemptKey], *, spec: ev.SpecChanged | None = None
) -> RunState:
    """Return the state after all open attempts but ``kept`` are LOST, and under ``spec``."""
    for task in state.tasks.values():
        if task.is_attempt_open and (task.id, task.attempts) not in kept:
            state = apply(state, ev.AttemptLost(task.id, task.attempts), state.updated_at)
    return state if spec is None else apply(state, spec, state.updated_at)


def is_done(state: RunState) -> bool:
    """Whether the run has succeeded and has nothing left to do."""
    return state.status is RunStatus.SUCCESS and not state.unfinished


def _lost(plan: Plan, state: RunState, kept: frozenset[AttemptKey]) -> list[Event]:
    """Return what closes the open attempts, in order of declaration; those of tasks that the plan has not come last."""
    last = len(plan.tasks)
    tasks = [t for t in state.tasks.values() if t.is_attempt_open and (t.id, t.attempts) not in kept]
    tasks.sort(key=lambda task: plan.tasks[task.id].index if task.id in plan.tasks else last)
    return [ev.AttemptLost(task.id, task.attempts) for task in tasks]


def tasks_to_repeat(plan: Plan, state: RunState, again: Again = _NOTHING) -> tuple[TaskId, ...]:
    """Return the tasks that a resume makes PENDING again, in order of declaration; see ``repeats``."""
    return tuple(repeats(plan, state, again))


def repeats(plan: Plan, state: RunState, again: Again = _NOTHING) -> dict[TaskId, Repeat]:
    """Return the tasks that a resume makes PENDING again with the reason for each, in order of declaration.

    Those that FAILED or were CANCELLED, those skipped because the workflow had stopped, every descendant of
    these that has not succeeded (one that was running too: what it builds on is made again), and the hooks
    that come round again. Of what ``again`` names all descendants, also those that succeeded: nobody knows
    whether they rest on what a task does besides its output. An attempt that is open in ``state`` is one that goes
    on: of a hook it keeps the run at the end, or the beginning, at which it is.
    """
    found = _by_themselves(state)
    _spread(plan, state, found, (TaskStatus.SKIPPED, TaskStatus.RUNNING))
    deep = _named(state, again)
    _spread(plan, state, deep, tuple(TaskStatus))
    found = {**deep, **found}
    ended = any(not state.tasks[t].hook for t in found) or (
        state.outcome is not None and not _goes_on_at_its_end(plan, state)
    )
    for task_id in _hooks_to_repeat(plan, state, ended=ended):
        found.setdefault(task_id, Repeat(Cause.HOOK))
    if is_done(state) and all(repeat.cause is Cause.HOOK for repeat in found.values()):
        return {}  # there is nothing to do, so nothing ends once more
    pending = TaskStatus.PENDING
    return {t: found[t] for t in plan.tasks if t in found and state.tasks[t].status is not pending}


def _by_themselves(state: RunState) -> dict[TaskId, Repeat]:
    """Return what a resume repeats without being asked, hooks apart."""
    tasks = [t for t in state.tasks.values() if not t.hook and _is_to_repeat(t.status, t.reason)]
    return {task.id: Repeat(_CAUSES.get(task.status, Cause.WORKFLOW_STOPPED)) for task in tasks}


def _is_to_repeat(status: TaskStatus, reason: SkipReason | None) -> bool:
    return status in (TaskStatus.FAILED, TaskStatus.CANCELLED) or reason is SkipReason.WORKFLOW_STOPPED


def _named(state: RunState, again: Again) -> dict[TaskId, Repeat]:
    changed = {t: Repeat(Cause.CHANGED) for t in again.changed if t in state.tasks}
    return {**changed, **{t: Repeat(Cause.ASKED) for t in again.asked if t in state.tasks}}


def _spread(
    plan: Plan, state: RunState, found: dict[TaskId, Repeat], statuses: tuple[TaskStatus, ...]
) -> None:
    """Add every descendant that is in one of ``statuses``, through descendants in whatever state."""
    seen = set(found)
    waiting = list(found)
    while waiting:
        task_id = waiting.pop()
        for dependent in plan.tasks[task_id].dependents:
            if dependent in seen:
                continue
            seen.add(dependent)
            waiting.append(dependent)
            if state.tasks[dependent].status in statuses:
                found[dependent] = Repeat(Cause.UPSTREAM, task_id)


def _goes_on_at_its_end(plan: Plan, state: RunState) -> bool:
    """Whether the run is at its end, with a hook of it at work, and nothing is in the way of going on there."""
    if state.is_cancelling or state.status is not RunStatus.RUNNING:
        return False
    ends = (hooks for phase, hooks in plan.hooks.items() if phase is not HookPhase.ON_START)
    return any(state.tasks[task_id].is_attempt_open for hooks in ends for task_id in hooks)


def _hooks_to_repeat(plan: Plan, state: RunState, *, ended: bool) -> Iterable[TaskId]:
    """``on_start`` hooks that did not succeed and are not at work; of the end hooks all, when the run will end once more."""
    for phase, hooks in plan.hooks.items():
        for task_id in hooks:
            task = state.tasks[task_id]
            has_failed = task.status is not TaskStatus.SUCCESS and not task.is_attempt_open
            is_repeated = has_failed if phase is HookPhase.ON_START else ended
            if task.status is not TaskStatus.PENDING and is_repeated:
                yield task_id
