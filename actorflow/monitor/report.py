"""The machine-readable report of a run: what ``run --json``, ``resume --json`` and ``status --json`` print.

Takes a ``RunState`` and the present time, gives one object of plain JSON values whose keys are a contract
(docs/reference/machine-output.md and its schema). Times are RFC 3339 in UTC, durations seconds, states lower
case; what is not known is null, which is never zero. Outputs kept in blobs are put in by ``load``. Must not
read files or the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from actorflow.ids import TaskId
from actorflow.monitor.order import order_of
from actorflow.monitor.progress import waits_for
from actorflow.monitor.services import (
    budget_report,
    limits_report,
    parked_report,
    paused_report,
    spending_report,
)
from actorflow.monitor.times import microseconds, rfc3339
from actorflow.state.events import BlobRef, Failure
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.status import TaskStatus
from actorflow.values import Frozen, JSONValue, thaw

__all__ = ["LoadOutput", "blob_reference", "run_report", "task_report"]

LoadOutput: TypeAlias = Callable[[BlobRef], JSONValue]
"""Gives the output behind a reference."""


def blob_reference(ref: BlobRef) -> JSONValue:
    """Say which blob holds an output, instead of the output: ``{"$blob": sha256, "size": bytes}``."""
    return {"$blob": ref.sha256, "size": ref.size}


def run_report(
    state: RunState,
    *,
    now: float,
    order: Sequence[TaskId] = (),
    status: str = "",
    load: LoadOutput = blob_reference,
    outputs: Mapping[TaskId, Frozen | BlobRef] | None = None,
) -> dict[str, Any]:
    """Return the report of a run.

    Args:
        now: Unix seconds; durations of what still runs count up to it.
        order: all tasks, as the workflow declares them; worked out from the graph when it is not given.
        status: the run's status when a reader of the journal alone cannot know it (``interrupted``).
        load: gives outputs that live in blobs; a reference to the blob stands in their place by default.
        outputs: the tasks' outputs, when ``state`` is without them.
    """
    tasks, hooks = {}, {}
    known = dict(state.tasks.items())  # a persistent map is slow to look things up in
    for task_id in order or order_of(state):
        task = known[task_id]
        output = task.output if outputs is None else outputs.get(task_id)
        report = _task_report(task, state, known, output, now=now, load=load)
        if task.hook:
            hooks[task_id] = {"hook": task.hook, **report}
        else:
            tasks[task_id] = report
    return {
        "run_id": state.run_id,
        "workflow": state.workflow,
        "mode": state.mode,
        "status": status or _run_status(state),
        "started_at": _moment(state.started_at),
        "finished_at": _moment(state.ended_at),
        "duration": _duration(state.started_at, state.ended_at, now),
        "inputs": thaw(state.inputs),
        "tasks": tasks,
        "hooks": hooks,
        "paused": paused_report(state),
        **parked_report(state),
        "limits": limits_report(state),
        "no_room": state.no_room or None,
        "cancelled_by": state.cancelled_by,
        "error": _error(state.failure),
        "budget": budget_report(state),
        **spending_report(state),
    }


def task_report(
    task: TaskState, state: RunState, *, now: float, load: LoadOutput = blob_reference
) -> dict[str, Any]:
    """Return the report of one task; see ``run_report``."""
    return _task_report(task, state, state.tasks, task.output, now=now, load=load)


def _task_report(
    task: TaskState,
    state: RunState,
    known: Mapping[TaskId, TaskState],
    output: Frozen | BlobRef,
    *,
    now: float,
    load: LoadOutput,
) -> dict[str, Any]:
    is_pending = task.status is TaskStatus.PENDING
    return {
        "status": task.status.value,
        "reason": None if task.reason is None else task.reason.value,
        "agent": task.agent or task.agents[0],
        "attempts": task.attempts,
        "started_at": _moment(task.started_at),
        "finished_at": _moment(task.finished_at),
        "duration": _duration(task.started_at, task.finished_at, now),
        "output": thaw(load(output) if isinstance(output, BlobRef) else output),
        "error": _error(task.error),
        "cost_usd": task.cost_usd,
        "tokens": task.tokens,
        "sub_state": None if task.waiting is None else task.waiting.value,
        "due_at": _moment(task.due_at),
        "waits_for": waits_for(task, state, known) or None if is_pending else None,
        "notes": list(task.notes),
    }


def _error(failure: Failure | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    return {"kind": failure.kind, "message": failure.message, "hint": failure.hint}


def _run_status(state: RunState) -> str:
    return "pending" if state.status is None else state.status.value


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339(seconds)


def _duration(start: float | None, end: float | None, now: float) -> float | None:
    if start is None:
        return None
    return max(0, microseconds(now if end is None else end) - microseconds(start)) / 1_000_000
