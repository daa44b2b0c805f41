"""A graph of tasks as an outline: each task below one of those that it waits for, as far in as its path is long.

Takes the tasks of a run and gives their order and depth. A task that waits for several stands below the one with
the longest path to it, the last declared of several, because that is the one it will most likely have waited
for. Iterative and linear: chains may be thousands of tasks long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actorflow.ids import TaskId
from actorflow.monitor.order import depths_of
from actorflow.state.run_state import RunState

__all__ = ["outline_of"]


def outline_of(state: RunState, order: Sequence[TaskId]) -> Mapping[TaskId, int]:
    """Return task -> depth (0 for what waits for nothing), in the order of the outline; hooks last, at depth 0.

    Args:
        order: all tasks, as they are to stand where the outline leaves it open.
    """
    depth = depths_of(state)
    place = {task: at for at, task in enumerate(order)}
    below: dict[TaskId | None, list[TaskId]] = {}
    for task in order:
        above = max(state.tasks[task].dependencies, key=lambda d: (depth[d], place[d]), default=None)
        below.setdefault(above, []).append(task)
    outline: dict[TaskId, int] = {}
    coming = [(task, 0) for task in reversed(below.get(None, []))]
    while coming:
        task, level = coming.pop()
        outline[task] = level
        coming += [(dependent, level + 1) for dependent in reversed(below.get(task, []))]
    return outline
