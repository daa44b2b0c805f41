"""When it was decided about a task, and what the run was then.

Takes a run's journal and gives the event with which a task was started, skipped, failed or cancelled last,
and the states before it and now, of the task and of what it depends on and reads. Only the events about these
are folded. Of a task with more dependencies than that is quick for, those that nothing has happened to since
the decision are taken as they are now, from the run's snapshot. Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec
from msgspec.structs import replace
from pyrsistent import PMap

from actorflow.api.reading import RunReading
from actorflow.ids import TaskId
from actorflow.journal.subjects import MOST_SUBJECTS
from actorflow.state import RunState, TaskState, fold
from actorflow.state import events as ev
from actorflow.state.flat_map import flat_map
from actorflow.state.recorded import Recorded
from actorflow.state.run_state import EMPTY

__all__ = ["Decision", "decision_about"]

_DECIDING = (ev.AttemptStarted, ev.TaskSkipped, ev.TaskFailed, ev.TaskCancelled)


class Decision(msgspec.Struct, frozen=True):
    """When it was decided about a task, since a resume made it PENDING last.

    Attributes:
        events: those about the task, and others, in order.
        recorded: the first event that says so; None while there is none.
        before: the state just before it, the latest one while there is none.
        latest: the latest state.
        resumed: the last resume that made the task PENDING again.
    """

    events: tuple[Recorded, ...]
    recorded: Recorded | None
    before: RunState
    latest: RunState
    resumed: Recorded | None


def decision_about(
    reading: RunReading, task: TaskId, dependencies: Collection[TaskId], others: Collection[TaskId]
) -> Decision:
    """Return when it was decided about ``task``, with the states of the task, its dependencies and ``others``.

    Args:
        others: tasks whose outputs matter, too.
    """
    near = {task, *others}
    if len(near.union(dependencies)) > MOST_SUBJECTS:
        found = _beside_snapshot(reading, task, near, set(dependencies) - near)
        if found is not None:
            return found
    return _folded(reading.about(near.union(dependencies)), task)


def _folded(events: tuple[Recorded, ...], task: TaskId) -> Decision:
    place = len(events)
    resumed: Recorded | None = None
    for index, recorded in enumerate(events):
        event = recorded.event
        if isinstance(event, ev.RunResumed) and task in event.tasks:
            place, resumed = len(events), recorded
        elif place == len(events) and isinstance(event, _DECIDING) and event.task == task:
            place = index
    before = _fold(events[:place], EMPTY)
    decided = events[place] if place < len(events) else None
    return Decision(events, decided, before, _fold(events[place:], before), resumed)


def _fold(events: Iterable[Recorded], state: RunState) -> RunState:
    return fold(((recorded.at, recorded.event) for recorded in events), state, is_final=True)


def _beside_snapshot(
    reading: RunReading, task: TaskId, near: set[TaskId], far: set[TaskId]
) -> Decision | None:
    """Fold only what is about ``near``, and about those of ``far`` that something has happened to since the decision; None if that cannot be."""
    latest = None if len(near) > MOST_SUBJECTS else reading.latest()
    if latest is None:
        return None
    found = _folded(reading.about(near), task)
    if found.recorded is not None:
        moved = reading.moved_since(found.recorded.sequence)
        if moved is None or len(near | moved & far) > MOST_SUBJECTS:
            return None
        if moved & far:
            found = _folded(reading.about(near | moved & far), task)
            far -= moved
    tasks = _joined(found.before.tasks, latest.tasks, far)
    return replace(found, before=replace(found.before, tasks=tasks), latest=latest)


def _joined(
    some: PMap[TaskId, TaskState], latest: PMap[TaskId, TaskState], far: set[TaskId]
) -> PMap[TaskId, TaskState]:
    return flat_map({**{task_id: task for task_id, task in latest.items() if task_id in far}, **some})
