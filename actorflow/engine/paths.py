"""Where the actors of a run are in its tree: the names that ``drive`` gives and the others look up."""

from __future__ import annotations

from actorflow.ids import TaskId

__all__ = ["DRIVER", "TASKS", "task_name"]

DRIVER = "run/driver"
"""The RunActor."""

TASKS = "run/tasks"
"""The supervisor of TaskActors."""


def task_name(task: TaskId) -> str:
    """Return the name of a task's actor among the children of ``TASKS``."""
    return f"task:{task}"
