"""The sentences of ``explain``: why a task is as it is, from the facts of the decision.

Pure: takes states, facts and the present time, gives text on one line without a final stop. What the journal
says happened is never contradicted: the sentence begins with the recorded reason, and the facts only fill it.
Text from agents goes through as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actorflow.ids import TaskId
from actorflow.monitor.explanation import ConditionFact, DependencyFact, RuleFact
from actorflow.monitor.open_ends import OpenEnd
from actorflow.monitor.services import wanted_text
from actorflow.monitor.times import duration_text
from actorflow.monitor.words import attempt_text, failure_text, first_line, skip_text
from actorflow.state import RunState, SkipReason, SubState, TaskState, TaskStatus

__all__ = ["Facts", "failed_hooks", "named", "why"]

_SHOWN = 3


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a sentence is made from besides the task.

    Attributes:
        state: a state that has the task and its direct dependencies.
        limit: the number of the last attempt that the task may have.
        stopped_by: the tasks whose failure had stopped the workflow.
        failed_hooks: the hooks of on_start that have failed.
        waits_for: what has to happen before the task goes on.
        open_end: what its open attempt has come to, if nobody drives the run.
    """

    state: RunState
    now: float
    limit: int | None = None
    rule: RuleFact | None = None
    dependencies: Sequence[DependencyFact] = ()
    condition: ConditionFact | None = None
    stopped_by: Sequence[TaskId] = ()
    failed_hooks: Sequence[TaskId] = ()
    waits_for: Sequence[str] = ()
    open_end: OpenEnd | None = None


def named(things: Iterable[str]) -> str:
    """Return ``a, b, c and 4 more``."""
    every = list(things)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def failed_hooks(tasks: Iterable[TaskState]) -> list[TaskId]:
    """Return the hooks of on_start that have failed."""
    return [t.id for t in tasks if t.hook == "on_start" and t.status is TaskStatus.FAILED]


def why(task: TaskState, facts: Facts) -> str:
    """Say why a task is as it is."""
    match task.status:
        case TaskStatus.PENDING:
            return f"pending: {'; '.join(facts.waits_for) or f'it waits for {wanted_text(facts.state)}'}"
        case TaskStatus.RUNNING:
            return f"running: {_running(task, facts)}"
        case TaskStatus.SUCCESS:
            return f"success: {_succeeded(task, facts)}"
        case TaskStatus.FAILED:
            return f"failed: {_failed(task, facts)}"
        case TaskStatus.SKIPPED:
            return f"skipped: {_skipped(task, facts)}"
        case TaskStatus.CANCELLED:
            return f"cancelled: {_cancelled(task, facts)}"


def _running(task: TaskState, facts: Facts) -> str:
    if task.waiting is None and facts.open_end is not None:
        end = facts.open_end
        has = "has" if end.came_to == "finished" else "is"
        return f"attempt {attempt_text(task.attempts, facts.limit)} by {task.agent} {has} {end.words}; {end.prospect}"
    if task.waiting is None:
        took = (
            ""
            if task.attempt_started_at is None
            else f" since {duration_text(facts.now - task.attempt_started_at)}"
        )
        return f"attempt {attempt_text(task.attempts, facts.limit)} by {task.agent} runs{took}"
    coming = f"attempt {attempt_text(task.attempts + 1, facts.limit)}"
    if task.due_at is None or task.due_at <= facts.now or task.waiting is SubState.WAITING:
        return f"{coming} waits for a slot"
    left = duration_text(task.due_at - facts.now)
    verb = "is parked by a limit and goes on" if task.waiting is SubState.PARKED else "begins"
    return f"{coming} {verb} in {left}, after: {failure_text(task.error)}"


def _succeeded(task: TaskState, facts: Facts) -> str:
    if task.attempts <= 1:
        return "its only attempt succeeded"
    return f"attempt {attempt_text(task.attempts, facts.limit)} succeeded"


def _failed(task: TaskState, facts: Facts) -> str:
    error = failure_text(task.error)
    if task.error is not None and task.error.kind == "condition_error":
        return f"its condition could not be decided: {error}"
    if not task.attempts:
        return error
    if task.error is not None and task.error.kind == "lost":
        from actorflow.scheduling.rules import MAX_LOST  # loads much, and is rarely said

        return f"its driver died {task.lost} times while it ran; {MAX_LOST} times are allowed"
    return f"attempt {attempt_text(task.attempts, facts.limit)} failed{_why_the_last(task, facts)}: {error}"


def _why_the_last(task: TaskState, facts: Facts) -> str:
    """Say why no attempt came after the one that failed."""
    if facts.limit is not None and task.attempts >= facts.limit:
        return " and no other is allowed"
    if task.error is not None and not task.error.retryable:
        return f", and failures of the kind {task.error.kind} are not retried"
    return ""


def _skipped(task: TaskState, facts: Facts) -> str:
    match task.reason:
        case SkipReason.CONDITION_FALSE:
            return _condition_false(facts)
        case SkipReason.UPSTREAM_FAILED:
            return _upstream(facts, "failed") or skip_text(task.reason)
        case SkipReason.UPSTREAM_SKIPPED:
            skipped = _dependencies(facts, "skipped")
            return f"everything it depends on was skipped: {skipped}" if skipped else skip_text(task.reason)
        case SkipReason.TOLERATED_FAILURE:
            return f"{_failed(task, facts)}; its on_failure says skip, so the run goes on"
        case SkipReason.WORKFLOW_STOPPED:
            return _stopped(task, facts)
        case _:
            return skip_text(task.reason)


def _condition_false(facts: Facts) -> str:
    if facts.condition is not None and facts.condition.value is False:
        return f"its condition is false: {first_line(facts.condition.source)}"
    if facts.rule is not None and facts.rule.is_met is False:
        states = named(f"{d.task} {_stood(d)}" for d in facts.dependencies)
        return f"its run_if {facts.rule.name} is not met: {states}"
    return "its condition is false, or its run_if is not met"


def _upstream(facts: Facts, counting: str) -> str:
    found = [d for d in facts.dependencies if d.counts_as == counting and not d.is_overruled]
    if not found:
        return ""
    return f"it depends on {named(f'{d.task}, which {_was(d)}' for d in found)}"


def _was(fact: DependencyFact) -> str:
    """Return ``failed``, ``was cancelled``, ``was skipped (upstream_failed)``."""
    return _stood(fact) if fact.status in ("failed", "success") else f"was {_stood(fact)}"


def _dependencies(facts: Facts, counting: str) -> str:
    return named(f"{d.task} ({d.reason or d.status})" for d in facts.dependencies if d.counts_as == counting)


def _stood(fact: DependencyFact) -> str:
    return f"{fact.status} ({fact.reason})" if fact.reason else fact.status


def _stopped(task: TaskState, facts: Facts) -> str:
    if facts.stopped_by:
        return f"the workflow stops at the first failure, and {named(facts.stopped_by)} had failed"
    if _upstream(facts, "stopped"):
        return _upstream(facts, "stopped")
    if facts.failed_hooks and not task.hook:
        return f"the hook {named(facts.failed_hooks)} of on_start failed, so no task starts"
    return skip_text(task.reason)


def _cancelled(task: TaskState, facts: Facts) -> str:
    state = facts.state
    if state.timed_out:
        cause = f"the run timed out ({state.failure.message})" if state.failure else "the run timed out"
    elif state.cancelled_by:
        cause = f"the run was cancelled by {first_line(state.cancelled_by)}"
    else:
        cause = "the run was cancelled"
    if task.error is not None and task.error.kind in ("cancelled", "lost"):  # as its last attempt ended
        return f"{cause} while attempt {task.attempts} ran"
    return f"{cause} before it started" if not task.attempts else f"{cause} between two attempts"
