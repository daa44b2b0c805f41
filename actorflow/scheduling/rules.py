"""The rules of a run, one task or one step at a time; what ``decide`` and ``Frontier`` share.

Each function takes the facts of a decision and the state and answers one question: may this task start, what
follows from this outcome, which hook is next, how does the run end. None looks at more than its own task and
that task's direct dependencies. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from actorflow.errors import ExpressionError
from actorflow.ids import TaskId
from actorflow.scheduling.commands import CancelTask, Command, CompleteTask, FailTask, ScheduleRetry, SkipTask
from actorflow.scheduling.start_rules import blocked_by_rule
from actorflow.state.counting import Standing, standing
from actorflow.state.events import Failure
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.snapshot import LoadBlob, no_blobs, snapshot
from actorflow.state.status import AttemptStatus, RunStatus, SkipReason, TaskStatus
from actorflow.workflow.model import Backoff, HookPhase, OnTaskFailure, RetryPolicy
from actorflow.workflow.plan import Plan, PlannedTask

__all__ = [
    "MAX_LOST",
    "NO_FALLBACK",
    "Facts",
    "Jitter",
    "after_attempt",
    "delay_before",
    "end_phases",
    "is_cancelled",
    "is_stopped",
    "look_at",
    "next_agent",
    "next_hook",
    "outcome",
    "start_order",
    "start_phase_failed",
]

MAX_LOST = 3
"""How often a task is run again because its driver died, before it fails."""

NO_FALLBACK = frozenset({"interpolation", "condition_error", "cancelled"})
"""Kinds of errors after which no other agent is tried."""

Jitter: TypeAlias = Callable[[TaskId, int], float]
"""(task, attempt that failed) -> a factor between 0.5 and 1; the same arguments give the same factor."""


class Facts(msgspec.Struct, frozen=True):
    """What decisions rest on besides the state: the plan, and functions that stand for the outside."""

    plan: Plan
    jitter: Jitter
    load: LoadBlob = no_blobs


def start_order(task: PlannedTask) -> tuple[int, int, int]:
    """Give the key that orders ready tasks: priority, longest remaining path, declaration."""
    return (-task.spec.priority, -task.path_length, task.index)


def look_at(
    facts: Facts, state: RunState, task: PlannedTask, spared: dict[TaskId, bool] | None = None
) -> Command | None:
    """Decide about a PENDING task whose dependencies are all done.

    Args:
        spared: remembers from call to call which finished tasks lead back to a handler; true until a resume.

    Returns:
        The command that ends it here, or None: it is ready.
    """
    dependencies = [state.tasks[task_id] for task_id in task.dependencies]
    blocked = blocked_by_rule(task.rule, dependencies)
    if blocked is not None:
        return SkipTask(task.id, blocked)
    if is_stopped(facts.plan, state) and not _goes_on_after_a_stop(facts.plan, state, task, spared):
        return SkipTask(task.id, SkipReason.WORKFLOW_STOPPED)
    return None if task.condition is None else _by_condition(facts, state, task)


def is_stopped(plan: Plan, state: RunState) -> bool:
    """Tell whether a failure keeps further tasks from starting."""
    return state.failed > 0 and plan.workflow.settings.on_failure == "stop"


def _goes_on_after_a_stop(
    plan: Plan, state: RunState, task: PlannedTask, spared: dict[TaskId, bool] | None = None
) -> bool:
    """Whether the task handles failures, or depends (through tasks that are ok) on one that does and that ran."""
    known = {} if spared is None else spared
    path = [task]
    while path:
        looked_at = path[-1]
        ran_before = [t for t in looked_at.dependencies if standing(state.tasks[t]) is Standing.OK]
        if looked_at.rule.handles_failure or any(known.get(t) for t in ran_before):
            known[looked_at.id] = True
        else:
            unknown = next((t for t in ran_before if t not in known), None)
            if unknown is not None:
                path.append(plan.tasks[unknown])
                continue
            known[looked_at.id] = False
        path.pop()
    return known[task.id]


def _by_condition(facts: Facts, state: RunState, task: PlannedTask) -> Command | None:
    assert task.condition is not None  # noqa: S101 (narrows the type; the caller checked)
    context = snapshot(state, reads=task.condition_reads, dependencies=task.dependencies, load=facts.load)
    try:
        value = task.condition.evaluate(context)
    except ExpressionError as error:
        return FailTask(task.id, _condition_error(str(error.message), error.hint))
    if value is True:
        return None
    if value is False:
        return SkipTask(task.id, SkipReason.CONDITION_FALSE)
    return FailTask(
        task.id, _condition_error("the condition did not give true or false", "compare it with something")
    )


def _condition_error(message: str, hint: str) -> Failure:
    return Failure("condition_error", message, hint, retryable=False)


def after_attempt(facts: Facts, state: RunState, task: TaskState, now: float) -> Command:
    """Decide what follows when an attempt of a RUNNING task has ended, whatever ended it."""
    planned = facts.plan.tasks[task.id]
    if task.attempt is AttemptStatus.SUCCEEDED:
        return CompleteTask(task.id)
    if is_cancelled(state, task):
        return CancelTask(task.id)
    failure = task.error or Failure("unknown", "it failed without saying why")
    match task.attempt:
        case AttemptStatus.REQUEUED:
            due_at = now if task.due_at is None else _to_microseconds(task.due_at)
            return ScheduleRetry(task.id, task.attempts + 1, due_at, max(0.0, due_at - now))
        case AttemptStatus.LOST if task.lost <= MAX_LOST:
            return ScheduleRetry(task.id, task.attempts + 1, now, 0.0)
        case AttemptStatus.FAILED if failure.retryable and task.counted < planned.retry.max_attempts:
            delay = delay_before(planned.retry, task, failure, facts.jitter)
            return ScheduleRetry(task.id, task.attempts + 1, _to_microseconds(now + delay), delay)
        case AttemptStatus.FAILED if (fallback := next_agent(task, failure)) is not None:
            return ScheduleRetry(task.id, task.attempts + 1, now, 0.0, fallback)
        case AttemptStatus.CANCELLED:
            return CancelTask(task.id)
    return FailTask(task.id, failure, tolerated=planned.spec.on_failure is OnTaskFailure.SKIP)


def next_agent(task: TaskState, failure: Failure) -> str | None:
    """Return the fallback that takes over from an agent which has failed for good; None when there is none.

    An error that no agent has a part in (a hole that cannot be filled) meets the next one too, so nobody is tried.
    """
    if len(task.agents) == 1 or failure.kind in NO_FALLBACK or task.agent not in task.agents:
        return None
    index = task.agents.index(task.agent) + 1
    return task.agents[index] if index < len(task.agents) else None


def is_cancelled(state: RunState, task: TaskState) -> bool:
    """Tell whether a task that is not done is to be cancelled."""
    is_end_hook = task.hook and task.hook != HookPhase.ON_START
    return state.hooks_cancelled if is_end_hook else state.is_cancelling


def _to_microseconds(moment: float) -> float:
    """Round to what the journal can say: a batch that begins at this moment must be stamped with exactly it."""
    return round(moment * 1e6) / 1e6


def delay_before(retry: RetryPolicy, task: TaskState, failure: Failure, jitter: Jitter) -> float:
    """Return the seconds between a failed attempt and the next one.

    ``fixed`` is exact. ``exponential`` doubles from ``delay_seconds`` up to ``max_delay_seconds`` and is then
    spread over its upper half, so that tasks which failed together do not return together. An agent's own
    ``retry_after_seconds`` wins when it is longer.
    """
    if retry.backoff is Backoff.FIXED:
        delay = retry.delay_seconds
    else:
        # Beyond that any delay is past its maximum, or a float overflow.
        doublings = min(task.counted - 1, 64)
        delay = min(retry.delay_seconds * 2.0**doublings, retry.max_delay_seconds) * jitter(
            task.id, task.attempts
        )
    return max(delay, failure.retry_after_seconds or 0.0)


# --- the run as a whole ------------------------------------------------------------------------------------------


def next_hook(plan: Plan, state: RunState, phases: tuple[HookPhase, ...]) -> TaskState | None:
    """Return the first hook task of these phases that is not done, or None. Hooks run one after the other."""
    for phase in phases:
        for task_id in plan.hooks.get(phase, ()):
            if not state.tasks[task_id].status.is_terminal:
                return state.tasks[task_id]
    return None


def start_phase_failed(plan: Plan, state: RunState) -> TaskState | None:
    """Return the hook of ``on_start`` that failed, if one did; then no task starts."""
    for task_id in plan.hooks.get(HookPhase.ON_START, ()):
        if state.tasks[task_id].status is TaskStatus.FAILED:
            return state.tasks[task_id]
    return None


def outcome(plan: Plan, state: RunState) -> tuple[RunStatus, Failure | None]:
    """Tell how a run ends whose tasks are all done, and why if it failed as a whole."""
    if state.timed_out:
        return RunStatus.FAILED, state.failure
    if state.cancelled:  # a cancellation that came when every task had just finished changes nothing
        return RunStatus.CANCELLED, None
    hook = start_phase_failed(plan, state)
    if hook is not None:
        cause = hook.error.message if hook.error else "it failed"
        return RunStatus.FAILED, Failure("on_start", f"hook {hook.id}: {cause}", retryable=False)
    return (RunStatus.FAILED if state.failed else RunStatus.SUCCESS), None


def end_phases(state: RunState) -> tuple[HookPhase, ...]:
    """Return the phases of hooks that follow the outcome, in order."""
    match state.outcome:
        case RunStatus.SUCCESS:
            return (HookPhase.ON_SUCCESS, HookPhase.ON_COMPLETE)
        case RunStatus.FAILED:
            return (HookPhase.ON_FAILURE, HookPhase.ON_COMPLETE)
        case _:
            return (HookPhase.ON_COMPLETE,)
