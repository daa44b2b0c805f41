"""Context snapshots: what one expression sees of a run at one moment.

Takes the state's persistent context (inputs, variables, records of finished tasks) and adds what depends on
who is looking: the tasks it reads under ``tasks``, what ``run`` is, and the values of ``success()``,
``failure()`` and ``always()`` over its direct dependencies. A snapshot never changes, and making one copies
nothing of the context. Outputs that live in blobs are put in by ``load``, and only for tasks that are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from actorflow.ids import TaskId
from actorflow.state.events import BlobRef
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.status import SkipReason, TaskStatus
from actorflow.state.transitions import record_of
from actorflow.values import Frozen, FrozenDict

__all__ = ["LoadBlob", "Snapshot", "no_blobs", "snapshot", "status_functions"]

LoadBlob: TypeAlias = Callable[[BlobRef], Frozen]
"""Gives the output behind a reference. Raises JournalError when it is missing or damaged."""


def no_blobs(ref: BlobRef) -> Frozen:
    """A ``LoadBlob`` for runs without blobs: any use of it is a bug."""
    raise LookupError(ref.sha256)


class Snapshot(Mapping[str, Any]):
    """Name -> value, as ``Expression.evaluate`` takes it; made by ``snapshot``.

    A few names of one task's own in front of the run's persistent context. What is seldom looked at (``run``,
    the status functions) is worked out when somebody looks: the state behind it never changes, so it does not
    matter when. Iterating gives the names that are there without looking.
    """

    __slots__ = ("_context", "_dependencies", "_own", "_state")

    def __init__(self, state: RunState, own: dict[str, Any], dependencies: Iterable[TaskId]) -> None:
        self._state = state
        self._context = state.context
        self._own = own
        self._dependencies = dependencies

    def __getitem__(self, name: str) -> Any:
        own = self._own
        if name in own:
            return own[name]
        if name in self._context:
            return self._context[name]
        value = own[name] = self._late(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter({**self._own, **self._context, "run": None, "inputs": None, "vars": None})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def with_names(self, **more: Any) -> Snapshot:
        """Return a snapshot that has these names too."""
        return Snapshot(self._state, {**self._own, **more}, self._dependencies)

    def _late(self, name: str) -> Any:
        state = self._state
        match name:
            case "run":
                return run_record(state)
            case "inputs":
                return state.inputs
            case "vars":
                return state.variables
        if name.endswith("()"):
            return status_functions(state.tasks[task_id] for task_id in self._dependencies)[name]
        raise KeyError(name)


def snapshot(
    state: RunState, *, reads: Iterable[TaskId], dependencies: Iterable[TaskId], load: LoadBlob = no_blobs
) -> Snapshot:
    """Make the snapshot for one task.

    Args:
        reads: the tasks whose records its expressions use.
        dependencies: its direct dependencies, over which the status functions range.
        load: gives outputs that live in blobs.
    """
    records: dict[str, Any] = {}
    for task_id in reads:
        record = state.context.get(task_id)
        if record is None:
            record = record_of(state.tasks[task_id])
        if type(record["output"]) is BlobRef:
            record = record | {"output": load(record["output"])}
        records[task_id] = record
    return Snapshot(state, {**records, "tasks": FrozenDict(records)}, dependencies)


def run_record(state: RunState) -> FrozenDict:
    """Return what expressions see as ``run``; status, failed_tasks and duration are known once the run is settled."""
    started = state.accepted_at if state.started_at is None else state.started_at
    record: dict[str, Any] = {
        "id": state.run_id,
        "name": state.workflow,
        "started_at": datetime.fromtimestamp(started, UTC)
        .isoformat(timespec="microseconds")
        .replace("+00:00", "Z"),
    }
    if state.outcome is not None:
        failed = (t.id for t in state.tasks.values() if t.status is TaskStatus.FAILED and not t.hook)
        record["status"] = state.outcome.value
        record["failed_tasks"] = tuple(sorted(failed))
        record["duration"] = max(0.0, (state.settled_at or started) - started)
    return FrozenDict(record)


def status_functions(dependencies: Iterable[TaskState]) -> Mapping[str, bool]:
    """Return the values of the status functions, by the key under which the evaluator looks for them.

    ``success()``: every dependency succeeded, or its failure is tolerated. ``failure()``: one of them failed,
    or was skipped because something before it had failed. ``always()``: true.
    """
    tasks = tuple(dependencies)
    return {
        "success()": all(
            t.status is TaskStatus.SUCCESS or t.reason is SkipReason.TOLERATED_FAILURE for t in tasks
        ),
        "failure()": any(
            t.status is TaskStatus.FAILED or t.reason is SkipReason.UPSTREAM_FAILED for t in tasks
        ),
        "always()": True,
    }
