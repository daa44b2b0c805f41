"""Snapshots of long journals: when one is made, and how a state is had from one and the events after it.

A journal of less than ``EVERY`` events is folded as it is. A longer one gets a snapshot each time that as many
events again have been added (or, in a run that is too quick for that, as many as it has tasks, so that they
cost little beside them), and one at its end. ``folded`` gives the state of a journal at any moment: the same,
to the byte, whether there is a snapshot or not. A snapshot that does not fit the journal is passed over.
"""

from __future__ import annotations

import gc
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from actorflow.engine.records import read_records
from actorflow.errors import JournalError
from actorflow.ids import TaskId
from actorflow.journal import JournalReader, Record
from actorflow.journal.snapshots import Snapshot, read_snapshot, remove_unfinished, write_snapshot
from actorflow.monitor.limits import attempt_limits
from actorflow.monitor.order import declared_order
from actorflow.state import EMPTY, RunState, fold
from actorflow.state.events import BlobRef, RunAccepted, SpecChanged
from actorflow.state.recorded import Recorded
from actorflow.state.saved import FORMAT, SavedState, load_state, put_outputs, save_state
from actorflow.values import Frozen

__all__ = [
    "EVERY",
    "Folded",
    "Keeper",
    "folded",
    "folded_after",
    "folded_from_snapshot",
    "folded_on",
    "restored",
    "saved_state",
]

EVERY = 2000
"""Events; a shorter journal has no snapshot, because folding it takes less time than anybody notices."""

_SHARE = 20
"""Between two snapshots lies this many times the processor time that the first one took: they cost a run a twentieth at most."""


class Folded(msgspec.Struct, frozen=True):
    """A state and what else the journal says of the run as a whole.

    Attributes:
        state: the state; without outputs and context when it was asked for without.
        order: its tasks as the workflow declares them, hooks last; () before the first event.
        limits: task -> its greatest number of attempts, where that is more than one.
    """

    state: RunState
    order: tuple[TaskId, ...]
    limits: Mapping[TaskId, int]
    _saved: SavedState | None = None
    _changed: frozenset[TaskId] = frozenset()

    def with_outputs(self, tasks: Sequence[TaskId]) -> RunState:
        """Return the state with the outputs of ``tasks``, when it was asked for without."""
        if self._saved is None:
            return self.state
        return msgspec.structs.replace(self.state, tasks=put_outputs(self.state.tasks, self.outputs(tasks)))

    def outputs(self, tasks: Sequence[TaskId]) -> dict[TaskId, Frozen | BlobRef]:
        """Return task -> its output, for those of ``tasks`` that have one; also when the state was asked for without."""
        known = dict(self.state.tasks.items()) if len(tasks) > 1 else self.state.tasks
        asked = [task for task in tasks if task in known]
        found: dict[TaskId, Frozen | BlobRef] = {}
        found |= {task: output for task in asked if (output := known[task].output) is not None}
        if self._saved is None:
            return found
        return found | self._saved.outputs([task for task in asked if task not in self._changed])


def folded(reader: JournalReader, run_dir: Path, *, whole: bool = True) -> Folded:
    """Return what the events of a journal fold to.

    Args:
        whole: with all outputs, and the context that expressions see.

    Raises:
        JournalError: the journal cannot be read, or is damaged: with a snapshot that fits, what is before it
            is not looked at.
        msgspec.MsgspecError: it holds an event that this version does not know.
    """
    found = folded_from_snapshot(reader, run_dir, whole=whole)
    if found is not None:
        return found
    with _no_collector():
        events = read_records(reader.read())
        state = fold(((recorded.at, recorded.event) for recorded in events), is_final=not whole)
    return _with_spec(Folded(state, (), {}), events)


def folded_from_snapshot(
    reader: JournalReader, run_dir: Path, *, whole: bool = False, upto: int | None = None
) -> Folded | None:
    """Return the same as ``folded``, or None when there is no snapshot that fits.

    Args:
        upto: the last event that counts; None means the journal's end.
    """
    saved = saved_state(run_dir, reader)
    if saved is None or (upto is not None and saved.state.sequence > upto):
        return None
    more = None if upto is None else upto - saved.state.sequence
    return folded_after(saved, read_records(reader.read(saved.state.sequence, more)), whole=whole)


def folded_after(saved: SavedState, tail: Sequence[Recorded], *, whole: bool) -> Folded:
    """Return what was saved with the events after it; see ``folded``."""
    with _no_collector():
        state = saved.whole() if whole else saved.state
    state = fold(((recorded.at, recorded.event) for recorded in tail), state, is_final=not whole)
    changed = saved.without_output(recorded.event for recorded in tail)
    base = Folded(state, saved.order, saved.limits, None if whole else saved, changed)
    return _with_spec(base, tail)


def _with_spec(base: Folded, events: Sequence[Recorded]) -> Folded:
    """Let the latest spec among ``events`` say the order and the limits."""
    specs = [recorded for recorded in events if isinstance(recorded.event, RunAccepted | SpecChanged)]
    if not specs:
        return base
    latest = specs[-1].event
    assert isinstance(latest, RunAccepted | SpecChanged)  # noqa: S101 (narrows the type)
    return replace(base, order=declared_order(specs), limits=attempt_limits(latest))


def saved_state(run_dir: Path, reader: JournalReader) -> SavedState | None:
    """Return what the run's snapshot holds, if there is one that fits the journal."""
    snapshot = read_snapshot(run_dir, FORMAT)
    if snapshot is None:
        return None
    try:
        if reader.checksum(snapshot.sequence) != snapshot.crc:
            return None
        with _no_collector():
            saved = load_state(snapshot.data)
    except (JournalError, msgspec.MsgspecError, ValueError, KeyError):  # the journal will say what is wrong
        return None
    return saved if saved.state.sequence == snapshot.sequence else None


def restored(run_dir: Path, records: Sequence[Record]) -> RunState:
    """Return what all records of a journal, verified, fold to; a snapshot that fits spares most of them.

    Raises:
        msgspec.MsgspecError: one of them is no event that this version knows.
    """
    saved = None
    if len(records) >= EVERY:
        with JournalReader.open(run_dir) as reader:
            saved = saved_state(run_dir, reader)
    with _no_collector():
        state = EMPTY if saved is None else saved.whole()
    return folded_on(state, records[state.sequence :])


def folded_on(state: RunState, records: Sequence[Record]) -> RunState:
    """Return the state after the records that come after ``state``."""
    with _no_collector():
        tail = read_records(records)
        return fold(((recorded.at, recorded.event) for recorded in tail), state)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Keep the garbage collector from looking again and again at what only grows: no cycle leads through it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Keeper:
    """Makes the snapshots of one run while it is driven.

    Args:
        run_dir: the run's folder.
        order: all tasks, hooks last.
        limits: task -> its greatest number of attempts, where that is more than one.
        sequence: where the journal ended when the drive began.
        clock: seconds, from any moment on.
        spent: seconds of the processor that the calling thread has used: what a snapshot takes from the run, whose
            own work goes on while its thread waits.
    """

    def __init__(
        self,
        run_dir: Path,
        order: Sequence[TaskId],
        limits: Mapping[TaskId, int],
        sequence: int = 0,
        *,
        clock: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        self._run_dir = run_dir
        self._order = order
        self._limits = limits
        self._every = max(EVERY, len(order))
        self._last = sequence if (run_dir / "snapshot").exists() else 0
        self._clock = clock
        self._spent = spent
        self._rests_until = -math.inf
        self._asked = 0
        self._saving = threading.Lock()
        remove_unfinished(run_dir)

    def is_due(self, state: RunState, *, at_end: bool = False) -> bool:
        """Whether enough has happened since the last one was made or, by this very question, asked for."""
        if at_end:
            least = 1 if self._last else EVERY
            return not self._saving.locked() and state.sequence - self._last >= least
        grown = state.sequence - max(self._last, self._asked)
        if grown < EVERY or (grown < self._every and self._clock() < self._rests_until):
            return False
        self._asked = state.sequence  # the thread that makes it may begin much later
        return True

    def saved(self) -> RunState:
        """Return what the snapshot holds, if there is one that fits the journal; else the state before the first event. Waits for the disk; never raises for it."""
        try:
            with JournalReader.open(self._run_dir) as reader:
                found = saved_state(self._run_dir, reader)
        except JournalError:  # whoever reads the journal next will say what is wrong
            return EMPTY
        with _no_collector():
            return EMPTY if found is None else found.whole()

    def save(self, state: RunState) -> None:
        """Make a snapshot of ``state``, all events of which are durable. Waits for the disk; never raises for it."""
        with self._saving:
            before = self._spent()
            self._save(state)
            self._rests_until = self._clock() + _SHARE * (self._spent() - before)

    def _save(self, state: RunState) -> None:
        if state.sequence <= self._last:
            return
        try:
            with JournalReader.open(self._run_dir) as reader:
                crc = reader.checksum(state.sequence)
            data = save_state(state, self._order, self._limits)
            write_snapshot(self._run_dir, Snapshot(FORMAT, state.sequence, crc, data))
            self._last = state.sequence
        except (
            OSError,
            JournalError,
            ValueError,
            TypeError,
        ) as error:  # it is a shortcut, and the journal is whole without it
            import logging  # of no use to those who only read a snapshot

            logging.getLogger("actorflow.engine").warning(
                "there is no snapshot of run %s at event %d: %s", state.run_id, state.sequence, error
            )
            self._last = state.sequence
