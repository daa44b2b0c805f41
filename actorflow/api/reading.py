"""A run's journal read once, of which only as much is decoded as a question needs.

Folding the events of ten thousand tasks takes most of a second; a question about one task needs the events
about it and a few others, and those about the run. ``RunReading`` knows for every task, from the kinds of its
records alone, how it stands, and gives the events about some tasks as a history of its own: one that can be
folded, because tasks meet only in the decisions, which are in the history already. Counters of such a state
count those tasks only. Reads only; needs no trio.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from actorflow.engine.records import read_records
from actorflow.errors import InputError, JournalError, RunError
from actorflow.ids import RunId, TaskId
from actorflow.journal import BlobStore, Driver, JournalReader, Record, RunStore, who_drives
from actorflow.settings import Settings
from actorflow.state import RunState, fold
from actorflow.state import events as ev
from actorflow.state.events import BlobRef, TaskEntry
from actorflow.state.pinned_spec import pinned_spec
from actorflow.state.recorded import Recorded
from actorflow.values import Frozen, freeze

__all__ = ["RunReading", "read_run"]

_ABOUT: Final = re.compile(rb'\{"type":"[A-Za-z]+","task":"([A-Za-z0-9_-]+)"')
"""How the record of an event about a task begins; one that is written in another way is decoded to find out."""

_ENDS: Final = frozenset(
    {"AttemptSucceeded", "AttemptFailed", "AttemptLost", "AttemptCancelled", "AttemptRequeued"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReading:
    """A run as its journal had it at one moment.

    Attributes:
        accepted: its spec: the first event, with what a later ``SpecChanged`` says in its place.
        accepted_at: when the first event was recorded, Unix seconds.
        entries: task -> what the spec says of it, as the workflow declares them.
        driver: who drives it; None when nobody does.
        last_kinds: task -> the kind of the last event about it.
        open_attempts: tasks whose latest attempt has not ended.
    """

    run_id: RunId
    folder: Path
    driver: Driver | None
    accepted: ev.RunAccepted
    accepted_at: float
    entries: dict[TaskId, TaskEntry]
    last_kinds: dict[TaskId, str]
    open_attempts: frozenset[TaskId]
    _first: ev.RunAccepted = field(repr=False)
    _records: list[Record] = field(repr=False)
    _tasks: list[TaskId | None] = field(repr=False)

    def entry(self, task: str) -> TaskEntry:
        """Return what the spec says of a task.

        Raises:
            InputError: the run has no such task.
        """
        import difflib

        if task in self.entries:
            return self.entries[TaskId(task)]
        close = difflib.get_close_matches(task, self.entries, n=1)
        shown = ", ".join(list(self.entries)[:10]) + (" …" if len(self.entries) > 10 else "")
        hint = f"did you mean {close[0]!r}?" if close else f"its tasks are: {shown}"
        raise InputError(f"run {self.run_id} has no task {task!r}", hint=hint)

    def about(self, tasks: Collection[TaskId]) -> tuple[Recorded, ...]:
        """Return the events about ``tasks`` and about the run, as if it had no other tasks."""
        chosen = frozenset(tasks)
        pairs = zip(self._records[1:], self._tasks[1:], strict=True)
        decoded = _decoded(record for record, task in pairs if task is None or task in chosen)
        first = Recorded(1, self.accepted_at, self._first)  # the largest by far: decoded once is enough
        return tuple(_cut(recorded, chosen) for recorded in (first, *decoded))

    def failed_before(self, sequence: int) -> tuple[TaskId, ...]:
        """Return the tasks that were FAILED just before the event ``sequence``, in the order in which they failed."""
        failed: dict[TaskId, None] = {}
        for record, task in zip(self._records, self._tasks, strict=True):
            if record.sequence >= sequence:
                break
            if task is not None and record.kind in ("TaskFailed", "TaskSkipped"):
                failed.pop(task, None)
                if record.kind == "TaskFailed":
                    failed[task] = None
            elif record.kind == "RunResumed":
                failed.clear()  # every FAILED task is PENDING again
        hooks = {entry.id for entry in self.accepted.tasks if entry.hook}
        return tuple(task for task in failed if task not in hooks)

    def state(self, tasks: Collection[TaskId]) -> RunState:
        """Return the latest state of ``tasks``; all others are left out of it, and of its counters."""
        return fold((recorded.at, recorded.event) for recorded in self.about(tasks))

    def output(self, ref: BlobRef) -> Frozen:
        """Return an output that lives in a blob; raises JournalError when it is missing or damaged."""
        return freeze(msgspec.json.decode(BlobStore(self.folder / "blobs").get(ref.sha256)))


def read_run(run: str, *, settings: Settings) -> RunReading:
    """Read a run's journal.

    Args:
        run: an id, a unique prefix of one, or ``last``.

    Raises:
        RunError: there is no such run, or it was never accepted.
        JournalError: its journal cannot be read or is damaged.
    """
    store = RunStore(settings.state_dir)
    folder = store.open(store.resolve(run))
    driver = who_drives(folder.path)  # before the journal, as in ``inspect``
    with JournalReader.open(folder.path) as reader:
        records = reader.read()
    first = _decoded(records[:1])
    if not first or not isinstance(first[0].event, ev.RunAccepted):
        hint = "its command was stopped before anything happened"
        raise RunError(f"run {folder.run_id} was never begun", hint=hint)
    tasks = [None, *(_task_of(record) for record in records[1:])]
    kinds, is_open = _standings(records, tasks)
    changed = _decoded(record for record in records if record.kind == "SpecChanged")
    accepted = pinned_spec((first[0], *changed)) or first[0].event
    return RunReading(
        run_id=folder.run_id,
        folder=folder.path,
        driver=driver,
        accepted=accepted,
        accepted_at=first[0].at,
        entries={entry.id: entry for entry in accepted.tasks},
        last_kinds=kinds,
        open_attempts=is_open,
        _first=first[0].event,
        _records=records,
        _tasks=tasks,
    )


def _task_of(record: Record) -> TaskId | None:
    found = _ABOUT.match(record.body)
    if found is not None:
        return TaskId(found[1].decode())
    return getattr(_decoded([record])[0].event, "task", None)


def _decoded(records: Iterable[Record]) -> tuple[Recorded, ...]:
    """Decode records.

    Raises:
        JournalError: one of them is of a later version.
    """
    try:
        return read_records(records)
    except msgspec.MsgspecError as error:
        message = f"the journal holds an event that this actorflow does not know ({error})"
        raise JournalError(message, hint="read it with the version that wrote it") from error


def _standings(
    records: Iterable[Record], tasks: Iterable[TaskId | None]
) -> tuple[dict[TaskId, str], frozenset[TaskId]]:
    kinds: dict[TaskId, str] = {}
    is_open: set[TaskId] = set()
    for record, task in zip(records, tasks, strict=True):
        if task is None:
            if record.kind == "RunResumed":
                resumed = _decoded([record])[0].event
                if isinstance(resumed, ev.RunResumed):
                    kinds.update(dict.fromkeys(resumed.tasks, record.kind))
            continue
        kinds[task] = record.kind
        if record.kind == "AttemptStarted":
            is_open.add(task)
        elif record.kind in _ENDS:
            is_open.discard(task)
    return kinds, frozenset(is_open)


def _cut(recorded: Recorded, tasks: Container[TaskId]) -> Recorded:
    """Return an event about the run with what it says of other tasks cut out."""
    event = recorded.event
    if isinstance(event, ev.RunAccepted | ev.SpecChanged):
        kept = tuple(entry for entry in event.tasks if entry.id in tasks)
        return Recorded(recorded.sequence, recorded.at, msgspec.structs.replace(event, tasks=kept))
    if isinstance(event, ev.RunResumed):
        named = tuple(task for task in event.tasks if task in tasks)
        return Recorded(recorded.sequence, recorded.at, msgspec.structs.replace(event, tasks=named))
    return recorded
