"""The frontier: what ``decide`` says, without looking at every task.

Keeps, for one run, how many dependencies each task still waits for, which tasks are to be looked at, and
heaps of those that are ready: one for each set of pools that tasks take and for each backend that they call,
so that a pool that is used up or closed is passed over at once. ``advance`` takes each event as it is applied and costs O(out-degree); ``commands`` costs
O(commands · (log ready + sets of pools)). The specification is ``decide``: a property test holds the two to
the same commands in the same order. Not shared and not persistent: it is rebuilt from the state whenever a
driver starts.
"""

from __future__ import annotations

from collections import Counter
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import TypeAlias

from actorflow.ids import TaskId
from actorflow.scheduling.commands import CancelTask, Command, FinishRun, PauseRun, SettleRun, SkipTask
from actorflow.scheduling.decide import has_undecided_attempt, hook_commands, is_startable
from actorflow.scheduling.rules import (
    Facts,
    after_attempt,
    end_phases,
    is_cancelled,
    is_stopped,
    look_at,
    next_hook,
    outcome,
    start_order,
    start_phase_failed,
)
from actorflow.scheduling.services import backend_of, is_open, over_budget, pool_of, start_of
from actorflow.state import events as ev
from actorflow.state.events import Event
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.status import RunStatus, SkipReason, TaskStatus
from actorflow.values import FrozenDict
from actorflow.workflow.model import HookPhase
from actorflow.workflow.plan import Plan, PlannedTask

__all__ = ["Frontier"]

_Needs: TypeAlias = tuple[FrozenDict, str, str]
"""What an attempt takes: amounts of pools, the backend that it calls, and the pool whose limits it keeps to."""


class Frontier:
    """The moving edge between what is done and what is to come.

    Args:
        facts: what decisions rest on.
        state: the state to start from; every later change must go through ``advance``.
    """

    def __init__(self, facts: Facts, state: RunState) -> None:
        self._facts = facts
        self._plan = facts.plan
        self._rebuild(state)

    def _rebuild(self, state: RunState) -> None:
        plan = self._plan
        tasks = [state.tasks[task_id] for task_id in plan.tasks]
        done = {task.id for task in tasks if task.status.is_terminal}
        self._open: dict[TaskId, None] = {t.id: None for t in tasks if not t.hook and t.id not in done}
        self._missing = {
            task_id: sum(d not in done for d in plan.tasks[task_id].dependencies) for task_id in self._open
        }
        self._undecided = {task.id for task in tasks if has_undecided_attempt(task)}
        self._to_look_at = {
            t for t in self._open if not self._missing[t] and state.tasks[t].status is TaskStatus.PENDING
        }
        self._ready: dict[_Needs, list[tuple[tuple[int, int, int], TaskId]]] = {}
        self._queued: set[TaskId] = set()
        self._spared: dict[TaskId, bool] = {}
        self._timers = [
            (t.due_at, plan.tasks[t.id].index, t.id) for t in tasks if t.due_at is not None and not t.hook
        ]
        heapify(self._timers)
        self._used = dict.fromkeys(plan.workflow.settings.resources, 0)
        self._in_pool: Counter[str] = Counter()
        for task in tasks:
            if task.is_attempt_open and not task.hook:
                self._take(task.id, 1, state)
        self._was_stopped = is_stopped(plan, state)

    # --- taking note ---------------------------------------------------------------------------------------------

    def advance(self, event: Event, state: RunState) -> None:
        """Take note of an event; ``state`` is the state after it."""
        match event:
            case ev.AttemptStarted():
                if event.task in self._open:
                    self._take(event.task, 1, state)
            case (
                ev.AttemptSucceeded()
                | ev.AttemptFailed()
                | ev.AttemptLost()
                | ev.AttemptCancelled()
                | ev.AttemptRequeued()
            ):
                self._undecided.add(event.task)
                if event.task in self._open:
                    self._take(event.task, -1, state)
            case ev.RetryScheduled():
                self._undecided.discard(event.task)
                if event.task in self._open:
                    heappush(self._timers, (event.due_at, self._plan.tasks[event.task].index, event.task))
            case ev.TaskSucceeded() | ev.TaskFailed() | ev.TaskCancelled() | ev.TaskSkipped():
                self._undecided.discard(event.task)
                self._done(event.task, state)
            case ev.RunResumed():
                self._rebuild(state)

    def _done(self, task_id: TaskId, state: RunState) -> None:
        if task_id not in self._open:  # a hook, or the second half of a tolerated failure
            return
        del self._open[task_id]
        self._to_look_at.discard(task_id)
        for dependent in self._plan.tasks[task_id].dependents:
            if dependent not in self._open:  # a cancellation does not wait for what comes before
                continue
            self._missing[dependent] -= 1
            if not self._missing[dependent] and state.tasks[dependent].status is TaskStatus.PENDING:
                self._to_look_at.add(dependent)

    def _take(self, task_id: TaskId, sign: int, state: RunState) -> None:
        if self._plan.backends and (limited := state.tasks[task_id].pool):
            self._in_pool[limited] += sign
        for pool, amount in self._plan.tasks[task_id].spec.resources.items():
            self._used[pool] += sign * amount

    # --- deciding ------------------------------------------------------------------------------------------------

    def commands(self, state: RunState, now: float) -> list[Command]:
        """Return the next round of commands, as ``decide`` would."""
        if state.status is not RunStatus.RUNNING:
            return []
        if self._undecided:
            undecided = self._in_order(self._undecided)
            return [after_attempt(self._facts, state, state.tasks[task_id], now) for task_id in undecided]
        if state.is_cancelling or state.hooks_cancelled:
            cancelled = self._cancellations(state)
            if cancelled:
                return cancelled
        return self._before_the_end(state, now) if state.outcome is None else self._at_the_end(state, now)

    def _in_order(self, task_ids: set[TaskId]) -> list[TaskId]:
        return sorted(task_ids, key=lambda task_id: self._plan.tasks[task_id].index)

    def _cancellations(self, state: RunState) -> list[Command]:
        phases = (HookPhase.ON_START, *(end_phases(state) if state.outcome is not None else ()))
        hooks = [
            task_id for phase in HookPhase if phase in phases for task_id in self._plan.hooks.get(phase, ())
        ]
        tasks = [state.tasks[task_id] for task_id in (*self._open, *hooks)]
        return [CancelTask(task.id) for task in tasks if _can_be_cancelled(state, task)]

    def _before_the_end(self, state: RunState, now: float) -> list[Command]:
        if HookPhase.ON_START in self._plan.hooks:
            if start_phase_failed(self._plan, state):
                return self._give_up(state)
            hook = next_hook(self._plan, state, (HookPhase.ON_START,))
            if hook is not None:
                return hook_commands(self._plan, state, hook, now)
        return self._look(state) or self._starts(state, now) or self._pause(state) or self._settle(state)

    def _give_up(self, state: RunState) -> list[Command]:
        ids = (*self._open, *self._plan.hooks[HookPhase.ON_START])
        pending = [task_id for task_id in ids if state.tasks[task_id].status is TaskStatus.PENDING]
        return [SkipTask(task_id, SkipReason.WORKFLOW_STOPPED) for task_id in pending] or self._settle(state)

    def _look(self, state: RunState) -> list[Command]:
        """Look at tasks whose last dependency is done; when the workflow has just stopped, at the ready ones again."""
        stopped = is_stopped(self._plan, state)
        if stopped and not self._was_stopped:
            self._to_look_at.update(t for t in self._queued if state.tasks[t].status is TaskStatus.PENDING)
        self._was_stopped = stopped
        commands = []
        for task_id in self._in_order(self._to_look_at):
            task = self._plan.tasks[task_id]
            command = look_at(self._facts, state, task, self._spared)
            if command is None:
                self._queue(task, state)
            else:
                commands.append(command)
        self._to_look_at.clear()
        return commands

    def _queue(self, task: PlannedTask, state: RunState) -> None:
        if task.id not in self._queued:
            self._queued.add(task.id)
            backend = backend_of(self._plan, state.tasks[task.id])
            needs = task.spec.resources, backend, pool_of(task, backend)
            heappush(self._ready.setdefault(needs, []), (start_order(task), task.id))

    def _starts(self, state: RunState, now: float) -> list[Command]:
        while self._timers and self._timers[0][0] <= now:
            self._queue(self._plan.tasks[heappop(self._timers)[2]], state)
        starts: list[Command] = []
        if not self._queued or state.running >= self._plan.max_parallel:
            return starts
        room = _Room(self._plan, state, now, dict(self._used), self._in_pool)
        for _ in range(self._plan.max_parallel - state.running):
            heads = [
                (heap[0], needs)
                for needs, heap in self._ready.items()
                if self._has_head(heap, state, now) and room.has(needs)
            ]
            if not heads:
                break
            _, needs = min(heads, key=itemgetter(0))
            task_id = heappop(self._ready[needs])[1]
            self._queued.discard(task_id)
            room.take(needs)
            starts.append(start_of(self._plan, state, state.tasks[task_id]))
        return starts

    def _pause(self, state: RunState) -> list[Command]:
        """Pause when the budget is used up and all that could go on would cost money."""
        if state.running or not self._open or not self._plan.backends:
            return []
        reason = over_budget(self._plan, state)
        if not reason:
            return []
        open_tasks = [state.tasks[task_id] for task_id in self._open]
        could_go_on = [t for t in open_tasks if t.status is TaskStatus.RUNNING or not self._missing[t.id]]
        is_stuck = could_go_on and all(backend_of(self._plan, task) for task in could_go_on)
        return [PauseRun(reason, state.account.cost_usd, state.account.tokens)] if is_stuck else []

    def _has_head(self, heap: list[tuple[tuple[int, int, int], TaskId]], state: RunState, now: float) -> bool:
        """Drop the tasks on top that were ended while they were ready, and tell whether one is left."""
        while heap:
            task = state.tasks[heap[0][1]]
            if task.status is TaskStatus.PENDING or is_startable(task, now):
                return True
            heappop(heap)
            self._queued.discard(task.id)
            if task.due_at is not None:  # the clock was set back: it is not due any more
                heappush(self._timers, (task.due_at, self._plan.tasks[task.id].index, task.id))
        return False

    def _settle(self, state: RunState) -> list[Command]:
        return [] if self._open else [SettleRun(*outcome(self._plan, state))]

    def _at_the_end(self, state: RunState, now: float) -> list[Command]:
        hook = next_hook(self._plan, state, end_phases(state))
        if hook is not None:
            return hook_commands(self._plan, state, hook, now)
        return (
            [FinishRun(state.outcome, state.account.cost_usd, state.account.tokens)]
            if state.outcome is not None
            else []
        )


class _Room:
    """What is left for further attempts while a round of starts is put together."""

    __slots__ = (
        "_in_pool",
        "_now",
        "_paid",
        "_plan",
        "_pools",
        "_starting",
        "_state",
        "_used",
    )

    def __init__(
        self, plan: Plan, state: RunState, now: float, used: dict[str, int], in_pool: Counter[str]
    ) -> None:
        self._plan = plan
        self._pools = plan.workflow.settings.resources
        self._state = state
        self._now = now
        self._used = used
        self._in_pool = in_pool
        self._starting: dict[str, int] = {}
        self._paid = 0

    def has(self, needs: _Needs) -> bool:
        """Tell whether a task with these needs fits in."""
        pools, backend, pool = needs
        if any(self._used[pool] + amount > self._pools[pool] for pool, amount in pools.items()):
            return False
        if not backend:
            return True
        if over_budget(self._plan, self._state, self._paid):
            return False
        running = self._in_pool[pool] + self._starting.get(pool, 0)
        return is_open(self._state, backend, pool, running, self._now)

    def take(self, needs: _Needs) -> None:
        """Let a task have its part."""
        pools, backend, limited = needs
        for pool, amount in pools.items():
            self._used[pool] += amount
        if backend:
            self._paid += 1
            self._starting[limited] = self._starting.get(limited, 0) + 1


def _can_be_cancelled(state: RunState, task: TaskState) -> bool:
    return not task.status.is_terminal and not task.is_attempt_open and is_cancelled(state, task)
