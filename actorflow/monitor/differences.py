"""What differs between two JSON values, and between two runs.

``changes`` walks two values side by side and names every place where they differ, in the spelling of
expressions (``tasks.fix.output.files[2]``). ``run_difference`` compares two runs: their workflows' texts,
inputs, outcomes, and task by task status, attempts, error and output; durations are told but are no
difference. Takes values and states; must not read files.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from actorflow.ids import TaskId
from actorflow.monitor.order import declared_order
from actorflow.monitor.report import LoadOutput, blob_reference, task_report
from actorflow.state.events import RunAccepted
from actorflow.state.recorded import Recorded
from actorflow.state.run_state import RunState
from actorflow.values import JSONValue, thaw

__all__ = [
    "Change",
    "RunDifference",
    "Side",
    "TaskDifference",
    "change_report",
    "changes",
    "difference_report",
    "run_difference",
]

_DEEPEST = 60  # below that two values are compared as a whole
_MOST_TEXT_LINES = 5_000  # difflib takes minutes for more
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COMPARED = ("status", "reason", "agent", "attempts", "error", "output")

Kind: TypeAlias = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One place where two values differ; ``before`` of what was added and ``after`` of what was removed are None."""

    path: str
    kind: Kind
    before: JSONValue
    after: JSONValue


@dataclass(frozen=True, slots=True)
class Side:
    """One of two runs.

    Attributes:
        status: in words, ``interrupted`` among them.
        load: gives outputs that live in blobs.
    """

    accepted: RunAccepted
    events: Sequence[Recorded]
    state: RunState
    status: str
    load: LoadOutput = blob_reference


@dataclass(frozen=True, slots=True)
class TaskDifference:
    """A task of two runs.

    Attributes:
        where: which of the runs has it.
        changes: what differs, () for a task that only one run has.
        durations: in seconds, None where it is not known.
    """

    task: TaskId
    where: Literal["both", "first", "second"]
    changes: tuple[Change, ...]
    durations: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDifference:
    """What differs between two runs.

    Attributes:
        text: the difference of the workflows' texts, in the unified form; () when they are the same.
        facts: what differs of the runs as a whole: workflow, status, mode.
        values: what differs of inputs and variables.
        tasks: the tasks of which something differs, in the order of the first run's workflow.
        same: how many tasks are in both and the same.
    """

    runs: tuple[str, str]
    text: tuple[str, ...]
    facts: tuple[Change, ...]
    values: tuple[Change, ...]
    tasks: tuple[TaskDifference, ...]
    same: int
    durations: tuple[float | None, float | None]


def changes(before: JSONValue, after: JSONValue, path: str = "") -> Iterator[Change]:
    """Yield every place where ``after`` differs from ``before``, in the order of ``before``, then what is new."""
    yield from _changes(before, after, path, 0)


def _changes(before: Any, after: Any, path: str, depth: int) -> Iterator[Change]:
    old, new = (_parts(value, path) if depth < _DEEPEST else None for value in (before, after))
    if old is None or new is None or isinstance(before, Mapping) is not isinstance(after, Mapping):
        if not _is_same(before, after):
            yield Change(path, "changed", thaw(before), thaw(after))
        return
    for place in dict.fromkeys((*old, *new)):
        if place not in new:
            yield Change(place, "removed", thaw(old[place]), None)
        elif place not in old:
            yield Change(place, "added", None, thaw(new[place]))
        else:
            yield from _changes(old[place], new[place], place, depth + 1)


def _parts(value: Any, path: str) -> dict[str, Any] | None:
    """Return path -> part of a mapping or a list, None of anything else."""
    if isinstance(value, Mapping):
        return {_under(path, key): part for key, part in value.items()}
    if isinstance(value, list | tuple):
        return {f"{path}[{place}]": part for place, part in enumerate(value)}
    return None


def _is_same(before: Any, after: Any) -> bool:
    """JSON's equality: 1 and 1.0 are the same number, true is none."""
    return bool(before == after) and isinstance(before, bool) is isinstance(after, bool)


def _under(path: str, key: str) -> str:
    if _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}" if path else key
    quoted = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"{path}['{quoted}']"


def run_difference(first: Side, second: Side) -> RunDifference:
    """Compare two runs."""
    tasks = [_task_difference(task, first, second) for task in _tasks_of(first, second)]
    different = tuple(task for task in tasks if task.changes or task.where != "both")
    return RunDifference(
        runs=(first.state.run_id, second.state.run_id),
        text=_text_difference(first.accepted, second.accepted),
        facts=tuple(changes(_facts(first), _facts(second))),
        values=tuple(changes(_values(first), _values(second))),
        tasks=different,
        same=len(tasks) - len(different),
        durations=(first.state.duration_seconds, second.state.duration_seconds),
    )


def _tasks_of(first: Side, second: Side) -> dict[TaskId, None]:
    return dict.fromkeys((*declared_order(first.events), *declared_order(second.events)))


def _facts(side: Side) -> dict[str, str]:
    return {"workflow": side.state.workflow, "status": side.status, "mode": side.state.mode}


def _values(side: Side) -> dict[str, Any]:
    return {"inputs": side.state.inputs, "vars": side.state.variables}


def _text_difference(first: RunAccepted, second: RunAccepted) -> tuple[str, ...]:
    if first.text == second.text:
        return ()
    texts = first.text.splitlines(), second.text.splitlines()
    if max(map(len, texts)) > _MOST_TEXT_LINES:
        return (
            f"the texts differ; they are too long ({len(texts[0]):,} and {len(texts[1]):,} lines) to show how",
        )
    return tuple(difflib.unified_diff(*texts, first.run_id, second.run_id, lineterm="", n=2))


def _task_difference(task: TaskId, first: Side, second: Side) -> TaskDifference:
    reports = [
        task_report(side.state.tasks[task], side.state, now=side.state.updated_at, load=side.load)
        if task in side.state.tasks
        else None
        for side in (first, second)
    ]
    before, after = reports
    durations = tuple(None if report is None else report["duration"] for report in reports)
    where: Literal["both", "first", "second"] = "both"
    found: tuple[Change, ...] = ()
    if before is None or after is None:
        where = "second" if before is None else "first"
    else:
        found = tuple(changes({k: before[k] for k in _COMPARED}, {k: after[k] for k in _COMPARED}))
    return TaskDifference(task, where, found, (durations[0], durations[1]))


def change_report(change: Change) -> dict[str, Any]:
    """Return a change as JSON."""
    return {"path": change.path, "kind": change.kind, "before": change.before, "after": change.after}


def difference_report(found: RunDifference) -> dict[str, Any]:
    """Return a difference as ``diff --json`` gives it."""
    return {
        "runs": list(found.runs),
        "same": not (found.text or found.facts or found.values or found.tasks),
        "text": list(found.text),
        "changes": [change_report(change) for change in (*found.facts, *found.values)],
        "durations": list(found.durations),
        "tasks": {
            task.task: {
                "where": task.where,
                "changes": [change_report(change) for change in task.changes],
                "durations": list(task.durations),
            }
            for task in found.tasks
        },
        "same_tasks": found.same,
    }
