"""What differs between two versions of a workflow, task by task and key by key.

Takes two valid workflows and gives the tasks that were added, removed or changed, with the keys that differ
as a file has them, and the same for everything that is not a task. What only looks different (comments,
order of keys, quoting) is no difference. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import msgspec

from actorflow.ids import TaskId
from actorflow.workflow.model import TaskSpec, Workflow

__all__ = ["SpecChanges", "TaskChange", "spec_changes"]

_KEYS = {
    "agents": "agent",
    "timeout_seconds": "timeout",
    "idle_timeout_seconds": "idle_timeout",
    "variables": "context.variables",
    "secrets": "context.secrets",
    "author": "metadata.author",
    "tags": "metadata.tags",
}
"""Field -> the key in a file, where they differ."""

_PLACES = frozenset({"tasks", "hooks", "text", "file", "format"})
_OPENED = frozenset({"parameters", "options", "env", "settings", "variables", "resources"})
"""Mappings of which each key is told."""


@dataclass(frozen=True, slots=True)
class TaskChange:
    """One task that is not in both versions, or not the same in both.

    Attributes:
        keys: what differs, as a file has it (``parameters.command``), when it was changed.
    """

    task: TaskId
    kind: Literal["added", "removed", "changed"]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpecChanges:
    """All that differs.

    Attributes:
        tasks: in the order of the new version, what was removed last; hooks' tasks among them.
        elsewhere: other keys (``settings.max_parallel``, ``variables.base``).
    """

    tasks: tuple[TaskChange, ...]
    elsewhere: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.tasks or self.elsewhere)

    def keys_of(self, task: TaskId) -> tuple[str, ...]:
        """Return the keys that differ of one task; () when none does."""
        return next((change.keys for change in self.tasks if change.task == task), ())


def spec_changes(old: Workflow, new: Workflow) -> SpecChanges:
    """Compare two versions of a workflow."""
    before, after = _specs(old), _specs(new)
    tasks: list[TaskChange] = []
    for task_id, spec in after.items():
        if task_id not in before:
            tasks.append(TaskChange(task_id, "added"))
        elif keys := tuple(_differing(before[task_id], spec)):
            tasks.append(TaskChange(task_id, "changed", keys))
    tasks += (TaskChange(task_id, "removed") for task_id in before if task_id not in after)
    return SpecChanges(tuple(tasks), tuple(_differing(old, new)))


def _specs(workflow: Workflow) -> dict[TaskId, TaskSpec]:
    return {spec.id: spec for spec in (*workflow.tasks, *workflow.hooks)}


def _differing(one: Any, other: Any) -> Iterator[str]:
    """Yield the keys in which two values of one class differ."""
    for name in _field_names(one):
        if name in _PLACES:
            continue
        before, after = getattr(one, name), getattr(other, name)
        if before == after:
            continue
        key = _KEYS.get(name, name)
        if name in _OPENED:
            yield from (f"{key}.{inner}" for inner in _names(before, after))
        else:
            yield key


def _field_names(value: Any) -> tuple[str, ...]:
    if isinstance(value, msgspec.Struct):
        return value.__struct_fields__
    return tuple(field.name for field in fields(value))


def _names(before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, Mapping):
        names = dict.fromkeys((*before, *after))
        yield from (n for n in names if n not in before or n not in after or before[n] != after[n])
    else:
        yield from _differing(before, after)
