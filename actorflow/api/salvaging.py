"""``doctor RUN --salvage``: the good part of a damaged run, as a run of its own.

Takes the events that can be trusted, the large outputs that they name and that are whole, and what agents
wrote; makes a new run of them, which can be looked at and resumed like any other. The damaged run is not
changed. What is lost is told, task by task.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from actorflow.engine.records import read_records, records_of
from actorflow.errors import JournalError, RunError
from actorflow.ids import RunId, TaskId, make_run_id
from actorflow.journal import BlobStore, Lease, Record, RunFolder, RunStore, this_process
from actorflow.journal.copying import fill_database
from actorflow.journal.salvage import GoodPart, good_part
from actorflow.settings import Settings
from actorflow.state import EMPTY, IllegalTransition, RunState, apply
from actorflow.state import events as ev
from actorflow.state.recorded import Recorded

__all__ = ["Salvaged", "salvage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """What was saved, and what was not.

    Attributes:
        run_id: of the new run.
        events: how many of the old one's events it has.
        lost_events: how many are known to be lost at least; None when nobody can tell.
        damage: what is wrong with the old run's journal; "" when it is whole.
        lost_outputs: tasks whose large output is missing or damaged.
        interrupted: tasks that were at work where the good part ends.
    """

    run_id: RunId
    folder: Path
    events: int
    lost_events: int | None
    damage: str
    lost_outputs: tuple[TaskId, ...]
    interrupted: tuple[TaskId, ...]


def salvage(run: str, *, settings: Settings, into: Path | None = None) -> Salvaged:
    """Make a run of what can be trusted of another.

    Args:
        run: an id, a unique prefix of one, or ``last``.
        into: another state folder, where the run keeps its id; in its own one it gets a new id.

    Raises:
        RunError: there is no such run, nothing of it can be trusted, or ``into`` has a run of its id.
        RunLocked: somebody drives it.
        JournalError: the new run cannot be written.
    """
    store = RunStore(settings.state_dir)
    folder = store.open(store.resolve(run))
    now = int(time.time() * 1_000_000)
    with Lease.acquire(
        folder.path, folder.run_id, now=now, describe=this_process(now=now, command="salvage")
    ):
        return _salvage(folder, store if into is None else RunStore(into), is_copy=into is None)


def _salvage(folder: RunFolder, target: RunStore, *, is_copy: bool) -> Salvaged:
    part = good_part(folder.journal)
    events, state = _meaningful(part.records)
    if not events:
        raise RunError(
            f"nothing of run {folder.run_id} can be trusted",
            hint=f"{part.damage or 'it was never begun'}; start it again with 'actorflow run'",
        )
    run_id = make_run_id(time.time(), secrets.randbits(30)) if is_copy else folder.run_id
    records = part.records[: len(events)]
    if is_copy:
        records = [_renamed(records[0], events[0], run_id), *records[1:]]
    blobs, lost = _blobs(folder, events)

    def fill(made: RunFolder) -> None:
        for data in blobs:
            BlobStore(made.blobs).put(data)
        _copy_attempts(folder, made)
        fill_database(made.journal, records)

    made = target.create(run_id, fill)
    return Salvaged(
        run_id=run_id,
        folder=made.path,
        events=len(events),
        lost_events=_lost(part, len(events)),
        damage=part.damage,
        lost_outputs=lost,
        interrupted=tuple(sorted(task.id for task in state.tasks.values() if task.is_attempt_open)),
    )


def _meaningful(records: Sequence[Record]) -> tuple[list[Recorded], RunState]:
    """Return the events from the first on that this version understands and that follow from each other.

    A changed spec at the very end is left out: what was to run again because of it is not there.
    """
    events: list[Recorded] = []
    state = before = EMPTY
    for record in records:
        try:
            (recorded,) = read_records([record])
            before, state = state, apply(state, recorded.event, recorded.at)
        except (msgspec.MsgspecError, IllegalTransition, UnicodeDecodeError):
            break
        events.append(recorded)
    if events and isinstance(events[-1].event, ev.SpecChanged):
        return events[:-1], before
    return events, state


def _renamed(record: Record, first: Recorded, run_id: RunId) -> Record:
    """Return the first record as that of a run with another id."""
    accepted = first.event
    if not isinstance(accepted, ev.RunAccepted):
        raise RunError("the first event is another one", hint="nothing of it can be trusted")
    origin = accepted.salvaged_from or accepted.run_id
    (again,) = records_of([msgspec.structs.replace(accepted, run_id=run_id, salvaged_from=origin)], first.at)
    return Record(record.sequence, record.recorded_at, record.epoch, record.kind, again.body)


def _blobs(folder: RunFolder, events: Sequence[Recorded]) -> tuple[list[bytes], tuple[TaskId, ...]]:
    """Return the large outputs that are whole, and the tasks whose latest one is not."""
    store = BlobStore(folder.blobs)
    found: dict[str, bytes] = {}
    lost: dict[TaskId, None] = {}
    for recorded in events:
        event = recorded.event
        if not isinstance(event, ev.AttemptSucceeded):
            continue
        lost.pop(event.task, None)
        if event.blob is None:
            continue
        try:
            found[event.blob.sha256] = store.get(event.blob.sha256)
        except JournalError:
            lost[event.task] = None
    return list(found.values()), tuple(lost)


def _copy_attempts(folder: RunFolder, made: RunFolder) -> None:
    """Copy what agents wrote, as far as it can be read; links are neither followed nor copied."""
    if folder.attempts.is_symlink():
        return
    try:
        shutil.copytree(folder.attempts, made.attempts, symlinks=True, dirs_exist_ok=True, ignore=_links)
    except (OSError, shutil.Error):
        return  # the logs of attempts are no part of what a run is


def _links(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if Path(folder, name).is_symlink()]


def _lost(part: GoodPart, kept: int) -> int | None:
    if not part.damage and kept == len(part.records):
        return 0
    known = max(part.expected, len(part.records)) - kept
    return known if known > 0 else None
