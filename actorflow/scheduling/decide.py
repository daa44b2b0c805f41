"""``decide``: the specification of scheduling, written to be read.

Looks at every task of a state and says what happens next, in rounds: outcomes first, then cancellations, then
hooks of ``on_start``, then the tasks whose dependencies are done, then starts, then the end. A round is over
as soon as it has something to say; ``settle`` applies it and asks again. It costs O(tasks) a call, so runs
are driven by ``Frontier``, which gives the same commands in the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from actorflow.scheduling.commands import (
    CancelTask,
    Command,
    FailTask,
    FinishRun,
    PauseRun,
    SettleRun,
    SkipTask,
)
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
from actorflow.scheduling.services import backend_of, is_open, over_budget, pool_of, start_of
from actorflow.state.events import Failure
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.status import RunStatus, SkipReason, TaskStatus
from actorflow.workflow.model import HookPhase
from actorflow.workflow.plan import Plan

__all__ = ["decide", "has_undecided_attempt", "hook_commands", "is_startable"]


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
        return hook_commands(facts.plan, state, hook, now)
    open_tasks = [task for task in tasks if not task.hook and not task.status.is_terminal]
    looked_at = [
        look_at(facts, state, facts.plan.tasks[task.id])
        for task in open_tasks
        if _is_ready_to_look_at(state, task)
    ]
    return (
        [command for command in looked_at if command is not None]
        or list(_starts(facts, state, open_tasks, now))
        or _pause(facts, state, open_tasks)
        or _settle(facts, state)
    )


def _is_ready_to_look_at(state: RunState, task: TaskState) -> bool:
    return task.status is TaskStatus.PENDING and all(
        state.tasks[task_id].status.is_terminal for task_id in task.dependencies
    )


def _starts(facts: Facts, state: RunState, open_tasks: Iterable[TaskState], now: float) -> Iterator[Command]:
    """Fill the free slots in the order of ``start_order``, passing over tasks whose pools are used up or closed, or that cost too much."""
    plan = facts.plan
    ready = [task for task in open_tasks if is_startable(task, now) or _is_ready_to_look_at(state, task)]
    free = plan.max_parallel - state.running
    used = dict.fromkeys(plan.workflow.settings.resources, 0)
    running: Counter[str] = Counter()
    paid = 0
    for task in state.tasks.values():
        if task.is_attempt_open and not task.hook:
            _take(used, plan.tasks[task.id].spec.resources)
            running[task.pool] += 1
    for task in sorted(ready, key=lambda task: start_order(plan.tasks[task.id])):
        needs, backend = plan.tasks[task.id].spec.resources, backend_of(plan, task)
        pool = pool_of(plan.tasks[task.id], backend)
        has_room = all(used[p] + n <= plan.workflow.settings.resources[p] for p, n in needs.items())
        is_paid_for = not backend or not over_budget(plan, state, paid)
        if free > 0 and has_room and is_paid_for and is_open(state, backend, pool, running[pool], now):
            free -= 1
            _take(used, needs)
            running[pool] += 1
            paid += bool(backend)
            yield start_of(plan, state, task)


def _pause(facts: Facts, state: RunState, open_tasks: Iterable[TaskState]) -> list[Command]:
    """Pause when the budget is used up and all that could go on would cost money."""
    reason = over_budget(facts.plan, state)
    if not reason or state.running:
        return []
    could_go_on = [t for t in open_tasks if t.status is TaskStatus.RUNNING or _is_ready_to_look_at(state, t)]
    is_stuck = could_go_on and all(backend_of(facts.plan, task) for task in could_go_on)
    return [PauseRun(reason, state.account.cost_usd, state.account.tokens)] if is_stuck else []


def _take(used: dict[str, int], needs: dict[str, int]) -> None:
    for pool, amount in needs.items():
        used[pool] += amount


def is_startable(task: TaskState, now: float) -> bool:
    """Tell whether a RUNNING task waits for nothing but a slot."""
    return task.due_at is not None and task.attempt is None and task.due_at <= now


def _settle(facts: Facts, state: RunState) -> list[Command]:
    return [] if state.unfinished else [SettleRun(*outcome(facts.plan, state))]


def _at_the_end(facts: Facts, state: RunState, now: float) -> list[Command]:
    hook = next_hook(facts.plan, state, end_phases(state))
    if hook is not None:
        return hook_commands(facts.plan, state, hook, now)
    return (
        [FinishRun(state.outcome, state.account.cost_usd, state.account.tokens)]
        if state.outcome is not None
        else []
    )


def hook_commands(plan: Plan, state: RunState, hook: TaskState, now: float) -> list[Command]:
    """Start the hook that is next, unless it runs already or waits. Hooks take no slot.

    Without the money for it, a hook of ``on_start`` pauses the run, and one of the end fails, which only warns.
    """
    if hook.status is not TaskStatus.PENDING and not is_startable(hook, now):
        return []
    backend = backend_of(plan, hook)
    if backend and (reason := over_budget(plan, state)):
        failure = Failure("budget", reason, retryable=False)
        return (
            [PauseRun(reason, state.account.cost_usd, state.account.tokens)]
            if hook.hook == HookPhase.ON_START
            else [FailTask(hook.id, failure)]
        )
    pool = pool_of(plan.tasks[hook.id], backend)
    return [start_of(plan, state, hook)] if is_open(state, backend, pool, 0, now) else []
