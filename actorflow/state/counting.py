"""How a task that is done counts for the tasks that depend on it.

A dependency counts as *ok* when it succeeded or its failure is tolerated, as *failed* when it is FAILED,
CANCELLED, or was skipped because something before it had failed (Airflow's ``upstream_failed``), as *stopped*
when the workflow's stop kept it from starting, and as *skipped* otherwise; stopped is a kind of skipped that
passes its reason on. Which of these let a task start is for ``scheduling.start_rules`` to say. Pure.
"""

from __future__ import annotations

from enum import Enum, auto

from actorflow.state.run_state import TaskState
from actorflow.state.status import SkipReason, TaskStatus

__all__ = ["Standing", "standing"]


class Standing(Enum):
    """How a finished dependency counts for the rules."""

    OK = auto()
    FAILED = auto()
    STOPPED = auto()
    SKIPPED = auto()


def standing(task: TaskState) -> Standing:
    """Tell how a finished task counts for the tasks that depend on it."""
    if task.status is TaskStatus.SUCCESS or task.reason is SkipReason.TOLERATED_FAILURE:
        return Standing.OK
    if task.status is not TaskStatus.SKIPPED or task.reason is SkipReason.UPSTREAM_FAILED:
        return Standing.FAILED
    return Standing.STOPPED if task.reason is SkipReason.WORKFLOW_STOPPED else Standing.SKIPPED
