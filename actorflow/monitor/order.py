"""The order in which the tasks of a run are shown: as the workflow declares them.

A ``RunState`` keeps its tasks in a persistent map, which has no order; the first event of the run has the
list, or a later one that changed its spec. Without that event the order is worked out from the dependencies: what waits comes after what it waits
for, names decide ties. Hooks come last, in both.
"""

from __future__ import annotations

from collections.abc import Iterable

from actorflow.ids import TaskId
from actorflow.monitor.feed import RecordedEvent
from actorflow.state.events import RunAccepted, SpecChanged, TaskEntry
from actorflow.state.run_state import RunState

__all__ = ["declared_order", "depths_of", "order_of"]


def declared_order(events: Iterable[RecordedEvent]) -> tuple[TaskId, ...]:
    """Return the order that the latest spec among ``events`` declares, () when there is none."""
    entries: tuple[TaskEntry, ...] = ()
    for recorded in events:
        if isinstance(recorded.event, RunAccepted | SpecChanged):
            entries = recorded.event.tasks
    return tuple(entry.id for entry in sorted(entries, key=lambda entry: bool(entry.hook)))


def order_of(state: RunState, events: Iterable[RecordedEvent] = ()) -> tuple[TaskId, ...]:
    """Return all tasks of ``state``, hooks last: as ``events`` declare them, else by depth in the graph."""
    declared = declared_order(events)
    if len(declared) == len(state.tasks):
        return declared
    depth = depths_of(state)
    return tuple(sorted(state.tasks, key=lambda task: (bool(state.tasks[task].hook), depth[task], task)))


def depths_of(state: RunState) -> dict[TaskId, int]:
    """Return task -> length of the longest path to it. Iterative: chains may be thousands of tasks long."""
    depth: dict[TaskId, int] = {}
    waiting = {task.id: len(task.dependencies) for task in state.tasks.values()}
    dependents: dict[TaskId, list[TaskId]] = {}
    for task in state.tasks.values():
        for dependency in task.dependencies:
            dependents.setdefault(dependency, []).append(task.id)
    ready = [task_id for task_id, count in waiting.items() if count == 0]
    while ready:
        done = ready.pop()
        depth[done] = max((depth[d] + 1 for d in state.tasks[done].dependencies), default=0)
        for dependent in dependents.get(done, ()):
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                ready.append(dependent)
    return depth
