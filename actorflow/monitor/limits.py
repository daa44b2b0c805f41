"""How many attempts a task may have, so that people read "attempt 2 of 3".

The event that has the run's spec says it for every task. Lost and requeued attempts
and those before a resume do not count against the budget, so that the number a person sees grows with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actorflow.ids import TaskId
from actorflow.monitor.feed import RecordedEvent
from actorflow.state.events import RunAccepted, SpecChanged
from actorflow.state.run_state import TaskState

__all__ = ["attempt_limits", "limit_of", "limits_in"]


def attempt_limits(accepted: RunAccepted | SpecChanged) -> dict[TaskId, int]:
    """Return task -> its greatest number of attempts, for the tasks that may have more than one."""
    return {entry.id: entry.max_attempts for entry in accepted.tasks if entry.max_attempts > 1}


def limits_in(events: Iterable[RecordedEvent]) -> dict[TaskId, int]:
    """Return what ``attempt_limits`` gives for the latest spec among ``events``, {} when there is none."""
    limits: dict[TaskId, int] = {}
    for recorded in events:
        if isinstance(recorded.event, RunAccepted | SpecChanged):
            limits = attempt_limits(recorded.event)
    return limits


def limit_of(task: TaskState | None, limits: Mapping[TaskId, int]) -> int | None:
    """Return the number of the last attempt that ``task`` may have as things stand, None when that is not known."""
    if task is None or task.id not in limits:
        return None
    return task.attempts - task.counted + limits[task.id]
