"""Which tasks a run, or a workflow, had to wait for: the path that decides how long it takes.

Of a run: the task that ended last, before it the dependency that was done last, and so on. Of a workflow that
has not run nobody knows how long tasks take, so it is the longest chain by number of tasks. Paths of a single
task are no paths. Hooks are left out. Linear in tasks and dependencies, nothing recurses.
"""

from __future__ import annotations

from actorflow.ids import TaskId
from actorflow.state.run_state import RunState, TaskState
from actorflow.workflow.graph import Edges, dependents_of, path_lengths

__all__ = ["critical_path", "longest_chain"]


def critical_path(state: RunState, now: float) -> tuple[TaskId, ...]:
    """Return the critical path of a run, first task first; () when it has less than two tasks.

    Args:
        now: Unix seconds; tasks that are not done end then at the earliest.
    """
    began = [task for task in state.tasks.values() if task.started_at is not None and not task.hook]
    if not began:
        return ()
    path = [max(began, key=lambda task: _end(task, now))]
    while before := [state.tasks[task] for task in path[-1].dependencies]:
        path.append(max(before, key=lambda task: _end(task, now)))
    while path and path[-1].started_at is None:
        path.pop()
    return tuple(task.id for task in reversed(path)) if len(path) > 1 else ()


def longest_chain(dependencies: Edges[TaskId]) -> tuple[TaskId, ...]:
    """Return the longest chain of a workflow, the first declared one of several; () when no task waits for another."""
    lengths = path_lengths(dependencies)
    dependents = dependents_of(dependencies)
    chain: list[TaskId] = []
    coming = list(dependencies)
    while coming:
        chain.append(max(coming, key=lambda task: lengths[task]))
        coming = dependents[chain[-1]]
    return tuple(chain) if len(chain) > 1 else ()


def _end(task: TaskState, now: float) -> tuple[float, bool, str]:
    """Order tasks by when they were done; of those done at once the one that ran counts, and names decide what is left."""
    began = task.started_at is not None
    if task.finished_at is not None:
        return task.finished_at, began, task.id
    return (max(now, task.due_at or 0.0) if began else 0.0), began, task.id
