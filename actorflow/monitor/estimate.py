"""How long a run will still take, going by earlier runs of the same workflow.

``estimate_of`` takes the statistics of a workflow and gives what is to be expected; ``seconds_left`` takes that
and the state of a run and gives the time until its end: the longest chain of what is left, each task with its
median, less the time that it has run already. It knows nothing of slots, so with few of them it is too early.
Not known is None, which is not zero. Must not ask for the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from actorflow.ids import TaskId
from actorflow.state.run_state import RunState, TaskState

if TYPE_CHECKING:
    from actorflow.monitor.stats import WorkflowStats

__all__ = ["Estimate", "estimate_of", "seconds_left"]

_MOST_TASKS = 2000  # a frame must cost milliseconds: beyond that the run's own median has to do


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What earlier runs let one expect.

    Attributes:
        run_seconds: median duration of the runs that succeeded.
        tasks: task -> median of its durations, for those that are known.
        runs: how many runs this rests on.
    """

    run_seconds: float | None
    tasks: Mapping[TaskId, float]
    runs: int


def estimate_of(stats: WorkflowStats) -> Estimate:
    """Return what the statistics of a workflow let one expect."""
    tasks = {task: found.p50 for task, found in stats.tasks.items() if found.p50 is not None}
    return Estimate(run_seconds=stats.p50, tasks=tasks, runs=stats.runs)


def seconds_left(
    estimate: Estimate, state: RunState, now: float, dependencies_first: Sequence[TaskId]
) -> float | None:
    """Return how long the run will still take; None when nothing is known, or when it takes longer than expected already.

    Args:
        now: Unix seconds.
        dependencies_first: all tasks, each after those that it waits for.
    """
    if len(dependencies_first) > _MOST_TASKS or not estimate.tasks:
        left = _by_the_run(estimate, state, now)
    else:
        left = _by_its_tasks(estimate.tasks, state, now, dependencies_first)
    return left if left and left > 0 else None


def _by_the_run(estimate: Estimate, state: RunState, now: float) -> float | None:
    if estimate.run_seconds is None or state.started_at is None:
        return None
    return estimate.run_seconds - (now - state.started_at)


def _by_its_tasks(
    expected: Mapping[TaskId, float], state: RunState, now: float, dependencies_first: Sequence[TaskId]
) -> float:
    until: dict[TaskId, float] = {}
    for task_id in dependencies_first:
        task = state.tasks[task_id]
        if task.hook or task.status.is_terminal:
            continue
        before = max((until.get(dependency, 0.0) for dependency in task.dependencies), default=0.0)
        until[task_id] = before + _own(task, expected.get(task_id, 0.0), now)
    return max(until.values(), default=0.0)


def _own(task: TaskState, expected: float, now: float) -> float:
    """Return how long one task will still take: what is expected of it less what it has had; at least its wait for a retry."""
    wait = 0.0 if task.due_at is None else max(0.0, task.due_at - now)
    if task.started_at is None:
        return expected
    return max(wait, expected - (now - task.started_at))
