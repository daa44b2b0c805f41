"""Context snapshots: what one expression sees of a run at one moment.

Takes the state's persistent context (inputs, variables, records of finished tasks) and adds what depends on who is looking: the tasks it reads under
``tasks``, what ``run`` is, and the values of ``success()``, ``failure()`` and ``always()`` over its direct dependencies. A snapshot is a persistent map:
it never changes, and making one costs a few path copies. Outputs that live in blobs are put in by ``load``, and only for tasks that are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from pyrsistent import PMap

from actorflow.ids import TaskId
from actorflow.state.events import BlobRef
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.status import SkipReason, TaskStatus
from actorflow.state.transitions import record_of
from actorflow.values import Frozen, FrozenDict

__all__ = ["LoadBlob", "Snapshot", "no_blobs", "snapshot", "status_functions"]

Snapshot: TypeAlias = PMap[str, Any]
"""Name -> value, as ``Expression.evaluate`` takes it."""

LoadBlob: TypeAlias = Callable[[BlobRef], Frozen]
"""Gives the output behind a reference. Raises JournalError when it is missing or damaged."""


def no_blobs(ref: BlobRef) -> Frozen:
    """A ``LoadBlob`` for runs without blobs: any use of it is a bug."""
    raise LookupError(ref.sha256)


def snapshot(
    state: RunState, *, reads: Iterable[TaskId], dependencies: Iterable[TaskId], load: LoadBlob = no_blobs
) -> Snapshot:
    """Make the snapshot for one task.

    Args:
        reads: the tasks whose records its expressions use.
        dependencies: its direct dependencies, over which the status functions range.
        load: gives outputs that live in blobs.
    """
    context = state.context.evolver()
    records: dict[str, FrozenDict] = {}
    for task_id in reads:
        record = state.context.get(task_id)
        if record is None:
            record = record_of(state.tasks[task_id])
            context[task_id] = record
        if type(record["output"]) is BlobRef:
            record = record | {"output": load(record["output"])}
            context[task_id] = record
        records[task_id] = record
    context["tasks"] = FrozenDict(records)
    context["run"] = run_record(state)
    context["inputs"] = state.inputs
    context["vars"] = state.variables
    for name, value in status_functions(state.tasks[task_id] for task_id in dependencies).items():
        context[name] = value
    return context.persistent()


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

    ``success()``: every dependency succeeded, or its failure is tolerated. ``failure()``: one of them failed, or was skipped because something before it
    had failed. ``always()``: true.
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
