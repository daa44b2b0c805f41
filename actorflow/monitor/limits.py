"""How many attempts a task may have, so that people read "attempt 2 of 3".

The journal's first event pins the workflow's text, and the limits are read from there: they are no fact of the run's history. Lost and requeued attempts
and those before a resume do not count against the budget, so that the number a person sees grows with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actorflow.ids import TaskId
from actorflow.monitor.feed import RecordedEvent
from actorflow.state.events import RunAccepted
from actorflow.state.run_state import TaskState

__all__ = ["attempt_limits", "limit_of", "limits_in"]


def attempt_limits(accepted: RunAccepted) -> dict[TaskId, int]:
    """Return task -> its greatest number of attempts, for the tasks that may have more than one.

    Reads the whole workflow when a word in it says that there are such tasks: not for an event loop.
    """
    if "retry" not in accepted.text:
        return {}
    from actorflow.workflow.decode import decode_workflow
    from actorflow.workflow.document import read_document
    from actorflow.workflow.events import ReadLimits
    from actorflow.workflow.report import Report

    document = read_document(accepted.text.encode(), file=f"pinned.{accepted.format}", limits=ReadLimits())
    draft = decode_workflow(document.value, Report())
    specs = () if draft is None else (task.spec for task in draft.tasks)
    limits = ((spec.id, spec.effective_retry.max_attempts) for spec in specs)
    return {task: limit for task, limit in limits if limit > 1}


def limits_in(events: Iterable[RecordedEvent]) -> dict[TaskId, int]:
    """Return what ``attempt_limits`` gives for the first event of a run, {} when it is not among ``events``."""
    for recorded in events:
        if isinstance(recorded.event, RunAccepted):
            return attempt_limits(recorded.event)
    return {}


def limit_of(task: TaskState | None, limits: Mapping[TaskId, int]) -> int | None:
    """Return the number of the last attempt that ``task`` may have as things stand, None when that is not known."""
    if task is None or task.id not in limits:
        return None
    return task.attempts - task.counted + limits[task.id]
