"""A run's journal, of which only as much is read as a question needs.

To read, verify and fold the events of ten thousand tasks takes a fifth of a second, most of it the folding; a
question about one task needs the events about it and a few others, and those about the run. ``RunReading``
gives the events about some tasks as a history of its own: one that can be folded, because tasks meet only in
the decisions, which are in the history already. Counters of such a state count those tasks only. What is read
is verified; a journal of up to 2,000 events is verified as a whole, and so is any that turns out to make no
sense (ADR 17). Reads only; needs no trio.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

from actorflow.api.stored_output import stored_output
from actorflow.engine.records import read_records
from actorflow.engine.snapshots import folded_from_snapshot
from actorflow.errors import InputError, JournalError, RunError
from actorflow.ids import RunId, TaskId
from actorflow.journal import Driver, JournalReader, Record, RunFolder, RunStore, who_drives
from actorflow.settings import Settings
from actorflow.state import IllegalTransition, RunState, fold
from actorflow.state import events as ev
from actorflow.state.events import BlobRef, TaskEntry
from actorflow.state.pinned_spec import pinned_spec
from actorflow.state.recorded import Recorded
from actorflow.values import Frozen

__all__ = ["RunReading", "read_run"]

_VERIFIED_WHOLE: Final = 2000
"""Events; to verify so many takes no time that anybody notices. Longer journals have snapshots, too."""

_ABOUT: Final = re.compile(rb'\{"type":"[A-Za-z]+","task":"([A-Za-z0-9_-]+)"')
"""How the record of an event about a task begins; one that is written in another way is decoded to find out."""

_ENDS: Final = frozenset(
    {"AttemptSucceeded", "AttemptFailed", "AttemptLost", "AttemptCancelled", "AttemptRequeued"}
)


class RunReading:
    """A run as its journal had it at one moment. Made by ``read_run``, and of use as long as that is open.

    Attributes:
        accepted: its spec: the first event, with what a later ``SpecChanged`` says in its place.
        accepted_at: when the first event was recorded, Unix seconds.
        entries: task -> what the spec says of it, as the workflow declares them.
        driver: who drives it; None when nobody does.
    """

    def __init__(self, folder: RunFolder, driver: Driver | None, reader: JournalReader) -> None:
        self.run_id: RunId = folder.run_id
        self.folder: Path = folder.path
        self.driver = driver
        self._reader = reader
        self._head = reader.head()
        if self._head <= _VERIFIED_WHOLE:
            reader.read(limit=self._head)
        first = _decoded(reader.read(limit=1))
        if not first or not isinstance(first[0].event, ev.RunAccepted):
            hint = "its command was stopped before anything happened"
            raise RunError(f"run {folder.run_id} was never begun", hint=hint)
        self._first = first[0]
        self.accepted_at = first[0].at
        changed = reader.last_of("SpecChanged", upto=self._head)
        self.accepted = pinned_spec((*first, *_decoded([changed] if changed else []))) or first[0].event
        self.entries: dict[TaskId, TaskEntry] = {entry.id: entry for entry in self.accepted.tasks}

    def entry(self, task: str) -> TaskEntry:
        """Return what the spec says of a task.

        Raises:
            InputError: the run has no such task.
        """
        if task in self.entries:
            return self.entries[TaskId(task)]
        import difflib

        close = difflib.get_close_matches(task, self.entries, n=1)
        shown = ", ".join(list(self.entries)[:10]) + (" …" if len(self.entries) > 10 else "")
        hint = f"did you mean {close[0]!r}?" if close else f"its tasks are: {shown}"
        raise InputError(f"run {self.run_id} has no task {task!r}", hint=hint)

    def about(self, tasks: Collection[TaskId]) -> tuple[Recorded, ...]:
        """Return the events about ``tasks`` and about the run, as if it had no other tasks."""
        chosen = frozenset(tasks)
        records = self._reader.read_about(chosen, after=1, upto=self._head)  # the first is decoded already
        decoded = _decoded(r for r in records if (task := _task_of(r)) is None or task in chosen)
        return tuple(_cut(recorded, chosen) for recorded in (self._first, *decoded))

    @cached_property
    def last_kinds(self) -> dict[TaskId, str]:
        """Task -> the kind of the last event about it."""
        kinds: dict[TaskId, str] = {}
        for _, kind, task, resumed in self._headlines():
            kinds.update(dict.fromkeys(resumed, kind) if task is None else {task: kind})
        return kinds

    @cached_property
    def open_attempts(self) -> frozenset[TaskId]:
        """Tasks whose latest attempt has not ended."""
        is_open: set[TaskId] = set()
        for _, kind, task, _ in self._headlines("AttemptStarted", *_ENDS):
            if task is not None and kind == "AttemptStarted":
                is_open.add(task)
            elif task is not None:
                is_open.discard(task)
        return frozenset(is_open)

    def failed_before(self, sequence: int) -> tuple[TaskId, ...]:
        """Return the tasks that were FAILED just before the event ``sequence``, in the order in which they failed."""
        failed: dict[TaskId, None] = {}
        for at, kind, task, _ in self._headlines("TaskFailed", "TaskSkipped", "RunResumed"):
            if at >= sequence:
                break
            if task is None:
                failed.clear()  # a resume: every FAILED task is PENDING again
                continue
            failed.pop(task, None)
            if kind == "TaskFailed":
                failed[task] = None
        hooks = {entry.id for entry in self.accepted.tasks if entry.hook}
        return tuple(task for task in failed if task not in hooks)

    def state(self, tasks: Collection[TaskId]) -> RunState:
        """Return the latest state of ``tasks``; all others are left out of it, and of its counters."""
        return fold(((recorded.at, recorded.event) for recorded in self.about(tasks)), is_final=True)

    def latest(self) -> RunState | None:
        """Return the latest state of all tasks, without outputs, when the run has a snapshot to have it from soon."""
        found = folded_from_snapshot(self._reader, self.folder, upto=self._head)
        return None if found is None else found.state

    def moved_since(self, sequence: int) -> set[TaskId] | None:
        """Return the tasks that an event after ``sequence`` is about; None when the spec has changed since."""
        changed = self._reader.last_of("SpecChanged", upto=self._head)
        if changed is not None and changed.sequence > sequence:
            return None
        moved: set[TaskId] = set()
        for _, _, task, resumed in self._headlines(after=sequence):
            moved.update(resumed if task is None else (task,))
        return moved

    def output(self, ref: BlobRef) -> Frozen:
        """Return an output that lives in a blob; raises JournalError when it is missing or damaged."""
        return stored_output(self.folder, ref)

    def _headlines(
        self, *kinds: str, after: int = 0
    ) -> Iterator[tuple[int, str, TaskId | None, tuple[TaskId, ...]]]:
        """Yield sequence, kind and task of each event of some kinds, or of all, that is about a task; and of a resume, with its tasks."""
        for sequence, kind, subject, body in self._reader.headlines(kinds, after=after, upto=self._head):
            if subject is not None:
                yield sequence, kind, TaskId(subject), ()
            elif body is not None and sequence > 1:
                event = _decoded([Record(sequence, 0, 0, kind, body)])[0].event
                if isinstance(event, ev.RunResumed):
                    yield sequence, kind, None, event.tasks
                elif (task := getattr(event, "task", None)) is not None:
                    yield sequence, kind, task, ()


@contextmanager
def read_run(run: str, *, settings: Settings) -> Iterator[RunReading]:
    """Open a run's journal for questions about it.

    Args:
        run: an id, a unique prefix of one, or ``last``.

    Raises:
        RunError: there is no such run, or it was never accepted.
        JournalError: its journal cannot be read or is damaged; also inside the context.
    """
    store = RunStore(settings.state_dir)
    folder = store.open(store.resolve(run))
    driver = who_drives(folder.path)  # before the journal, as in ``inspect``
    with JournalReader.open(folder.path) as reader:
        try:
            yield RunReading(folder, driver, reader)
        except (JournalError, IllegalTransition):
            reader.read()  # it may not be whole: then this says which event is the first that is wrong
            raise


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
