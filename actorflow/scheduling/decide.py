"""``decide``: the specification of scheduling, written to be read.

Looks at every task of a state and says what happens next, in rounds: outcomes first, then cancellations, then
hooks of ``on_start``, then the tasks whose dependencies are done, then starts, then the end. A round is over
as soon as it has something to say; ``settle`` applies it and asks again. It costs O(tasks) a call, so runs
are driven by ``Frontier``, which gives the same commands in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actorflow.scheduling.commands import CancelTask, Command, FinishRun, SettleRun, SkipTask, StartAttempt
from actorflow.scheduling.rules import (
    Facts,
    after_attempt,
    end_phases,
    is_cancelled,
    look_at,
    next_hook,
    outcome,
    start_order,
    start_phase_failed,
)
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.status import RunStatus, SkipReason, TaskStatus
from actorflow.workflow.model import HookPhase

__all__ = ["decide", "hook_commands", "is_startable", "start_of"]


def decide(facts: Facts, state: RunState, now: float) -> list[Command]:
    """Return the next round of commands; an empty list means: wait for something to happen.

    Args:
        now: Unix seconds; decides which back-offs are over.
    """
    if state.status is not RunStatus.RUNNING:
        return []
    tasks = [state.tasks[task_id] for task_id in facts.plan.tasks]
    return (
        [after_attempt(facts, state, task, now) for task in tasks if has_undecided_attempt(task)]
        or [CancelTask(task.id) for task in tasks if _is_cancellable(state, task)]
        or (
            _before_the_end(facts, state, tasks, now)
            if state.outcome is None
            else _at_the_end(facts, state, now)
        )
    )


def has_undecided_attempt(task: TaskState) -> bool:
    """Tell whether an attempt of the task has ended and nothing has followed from it yet."""
    return task.status is TaskStatus.RUNNING and task.attempt is not None and not task.is_attempt_open


def _is_cancellable(state: RunState, task: TaskState) -> bool:
    if task.status.is_terminal or task.is_attempt_open or not is_cancelled(state, task):
        return False
    return not task.hook or task.hook == HookPhase.ON_START or task.hook in end_phases(state)


def _before_the_end(facts: Facts, state: RunState, tasks: list[TaskState], now: float) -> list[Command]:
    if start_phase_failed(facts.plan, state):
        skipped = [
            task.id
            for task in tasks
            if task.status is TaskStatus.PENDING and (not task.hook or task.hook == HookPhase.ON_START)
        ]
        return [SkipTask(task_id, SkipReason.WORKFLOW_STOPPED) for task_id in skipped] or _settle(
            facts, state
        )
    hook = next_hook(facts.plan, state, (HookPhase.ON_START,))
    if hook is not None:
        return hook_commands(hook, now)
    open_tasks = [task for task in tasks if not task.hook and not task.status.is_terminal]
    looked_at = [
        look_at(facts, state, facts.plan.tasks[task.id])
        for task in open_tasks
        if _is_ready_to_look_at(state, task)
    ]
    return (
        [command for command in looked_at if command is not None]
        or list(_starts(facts, state, open_tasks, now))
        or _settle(facts, state)
    )


def _is_ready_to_look_at(state: RunState, task: TaskState) -> bool:
    return task.status is TaskStatus.PENDING and all(
        state.tasks[task_id].status.is_terminal for task_id in task.dependencies
    )


def _starts(facts: Facts, state: RunState, open_tasks: Iterable[TaskState], now: float) -> Iterator[Command]:
    """Fill the free slots in the order of ``start_order``, passing over tasks whose pools are used up."""
    plan = facts.plan
    ready = [task for task in open_tasks if is_startable(task, now) or _is_ready_to_look_at(state, task)]
    free = plan.max_parallel - state.running
    used = dict.fromkeys(plan.workflow.settings.resources, 0)
    for task in state.tasks.values():
        if task.is_attempt_open and not task.hook:
            _take(used, plan.tasks[task.id].spec.resources)
    for task in sorted(ready, key=lambda task: start_order(plan.tasks[task.id])):
        needs = plan.tasks[task.id].spec.resources
        if free > 0 and all(
            used[pool] + n <= plan.workflow.settings.resources[pool] for pool, n in needs.items()
        ):
            free -= 1
            _take(used, needs)
            yield start_of(task)


def _take(used: dict[str, int], needs: dict[str, int]) -> None:
    for pool, amount in needs.items():
        used[pool] += amount


def is_startable(task: TaskState, now: float) -> bool:
    """Tell whether a RUNNING task waits for nothing but a slot."""
    return task.due_at is not None and task.attempt is None and task.due_at <= now


def start_of(task: TaskState) -> StartAttempt:
    """Return the command that starts the task's next attempt."""
    return StartAttempt(task.id, task.attempts + 1, task.agent)


def _settle(facts: Facts, state: RunState) -> list[Command]:
    return [] if state.unfinished else [SettleRun(*outcome(facts.plan, state))]


def _at_the_end(facts: Facts, state: RunState, now: float) -> list[Command]:
    hook = next_hook(facts.plan, state, end_phases(state))
    if hook is not None:
        return hook_commands(hook, now)
    return [FinishRun(state.outcome)] if state.outcome is not None else []


def hook_commands(hook: TaskState, now: float) -> list[Command]:
    """Start the hook that is next, unless it runs already or waits out a back-off. Hooks take no slot."""
    is_due = hook.status is TaskStatus.PENDING or is_startable(hook, now)
    return [start_of(hook)] if is_due else []
