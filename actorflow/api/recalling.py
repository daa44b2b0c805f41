"""``context``: what the expressions of a task could see, at any moment of any run.

The events up to the moment are folded again; what is shown is what a snapshot for the task would have held:
the run, inputs, variables, and the records of the tasks before it. Secrets are no part of a run and are never
shown. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from actorflow.api.reading import RunReading, read_run
from actorflow.errors import InputError, JournalError
from actorflow.ids import TaskId
from actorflow.monitor.differences import Change, changes
from actorflow.monitor.report import LoadOutput, blob_reference
from actorflow.settings import Settings
from actorflow.state import RunState, apply
from actorflow.state import events as ev
from actorflow.state.events import BlobRef, TaskEntry
from actorflow.state.recorded import Recorded
from actorflow.state.run_state import EMPTY
from actorflow.state.snapshot import run_record
from actorflow.state.transitions import record_of
from actorflow.values import JSONValue, thaw

__all__ = ["Context", "ContextDifference", "compare_contexts", "context"]


@dataclass(frozen=True, slots=True)
class Context:
    """What could be seen.

    Attributes:
        task: who looks; None for the run as it is now.
        attempt: which attempt of it; None when none had started.
        sequence: the last event that had been recorded.
        values: ``run``, ``inputs``, ``vars`` and ``tasks``, plain JSON values.
        problems: what is wrong with large outputs that could not be read; a reference stands in their place.
    """

    run_id: str
    task: TaskId | None
    attempt: int | None
    sequence: int
    values: dict[str, Any]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContextDifference:
    """How what two tasks of one run saw differs."""

    run_id: str
    changes: tuple[Change, ...]


def context(run: str, at: str | None, *, settings: Settings) -> Context:
    """Return what expressions saw.

    Args:
        run: an id, a unique prefix of one, or ``last``.
        at: a task, at the start of its latest attempt or when it was skipped; ``TASK:2`` is its second
            attempt; None is the run as it is now.

    Raises:
        RunError: there is no such run.
        InputError: it has no such task, or the task had no such attempt.
        JournalError: its journal cannot be read or is damaged.
    """
    problems: list[str] = []
    with read_run(run, settings=settings) as reading:

        def load(ref: BlobRef) -> JSONValue:
            try:
                return reading.output(ref)
            except JournalError as error:
                problems.append(error.message)
                return blob_reference(ref)

        found = _context(reading, at, load)
    return replace(found, problems=tuple(problems))


def compare_contexts(run: str, first: str, second: str, *, settings: Settings) -> ContextDifference:
    """Compare what task ``second`` saw with what task ``first`` saw; see ``context``. Large outputs are compared by their names."""
    with read_run(run, settings=settings) as reading:
        before, after = (_context(reading, at, blob_reference).values for at in (first, second))
    return ContextDifference(reading.run_id, tuple(changes(before, after)))


def _context(reading: RunReading, at: str | None, load: LoadOutput) -> Context:
    if at is None:
        state = reading.state(list(reading.entries))
        done = [task for task in reading.entries if state.tasks[task].status.is_terminal]
        return Context(reading.run_id, None, None, state.sequence, _values(state, done, load))
    name, _, number = at.partition(":")
    entry = reading.entry(name)
    wanted = _number(at, number)
    seen = _ancestors(reading, entry)
    events = reading.about({entry.id, *seen})
    moment, attempt = _moment(events, entry.id, wanted)
    if wanted is not None and attempt != wanted:
        raise InputError(f"task {name!r} of run {reading.run_id} had no attempt {wanted}")
    before = [recorded for recorded in events if moment is None or recorded.sequence < moment.sequence]
    state = EMPTY
    for recorded in before:
        state = apply(state, recorded.event, recorded.at)
    last = before[-1].sequence if before else 0
    last = last if moment is None else moment.sequence - 1
    known = [task for task in seen if task in state.tasks]  # a changed spec may have added some since
    return Context(reading.run_id, entry.id, attempt, last, _values(state, known, load))


def _number(at: str, text: str) -> int | None:
    if not text and ":" not in at:
        return None
    if not text.isascii() or not text.isdigit():
        raise InputError(f"{at!r} names no attempt", hint="write TASK, or TASK:2 for its second attempt")
    return int(text)


def _moment(
    events: Iterable[Recorded], task: TaskId, wanted: int | None
) -> tuple[Recorded | None, int | None]:
    """Return the event at which the task looked, and the attempt that began with it; (None, None): it has not looked yet."""
    found: tuple[Recorded | None, int | None] = (None, None)
    for recorded in events:
        event = recorded.event
        if isinstance(event, ev.RunResumed) and task in event.tasks and wanted is None:
            found = (None, None)
        elif isinstance(event, ev.AttemptStarted) and event.task == task and wanted in (None, event.attempt):
            found = (recorded, event.attempt)
        elif (
            isinstance(event, ev.TaskSkipped | ev.TaskFailed | ev.TaskCancelled)
            and event.task == task
            and found[0] is None
            and wanted is None
        ):
            found = (recorded, None)
    return found


def _ancestors(reading: RunReading, entry: TaskEntry) -> list[TaskId]:
    """Return the tasks that an expression of the task may read, in the order of the workflow."""
    entries = reading.entries
    if entry.hook:
        return [task for task in entries if entry.hook != "on_start" and not entries[task].hook]
    found: set[TaskId] = set()
    waiting = list(entry.dependencies)
    while waiting:
        task = waiting.pop()
        if task not in found:
            found.add(task)
            waiting += entries[task].dependencies
    return [task for task in entries if task in found]


def _values(state: RunState, tasks: Iterable[TaskId], load: LoadOutput) -> dict[str, Any]:
    return {
        "run": thaw(run_record(state)),
        "inputs": thaw(state.inputs),
        "vars": thaw(state.variables),
        "tasks": {task: _record(state, task, load) for task in tasks},
    }


def _record(state: RunState, task: TaskId, load: LoadOutput) -> dict[str, Any]:
    record = dict(record_of(state.tasks[task]))
    if isinstance(record["output"], BlobRef):
        record["output"] = load(record["output"])
    return {name: thaw(value) for name, value in record.items()}
